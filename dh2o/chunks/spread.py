"""Columns moved as a counting sort moves them: each row to a place, or each value to a run of rows.

The places of few runs fill from front to back, so that writing them touches few lines of the cache
at a time, where taking rows in the new order would touch all of the column again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from dh2o.chunks.bank import Form, bank_of, form_of, gathered, parts_of
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import I64, U32, Buffer, read_only
from dh2o.chunks.encode import all_na

__all__ = ["Places", "Runs", "repeated", "spread"]


@dataclass(frozen=True)
class Places:
    """Where the rows of a table go: each to a place, those from `n_rows` on to nowhere.

    No row comes to the `holes`, and none twice to a place.
    """

    places: U32
    n_rows: int
    holes: I64

    @cached_property
    def rows(self) -> I64:
        """The row that comes to each place, -1 for none."""
        rows = np.empty(max(self.n_rows, int(self.places.max(initial=0)) + 1), dtype=np.int64)
        rows[self.holes] = -1
        rows[self.places] = np.arange(len(self.places))
        return rows[: self.n_rows]


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


def spread(chunks: Sequence[Chunk], to: Places, layout: Sequence[int]) -> list[Chunk]:
    """Return chunks, in a layout, of a column whose rows have gone to their places."""
    kind, parts = parts_of(chunks)
    if not parts:
        return [all_na(n_rows, kind) for n_rows in layout]
    if kind in ("string", "uuid"):
        bank = bank_of(parts)
        return [bank.take(rows) for rows in _cut(to.rows, layout)]
    form = form_of(parts)
    column = np.empty(max(to.n_rows, len(to.places) + len(to.holes)), dtype=form.dtype)
    start = 0
    for part in parts:
        _scatter(form.opened(part), to.places[start : start + part.n_rows], column)
        start += part.n_rows
    column[to.holes] = form.na
    return _chunks(column, form, layout)


def repeated(chunks: Sequence[Chunk], runs: Runs, layout: Sequence[int]) -> list[Chunk]:
    """Return chunks, in a layout, of a column whose rows fill runs."""
    kind, parts = parts_of(chunks)
    if not parts:
        return [all_na(n_rows, kind) for n_rows in layout]
    if kind in ("string", "uuid"):
        bank = bank_of(parts)
        return [bank.take(rows) for rows in _cut(runs.repeated, layout)]
    form = form_of(parts)
    values = np.concatenate([form.opened(part) for part in parts])
    picked = gathered(values, runs.rows, form.na)
    column = np.empty(int(runs.starts[-1]), dtype=form.dtype)
    _repeat(picked, runs.starts, column)
    return _chunks(column, form, layout)


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
