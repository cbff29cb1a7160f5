"""Where a robust histogram cuts next: finer where errors are, once most of its bins are empty."""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.points import guided_points
from dh2o.estimators.trees.adaptive.tables import NodeTables
from dh2o.estimators.trees.arrays import BOOL, F64, I32, I64, U8, writable

__all__ = ["guides_of"]

_LOW_DENSITY = 0.2  # share of bins with rows at which bins are cut anew


@njit(nogil=True, cache=True, error_model="numpy")
def _edge(b: int, low: float, step: float, points: F64, first: int) -> float:
    return low + b / step if first < 0 else points[first + b]


@njit(nogil=True, cache=True, error_model="numpy")
def _guide(  # noqa: PLR0913, PLR0917
    parents: I64, columns: I32, fixed: BOOL, n_bins: I32, low: F64, step: F64, starts: I64,
    n_points: I32, points: F64, ranges: F64, scored: U8, slots: I64, hist: I64, dim: int,
    scales: F64, least_bins: int, child_bins: I32, child_low: F64, child_high: F64, offsets: I64,
    out: F64, n_out: I32,
) -> None:  # fmt: skip
    """Points of each (child, column) from offsets[child, c] in `out`; n_out is their number."""
    widest = np.int64(n_bins.max()) + 1 if n_bins.size else 1
    errors, edges = np.empty(widest), np.empty((widest, 2))
    for k in range(child_bins.shape[0]):
        p = parents[k >> 1]
        for c in range(n_bins.shape[1]):
            if child_bins[k, c] == 0:
                continue
            first, at, bins = starts[p, c], offsets[k, c], np.int64(n_bins[p, c])
            for i in range(n_points[p, c] if first >= 0 else 0):
                out[at + i] = points[first + i]
                n_out[k, c] = i + 1
            if fixed[c] or columns[k >> 1] == c or scored[p, c] == 0:
                continue
            n = 0
            for b in range(bins):
                slot = dim * (slots[p, c] + b)
                w = np.float64(hist[slot]) * scales[0]
                if w > 0.0:
                    y = np.float64(np.float32(np.float64(hist[slot + 1]) * scales[1]))
                    yy = np.float64(np.float32(np.float64(hist[slot + 2]) * scales[2]))
                    errors[n] = max(yy - y * y / w, 0.0)
                    edges[n, 0] = _edge(b, low[p, c], step[p, c], points, first)
                    edges[n, 1] = _edge(b + 1, low[p, c], step[p, c], points, first)
                    n += 1
            if n / bins <= _LOW_DENSITY:
                wanted = max(int(bins) >> 1, least_bins)
                room = np.empty(wanted + n + 2)
                n_out[k, c] = guided_points(
                    errors[:n], edges[:n], ranges[p, c, 1], wanted, child_low[k, c],
                    child_high[k, c], room,
                )  # fmt: skip
                for i in range(n_out[k, c]):
                    out[at + i] = room[i]


def guides_of(  # noqa: PLR0913, PLR0917
    tables: NodeTables, child: NodeTables, done: I64, splits: I32, ranges: F64, scored: U8,
    slots: I64, hist: I64, dim: int, scales: F64, fixed: BOOL, n_bins: int,
) -> tuple[F64, I64, I32]:  # fmt: skip
    """Return (points, starts, counts) by (child, column); start -1 where bins are uniform."""
    parents = tables.n_bins[done].astype(np.int64)
    room = np.repeat(np.maximum(parents, n_bins) + 3, 2, axis=0)
    room = np.maximum(room, np.repeat(tables.n_points[done], 2, axis=0)) + 3
    offsets = (np.cumsum(room) - room.reshape(-1)).reshape(room.shape)
    out = np.zeros(int(room.sum()) + 1)
    n_out = np.zeros(room.shape, np.int32)
    _guide(
        done, np.ascontiguousarray(splits[done, 0]), fixed, tables.n_bins, tables.low, tables.step,
        tables.starts, tables.n_points, tables.points,
        writable(ranges), scored, slots, hist, dim, scales, n_bins,
        child.n_bins, child.low, child.high, offsets, out, n_out,
    )  # fmt: skip
    return out, np.where(n_out > 0, offsets, -1), n_out
