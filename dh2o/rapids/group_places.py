"""The number of the group that a row belongs to, by its keys: searched, not hashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.rapids.kernels import F64

__all__ = ["GroupPlaces"]

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupPlaces:
    """How keys become group numbers: column by column, each with those before it as one rank.

    `values` are the distinct values of each key column (NA has code 0 before them), `cells` the
    pairs of rank and code that are a group's, `groups` the group of each last cell.
    """

    values: tuple[F64, ...]
    cells: tuple[I64, ...]
    groups: I64

    @classmethod
    def of(cls, keys: Sequence[F64]) -> GroupPlaces:
        """Return the places of groups with these keys (an array a column), all different."""
        values, cells = [], []
        rank = np.zeros(len(keys[0]), dtype=np.int64)
        for key in keys:
            distinct = np.unique(key[~np.isnan(key)])
            values.append(distinct)
            cell, rank = np.unique(_cells(rank, key, distinct), return_inverse=True)
            cells.append(cell)
        groups = np.empty(len(rank), dtype=np.int64)
        groups[rank] = np.arange(len(rank))
        return cls(tuple(values), tuple(cells), groups)

    def numbers(self, columns: Sequence[Any], n_rows: int) -> F64:
        """Return the group number of each row, NA where no group has its keys."""
        rank = np.zeros(n_rows, dtype=np.int64)
        for column, distinct, cell in zip(columns, self.values, self.cells, strict=True):
            found = _cells(rank, np.broadcast_to(column, (n_rows,)), distinct)
            rank = _place(cell, found)
        if not len(self.groups):
            return np.full(n_rows, np.nan)
        return np.where(rank < 0, np.nan, self.groups[np.maximum(rank, 0)])


def _cells(rank: I64, key: F64, distinct: F64) -> I64:
    """Return rank and code of the key as one number; -1 for what no group has."""
    code = np.where(np.isnan(key), 0, _place(distinct, key) + 1)
    unknown = (rank < 0) | ((code == 0) & ~np.isnan(key))
    cells: I64 = np.where(unknown, -1, rank * (len(distinct) + 1) + code)
    return cells


def _place(sorted_values: Any, wanted: Any) -> I64:
    """Return where each value lies among the sorted ones, -1 where it does not."""
    if not len(sorted_values):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(sorted_values, wanted), len(sorted_values) - 1)
    places: I64 = np.where(sorted_values[at] == wanted, at, -1)
    return places
