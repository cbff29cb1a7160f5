"""NA filled from the values beside them, down the columns or along the rows, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dh2o.rapids.blockwise import Shape, collect_values, is_small, map_values
from dh2o.rapids.columns import Table, default_names
from dh2o.rapids.kernels import F64

__all__ = ["fill_across", "fill_down", "fill_gaps"]


def fill_gaps(values: F64, limit: int, *, backward: bool) -> F64:
    """Return the values with NA replaced by the nearest value before (or after), `limit` away."""
    if backward:
        return fill_gaps(values[::-1], limit, backward=False)[::-1]
    n_rows = len(values)
    rows = np.arange(n_rows)
    seen = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    near = (seen >= 0) & (rows - seen <= limit)
    return np.where(near, values[np.maximum(seen, 0)], values)


def fill_down(table: Table, limit: int, *, backward: bool) -> Table:
    """Return the columns with NA filled from the rows before (or after)."""
    edges = np.full((1, table.n_cols, 2), np.nan)
    if not is_small(table):
        nearest = _Nearest(backward)
        edges = _carried(collect_values(table, nearest), table.layout or (), backward=backward)
    return map_values(table, _FillDown(limit, backward, edges), _same(table), table.layout)


def fill_across(table: Table, limit: int, *, backward: bool) -> Table:
    """Return the rows with NA filled from the columns before (or after)."""
    return map_values(table, _FillAcross(limit, backward), _same(table), table.layout)


def _same(table: Table) -> Shape:
    kinds, domains = [c.type for c in table.columns], [c.domain for c in table.columns]
    return Shape(default_names(table.n_cols), kinds, domains)


@dataclass(frozen=True, slots=True)
class _Nearest:
    """The last value of every column (the first, backward) and how far it is from the end."""

    backward: bool

    def __call__(self, values: list[F64], _number: int, _n_rows: int) -> list[tuple[float, int]]:
        return [self._of(v[::-1] if self.backward else v) for v in values]

    @staticmethod
    def _of(values: F64) -> tuple[float, int]:
        there = np.flatnonzero(~np.isnan(values))
        return (float(values[there[-1]]), len(values) - 1 - int(there[-1])) if len(there) else _NONE


_NONE = (float("nan"), 0)


def _carried(
    nearest: Sequence[Sequence[tuple[float, int]]], layout: Sequence[int], *, backward: bool
) -> F64:
    """Return what comes to every block and column: a value, and how many rows lie between."""
    n_cols = len(nearest[0]) if nearest else 0
    edges = np.full((len(nearest), n_cols, 2), np.nan)
    now = np.full((n_cols, 2), np.nan)
    for i in range(len(nearest))[:: -1 if backward else 1]:
        edges[i] = now
        now[:, 1] += layout[i]
        for j, (value, gap) in enumerate(nearest[i]):
            if not np.isnan(value):
                now[j] = value, gap
    return edges


@dataclass(frozen=True, slots=True)
class _FillDown:
    limit: int
    backward: bool
    edges: F64

    def __call__(self, values: list[F64], number: int, _n_rows: int) -> list[F64]:
        return [self._filled(v, *self.edges[number, j]) for j, v in enumerate(values)]

    def _filled(self, values: F64, value: float, gap: float) -> F64:
        filled = fill_gaps(values, self.limit, backward=self.backward)
        if np.isnan(value):
            return filled
        way = -1 if self.backward else 1
        there = np.flatnonzero(~np.isnan(values[::way]))
        n_open = int(there[0]) if len(there) else len(values)
        n_filled = max(0, min(n_open, self.limit - int(gap)))
        out = filled.copy()
        out[::way][:n_filled] = value
        return out


@dataclass(frozen=True, slots=True)
class _FillAcross:
    limit: int
    backward: bool

    def __call__(self, values: list[F64], _number: int, n_rows: int) -> list[F64]:
        out = [v.copy() for v in values]
        n_filled = np.zeros(n_rows, dtype=np.int64)
        for before, here in pairwise(range(len(values))[:: -1 if self.backward else 1]):
            missing = np.isnan(values[here])
            usable = missing & ~np.isnan(out[before]) & (n_filled < self.limit)
            out[here][usable] = out[before][usable]
            n_filled = np.where(missing, n_filled + usable, 0)
        return out
