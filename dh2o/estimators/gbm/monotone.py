"""Monotone constraints: leaf values kept in order across every constrained split."""

from __future__ import annotations

import numpy as np

from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.raw_tree import RawTree

__all__ = ["monotone_values"]


def monotone_values(tree: RawTree, values: F64, weights: F64, signs: F64) -> F64:
    """Return the values of `tree.leaves`, clipped so that the tree is monotone.

    At a split on a feature with a sign, all leaves on one side stay below, all on the other above
    the middle of the two sides' mean values.  ``weights`` are those of all nodes, ``signs[f]`` is
    1, -1 or 0.  The search for splits keeps the means in order, so the middle is rarely crossed.
    """
    left = tree.nodes[:, 2].astype(np.int64)
    inner = np.flatnonzero(left >= 0)
    means = np.zeros(tree.n_nodes)
    means[tree.leaves] = values
    for k in inner[::-1]:  # children come after their parent
        pair = slice(left[k], left[k] + 2)
        means[k] = np.average(means[pair], weights=weights[pair])
    low, high = np.full(tree.n_nodes, -np.inf), np.full(tree.n_nodes, np.inf)
    for k in inner:
        below = left[k]
        above = below + 1
        low[below : above + 1], high[below : above + 1] = low[k], high[k]
        sign = signs[tree.features[k]]
        if sign == 0:
            continue
        if sign < 0:
            below, above = above, below
        middle = (means[below] + means[above]) / 2 if means[below] <= means[above] else means[k]
        middle = min(max(middle, low[k]), high[k])
        high[below], low[above] = middle, middle
    return np.clip(values, low[tree.leaves], high[tree.leaves])
