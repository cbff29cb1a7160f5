"""Predictions of a boosted model with its first trees only."""

from __future__ import annotations

import numpy as np

from dh2o.models.columns import F64, Columns
from dh2o.models.explain.leaves import tree_column_names
from dh2o.models.explain.walk import leaf_nodes
from dh2o.models.tree_model import TreeModel

__all__ = ["staged_names", "staged_scores"]


def staged_names(model: TreeModel) -> list[str]:
    """Return the columns of `staged_scores`: ``T1``, or ``T1.C1`` where classes are predicted."""
    return tree_column_names(model.forest, model.output.n_classes)


def staged_scores(model: TreeModel, columns: Columns) -> F64:
    """Return the prediction after each tree, shape (columns, n_rows).

    Of two classes it is the first one's probability, as in H2O; the offset is left out, as there.
    """
    from dh2o.models.gbm import response_scale

    forest = model.forest
    init_f, distribution = getattr(model, "init_f", 0.0), getattr(model, "distribution", "gaussian")
    leaves = leaf_nodes(forest, model.tree_rows(columns))
    out = np.empty((len(leaves), columns.n_rows))
    f = np.full((forest.n_classes, columns.n_rows), float(init_f))
    for tree in range(forest.n_trees):
        here = slice(tree * forest.n_classes, (tree + 1) * forest.n_classes)
        f += forest.values[leaves[here]]
        scores = response_scale(distribution, f)
        if model.output.category.is_classifier:
            scores = model.corrected(scores)
        out[here] = scores[:, : forest.n_classes].T
    return out
