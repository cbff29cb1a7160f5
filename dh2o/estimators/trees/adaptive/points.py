"""Points between which a node bins a column: random, quantiles of all rows, or where errors are.

The rules are H2O's; random numbers are functions of (seed of the node, column).
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.columns import ColumnTable
from dh2o.estimators.trees.adaptive.sorting import first_not_below, sort_by, sort_values
from dh2o.estimators.trees.adaptive.tables import NodeTables
from dh2o.estimators.trees.arrays import BOOL, F64, I8, I32, I64
from dh2o.estimators.trees.gradients import mix, uniform

__all__ = ["guided_points", "padded", "place_points", "set_points", "unique_within"]

_RANDOM, _QUANTILES, _ROBUST = 1, 2, 3


@njit(nogil=True, cache=True)
def _limited(points: F64, first: int, n: int, low: float, high: float) -> tuple[int, int]:
    """(start, stop) of the points from the last one <= low to the last one < high."""
    start = first_not_below(points, first, n, low)
    if start == n:
        start -= 1
    if points[first + start] > low and start > 0:
        start -= 1
    stop = first_not_below(points, first, n, high)
    return first + start, first + max(stop, start + 1)


@njit(nogil=True, cache=True, error_model="numpy")
def padded(source: F64, start: int, n: int, wanted: int, out: F64, at: int) -> int:
    """Copy `n` points, more spread between them until there are `wanted`; returns how many."""
    if wanted <= n or n < 2:
        for i in range(n):
            out[at + i] = source[start + i]
        return n
    extra = (wanted - n) // (n - 1)
    rest = wanted - n - extra * (n - 1)
    pos = at
    for i in range(n - 1):
        point = source[start + i]
        width = source[start + i + 1] - point
        more = extra + (1 if i < rest else 0)
        out[pos] = point
        pos += 1
        for j in range(more):
            out[pos] = point + (j + 0.5) / more * width
            pos += 1
    out[pos] = source[start + n - 1]
    return wanted


@njit(nogil=True, cache=True, error_model="numpy")
def place_points(  # noqa: PLR0913, PLR0917
    types: I8,
    seeds: I64,
    kinds: I8,
    n_bins: I32,
    low: F64,
    high: F64,
    quantiles: F64,
    quantile_starts: I64,
    refines: BOOL,
    guides: F64,
    guide_starts: I64,
    n_guides: I32,
    offsets: I64,
    points: F64,
    starts: I64,
    n_points: I32,
) -> None:
    """Write the points of every (node, column) from offsets[n, c]; n_bins becomes their number.

    `guides` are the points of a robust histogram: guide_starts[n, c] is -1 where there are none.
    """
    for n in range(types.size):
        for c in range(n_bins.shape[1]):
            bins = np.int64(n_bins[n, c])
            at = offsets[n, c]
            if bins == 0:
                continue
            if types[n] == _RANDOM and bins > 1 and kinds[c] < 2:
                key = np.int64(mix(seeds[n], np.int64(c) + 1))
                points[at] = 0.0
                for i in range(1, bins):
                    points[at + i] = np.float32(uniform(key, i)) * bins
                sort_values(points, at, bins)
                starts[n, c], n_points[n, c] = at, bins
            elif types[n] == _QUANTILES and quantile_starts[c + 1] > quantile_starts[c]:
                first = quantile_starts[c]
                many = quantile_starts[c + 1] - first
                start, stop = _limited(quantiles, first, many, low[n, c], high[n, c])
                wanted = bins if refines[c] else 0
                many = padded(quantiles, start, stop - start, wanted, points, at)
                if many > 1:
                    starts[n, c], n_points[n, c], n_bins[n, c] = at, many, many
            elif types[n] == _ROBUST and guide_starts[n, c] >= 0:
                start, stop = _limited(
                    guides, guide_starts[n, c], np.int64(n_guides[n, c]), low[n, c], high[n, c]
                )
                if stop - start > 1:
                    for i in range(stop - start):
                        points[at + i] = guides[start + i]
                    starts[n, c], n_points[n, c] = at, stop - start
                    n_bins[n, c] = stop - start - 1


@njit(nogil=True, cache=True, error_model="numpy")
def guided_points(
    errors: F64, edges: F64, most: float, wanted: int, low: float, high: float, out: F64
) -> int:
    """Points that cut bins of a large squared error finer; returns their number, 0 for none.

    errors[i] and edges[i] = (start, stop) are those of the bins with rows, `most` is the largest
    value.
    """
    n = errors.size
    budget = wanted - n - 2
    if n == 0 or budget <= 0:
        return 0
    total = 0.0
    for i in range(n):
        total += errors[i]
    order = np.empty(n, np.int32)
    sort_by(-errors, n, order)
    left, pos = np.int64(budget), 0
    for k in range(n):
        i = order[k]
        more = np.int64(0)
        if left > 0:
            share = budget * errors[i] / total if total > 0.0 else 0.0
            more = np.int64(min(np.ceil(share), left))
            left -= more
        width = (edges[i, 1] - edges[i, 0]) / (1 + more)
        out[pos] = edges[i, 0]
        pos += 1
        for _ in range(more):
            out[pos] = out[pos - 1] + width
            pos += 1
    out[pos], out[pos + 1] = low, most
    pos += 2
    sort_values(out, 0, pos)
    return unique_within(out, pos, low, high)


@njit(nogil=True, cache=True)
def unique_within(points: F64, n: int, low: float, high: float) -> int:
    """Keep, in place, the different points of low..high, `low` first; returns their number."""
    last, count = points[0], 0
    kept = np.empty(n + 2, np.float64)
    for i in range(n):
        point = points[i]
        if point >= low and count == 0:
            kept[0] = low
            count = 1
            if point > low:
                kept[1] = point
                count = 2
            last = point
        elif point > high:
            break
        elif low < point < high and (i == 0 or point != last):
            kept[count] = point
            count += 1
            last = point
    if count == 0:
        kept[0], count = low, 1
    for i in range(count):
        points[i] = kept[i]
    return count


def set_points(
    tables: NodeTables, columns: ColumnTable, guides: tuple[F64, I64, I32] | None = None
) -> None:
    """Give every node of `tables` the points that its type asks for."""
    if not tables.types.any():
        return
    many = np.diff(columns.quantile_starts) if len(columns.quantile_starts) > 1 else 0
    n_guides = 0 if guides is None else guides[2]
    room = np.maximum(tables.n_bins.astype(np.int64), np.maximum(many, n_guides)) + 1
    offsets = (np.cumsum(room) - room.reshape(-1)).reshape(room.shape)
    tables.points = np.zeros(int(room.sum()) + 1)
    tables.starts[:] = -1
    if guides is None:
        none = np.full(tables.n_bins.shape, -1, np.int64)
        guides = np.zeros(1), none, np.zeros(tables.n_bins.shape, np.int32)
    starts = columns.quantile_starts
    if len(starts) != columns.n_columns + 1:
        starts = np.zeros(columns.n_columns + 1, np.int64)
    refines = columns.refines
    if len(refines) != columns.n_columns:
        refines = np.zeros(columns.n_columns, np.bool_)
    place_points(
        tables.types, tables.seeds, columns.kinds, tables.n_bins, tables.low, tables.high,
        np.append(columns.quantiles, 0.0), starts, refines, *guides, offsets, tables.points,
        tables.starts, tables.n_points,
    )  # fmt: skip
