"""What a node's path from the root says: shares of training weight, and repeated features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np

from dh2o.compiled import njit
from dh2o.models.explain.walk import walk_of
from dh2o.models.forest import F32, F64, I32, I64, Forest

__all__ = ["Paths", "paths_of", "quadrature"]


@dataclass(frozen=True, eq=False)
class Paths:
    """Of each node, about the edge that leads to it.

    ``share``: part of its feature's training weight that comes this way, counting all edges of
    that feature on the path. ``above``: depth of the node that the previous such edge leads to, 0
    if there is none; ``share_above``: that edge's share. ``n_distinct``: different features on the
    path, the largest of any node. ``expected``: mean value of each tree over its training rows.
    """

    share: F64
    above: I32
    share_above: F64
    expected: F64
    n_distinct: int
    depth: int


_PATHS: WeakKeyDictionary[Forest, Paths] = WeakKeyDictionary()


def paths_of(forest: Forest) -> Paths:
    """Return the facts about the paths of `forest`, made once per forest."""
    found = _PATHS.get(forest)
    if found is None:
        n = len(forest.features)
        share, share_above, means = np.ones(n), np.ones(n), np.zeros(n)
        above = np.zeros(n, np.int32)
        sizes = np.zeros(2, np.int64)
        w = walk_of(forest)
        _follow(
            forest.starts, w.features, w.left, forest.weights, forest.values, share, above,
            share_above, means, sizes,
        )  # fmt: skip
        expected = means[forest.starts[:-1]]
        found = Paths(share, above, share_above, expected, int(sizes[0]), int(sizes[1]))
        _PATHS[forest] = found
    return found


@lru_cache(maxsize=64)
def quadrature(n_distinct: int) -> tuple[F64, F64]:
    """Return points and weights on (0, 1) that integrate polynomials below that degree exactly."""
    points, weights = np.polynomial.legendre.leggauss(max(1, (n_distinct + 1) // 2))
    return (points + 1) / 2, weights / 2


@njit(nogil=True, cache=True)
def _follow(  # noqa: PLR0913, PLR0917
    starts: I64,
    features: I32,
    left: I64,
    weights: F32,
    values: F32,
    share: F64,
    above: I32,
    share_above: F64,
    means: F64,
    sizes: I64,
) -> None:
    """Fill share, above, share_above, means (of nodes) and sizes (distinct features, depth)."""
    n = features.size
    parent = np.full(n, -1, np.int64)
    depth = np.zeros(n, np.int32)
    distinct = np.zeros(n, np.int32)
    fraction = np.ones(n)
    for t in range(starts.size - 1):
        for k in range(starts[t], starts[t + 1]):
            f = features[k]
            if f < 0:
                continue
            # The nearest edge above that asks about the same feature.
            at = k
            while parent[at] >= 0 and features[parent[at]] != f:
                at = parent[at]
            again = parent[at] >= 0
            total = np.float64(weights[k])
            if not total > 0.0:
                total = np.float64(weights[left[k]]) + np.float64(weights[left[k] + 1])
            for child in range(left[k], left[k] + 2):
                parent[child] = k
                depth[child] = depth[k] + 1
                distinct[child] = distinct[k] + (0 if again else 1)
                # Where no training row went, H2O lets both sides weigh the same.
                fraction[child] = np.float64(weights[child]) / total if total > 0 else 0.5
                above[child] = depth[at] if again else 0
                share_above[child] = share[at] if again else 1.0
                share[child] = fraction[child] * share_above[child]
                sizes[0] = max(sizes[0], np.int64(distinct[child]))
                sizes[1] = max(sizes[1], np.int64(depth[child]))
        for k in range(starts[t + 1] - 1, starts[t] - 1, -1):
            if features[k] < 0:
                means[k] = values[k]
            else:
                i = left[k]
                means[k] = fraction[i] * means[i] + fraction[i + 1] * means[i + 1]
