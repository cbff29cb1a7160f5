"""Node tables: which bins a node has in each column.

A column that a node does not look at any more has no bins.  Without points, value v lies in bin
``floor((v - low) * step)``; with points, in the last one that does not lie above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.columns import ColumnTable, HistogramType
from dh2o.estimators.trees.arrays import BOOL, F64, I8, I32, I64, U8

__all__ = ["NodeTables", "child_tables", "fit_bins", "root_tables"]

_SEED_FACTOR = 0xDECAF  # H2O's
_LEAST_ERROR = 1e-30  # a node of less is pure
NA_VS_REST = 1


@dataclass(slots=True)
class NodeTables:
    """Bins of n nodes in C columns, arrays of shape (n, C); `types` and `seeds` are by node.

    The points of (i, c) are ``points[starts[i, c]:][: n_points[i, c]]``; there may be one more
    point than bins.  `starts` is -1 where bins are uniform.
    """

    n_bins: I32
    low: F64
    high: F64
    step: F64
    starts: I64
    n_points: I32
    points: F64
    types: I8
    seeds: I64

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.types)

    @classmethod
    def empty(cls, n: int, n_columns: int) -> NodeTables:
        """Return tables of `n` nodes without any bins."""
        shape = (n, n_columns)
        return cls(
            n_bins=np.zeros(shape, np.int32), low=np.zeros(shape), high=np.zeros(shape),
            step=np.zeros(shape), starts=np.full(shape, -1, np.int64),
            n_points=np.zeros(shape, np.int32), points=np.zeros(1), types=np.zeros(n, np.int8),
            seeds=np.zeros(n, np.int64),
        )  # fmt: skip

    def take(self, nodes: BOOL | slice) -> NodeTables:
        """Return the tables of some of the nodes."""
        return NodeTables(
            np.ascontiguousarray(self.n_bins[nodes]), np.ascontiguousarray(self.low[nodes]),
            np.ascontiguousarray(self.high[nodes]), np.ascontiguousarray(self.step[nodes]),
            np.ascontiguousarray(self.starts[nodes]), np.ascontiguousarray(self.n_points[nodes]),
            self.points, self.types[nodes], self.seeds[nodes],
        )  # fmt: skip


@njit(nogil=True, cache=True)
def fit_bins(kind: int, n_bins: int, n_cats: int, low: float, high: float) -> tuple[int, float]:
    """Return (bins, step) of a range: one bin a value where whole numbers allow it; else uniform.

    (0, 0.0) where no step can be named.
    """
    wanted = n_cats if kind == 2 else n_bins
    if kind > 0 and high - low <= wanted:
        return np.int64(high) - np.int64(low), 1.0  # type: ignore[return-value]  # an integer
    step = wanted / (high - low)
    if not (0.0 < step < np.inf):
        return 0, 0.0
    return wanted, step


def root_tables(
    columns: ColumnTable, used: U8, n_bins: int, n_cats: int, kind: HistogramType, seed: int
) -> NodeTables:
    """Return the bins of a root that looks at the columns flagged in `used`."""
    tables = NodeTables.empty(1, columns.n_columns)
    tables.low[0], tables.high[0] = columns.low, columns.high
    tables.types[0], tables.seeds[0] = type_of(kind, seed), seed
    for c in np.flatnonzero(columns.usable & (used > 0)):
        found = fit_bins(int(columns.kinds[c]), n_bins, n_cats, columns.low[c], columns.high[c])
        tables.n_bins[0, c], tables.step[0, c] = found
    return tables


_ROUND_ROBIN = (
    HistogramType.UniformAdaptive, HistogramType.UniformAdaptive, HistogramType.Random,
    HistogramType.QuantilesGlobal,
)  # fmt: skip


def type_of(kind: HistogramType, seed: int) -> int:
    """Return what a node of this seed uses."""
    if kind == HistogramType.RoundRobin:
        return int(_ROUND_ROBIN[abs(seed) % len(_ROUND_ROBIN)])
    return int(kind)


@njit(nogil=True, cache=True, error_model="numpy")
def _child(
    kind: int, bins: int, n_bins: int, n_cats: int, low: float, high: float
) -> tuple[int, float]:
    """(bins, step) of a child's range in one column; no bins if it cannot be split there."""
    new_bins = max(bins >> 1, n_bins)
    if low > high:
        return 0, 0.0  # nothing but NAs
    ulp = min(abs(np.nextafter(low, np.inf) - low), abs(np.nextafter(high, np.inf) - high))
    if abs(low - high) <= ulp or not (new_bins / (high - low) < np.inf):
        return 0, 0.0
    if kind > 0 and not low + 1.0 < high:
        return 0, 0.0
    return fit_bins(kind, new_bins, n_cats, low, high)


@njit(nogil=True, cache=True, error_model="numpy")
def child_tables(  # noqa: PLR0913, PLR0917
    splits: I32,
    at: F64,
    sides: F64,
    parents: I64,
    kinds: I8,
    used: U8,
    limits: I32,
    min_rows: float,
    n_bins: I32,
    low: F64,
    high: F64,
    ranges: F64,
    scored: U8,
    seeds: I64,
    out_bins: I32,
    out_low: F64,
    out_high: F64,
    out_step: F64,
    out_seeds: I64,
    wanted: U8,
) -> None:
    """Ranges and bins of both children of every split.

    splits[s] = (column, bin, NA side, is by levels), at[s] its threshold, sides[s] = (weight,
    error) of the left, then of the right child; parents[s] its row in n_bins, low, high, ranges,
    scored.  used[child, c] flags the columns that a child may look at; limits = (nbins,
    nbins_cats).  `ranges` are what the node's rows held.  OUT: the rest; wanted[child] = 1 if it
    may be split.
    """
    for s in range(splits.shape[0]):
        p = parents[s]
        for way in range(2):
            k = 2 * s + way
            out_seeds[k] = seeds[p] * _SEED_FACTOR + (way + 1)
            wanted[k] = 0
            if sides[s, 2 * way] < min_rows or sides[s, 2 * way + 1] <= _LEAST_ERROR:
                continue
            if splits[s, 2] == NA_VS_REST and way == 1:
                continue
            for c in range(kinds.size):
                if n_bins[p, c] == 0 or used[k if used.shape[0] > 1 else 0, c] == 0:
                    continue
                lo, hi = low[p, c], high[p, c]
                if scored[p, c] == 1 and splits[s, 3] == 0:
                    lo, top = ranges[p, c, 0], ranges[p, c, 1]
                    if lo == top:
                        continue
                    ulp = np.nextafter(abs(top), np.inf) - abs(top)
                    hi = top + (max(ulp, 1.0) if kinds[c] > 0 else ulp)
                    if np.isinf(hi):
                        hi = top
                if splits[s, 0] == c and splits[s, 3] == 0 and splits[s, 2] != NA_VS_REST:
                    cut = at[s]
                    if kinds[c] > 0:
                        cut = np.float64(np.float32(np.ceil(cut)))
                    if way == 0:
                        hi = cut
                    else:
                        lo = cut
                bins, step = _child(kinds[c], n_bins[p, c], limits[0], limits[1], lo, hi)
                out_bins[k, c], out_low[k, c], out_high[k, c], out_step[k, c] = bins, lo, hi, step
                if bins > 0:
                    wanted[k] = 1
