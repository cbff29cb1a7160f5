"""The summary of an extended isolation forest."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import I64
from dh2o.models import ModelParameters, TwoDimTable
from dh2o.models.oblique_forest import ObliqueForest

__all__ = ["summary_table"]


def summary_table(forest: ObliqueForest, params: ModelParameters, seed: int) -> TwoDimTable:
    """Return H2O's model summary: sizes, and what the leaves of the trees hold.

    A point is isolated if it is alone in its leaf; a zero split is a cut with no row on one side.
    """
    columns: dict[str, Any] = {
        "": ("string", [""]),
        "number_of_trees": ("int", [forest.n_trees]),
        "size_of_subsample": ("int", [params["sample_size"]]),
        "extension_level": ("int", [params["extension_level"]]),
        "seed": ("long", [seed]),
        "number_of_trained_trees": ("long", [forest.n_trees]),
    }
    tree = np.repeat(np.arange(forest.n_trees), np.diff(forest.starts))
    leaf = forest.left < 0
    n, rows = forest.n_trees, forest.counts
    depths = np.zeros(n, np.int64)
    np.maximum.at(depths, tree, forest.depths)
    facts: dict[str, I64] = {
        "depth": depths,
        "leaves": np.bincount(tree[leaf], minlength=n),
        "isolated_point": np.bincount(tree[leaf & (rows == 1)], minlength=n),
        "not_isolated_point": np.bincount(
            tree[leaf], np.where(rows[leaf] > 1, rows[leaf], 0), n
        ).astype(np.int64),
        "zero_splits": np.bincount(tree[leaf & (rows == 0)], minlength=n),
    }
    for name, found in facts.items():
        columns[f"min_{name}"] = ("long", [int(found.min())])
        columns[f"max_{name}"] = ("long", [int(found.max())])
        columns[f"mean_{name}"] = ("float", [float(found.mean())])
    return TwoDimTable.of("Model Summary", columns)
