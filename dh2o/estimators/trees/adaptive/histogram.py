"""Histograms of nodes that each have bins of their own: exact sums, in any order of rows.

A slot holds integers: the sums of w, w z and w z² of its rows, each in a fixed point of its own,
and where trees are monotone those of the leaf's numerator and denominator too.  The last bin of a
column is NA.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dh2o.estimators.trees._prefetch import prefetch
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8

__all__ = ["add_nodes", "route_rows"]

_TILE = 256  # rows whose values and terms stay in the first-level cache while columns take turns
_AHEAD = 16
_MAX = 1.7976931348623157e308


@njit(nogil=True, cache=True, error_model="numpy")
def _place(points: F64, first: int, n: int, value: float) -> int:
    """Last of `n` ascending points that does not lie above `value`; 0 if all do."""
    low, high = np.int64(0), np.int64(n)
    while high - low > 1:
        middle = (low + high) >> 1
        if points[first + middle] <= value:
            low = middle
        else:
            high = middle
    return low


@njit(nogil=True, cache=True, error_model="numpy")
def add_nodes(  # noqa: PLR0913, PLR0917
    x: F64,
    width: int,
    rows: I32,
    terms: I64,
    segments: I64,
    n_bins: I32,
    low: F64,
    step: F64,
    slots: I64,
    starts: I64,
    n_points: I32,
    points: F64,
    types: I8,
    dim: int,
    hist: I64,
    ranges: F64,
) -> None:
    """Add the rows ``rows[segments[n, 0]:segments[n, 1]]`` of each node n to its histograms.

    x[r * width + c] is column c of row r, terms[dim * r:] are its terms.  Column c of node n has its
    slots from slots[n, c] in `hist`, `dim` integers each (3 or 5); -1: not looked at.
    OUT: hist; ranges[n, c] = (least, largest) value that is not NA.
    """
    values = np.empty(_TILE, np.float64)
    own = np.empty(dim * _TILE, np.int64)
    at = np.empty(_TILE, np.int64)
    for n in range(segments.shape[0]):
        lo, hi = segments[n, 0], segments[n, 1]
        for tile in range(lo, hi, _TILE):
            size = min(tile + _TILE, hi) - tile
            for i in range(size):
                row = np.int64(rows[np.uint64(tile + i)])
                prefetch(x, np.int64(rows[np.uint64(tile + i + _AHEAD)]) * width)
                at[i] = row * width
                for j in range(dim):
                    own[np.uint64(dim * i + j)] = terms[np.uint64(dim * row + j)]
            for c in range(n_bins.shape[1]):
                base = slots[n, c]
                if base < 0:
                    continue
                least, most = ranges[n, c, 0], ranges[n, c, 1]
                for i in range(size):
                    value = x[np.uint64(at[np.uint64(i)] + c)]
                    values[np.uint64(i)] = value
                    least = value if value < least else least
                    most = value if value > most else most
                ranges[n, c, 0], ranges[n, c, 1] = least, most
                bins = np.int64(n_bins[n, c])
                top, zero, by = np.float64(bins - 1), low[n, c], step[n, c]
                first, many = starts[n, c], np.int64(n_points[n, c])
                for i in range(size):
                    value = values[np.uint64(i)]
                    b = bins
                    if value == value:  # noqa: PLR0124
                        place = (value - zero) * by
                        if first >= 0:
                            place = np.float64(
                                _place(points, first, many, place if types[n] == 1 else value)
                            )
                        place = top if place > top else place
                        b = np.int64(place if place > 0.0 else 0.0)
                    slot = np.uint64(dim * (base + b))
                    k = np.uint64(dim * i)
                    hist[slot] += own[k]
                    hist[slot + np.uint64(1)] += own[k + np.uint64(1)]
                    hist[slot + np.uint64(2)] += own[k + np.uint64(2)]
                    if dim > 3:
                        hist[slot + np.uint64(3)] += own[k + np.uint64(3)]
                        hist[slot + np.uint64(4)] += own[k + np.uint64(4)]


@njit(nogil=True, cache=True, error_model="numpy")
def goes_left(
    value: float, threshold: float, na_side: int, start: int, n_levels: int, left_levels: U8
) -> bool:
    """Whether a value goes left: NA sides 2 and 4 do, 1 sends all but NAs left."""
    if value != value:  # noqa: PLR0124
        return na_side in (2, 4)
    if na_side == 1:
        return True
    if start < 0:
        return value < threshold
    code = np.int64(value)
    if 0 <= code < n_levels:
        return left_levels[np.uint64(start + code)] == 1
    return na_side in (2, 4)


@njit(nogil=True, cache=True, error_model="numpy")
def route_rows(  # noqa: PLR0913, PLR0917
    x: F64,
    width: int,
    rows: I32,
    to_rows: I32,
    segments: I64,
    columns: I32,
    thresholds: F32,
    na_sides: I8,
    starts: I64,
    n_levels: I32,
    left_levels: U8,
    left_counts: I64,
) -> None:
    """Send the rows of split s to the front (left) or the back (right) of their stretch.

    OUT: to_rows, left_counts[s].
    """
    for s in range(segments.shape[0]):
        start, stop = segments[s, 0], segments[s, 1]
        column, threshold = np.int64(columns[s]), np.float64(thresholds[s])
        front, back = start, stop - 1
        for i in range(start, stop):
            prefetch(x, np.int64(rows[np.uint64(i + _AHEAD)]) * width)
            value = x[np.uint64(np.int64(rows[np.uint64(i)]) * width + column)]
            left = np.int64(
                goes_left(
                    value, threshold, np.int64(na_sides[s]), starts[s], np.int64(n_levels[s]),
                    left_levels,
                )
            )  # fmt: skip
            to_rows[np.uint64(back + left * (front - back))] = rows[np.uint64(i)]
            front += left
            back += left - 1
        left_counts[s] = front - start
