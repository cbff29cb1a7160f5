"""Isotonic regression: the ascending step values nearest to weighted points.

Pool adjacent violators (Ayer et al. 1955): neighbours whose means do not ascend are put together
until all do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

__all__ = ["PointSums", "isotonic_line"]

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PointSums:
    """Weight and weighted response at each different ``x``, ascending."""

    x: F64
    w: F64
    wy: F64

    @classmethod
    def empty(cls) -> PointSums:
        """Return the sums of no points."""
        return cls(np.empty(0), np.empty(0), np.empty(0))

    @classmethod
    def of(cls, x: F64, y: F64, w: F64) -> PointSums:
        """Return the sums of points, which have no NA and weights above 0."""
        return _summed(x, w, w * y)

    def __add__(self, other: PointSums) -> PointSums:
        if not len(self.x) or not len(other.x):
            return self if len(self.x) else other
        both = [(self.x, other.x), (self.w, other.w), (self.wy, other.wy)]
        return _summed(*(np.concatenate(pair) for pair in both))


def _summed(x: F64, w: F64, wy: F64) -> PointSums:
    different, where = np.unique(x, return_inverse=True)
    n = len(different)
    sums = (np.bincount(where, part, n).astype(np.float64) for part in (w, wy))
    return PointSums(different, *sums)


@njit(nogil=True, cache=True)
def pool_violators(w, wy, ends):  # type: ignore[no-untyped-def]  # compiled
    """Return the number of pools; ends[p] is the last point of pool p, w and wy its sums.

    IN and OUT: w, wy (sums of points, then of pools), ends.
    """
    n_pools = 0
    for i in range(len(w)):
        weight, total = w[i], wy[i]
        while n_pools > 0 and wy[n_pools - 1] / w[n_pools - 1] >= total / weight:
            n_pools -= 1
            weight += w[n_pools]
            total += wy[n_pools]
        w[n_pools], wy[n_pools], ends[n_pools] = weight, total, i
        n_pools += 1
    return n_pools


def isotonic_thresholds(points: PointSums) -> tuple[F64, F64, F64]:
    """Return x, y and weight of the corners of the ascending line; a flat part has two corners."""
    w, wy = points.w.copy(), points.wy.copy()
    ends = np.empty(len(w), dtype=np.int64)
    n = pool_violators(w, wy, ends)
    last = ends[:n]
    first = np.concatenate([[0], last[:-1] + 1])[:n].astype(np.int64)
    corners = np.where(last > first, 2, 1)
    pools = np.repeat(np.arange(n), corners)
    is_second = np.append(False, pools[1:] == pools[:-1])[: len(pools)]
    x = np.where(is_second, points.x[last[pools]], points.x[first[pools]])
    return x, (wy[:n] / w[:n])[pools], (w[:n] / corners)[pools]


def isotonic_line(points: PointSums) -> tuple[F64, F64]:
    """Return the corners (x ascending, y ascending) of the isotonic regression of the points."""
    x, y, _ = isotonic_thresholds(points)
    return x, y
