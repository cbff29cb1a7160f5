"""Columns whose rows are put in order by key, or fill runs of rows.

Rows are put in order tile by tile, and those of a tile then written behind the rows of the same key
that came before: what is read lies in a core's cache, and what is written goes on where the tile
before left off. Taking rows one by one in the new order would fetch a line of the cache for every
number.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import I64, U32, Buffer, Mask, read_only
from dh2o.chunks.encode import all_na

__all__ = ["ByKey", "Runs"]

U16 = NDArray[np.uint16]

TILE_ROWS = 1 << 17  # so many numbers, and where they come from and go, fit a core's cache


@dataclass(frozen=True, slots=True)
class _Moving:
    """A column of numbers, and the room for it in its new order."""

    parts: Sequence[Chunk]
    form: Form
    out: Buffer


@dataclass(frozen=True, slots=True)
class _Tile:
    """Rows from `start` to `stop` of a part of the table: those kept, and the places they go to."""

    start: int
    stop: int
    rows: U32
    places: U32

    def move(self, values: Buffer, out: Buffer) -> None:
        """Put the rows of the part's `values` into their places."""
        from dh2o.chunks.kernels import move_kernel

        move_kernel(read_only(values[self.start : self.stop]), self.rows, self.places, out)


@dataclass(frozen=True)
class ByKey:
    """The rows of a table by key, rows of one key as they lie; those of keys not `kept` go.

    Key k has the places from ``starts[k]`` to ``starts[k + 1]``. The `holes` are the places of keys
    that no row has.
    """

    keys: U16
    kept: Mask
    starts: I64
    holes: I64

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

    def moved(
        self, columns: Sequence[Sequence[Chunk]], layout: Sequence[int], each: Each
    ) -> list[list[Chunk]]:
        """Return the chunks, in a layout, of columns in this order."""
        known = [parts_of(chunks) for chunks in columns]
        numbers = [
            i for i, (kind, parts) in enumerate(known) if parts and kind not in ("string", "uuid")
        ]
        made = each(lambda i: self._room_for(known[i][1]), numbers)
        if made:
            self._move(made, each)
        moving = dict(zip(numbers, made, strict=True))

        def chunks_of(i: int) -> list[Chunk]:
            kind, parts = known[i]
            if not parts:
                return [all_na(n_rows, kind) for n_rows in layout]
            if i not in moving:
                return taken(columns[i], self.rows, layout)
            moving[i].out[self.holes] = moving[i].form.na
            return _chunks(moving[i].out, moving[i].form, layout)

        return each(chunks_of, range(len(columns)))

    def _room_for(self, parts: Sequence[Chunk]) -> _Moving:
        form = form_of(parts)
        return _Moving(parts, form, np.empty(self.n_rows, dtype=form.dtype))

    def _move(self, columns: Sequence[_Moving], each: Each) -> None:
        """Put rows into their places, in turn the tiles of each part of the table."""
        from dh2o.chunks.kernels import count_keys

        starts = [0, *accumulate(part.n_rows for part in columns[0].parts)]
        cuts = [_tile_cuts(start, stop) for start, stop in pairwise(starts)]
        firsts = [0, *accumulate(len(c) - 1 for c in cuts)]
        keys = read_only(self.keys)
        counts = np.zeros((firsts[-1], len(self.kept)), dtype=np.uint32)

        def count(part: int) -> None:
            for t, (start, stop) in enumerate(pairwise(cuts[part]), firsts[part]):
                count_keys(keys[start:stop], counts[t])

        each(count, range(len(cuts)))
        next_places = np.cumsum(counts, axis=0, dtype=np.uint32)
        next_places -= counts
        next_places += self.starts[:-1].astype(np.uint32)

        def move(part: int) -> None:
            tiles = [
                self._tile(start, stop, starts[part], counts[t], next_places[t])
                for t, (start, stop) in enumerate(pairwise(cuts[part]), firsts[part])
            ]
            for column in columns:
                values = _plain(np.ascontiguousarray(column.form.opened(column.parts[part])))
                for tile in tiles:
                    tile.move(values, _plain(column.out))

        each(move, range(len(cuts)))

    def _tile(self, start: int, stop: int, first: int, counts: U32, next_place: U32) -> _Tile:
        """Return the rows from `start` to `stop` of a part that begins at `first`, in order."""
        from dh2o.chunks.kernels import order_tile

        keys, kept = read_only(self.keys[start:stop]), read_only(self.kept)
        rows, places = (np.empty(stop - start, dtype=np.uint32) for _ in range(2))
        n = order_tile(keys, kept, counts, read_only(next_place), rows, places)
        return _Tile(start - first, stop - first, read_only(rows[:n]), read_only(places[:n]))


def _tile_cuts(start: int, stop: int) -> list[int]:
    """Return where tiles of about the same size begin, and the end of the last."""
    n_tiles = -(-(stop - start) // TILE_ROWS)
    return [start + (stop - start) * k // n_tiles for k in range(n_tiles + 1)]


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
