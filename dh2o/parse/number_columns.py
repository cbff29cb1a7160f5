"""The numeric columns of a block, read together: a kernel takes a tile of all of them at a time.

Most columns of numbers hold integers of a few digits. So each starts as 32-bit integers, and is
read as doubles from the first tile on that holds anything else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import SMALL_NA, Chunk, encode_ints, encode_small_ints
from dh2o.chunks.scan import KERNEL_ROWS
from dh2o.chunks.wide import encode_float_columns
from dh2o.compiled import njit
from dh2o.parse import numbers
from dh2o.parse.bad_cells import NO_BAD_CELLS, first_bad
from dh2o.parse.numbers import EMPTY, NA_WORD, NONZERO, WORD, ZERO
from dh2o.parse.tokenise import CellArray, Dialect, U8Array, text_of
from dh2o.parse.words import digits_of, is_digits, load_word, tail_digits

I64Array = NDArray[np.int64]
I32Array = NDArray[np.int32]

NA_INT = np.iinfo(np.int64).min
_FIRST_ROWS = 1 << 10
_LARGEST = np.uint64(1_000_000_000)  # of the integers that stay small
_ZERO = np.uint64(0)


@njit(cache=True, nogil=True)
def _read_small_ints(
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slot: int,
    out: I32Array,
    at: int,
    tally: I64Array,
) -> bool:
    """out[at + r] = the integer in cell (r, slot); False, and nothing told, if one is none.

    What is NA or no number at all becomes SMALL_NA.   OUT: out, tally (bad cells, first of them).
    """
    n_bad, first = 0, -1
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if start == stop:
            out[at + r] = SMALL_NA
            continue
        negative = buf[start] == 45
        n_digits = stop - start - negative
        if 1 <= n_digits <= 8 and stop >= 8:
            word = tail_digits(load_word(buf, stop - 8), n_digits)
            if is_digits(word):
                x = np.int64(digits_of(word))
                if negative:
                    if x == 0:
                        return False  # -0 is a double
                    x = -x
                out[at + r] = x
                continue
        kind, w, whole = WORD, _ZERO, False
        if stop > 0:
            kind, w, _, negative, whole = numbers.parts(buf, start, stop)
        out[at + r] = SMALL_NA
        if kind == WORD:
            first = at + r if n_bad == 0 else first
            n_bad += 1
        elif kind == NONZERO and whole and w <= _LARGEST:
            out[at + r] = -np.int64(w) if negative else np.int64(w)
        elif kind == ZERO and not negative:
            out[at + r] = 0
        elif kind != EMPTY and kind != NA_WORD:  # noqa: PLR1714 - faster
            return False
    if n_bad:
        if tally[numbers.N_BAD] == 0:
            tally[numbers.FIRST_BAD] = first
        tally[numbers.N_BAD] += n_bad
    return True


@njit(cache=True, nogil=True)
def _read_ints(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slots: I64Array,
    columns: I64Array,
    out: NDArray[np.int32],
    at: int,
    tally: NDArray[np.int64],
    others: I64Array,
) -> int:
    """Read a tile of `columns`, each of them at a slot; return how many hold other numbers.

    OUT: out[column], tally[column], others (those columns).
    """
    n_others = 0
    for i in range(columns.size):
        k = columns[i]
        if not _read_small_ints(buf, cells, n_rows, slots[k], out[k], at, tally[k]):
            others[n_others] = k
            n_others += 1
    return n_others


@njit(cache=True, nogil=True)
def _read_floats(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slots: I64Array,
    columns: I64Array,
    out: NDArray[np.float64],
    at: int,
    tally: NDArray[np.int64],
    hard: NDArray[np.int64],
    n_hard: I64Array,
) -> None:
    """Read a tile of `columns`.   OUT: out[column], tally[column], hard[column], n_hard[column]."""
    for i in range(columns.size):
        k = columns[i]
        n_hard[k] = numbers.read_numbers(
            buf, cells, n_rows, slots[k], out[k], at, tally[k], hard[k]
        )


class NumberColumns:
    """Doubles; integers beyond 2^53 are kept exactly as long as the block holds nothing else."""

    def __init__(self, dialect: Dialect, n_columns: int) -> None:
        self._dialect = dialect
        self.bad = [NO_BAD_CELLS] * n_columns
        self._tally = np.zeros((n_columns, numbers.TALLY_LEN), np.int64)
        self._small = np.arange(n_columns)
        self._doubles = np.empty(0, np.int64)
        self._ints = np.empty((n_columns, _FIRST_ROWS), np.int32)
        self._floats = np.empty((n_columns, 0))
        self._hard = np.empty((n_columns, 0), np.int64)
        self._n_hard = np.zeros(n_columns, np.int64)
        self._wide: dict[int, I64Array] = {}

    def read(
        self, buf: U8Array, cells: CellArray, n_rows: int, slots: I64Array, at: int, expected: int
    ) -> None:
        """Take a tile; column k is at ``slots[k]``. `expected` rows may be all that come."""
        if self._small.size:
            self._ints = _wider(self._ints, at, at + n_rows, expected)
            others = np.empty_like(self._small)
            n_others = _read_ints(
                buf, cells, n_rows, slots, self._small, self._ints, at, self._tally, others
            )
            if n_others:
                self._make_doubles(others[:n_others], at, at + n_rows, expected)
        if self._doubles.size:
            self._read_doubles(buf, cells, n_rows, slots, at, expected)
        for k in np.flatnonzero(self._tally[:, numbers.N_BAD]).tolist():
            tally = self._tally[k]
            self.bad[k] = first_bad(
                self.bad[k], tally, buf, cells, int(slots[k]), at, self._dialect
            )

    def _make_doubles(self, columns: I64Array, at: int, n_rows: int, expected: int) -> None:
        """Let columns be doubles from now on, what has been read of them too."""
        self._floats = _wider(self._floats, at, n_rows, expected)
        ints = self._ints[columns, :at]
        self._floats[columns, :at] = np.where(ints == SMALL_NA, np.nan, ints)
        self._small = np.setdiff1d(self._small, columns)
        self._doubles = np.union1d(self._doubles, columns)

    def _read_doubles(
        self, buf: U8Array, cells: CellArray, n_rows: int, slots: I64Array, at: int, expected: int
    ) -> None:
        """Read a tile; the rare numbers that the kernel leaves open are read by Python."""
        self._floats = _wider(self._floats, at, at + n_rows, expected)
        self._hard = _wider(self._hard, 0, n_rows, n_rows)
        columns, tally = self._doubles, self._tally
        _read_floats(
            buf,
            cells,
            n_rows,
            slots,
            columns,
            self._floats,
            at,
            tally,
            self._hard,
            self._n_hard,
        )
        wide = (tally[columns, numbers.N_WIDE] > 0) & (tally[columns, numbers.N_FRACTIONS] == 0)
        for k in columns[(self._n_hard[columns] > 0) | wide].tolist():
            for row in self._hard[k, : self._n_hard[k]].tolist():
                text = text_of(buf, cells[row, slots[k]], self._dialect)
                self._floats[k, at + row] = numbers.hard_number(text)
            if tally[k, numbers.N_FRACTIONS] == 0:
                self._read_wide(k, buf, cells, n_rows, int(slots[k]), at)

    def _read_wide(
        self, k: int, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int
    ) -> None:
        ints = self._wide.get(k)
        if ints is None:
            before = self._floats[k, :at]
            na = np.isnan(before)
            ints = np.where(na, 0, before).astype(np.int64)
            ints[na] = NA_INT
        if at + n_rows > len(ints):
            ints = np.concatenate([ints[:at], np.empty(at + 2 * n_rows, np.int64)])
        numbers.read_ints(buf, cells, n_rows, slot, ints, at, NA_INT)
        self._wide[k] = ints

    def finish(self, n_rows: int) -> list[Chunk]:
        """Return the numbers in the smallest form that gives every one back."""
        made: dict[int, Chunk] = {
            k: encode_ints(ints[:n_rows])
            for k, ints in self._wide.items()
            if self._tally[k, numbers.N_FRACTIONS] == 0
        }
        doubles = [k for k in self._doubles.tolist() if k not in made]
        made |= zip(doubles, encode_float_columns(self._floats[doubles, :n_rows]), strict=True)
        made |= zip(self._small.tolist(), self._small_chunks(n_rows), strict=True)
        return [made[k] for k in range(len(self.bad))]

    def _small_chunks(self, n_rows: int) -> list[Chunk]:
        ints = self._ints[self._small, :n_rows]
        if n_rows >= KERNEL_ROWS:
            return list(map(encode_small_ints, ints))
        return encode_float_columns(np.where(ints == SMALL_NA, np.nan, ints))


def _wider(values: NDArray[Any], n_used: int, n_rows: int, expected: int) -> NDArray[Any]:
    """Return `values`, or a wider copy of its first `n_used` rows, with room for `n_rows` rows."""
    n_now = values.shape[1]
    if n_rows <= n_now:
        return values
    room = expected if expected >= n_rows else max(n_rows, 2 * n_now)
    wider = np.empty((len(values), room), values.dtype)
    n_kept = min(n_used, n_now)
    wider[:, :n_kept] = values[:, :n_kept]
    return wider
