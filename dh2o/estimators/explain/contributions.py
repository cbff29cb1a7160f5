"""Frames of feature contributions (SHAP)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.explain.passes import OutColumn, RowView, view_frame
from dh2o.estimators.explain.references import Reference, reference_contributions
from dh2o.frame import Frame
from dh2o.models import Model
from dh2o.models.columns import Columns
from dh2o.models.explain.contributions import (
    BIAS,
    Ranking,
    contribution_names,
    contributions,
)
from dh2o.models.explain.raw_score import raw_score_of, tree_model_of
from dh2o.models.tree_model import TreeModel

__all__ = ["OUTPUT_FORMATS", "contribution_frame"]

OUTPUT_FORMATS = ("Original", "Compact")


class AllContributions(RowView):
    """One column a feature, and the bias."""

    def columns(self, model: TreeModel) -> list[OutColumn]:
        return [OutColumn(name) for name in contribution_names(model)]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        return list(np.ascontiguousarray(contributions(model, columns).T))


@dataclass(frozen=True)
class RankedContributions(RowView):
    """The largest or smallest contributions of each row: which feature, and how much."""

    ranking: Ranking

    def columns(self, model: TreeModel) -> list[OutColumn]:
        features = (*model.features, BIAS)
        return [
            OutColumn(name, features if "_feature_" in name else None)
            for name in self.ranking.names(len(model.features))
        ]

    def values(self, model: TreeModel, columns: Columns) -> list[NDArray[Any]]:
        which, how_much, bias = self.ranking.ranked(contributions(model, columns))
        pairs = zip(which, how_much, strict=True)
        return [*(values for pair in pairs for values in pair), bias]


def contribution_frame(  # H2O's options
    model: Model,
    frame: Frame,
    *,
    output_format: str | None = None,
    ranking: Ranking | None = None,
    background: Frame | None = None,
    output_space: bool = False,
    per_reference: bool = False,
) -> Frame:
    """Return exact Shapley values of each row of `frame`.

    Without `background`, those of the trees' own training rows (path-dependent TreeSHAP); with
    one, those against its rows, averaged, or one row each if `per_reference`. They and the last
    column, BiasTerm, add up to the prediction before the inverse link; with `output_space` they
    are scaled so that they add up to the prediction itself.
    """
    if output_format is not None and output_format not in OUTPUT_FORMATS:
        wanted = ", ".join(OUTPUT_FORMATS)
        raise ParameterError(f"output_format: expected one of {wanted}, got {output_format!r}.")
    ranking = ranking or Ranking()
    if background is not None:
        if ranking.is_wanted:
            raise ParameterError("top_n, bottom_n: not available with a background_frame.")
        how = Reference(output_format == "Compact", output_space, per_reference)
        return reference_contributions(model, frame, background, how)
    if per_reference:
        raise ParameterError("output_per_reference: give a background_frame.")
    if not isinstance(model, TreeModel) and hasattr(model, "design"):
        raise ModelError(
            "predict_contributions: a GLM supports contributions only with a background_frame."
        )
    trees = tree_model_of(model, "predict_contributions")
    if output_space:
        raise ParameterError("output_space: give a background_frame.")
    if not ranking.is_wanted:
        return view_frame(trees, frame, AllContributions())
    if len(raw_score_of(trees).classes) > 1:
        raise ParameterError("top_n, bottom_n: a model of several classes has no one order.")
    return view_frame(trees, frame, RankedContributions(ranking))
