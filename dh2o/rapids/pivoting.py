"""Long to wide without bringing the rows together: sorted by index, every block makes its rows.

An index whose rows lie in several blocks is made by the block where it starts; what the blocks
after it have of it comes as a patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dh2o.frame import layout_for
from dh2o.rapids.blockwise import Shape, collect_values, map_values
from dh2o.rapids.columns import Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import in_layout

__all__ = ["pivoted_blocks"]


def pivoted_blocks(table: Table, column_keys: F64, n_index: int, shape: Shape) -> Table:
    """Return a row for each index and a column for each of `column_keys`.

    `table` (index, column, value) is sorted by index and has no pair of index and column twice.
    """
    nbytes = n_index * len(shape.names) * 8
    table = in_layout(table, layout_for(table.n_rows, nbytes))
    heads = collect_values(table, _Heads(column_keys))
    return map_values(table, _PivotBlock(column_keys, *_patches(heads)), shape)


@dataclass(frozen=True, slots=True)
class _Head:
    """The first and last index of a block, and the places and values of the first one's rows."""

    first: float
    last: float
    places: Any
    values: F64


@dataclass(frozen=True, slots=True)
class _Heads:
    column_keys: F64

    def __call__(self, values: list[F64], _number: int, n_rows: int) -> Any:
        index, column, cells = values
        if not n_rows:
            return None
        n = _starts(index)[1] if not _same(index[0], index[-1]) else n_rows
        places = np.searchsorted(self.column_keys, column[:n])
        return _Head(float(index[0]), float(index[-1]), places, cells[:n])


def _same(a: float, b: float) -> bool:
    return bool(a == b or (np.isnan(a) and np.isnan(b)))


def _starts(index: F64) -> Any:
    """Return where each run of equal index starts (NA are equal)."""
    differs = (index[1:] != index[:-1]) & ~(np.isnan(index[1:]) & np.isnan(index[:-1]))
    return np.concatenate([[0], np.flatnonzero(differs) + 1])


@dataclass(frozen=True, slots=True)
class _Patch:
    places: Any
    values: F64


def _patches(heads: Sequence[_Head | None]) -> tuple[dict[int, list[_Patch]], set[int]]:
    """Return what blocks get for their last index, and which blocks leave their first one away."""
    patches: dict[int, list[_Patch]] = {}
    continued: set[int] = set()
    owner, last = -1, None
    for number, head in enumerate(heads):
        if head is None:
            continue
        if last is not None and _same(head.first, last):
            continued.add(number)
            patches.setdefault(owner, []).append(_Patch(head.places, head.values))
            if not _same(head.first, head.last):
                owner = number
        else:
            owner = number
        last = head.last
    return patches, continued


@dataclass(frozen=True, slots=True)
class _PivotBlock:
    column_keys: F64
    patches: dict[int, list[_Patch]] = field(default_factory=dict)
    continued: set[int] = field(default_factory=set)

    def __call__(self, values: list[F64], number: int, n_rows: int) -> list[F64]:
        index, column, cells = values
        starts = _starts(index) if n_rows else np.empty(0, dtype=np.int64)
        if number in self.continued:
            first = int(starts[1]) if len(starts) > 1 else n_rows
            index, column, cells = index[first:], column[first:], cells[first:]
            starts = starts[1:] - first
        wide = np.full((len(self.column_keys), len(starts)), np.nan)
        rows = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(index))))
        wide[np.searchsorted(self.column_keys, column), rows] = cells
        for patch in self.patches.get(number, ()):
            wide[patch.places, -1] = patch.values
        return [index[starts], *wide]
