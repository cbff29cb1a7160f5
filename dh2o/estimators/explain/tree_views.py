"""What trees say about each row: leaves, asked features, staged predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.explain.passes import OutColumn, RowView, view_frame
from dh2o.frame import Frame
from dh2o.models import Model
from dh2o.models.columns import Columns
from dh2o.models.explain.leaves import (
    leaf_codes,
    node_numbers,
    path_codes,
    path_domains,
    tree_column_names,
)
from dh2o.models.explain.raw_score import tree_model_of
from dh2o.models.explain.staged import staged_names, staged_scores
from dh2o.models.explain.walk import feature_counts
from dh2o.models.tree_model import TreeModel

__all__ = ["feature_frequencies", "leaf_assignment", "staged_predictions"]

LEAF_TYPES = ("Path", "Node_ID")


@dataclass(frozen=True)
class LeafPaths(RowView):
    """The way to the leaf of each tree, an enum."""

    codes: NDArray[np.int32]

    def columns(self, model: TreeModel) -> list[OutColumn]:
        names = tree_column_names(model.forest, model.output.n_classes)
        domains = path_domains(model.forest)
        return [OutColumn(n, domain) for n, domain in zip(names, domains, strict=True)]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        return list(leaf_codes(model.forest, self.codes, model.tree_rows(columns)))


class LeafNumbers(RowView):
    """The number of the leaf in each tree."""

    def columns(self, model: TreeModel) -> list[OutColumn]:
        return [OutColumn(n) for n in tree_column_names(model.forest, model.output.n_classes)]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        return list(node_numbers(model.forest, model.tree_rows(columns)).astype(np.float64))


class AskedFeatures(RowView):
    """How often each feature is asked about on the paths of a row."""

    def columns(self, model: TreeModel) -> list[OutColumn]:
        return [OutColumn(name) for name in model.features]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        return list(np.ascontiguousarray(feature_counts(model.forest, model.tree_rows(columns)).T))


class Stages(RowView):
    """Predictions with the first trees only."""

    def columns(self, model: TreeModel) -> list[OutColumn]:
        return [OutColumn(name) for name in staged_names(model)]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        return list(staged_scores(model, columns))


def leaf_assignment(model: Model, frame: Frame, kind: str = "Path") -> Frame:
    """Return the leaf of each row in each tree: ``Path`` (such as LRL) or ``Node_ID``."""
    trees = tree_model_of(model, "predict_leaf_node_assignment")
    if kind not in LEAF_TYPES:
        raise ParameterError(f"type: expected one of {', '.join(LEAF_TYPES)}, got {kind!r}.")
    view = LeafPaths(path_codes(trees.forest)) if kind == "Path" else LeafNumbers()
    return view_frame(trees, frame, view)


def feature_frequencies(model: Model, frame: Frame) -> Frame:
    """Return how often each feature is asked about on the paths of each row, over all trees."""
    return view_frame(tree_model_of(model, "feature_frequencies"), frame, AskedFeatures())


def staged_predictions(model: Model, frame: Frame) -> Frame:
    """Return the probabilities (of a regression: predictions) after each further tree."""
    trees = tree_model_of(model, "staged_predict_proba")
    if not hasattr(trees, "init_f"):
        raise ModelError(
            f"staged_predict_proba: {model.algo_full_name} models are not built in stages. "
            "Gradient boosting models are."
        )
    return view_frame(trees, frame, Stages())
