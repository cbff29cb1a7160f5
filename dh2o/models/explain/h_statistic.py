"""Friedman and Popescu's H: the part of a joint effect that is more than the single effects.

Partial dependence is read off the trees: where a feature that is not looked at is split, both
sides count by their training weight. (Friedman & Popescu 2008, section 8.1.)
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from dh2o.compiled import njit
from dh2o.models.explain.walk import goes_right, walk_of
from dh2o.models.forest import F32, F64, I32, I64, U8, Forest

__all__ = ["h_statistic"]


def h_statistic(forest: Forest, x: F64, features: tuple[int, ...]) -> float:
    """Return H of `features`, 0 for no interaction; NaN where rounding outweighs the effects.

    IN: `x` as `TreeModel.tree_rows` makes it. Of several classes the first is looked at, as in H2O.
    """
    rows, counts = np.unique(x[:, list(features)], axis=0, return_counts=True, equal_nan=True)
    grid = np.zeros((len(rows), x.shape[1]))
    grid[:, list(features)] = rows
    joint = np.zeros(len(rows))
    parts: F64 = np.zeros(len(rows))
    for size in range(len(features), 0, -1):
        sign = 1.0 if (len(features) - size) % 2 == 0 else -1.0
        for some in combinations(features, size):
            effect = _centred(_partial(forest, grid, some), counts)
            if size == len(features):
                joint = effect
            parts = parts + sign * effect
    over, under = float((counts * parts**2).sum()), float((counts * joint**2).sum())
    return math.sqrt(over / under) if over < under else math.nan


def _centred(values: F64, counts: I64) -> F64:
    return values - float((counts * values).sum()) / counts.sum()


def _partial(forest: Forest, grid: F64, features: tuple[int, ...]) -> F64:
    w = walk_of(forest)
    known = np.zeros(forest.n_features, np.bool_)
    known[list(features)] = True
    out = np.zeros(len(grid))
    roots = np.ascontiguousarray(w.roots[:: forest.n_classes])
    room = np.int64(np.diff(forest.starts).max(initial=1)) + 1
    _add_partial(
        grid, known, roots, w.features, w.thresholds, w.left, w.flags, w.bit_starts, w.n_bits,
        w.bits, forest.values, forest.weights, np.empty(room, np.int64), np.empty(room), out,
    )  # fmt: skip
    return out


@njit(nogil=True, cache=True)
def _add_partial(  # noqa: PLR0913, PLR0917
    x: F64,
    known: np.ndarray,
    roots: I64,
    features: I32,
    thresholds: F32,
    left: I64,
    flags: U8,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    values: F32,
    weights: F32,
    nodes: I64,
    shares: F64,
    out: F64,
) -> None:
    """out[i] += value of each tree at row i, averaged over the features that are not known."""
    for t in range(roots.size):
        for i in range(x.shape[0]):
            size = 1
            nodes[0], shares[0] = roots[t], 1.0
            while size > 0:
                size -= 1
                k, share = nodes[size], shares[size]
                f = features[k]
                if f < 0:
                    out[i] += share * values[k]
                elif known[f]:
                    nodes[size] = left[k] + goes_right(
                        x[i, f], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                    )
                    size += 1
                else:
                    child = left[k]
                    total = np.float64(weights[k])
                    part = np.float64(weights[child]) / total if total > 0 else 0.5
                    nodes[size], shares[size] = child, share * part
                    nodes[size + 1], shares[size + 1] = child + 1, share * (1.0 - part)
                    size += 2
