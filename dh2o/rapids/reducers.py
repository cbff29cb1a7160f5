"""Passes that fold columns to numbers: counts, sums, extremes, moments, covariances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from dh2o.chunks.stats import adder_of
from dh2o.rapids.columns import Column, Table, na_flag
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import TileTask, reduce
from dh2o.rapids.program import Program

__all__ = ["Facts", "complete_cross", "facts_of", "na_counts", "power_sums"]

Wanted: TypeAlias = frozenset[str]


@dataclass(slots=True)
class Facts:
    """What one pass learned of some columns; only what was asked for is filled."""

    n_rows: int
    n_na: F64
    sums: F64
    mins: F64
    maxs: F64
    products: F64
    n_zero: F64
    means: F64
    m2: F64

    @classmethod
    def none(cls, n_cols: int) -> Facts:
        """Return the facts of no rows."""
        z = np.zeros
        return cls(
            0,
            z(n_cols),
            z(n_cols),
            np.full(n_cols, np.inf),
            np.full(n_cols, -np.inf),
            np.ones(n_cols),
            z(n_cols),
            z(n_cols),
            z(n_cols),
        )

    @property
    def counts(self) -> F64:
        """Rows that are not NA, by column."""
        return self.n_rows - self.n_na

    @property
    def variances(self) -> F64:
        """Sample variance by column; NaN below two values."""
        with np.errstate(all="ignore"):
            return np.where(self.counts > 1, self.m2 / (self.counts - 1), np.nan)

    def count(self, j: int) -> int:
        """Return how many rows of a column are not NA."""
        return int(self.n_rows - self.n_na[j])

    def mean(self, j: int) -> float:
        """Return the mean of a column without its NA; NaN when there is no value."""
        n = self.count(j)
        return float(self.sums[j]) / n if n else math.nan


@dataclass(frozen=True)
class FactsTask(TileTask[Facts, Facts]):
    """Sums and extremes of every output; what costs more (products, zeros, m2) when wanted."""

    wanted: Wanted = field(default_factory=frozenset)

    def begin(self) -> Facts:
        return Facts.none(len(self.program.outputs))

    def add(self, partial: Facts, values: list[Any]) -> Facts:
        n_rows = len(values[0]) if values else 0
        for j, column in enumerate(values):
            self._add_column(partial, j, column)
        partial.n_rows += n_rows
        return partial

    def _add_column(self, facts: Facts, j: int, values: F64) -> None:
        n_before = facts.n_rows - facts.n_na[j]
        add_up = adder_of(len(values))
        total = add_up(values)
        if math.isnan(total):
            na = np.isnan(values)
            facts.n_na[j] += np.count_nonzero(na)
            values = values[~na]
            total = add_up(values)
        facts.sums[j] += total
        if not len(values):
            return
        if "range" in self.wanted:
            facts.mins[j] = min(facts.mins[j], float(np.minimum.reduce(values)))
            facts.maxs[j] = max(facts.maxs[j], float(np.maximum.reduce(values)))
        if "product" in self.wanted:
            facts.products[j] *= float(np.multiply.reduce(values))
        if "zeros" in self.wanted:
            facts.n_zero[j] += len(values) - np.count_nonzero(values)
        if "m2" in self.wanted:
            mean = total / len(values)
            centred = values - mean
            # not a BLAS dot: its bits depend on the number of threads
            spread = add_up(np.square(centred, out=centred))
            self._merge_m2(facts, j, (n_before, len(values), mean, spread))

    @staticmethod
    def _merge_m2(facts: Facts, j: int, other: tuple[float, float, float, float]) -> None:
        """Add the mean and squared spread of more values (Chan's formula)."""
        n_before, n, mean, spread = other
        if n == 0:
            return
        shift = mean - facts.means[j]
        total = n_before + n
        facts.m2[j] += spread + shift * shift * n_before * n / total
        facts.means[j] += shift * n / total

    def combine(self, a: Facts, b: Facts) -> Facts:
        if "m2" in self.wanted:
            for j in range(len(a.m2)):
                of_b = (a.n_rows - a.n_na[j], b.n_rows - b.n_na[j], b.means[j], b.m2[j])
                self._merge_m2(
                    a, j, (float(of_b[0]), float(of_b[1]), float(of_b[2]), float(of_b[3]))
                )
        with np.errstate(all="ignore"):  # infinities of both signs have no sum
            a.sums += b.sums
            a.products *= b.products
        a.n_rows += b.n_rows
        a.n_na += b.n_na
        np.minimum(a.mins, b.mins, out=a.mins)
        np.maximum(a.maxs, b.maxs, out=a.maxs)
        a.n_zero += b.n_zero
        return a

    def finish(self, total: Facts | None) -> Facts:
        return self.begin() if total is None else total


def facts_of(table: Table, columns: Sequence[Column], *wanted: str) -> Facts:
    """Return facts of number, time or enum columns (codes) from one pass."""
    keys = frozenset(wanted)
    if not columns:
        return Facts.none(0)
    return reduce(table, [c.expr for c in columns], lambda p: FactsTask(p, keys))


def na_counts(table: Table) -> list[int]:
    """Return the number of NA in each column, of any type."""
    exprs = [na_flag(column) for column in table.columns]
    if not exprs:
        return []
    facts = reduce(table, exprs, lambda p: FactsTask(p, frozenset()))
    return [int(n) for n in facts.sums]


@dataclass(slots=True)
class Cross:
    """Rows, sums of each column and of each product of two columns around `shift`."""

    n_rows: int
    sums: F64
    products: F64


@dataclass(frozen=True)
class CrossTask(TileTask[Cross, Cross]):
    """sum (x_i - shift_i)(x_j - shift_j) over rows; rows with an NA are left out if `complete`."""

    shift: Any = None
    complete: bool = True

    def begin(self) -> Cross:
        k = len(self.program.outputs)
        return Cross(0, np.zeros(k), np.zeros((k, k)))

    def add(self, partial: Cross, values: list[Any]) -> Cross:
        wide = np.stack(values) - self.shift[:, None]
        if self.complete:
            whole = ~np.isnan(wide).any(axis=0)
            if not whole.all():
                wide = np.ascontiguousarray(wide[:, whole])
        partial.n_rows += wide.shape[1]
        partial.sums += wide.sum(axis=1)
        partial.products += wide @ wide.T
        return partial

    def combine(self, a: Cross, b: Cross) -> Cross:
        return Cross(a.n_rows + b.n_rows, a.sums + b.sums, a.products + b.products)

    def finish(self, total: Cross | None) -> Cross:
        return self.begin() if total is None else total


def complete_cross(table: Table, columns: Sequence[Column], *, complete: bool) -> tuple[int, F64]:
    """Return the rows used and the matrix of sums of products of deviations from the means.

    With `complete` only rows without NA count; otherwise a column with NA gives NaN.
    """
    exprs = [c.expr for c in columns]
    zero = np.zeros(len(columns))
    first = reduce(table, exprs, lambda p: CrossTask(p, zero, complete))
    if not first.n_rows:
        return 0, np.full((len(columns), len(columns)), np.nan)
    means = first.sums / first.n_rows
    second = reduce(table, exprs, lambda p: CrossTask(p, means, complete))
    return second.n_rows, second.products


@dataclass(frozen=True)
class PowerTask(TileTask[Any, Any]):
    """sum of (x - mean)^k for k = 2, 3, 4 without NA, one row for each column."""

    means: Any = None

    def begin(self) -> Any:
        return np.zeros((len(self.program.outputs), 3))

    def add(self, partial: Any, values: list[Any]) -> Any:
        for j, column in enumerate(values):
            d = column - self.means[j]
            d = d[~np.isnan(d)]
            d2 = d * d
            partial[j] += (d2.sum(), (d2 * d).sum(), (d2 * d2).sum())
        return partial

    def combine(self, a: Any, b: Any) -> Any:
        return a + b

    def finish(self, total: Any) -> Any:
        return self.begin() if total is None else total


def power_sums(table: Table, columns: Sequence[Column], means: F64) -> F64:
    """Return the second, third and fourth central sums of each column."""

    def make(program: Program) -> PowerTask:
        return PowerTask(program, means)

    return reduce(table, [c.expr for c in columns], make)
