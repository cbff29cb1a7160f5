"""Histograms of nodes that each have bins of their own: exact sums, in any order of rows.

A slot holds integers: the sums of w, w z and w z² of its rows, each in a fixed point of its own,
and where trees are monotone those of the leaf's numerator and denominator too.  The last bin of a
column is NA.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._prefetch import prefetch
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8

__all__ = ["add_nodes", "route_rows"]

_TILE = 64  # rows whose values and terms stay in the first-level cache while columns take turns;
# those of the next tile are asked for meanwhile
_LINE = 8  # doubles of a cache line
_AHEAD = 32  # rows between a prefetch and its use while rows are routed


@njit(nogil=True, cache=True, error_model="numpy")
def _uniform_bins(
    values: F64, n: int, low: float, step: float, bins: int, base: int, dim: int, slots: I64
) -> None:
    """slots[i] = first integer of the slot of values[i], with bins of one width; NA comes last."""
    top = np.float64(bins - 1)
    for i in range(n):
        value = values[i]
        place = (value - low) * step
        place = min(max(place, 0.0), top)
        b = np.int64(np.int32(place)) if value == value else np.int64(bins)  # noqa: PLR0124
        slots[i] = dim * (base + b)


@njit(nogil=True, cache=True, error_model="numpy")
def _point_bins(  # noqa: PLR0913, PLR0917
    values: F64, n: int, low: float, step: float, bins: int, base: int, dim: int, points: F64,
    first: int, n_points: int, slots: I64,
) -> None:  # fmt: skip
    """slots[i] = first integer of the slot of values[i], with bins between points; NA comes last.

    The bin is that of the last point that does not lie above ``(value - low) * step``.
    """
    for i in range(n):
        value = values[i]
        b = np.int64(bins)
        if value == value:  # noqa: PLR0124
            place = (value - low) * step
            lo, hi = np.int64(0), np.int64(n_points)
            while hi - lo > 1:
                middle = (lo + hi) >> 1
                if points[first + middle] <= place:
                    lo = middle
                else:
                    hi = middle
            b = min(lo, np.int64(bins - 1))
        slots[i] = dim * (base + b)


@njit(nogil=True, cache=True, error_model="numpy")
def _add_tile(own: I64, n: int, dim: int, slots: I64, hist: I64) -> None:
    """hist[slots[i] + j] += own[dim * i + j] for the `dim` terms j of n rows."""
    for i in range(n):
        slot, k = np.uint64(slots[i]), np.uint64(dim * i)
        hist[slot] += own[k]
        hist[slot + np.uint64(1)] += own[k + np.uint64(1)]
        hist[slot + np.uint64(2)] += own[k + np.uint64(2)]
        if dim > 3:
            hist[slot + np.uint64(3)] += own[k + np.uint64(3)]
            hist[slot + np.uint64(4)] += own[k + np.uint64(4)]


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

    x[r * width + c] is column c of row r, terms[dim * r:] are its terms.  Column c of node n has
    its slots from slots[n, c] in `hist`, `dim` integers each (3 or 5); -1: not looked at.
    OUT: hist; ranges[n, c] = (least, largest) value that is not NA.
    """
    values = np.empty(_TILE, np.float64)
    own = np.empty(dim * _TILE, np.int64)
    places = np.empty(_TILE, np.int64)
    last = rows.size - 1
    for n in range(segments.shape[0]):
        lo, hi = segments[n, 0], segments[n, 1]
        random = types[n] == 1
        for tile in range(lo, hi, _TILE):
            size = min(tile + _TILE, hi) - tile
            for i in range(size):
                row = np.int64(rows[np.uint64(tile + i)])
                ahead = np.int64(rows[np.uint64(min(tile + i + _TILE, last))])
                for j in range(0, width, _LINE):
                    prefetch(x, ahead * width + j)
                prefetch(x, ahead * width + width - 1)
                prefetch(terms, ahead * dim)
                for j in range(dim):
                    own[np.uint64(dim * i + j)] = terms[np.uint64(dim * row + j)]
            for c in range(n_bins.shape[1]):
                if slots[n, c] < 0:
                    continue
                least, most = ranges[n, c, 0], ranges[n, c, 1]
                for i in range(size):
                    row = np.int64(rows[np.uint64(tile + i)])
                    value = x[np.uint64(row * width + c)]
                    values[np.uint64(i)] = value
                    least = value if value < least else least
                    most = value if value > most else most
                ranges[n, c, 0], ranges[n, c, 1] = least, most
                bins, base = np.int64(n_bins[n, c]), slots[n, c]
                if starts[n, c] < 0:
                    _uniform_bins(values, size, low[n, c], step[n, c], bins, base, dim, places)
                else:
                    zero, by = (low[n, c], step[n, c]) if random else (0.0, 1.0)
                    _point_bins(
                        values, size, zero, by, bins, base, dim, points, starts[n, c],
                        np.int64(n_points[n, c]), places,
                    )  # fmt: skip
                _add_tile(own, size, dim, places, hist)


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
        side, first = np.int64(na_sides[s]), starts[s]
        na_left = np.int64(side in (2, 4))
        plain = first < 0 and side != 1
        front, back = start, stop - 1
        for i in range(start, stop):
            prefetch(x, np.int64(rows[np.uint64(i + _AHEAD)]) * width + column)
            row = rows[np.uint64(i)]
            value = x[np.uint64(np.int64(row) * width + column)]
            if plain:
                is_na = np.int64(value != value)  # noqa: PLR0124
                left = np.int64(value < threshold) | (is_na & na_left)
            else:
                left = np.int64(
                    goes_left(value, threshold, side, first, np.int64(n_levels[s]), left_levels)
                )
            to_rows[np.uint64(back + left * (front - back))] = row
            front += left
            back += left - 1
        left_counts[s] = front - start
