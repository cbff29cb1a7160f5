"""Levels of categorical columns: which are used, what values there are, changing their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dh2o.rapids.columns import Column, Op, Table
from dh2o.rapids.passes import TileTask, reduce

__all__ = [
    "Counts",
    "keep_used_levels",
    "level_counts",
    "recoded",
    "unique_numbers",
    "unique_texts",
]


@dataclass(frozen=True)
class Counts(TileTask[Any, Any]):
    """Weighted (or plain) number of rows of every code, NA rows last."""

    n_levels: int
    weighted: bool = False

    def begin(self) -> Any:
        return np.zeros(self.n_levels + 1)

    def add(self, partial: Any, values: list[Any]) -> Any:
        codes = values[0]
        idx = np.where(np.isnan(codes), self.n_levels, codes).astype(np.int64)
        weights = np.nan_to_num(values[1]) if self.weighted else None
        return partial + np.bincount(idx, weights, minlength=self.n_levels + 1)

    def combine(self, a: Any, b: Any) -> Any:
        return a + b

    def finish(self, total: Any) -> Any:
        return self.begin() if total is None else total


def level_counts(table: Table, column: Column, weights: Column | None = None) -> Any:
    """Return how many rows have each level of an enum, and last how many are NA."""
    n_levels = len(column.domain or ())
    exprs = [column.expr] + ([weights.expr] if weights else [])
    return reduce(table, exprs, lambda program: Counts(program, n_levels, weights is not None))


@dataclass(frozen=True)
class UniqueNumbers(TileTask[Any, Any]):
    """The distinct values of a number column in ascending order, without NA."""

    def begin(self) -> Any:
        return np.empty(0)

    def add(self, partial: Any, values: list[Any]) -> Any:
        found = np.unique(values[0])
        return np.union1d(partial, found[~np.isnan(found)])

    def combine(self, a: Any, b: Any) -> Any:
        return np.union1d(a, b)

    def finish(self, total: Any) -> Any:
        return self.begin() if total is None else total + 0.0  # -0.0 and 0.0 are one value


def unique_numbers(table: Table, column: Column) -> Any:
    """Return the distinct values of a column in ascending order, without NA."""
    return reduce(table, [column.expr], UniqueNumbers)


@dataclass(frozen=True)
class UniqueTexts(TileTask[Any, Any]):
    """The set of distinct texts of a string column, without NA."""

    def begin(self) -> Any:
        return set()

    def add(self, partial: Any, values: list[Any]) -> Any:
        found = values[0].unique().to_pylist()
        return partial.union(text for text in found if text is not None)

    def combine(self, a: Any, b: Any) -> Any:
        return a | b

    def finish(self, total: Any) -> Any:
        return sorted(total or (), key=lambda text: text.encode("utf-8", "surrogatepass"))


def unique_texts(table: Table, column: Column) -> list[str]:
    """Return the distinct texts of a column in the order of their bytes."""
    return list(reduce(table, [column.expr], UniqueTexts))


def recoded(column: Column, codes: Sequence[float], domain: Sequence[str]) -> Column:
    """Return the enum whose old code i became `codes[i]` (NaN for NA) of the new domain."""
    lookup = Op("lookup", (column.expr,), (np.asarray(codes, dtype=np.float64),))
    return replace(column, expr=lookup, domain=tuple(domain), vec=None)


def keep_used_levels(table: Table, column: Column) -> Column:
    """Return the enum without the levels that no row has."""
    counts = level_counts(table, column)[:-1]
    used = np.flatnonzero(counts)
    domain = column.domain or ()
    if len(used) == len(domain):
        return column
    codes = np.full(len(domain), np.nan)
    codes[used] = np.arange(len(used))
    return recoded(column, codes.tolist(), [domain[i] for i in used])
