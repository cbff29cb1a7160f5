"""Columns moved as a counting sort moves them: each row to a place, or each value to a run of rows.

The places of few runs fill from front to back, so that writing them touches few lines of the cache
at a time, where taking rows in the new order would touch all of the column again for each run. With
many runs it is taking that touches fewer: what is read need not be written back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from dh2o.chunks.bank import NO_SHORT_ROW, Form, Rows, bank_of, form_of, gathered, parts_of
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import I64, U32, Buffer, read_only

__all__ = ["Order", "Places", "Runs"]


@dataclass(frozen=True)
class Places:
    """Where the rows of a table go: each to a place, those from `n_rows` on to nowhere.

    No row comes to the `holes`, and none twice to a place.
    """

    places: U32
    n_rows: int
    holes: I64

    @cached_property
    def rows(self) -> U32:
        """The row that comes to each place, `NO_SHORT_ROW` for none."""
        rows = np.empty(len(self.places) + len(self.holes), dtype=np.uint32)
        rows[self.holes] = NO_SHORT_ROW
        rows[self.places] = np.arange(len(self.places), dtype=np.uint32)
        return rows[: self.n_rows]

    def moved(self, chunks: Sequence[Chunk], layout: Sequence[int]) -> list[Chunk]:
        """Return chunks, in a layout, of a column whose rows have gone to their places."""
        kind, parts = parts_of(chunks)
        if not parts or kind in ("string", "uuid"):
            return taken(chunks, self.rows, layout)
        form = form_of(parts)
        column = np.empty(len(self.places) + len(self.holes), dtype=form.dtype)
        start = 0
        for part in parts:
            _scatter(form.opened(part), self.places[start : start + part.n_rows], column)
            start += part.n_rows
        column[self.holes] = form.na
        return _chunks(column[: self.n_rows], form, layout)


@dataclass(frozen=True)
class Order:
    """Rows in a new order: their numbers, `NO_SHORT_ROW` for a row of NA."""

    rows: U32

    def moved(self, chunks: Sequence[Chunk], layout: Sequence[int]) -> list[Chunk]:
        """Return chunks, in a layout, of a column in this order."""
        return taken(chunks, self.rows, layout)


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
    return values.view(np.int64) if values.dtype.itemsize == 8 else values


def _scatter(values: Buffer, places: U32, out: Buffer) -> None:
    """out[places] = values."""
    from dh2o.chunks.kernels import scatter_kernel

    held = _plain(np.ascontiguousarray(values))
    scatter_kernel(read_only(held), read_only(places), _plain(out))


def _repeat(values: Buffer, starts: I64, out: Buffer) -> None:
    """out[starts[k]:starts[k + 1]] = values[k]."""
    from dh2o.chunks.kernels import repeat_kernel

    repeat_kernel(read_only(_plain(values)), read_only(starts), _plain(out))
