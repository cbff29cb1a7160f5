"""Columns whose rows are put in order by key, or fill runs of rows.

Rows are put in order tile by tile, and those of a tile then written behind the rows of the same key
that came before: what is read lies in a core's cache, and what is written goes on where the tile
before left off. Taking rows one by one in the new order would fetch a line of the cache for every
number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks.bank import (
    NO_SHORT_ROW,
    Each,
    Form,
    Rows,
    bank_of,
    form_of,
    gathered,
    parts_of,
)
from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import I64, U32, Buffer, Mask, read_only
from dh2o.chunks.encode import all_na

__all__ = ["ByKey", "Moving", "Runs", "counted"]

U16 = NDArray[np.uint16]

TILE_ROWS = 1 << 16  # what a tile has of a column, and its rows by key, fit a core's cache
MANY_KEYS = 1 << 11  # for so many keys, tiles are as large as they may be:
LARGE_TILE_ROWS = 1 << 19  # else a tile has but a few rows of each key


def counted(keys: U16, cuts: Sequence[int], n_keys: int, each: Each) -> I64:
    """Return how often each part of the rows, from cut to cut, has each key (parts x keys)."""
    from dh2o.chunks.kernels import count_keys

    held = read_only(keys)
    counts = np.zeros((len(cuts) - 1, n_keys), dtype=np.int64)
    each(lambda k: count_keys(held[cuts[k] : cuts[k + 1]], counts[k]), range(len(counts)))
    return counts


@dataclass(frozen=True)
class ByKey:
    """The rows of a table by key, rows of one key as they lie; those of keys not `kept` go.

    Key k has the places from ``starts[k]`` to ``starts[k + 1]``. The `holes` are the places of keys
    that no row has. `counts` says how often each part of the rows, from cut to cut, has each key.
    """

    keys: U16
    kept: Mask
    starts: I64
    holes: I64
    cuts: Sequence[int]
    counts: I64

    @property
    def n_rows(self) -> int:
        """How many places there are."""
        return int(self.starts[-1])

    @cached_property
    def rows(self) -> U32:
        """The row that comes to each place, `NO_SHORT_ROW` for none."""
        order = np.argsort(self.keys, kind="stable")
        there = np.ones(self.n_rows, dtype=np.bool_)
        there[self.holes] = False
        rows = np.full(self.n_rows, NO_SHORT_ROW, dtype=np.uint32)
        rows[there] = order[self.kept[self.keys[order]]]
        return rows

    def moving(self, columns: Sequence[Sequence[Chunk]], each: Each) -> Moving:
        """Return what puts columns into this order, part by part of the table."""
        known = [parts_of(chunks) for chunks in columns]
        made = {
            i: _Column(parts, form, np.empty(self.n_rows, dtype=form.dtype))
            for i, (kind, parts) in enumerate(known)
            if parts and kind not in ("string", "uuid")
            for form in [form_of(parts)]
        }
        parts = next((column.parts for column in made.values()), ())
        cuts = [0, *accumulate(part.n_rows for part in parts)]
        counts = self.counts
        if cuts != list(self.cuts):
            counts = counted(self.keys, cuts, len(self.kept), each)
        next_places = np.cumsum(counts, axis=0, dtype=np.uint32)
        next_places -= counts.astype(np.uint32)
        next_places += self.starts[:-1].astype(np.uint32)
        return Moving(self, columns, [kind for kind, _ in known], made, cuts, next_places)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of numbers, and the room for it in its new order."""

    parts: Sequence[Chunk]
    form: Form
    out: Buffer


@dataclass(frozen=True, slots=True)
class Moving:
    """Columns on their way into the order `to`: `move` every part, then take the `chunks`."""

    to: ByKey
    columns: Sequence[Sequence[Chunk]]
    kinds: Sequence[Kind]
    numbers: Mapping[int, _Column]
    cuts: Sequence[int]
    next_places: U32  # parts x keys

    @property
    def n_parts(self) -> int:
        """How many parts there are, which may be moved at the same time."""
        return len(self.cuts) - 1

    def move(self, part: int) -> None:
        """Put what all columns of numbers have of a part of the table into its places."""
        from dh2o.chunks.spread_kernels import spread_rows

        start, stop = self.cuts[part], self.cuts[part + 1]
        opened = [
            np.require(column.form.opened(column.parts[part]), requirements=["C", "A"])
            for column in self.numbers.values()
        ]
        targets = [column.out for column in self.numbers.values()]
        columns = np.array(
            [
                (_address(values), _address(out), out.itemsize)
                for values, out in zip(opened, targets, strict=True)
            ],
            dtype=np.uint64,
        )
        keys, kept = read_only(self.to.keys[start:stop]), read_only(self.to.kept)
        rows = _memory_for_tile(len(kept), stop - start)
        spread_rows(keys, kept, self.next_places[part], rows, self.to.n_rows, read_only(columns))

    def chunks(self, layout: Sequence[int], each: Each) -> list[list[Chunk]]:
        """Return the chunks of all columns, in a layout, once every part has been moved."""

        def chunks_of(i: int) -> list[Chunk]:
            column = self.numbers.get(i)
            if column is not None:
                column.out[self.to.holes] = column.form.na
                return _chunks(column.out, column.form, layout)
            if self.kinds[i] in ("string", "uuid") and parts_of(self.columns[i])[1]:
                return taken(self.columns[i], self.to.rows, layout)
            return [all_na(n_rows, self.kinds[i]) for n_rows in layout]

        return each(chunks_of, range(len(self.columns)))


def _address(values: Buffer) -> int:
    address: int = values.__array_interface__["data"][0]
    return address


def _memory_for_tile(n_keys: int, n_rows: int) -> Buffer:
    """Return room for the numbers, within a tile, of its rows."""
    tile_rows = min(n_rows, TILE_ROWS if n_keys <= MANY_KEYS else LARGE_TILE_ROWS)
    return np.empty(tile_rows, dtype=np.uint16 if tile_rows <= 1 << 16 else np.uint32)


@dataclass(frozen=True)
class Runs:
    """Runs of rows: run k is row ``rows[k]`` (-1: NA) from ``starts[k]`` to ``starts[k + 1]``."""

    rows: I64
    starts: I64

    def numbers(self) -> Runs:
        """Return the runs of their own numbers: of a table with a row for each run."""
        return Runs(np.arange(len(self.rows)), self.starts)

    @cached_property
    def repeated(self) -> I64:
        """The row at each place."""
        return np.repeat(self.rows, np.diff(self.starts))

    def filled(self, chunks: Sequence[Chunk], layout: Sequence[int]) -> list[Chunk]:
        """Return chunks, in a layout, of a column whose rows fill the runs."""
        kind, parts = parts_of(chunks)
        if not parts or kind in ("string", "uuid"):
            return taken(chunks, self.repeated, layout)
        form = form_of(parts)
        values = np.concatenate([form.opened(part) for part in parts])
        column = np.empty(int(self.starts[-1]), dtype=form.dtype)
        _repeat(gathered(values, self.rows, form.na), self.starts, column)
        return _chunks(column, form, layout)


def taken(chunks: Sequence[Chunk], rows: Rows, layout: Sequence[int]) -> list[Chunk]:
    """Return chunks, in a layout, of these rows of a column."""
    bank = bank_of(chunks)
    return [bank.take(part) for part in _cut(rows, layout)]


def _chunks(column: Buffer, form: Form, layout: Sequence[int]) -> list[Chunk]:
    return [form.chunk(rows) for rows in _cut(column, layout)]


def _cut(values: Any, layout: Sequence[int]) -> list[Any]:
    cuts = np.cumsum([0, *layout]).tolist()
    return [values[start:stop] for start, stop in pairwise(cuts)]


def _plain(values: Buffer) -> Buffer:
    """Return numbers of 64 bits as integers: the kernels only move them."""
    return values.view(np.uint64) if values.dtype.itemsize == 8 else values


def _repeat(values: Buffer, starts: I64, out: Buffer) -> None:
    """out[starts[k]:starts[k + 1]] = values[k]."""
    from dh2o.chunks.kernels import repeat_kernel

    repeat_kernel(read_only(_plain(values)), read_only(starts), _plain(out))
