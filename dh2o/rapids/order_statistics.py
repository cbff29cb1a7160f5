"""Exact quantiles of columns of any size, by narrowing ranges until few enough values are left.

A pass counts the values of each column in equal bins; the bin that holds the wanted rank is cut
again, until it has few values, which are then fetched and sorted. Equal values cannot be cut
apart: a bin of one value answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import TileTask, reduce
from dh2o.rapids.reducers import facts_of

__all__ = ["quantiles_of", "weighted_quantiles"]

N_BINS = 2048
FETCHED = 1 << 18  # values that are fetched and sorted rather than counted again
SMALLEST_WIDTH = 1e-290  # narrower bins lie among the denormal numbers
METHODS = ("interpolate", "average", "low", "high")


@dataclass(frozen=True)
class CountInBins(TileTask[Any, Any]):
    """Counts of values in N_BINS equal bins of [lo, hi], with those below lo, for several ranges.

    The last two columns are the smallest and largest value of the range.
    """

    ranges: tuple[tuple[float, float], ...] = ()

    def begin(self) -> Any:
        found = np.zeros((len(self.ranges), N_BINS + 3))
        found[:, -2], found[:, -1] = np.inf, -np.inf
        return found

    def add(self, partial: Any, values: list[Any]) -> Any:
        column = values[0]
        for i, (lo, hi) in enumerate(self.ranges):
            partial[i, 0] += np.count_nonzero(column < lo)
            inside = column[(column >= lo) & (column <= hi)]
            if not len(inside):
                continue
            partial[i, 1:-2] += np.bincount(bin_of(inside, lo, hi), minlength=N_BINS)
            partial[i, -2] = min(partial[i, -2], inside.min())
            partial[i, -1] = max(partial[i, -1], inside.max())
        return partial

    def combine(self, a: Any, b: Any) -> Any:
        a[:, :-2] += b[:, :-2]
        np.minimum(a[:, -2], b[:, -2], out=a[:, -2])
        np.maximum(a[:, -1], b[:, -1], out=a[:, -1])
        return a

    def finish(self, total: Any) -> Any:
        return self.begin() if total is None else total


def bin_of(values: F64, lo: float, hi: float) -> Any:
    """Return the bin of each value of [lo, hi]; monotone in the value."""
    scale = N_BINS / (hi / 2 - lo / 2) / 2
    return np.minimum((values - lo) * scale, N_BINS - 1).astype(np.int64)


@dataclass(frozen=True)
class FetchRange(TileTask[Any, Any]):
    """The values of the first output that lie in [lo, hi] and, with weights, those too."""

    lo: float = -math.inf
    hi: float = math.inf

    def begin(self) -> Any:
        return [[] for _ in self.program.outputs]

    def add(self, partial: Any, values: list[Any]) -> Any:
        inside = (values[0] >= self.lo) & (values[0] <= self.hi)
        for out, column in zip(partial, values, strict=True):
            out.append(column[inside])
        return partial

    def combine(self, a: Any, b: Any) -> Any:
        return [x + y for x, y in zip(a, b, strict=True)]

    def finish(self, total: Any) -> Any:
        parts = total or self.begin()
        return [np.concatenate(p) if p else np.empty(0) for p in parts]


def quantiles_of(
    table: Table, columns: Sequence[Column], probs: Sequence[float], method: str = "interpolate"
) -> tuple[list[list[float]], list[int]]:
    """Return the quantiles of each column without its NA, and its number of NA."""
    check_method(method)
    facts = facts_of(table, columns, "range")
    found = []
    for j, column in enumerate(columns):
        n = facts.count(j)
        bounds = (float(facts.mins[j]), float(facts.maxs[j]))
        found.append(_quantiles(table, column, probs, method, (n, *bounds)))
    return found, [int(n) for n in facts.n_na]


def check_method(method: str) -> None:
    """Raise unless `method` says how to combine two neighbours."""
    if method.lower() not in METHODS:
        raise RapidsError(
            f"Unknown combine method {method!r}. Expected one of: {', '.join(METHODS)}."
        )


def _quantiles(
    table: Table,
    column: Column,
    probs: Sequence[float],
    method: str,
    shape: tuple[int, float, float],
) -> list[float]:
    n, lo, hi = shape
    if n == 0:
        return [math.nan] * len(probs)
    ranks = sorted({r for p in probs for r in (math.floor(p * (n - 1)), math.ceil(p * (n - 1)))})
    values = _values_at(table, column, ranks, (n, lo, hi))
    return [combine_at(p * (n - 1), values, method) for p in probs]


def combine_at(place: float, values: dict[int, float], method: str) -> float:
    """Return the quantile at a fractional rank from the values at the ranks beside it."""
    low, high = values[math.floor(place)], values[math.ceil(place)]
    how = method.lower()
    if low == high or how == "low":
        return low
    if how == "high":
        return high
    if how == "average":
        return (low + high) / 2
    share = place - math.floor(place)
    return low + share * (high - low)


def _values_at(
    table: Table, column: Column, ranks: Sequence[int], shape: tuple[int, float, float]
) -> dict[int, float]:
    """Return the value at each 0-based rank."""
    n, lo, hi = shape
    found: dict[int, float] = {}
    open_ = dict.fromkeys(ranks, (lo, hi, n))
    while open_:
        for rank, (a, b, _) in list(open_.items()):
            if a == b:
                found[rank] = a
                del open_[rank]
        small = {(a, b) for a, b, count in open_.values() if count <= FETCHED or not _finite(a, b)}
        for a, b in small:
            mine = [rank for rank, (x, y, _) in open_.items() if (x, y) == (a, b)]
            found.update(_fetch(table, column, mine, (a, b)))
            for rank in mine:
                del open_[rank]
        if open_:
            open_ = _narrow(table, column, open_)
    return found


def _finite(a: float, b: float) -> bool:
    return math.isfinite(a) and math.isfinite(b) and bin_width(a, b) > SMALLEST_WIDTH


def bin_width(lo: float, hi: float) -> float:
    """Return the width of a bin; 0 when it is too narrow to be told apart."""
    width = (hi / 2 - lo / 2) / N_BINS * 2
    return width if lo + width > lo else 0.0


def _fetch(
    table: Table, column: Column, ranks: Sequence[int], bounds: tuple[float, float]
) -> dict[int, float]:
    lo, hi = bounds
    below = reduce(table, [column.expr], lambda p: CountBelow(p, lo))
    values = np.sort(reduce(table, [column.expr], lambda p: FetchRange(p, lo, hi))[0])
    return {rank: float(values[rank - below]) for rank in ranks}


@dataclass(frozen=True)
class CountBelow(TileTask[int, int]):
    """How many values are below `lo`."""

    lo: float = 0.0

    def begin(self) -> int:
        return 0

    def add(self, partial: int, values: list[Any]) -> int:
        return partial + int(np.count_nonzero(values[0] < self.lo))

    def combine(self, a: int, b: int) -> int:
        return a + b

    def finish(self, total: int | None) -> int:
        return total or 0


def _narrow(
    table: Table, column: Column, open_: dict[int, tuple[float, float, int]]
) -> dict[int, tuple[float, float, int]]:
    """Return, for each rank, the bin it lies in."""
    ranges = tuple(sorted({(a, b) for a, b, _ in open_.values()}))
    counts = reduce(table, [column.expr], lambda p: CountInBins(p, ranges))
    out = {}
    for rank, (a, b, _) in open_.items():
        *numbers, low, high = counts[ranges.index((a, b))]
        if low == high:
            out[rank] = (low, high, 1)
            continue
        row = np.array(numbers)
        ends = np.cumsum(row)
        at = int(np.searchsorted(ends, rank, side="right")) - 1
        out[rank] = (*_edges(at, a, b), int(row[at + 1]))
    return out


def _edges(at: int, lo: float, hi: float) -> tuple[float, float]:
    """Return the smallest and largest double whose bin is `at` (bins are monotone: bisect)."""
    step = (hi / 2 - lo / 2) * 2 / N_BINS

    def first(target: int) -> float:
        left = max(lo, lo + (target - 1) * step)
        right = min(hi, lo + (target + 1) * step)
        if bin_of(np.array([left]), lo, hi)[0] >= target:
            return left
        while True:
            middle = left / 2 + right / 2
            if not left < middle < right:
                return right
            if bin_of(np.array([middle]), lo, hi)[0] >= target:
                right = middle
            else:
                left = middle

    low = lo if at == 0 else first(at)
    high = hi if at == N_BINS - 1 else float(np.nextafter(first(at + 1), -np.inf))
    return low, high


def weighted_quantiles(
    table: Table, column: Column, weights: Column, probs: Sequence[float], method: str
) -> list[float]:
    """Return quantiles where a row counts as often as its weight says."""
    check_method(method)
    fetched = reduce(table, [column.expr, weights.expr], FetchRange)
    usable = (fetched[1] > 0) & ~np.isnan(fetched[1])
    values, mass = fetched[0][usable], fetched[1][usable]
    if not len(values):
        return [math.nan] * len(probs)
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(mass[order])
    out = []
    for p in probs:
        place = p * (ends[-1] - 1)
        low = float(
            values[np.searchsorted(ends, math.floor(place), side="right").clip(0, len(values) - 1)]
        )
        high = float(
            values[np.searchsorted(ends, math.ceil(place), side="right").clip(0, len(values) - 1)]
        )
        out.append(combine_at(place, {math.floor(place): low, math.ceil(place): high}, method))
    return out
