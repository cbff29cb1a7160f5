"""Groups of rows with equal keys: aggregates, first within each block, then merged.

A partial result is one row a group (its keys, NA as NaN) and a matrix of statistics that merge by
adding, by minimum and maximum, or by Chan's formula for squared deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import TileTask, reduce, run_program
from dh2o.rapids.program import Tiles

__all__ = ["Grouped", "group_rows", "grouped", "sorted_groups"]

I64 = NDArray[np.int64]
N_STATISTICS = 6  # count, sum, mean, squared deviations, min, max: of one column


@dataclass(slots=True)
class Grouped:
    """Groups in the order of their keys, NA first. `stats[c]` holds the statistics of column c."""

    keys: F64  # (n_keys, n_groups)
    n_rows: F64
    stats: list[F64]  # each (N_STATISTICS, n_groups)

    @property
    def n_groups(self) -> int:
        return len(self.n_rows)


def group_rows(keys: Sequence[F64]) -> tuple[I64, F64]:
    """Return each row's group number and the keys of the groups, sorted with NA first."""
    n_rows = len(keys[0]) if keys else 0
    codes = np.zeros(n_rows, dtype=np.int64)
    n_codes = 1
    for key in keys:
        values, inverse = np.unique(key, return_inverse=True)  # NaN last, once
        inverse = inverse.ravel().astype(np.int64)
        if len(values) and np.isnan(values[-1]):
            inverse = (inverse + 1) % len(values)
        codes = codes * len(values) + inverse
        n_codes *= len(values)
        if n_codes > 1 << 40:
            codes = np.unique(codes, return_inverse=True)[1].ravel()
            n_codes = int(codes.max(initial=0)) + 1
    _, first, groups = np.unique(codes, return_index=True, return_inverse=True)
    found = np.stack([key[first] for key in keys]) if keys else np.zeros((0, len(first)))
    return groups.ravel(), found


def _column_stats(values: F64, groups: I64, n_groups: int) -> F64:
    """Return count, sum, mean, squared deviations, min, max of the values of each group."""
    out = np.zeros((N_STATISTICS, n_groups))
    out[4], out[5] = np.inf, -np.inf
    there = ~np.isnan(values)
    if not there.all():
        values, groups = values[there], groups[there]
    out[0] = np.bincount(groups, minlength=n_groups)
    out[1] = np.bincount(groups, values, minlength=n_groups)
    out[2] = out[1] / np.where(out[0] == 0, 1, out[0])
    out[3] = np.bincount(groups, (values - out[2][groups]) ** 2, minlength=n_groups)
    np.minimum.at(out[4], groups, values)
    np.maximum.at(out[5], groups, values)
    return out


def _merge_stats(parts: F64, groups: I64, n_groups: int) -> F64:
    """Return the statistics of groups of groups."""
    out = np.zeros((N_STATISTICS, n_groups))
    count, total, mean, spread, low, high = parts
    out[0] = np.bincount(groups, count, minlength=n_groups)
    out[1] = np.bincount(groups, total, minlength=n_groups)
    weighted = np.bincount(groups, mean * count, minlength=n_groups)
    out[2] = weighted / np.where(out[0] == 0, 1, out[0])
    apart = (mean - out[2][groups]) ** 2 * count
    out[3] = np.bincount(groups, spread + apart, minlength=n_groups)
    out[4], out[5] = np.inf, -np.inf
    np.minimum.at(out[4], groups, low)
    np.maximum.at(out[5], groups, high)
    return out


@dataclass(frozen=True)
class GroupTask(TileTask[Grouped, Grouped]):
    """Groups of the first `n_keys` outputs, with statistics of the others."""

    n_keys: int = 1

    def fold_tiles(self, tiles: Tiles) -> Grouped:
        values = run_program(self.program, tiles)
        if not self.n_keys:
            groups, keys = np.zeros(tiles.n_rows, dtype=np.int64), np.zeros((0, 1))
        else:
            groups, keys = group_rows(values[: self.n_keys])
        n_groups = keys.shape[1]
        sizes = np.bincount(groups, minlength=n_groups).astype(np.float64)
        with np.errstate(all="ignore"):
            stats = [_column_stats(v, groups, n_groups) for v in values[self.n_keys :]]
        return Grouped(keys, sizes, stats)

    def begin(self) -> Grouped:
        n_groups = 0 if self.n_keys else 1
        n_columns = len(self.program.outputs) - self.n_keys
        empty = np.zeros((N_STATISTICS, n_groups))
        return Grouped(np.zeros((self.n_keys, n_groups)), np.zeros(n_groups), [empty] * n_columns)

    def add(self, partial: Grouped, values: list[Any]) -> Grouped:
        raise NotImplementedError  # whole blocks are grouped at once

    def combine(self, a: Grouped, b: Grouped) -> Grouped:
        keys = np.concatenate([a.keys, b.keys], axis=1)
        if self.n_keys:
            groups, found = group_rows(list(keys))
        else:
            groups, found = np.zeros(keys.shape[1], dtype=np.int64), np.zeros((0, 1))
        n_groups = found.shape[1]
        sizes = np.bincount(groups, np.append(a.n_rows, b.n_rows), minlength=n_groups).astype(float)
        with np.errstate(all="ignore"):
            stats = [
                _merge_stats(np.concatenate([x, y], axis=1), groups, n_groups)
                for x, y in zip(a.stats, b.stats, strict=True)
            ]
        return Grouped(found, sizes, stats)

    def finish(self, total: Grouped | None) -> Grouped:
        return self.begin() if total is None else total


def grouped(table: Table, keys: Sequence[Column], columns: Sequence[Column]) -> Grouped:
    """Return the groups of a table by key columns, with the statistics of columns."""
    exprs = [c.expr for c in (*keys, *columns)]
    if not exprs:
        raise RapidsError("Grouping needs at least one column.")
    return reduce(table, exprs, lambda p: GroupTask(p, len(keys)))


def sorted_groups(keys: Sequence[F64]) -> tuple[I64, I64, I64]:
    """Return rows ordered by group (stable), where each group starts, and how many rows it has."""
    groups, found = group_rows(keys)
    n_groups = found.shape[1] if keys else 1
    sizes = np.bincount(groups, minlength=n_groups)
    return np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes, sizes
