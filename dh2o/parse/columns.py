"""Column readers: each takes the cells of one column, tile by tile, and ends as a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Chunk, encode_floats, encode_ints, encode_strings, encode_uuids
from dh2o.errors import ParseError
from dh2o.parse import numbers
from dh2o.parse.levels import LevelTable
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID
from dh2o.parse.texts import empty_na_cells, packed_words, read_texts, read_uuids, room_for_texts
from dh2o.parse.times import NOT_A_TIME, read_times, to_utc
from dh2o.parse.tokenise import CellArray, Dialect, U8Array, decode_lenient, text_of

NA_INT = np.iinfo(np.int64).min
MAX_LEVEL_NBYTES = 65534
_FIRST_ROWS = 1 << 10


@dataclass(frozen=True)
class BadCells:
    """Texts in a column that are no value of its type: how many, and the first of them."""

    count: int = 0
    row: int = -1
    text: str = ""


@dataclass(frozen=True)
class LocalCodes:
    """A categorical column before its domain is known: 0 is NA, k is the k-th local level.

    `is_declared` says that the file itself lists the levels, so that their order counts.
    """

    codes: NDArray[Any]
    levels: tuple[str, ...]
    is_declared: bool = False


class ColumnReader(Protocol):
    """Takes cells, tile by tile, and gives the column of the whole block."""

    @property
    def bad(self) -> BadCells:
        """What of the cells was no value."""

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take the cells of rows ``at .. at + n_rows`` of the block."""

    def finish(self, n_rows: int) -> Chunk | LocalCodes:
        """Return the column of the `n_rows` rows taken."""


def _room(values: NDArray[Any], n_rows: int) -> NDArray[Any]:
    """Return `values`, or a larger copy, so that `n_rows` rows fit."""
    if n_rows <= len(values):
        return values
    larger = np.empty((max(n_rows, 2 * len(values)), *values.shape[1:]), values.dtype)
    larger[: len(values)] = values
    return larger


@dataclass
class NumberReader:
    """Doubles; integers beyond 2^53 are kept exactly as long as the block holds nothing else."""

    dialect: Dialect
    bad: BadCells = BadCells()
    _values: NDArray[np.float64] = field(default_factory=lambda: np.empty(_FIRST_ROWS))
    _ints: NDArray[np.int64] | None = None
    _tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(numbers.TALLY_LEN, np.int64))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile; the rare numbers that the kernel leaves open are read by Python."""
        self._values = _room(self._values, at + n_rows)
        hard = np.empty(n_rows, np.int64)
        tally = self._tally
        n_hard = numbers.read_numbers(buf, cells, n_rows, slot, self._values, at, tally, hard)
        for row in hard[:n_hard].tolist():
            text = text_of(buf, cells[row, slot], self.dialect)
            self._values[at + row] = numbers.hard_number(text)
        if tally[numbers.N_BAD] > 0:
            self.bad = _first_bad(self.bad, tally, buf, cells, slot, at, self.dialect)
        if tally[numbers.N_WIDE] > 0 and tally[numbers.N_FRACTIONS] == 0:
            self._read_ints(buf, cells, n_rows, slot, at)

    def _read_ints(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        if self._ints is None:
            before = self._values[:at]
            na = np.isnan(before)
            self._ints = np.where(na, 0, before).astype(np.int64)
            self._ints[na] = NA_INT
        self._ints = _room(self._ints, at + n_rows)
        numbers.read_ints(buf, cells, n_rows, slot, self._ints, at, NA_INT)

    def finish(self, n_rows: int) -> Chunk:
        """Return the numbers in the smallest form that gives every one back."""
        if self._ints is not None and self._tally[numbers.N_FRACTIONS] == 0:
            return encode_ints(self._ints[:n_rows])
        return encode_floats(self._values[:n_rows])


@dataclass
class LevelReader:
    """Level codes, local to the block until all blocks' levels are known."""

    dialect: Dialect
    name: str
    bad: BadCells = BadCells()
    _codes: NDArray[np.int32] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.int32))
    _levels: LevelTable = field(default_factory=LevelTable)

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._codes = _room(self._codes, at + n_rows)
        self._levels.read(buf, cells, n_rows, slot, self.dialect, self._codes, at)

    def finish(self, n_rows: int) -> LocalCodes:
        """Return the codes in the narrowest integers, and the levels."""
        longest = self._levels.longest()
        if longest > MAX_LEVEL_NBYTES:
            raise ParseError(
                f"Column {self.name!r} has a level of {longest} bytes; a categorical level may "
                f"have {MAX_LEVEL_NBYTES}. Parse the column as type String."
            )
        narrow = next(
            t for t in (np.uint8, np.uint16, np.uint32) if self._levels.n_levels <= np.iinfo(t).max
        )
        codes = (self._codes[:n_rows] + 1).astype(narrow)
        return LocalCodes(codes, tuple(self._levels.strings()))


@dataclass
class TextReader:
    """Strings; an empty cell is NA, an empty one in quotes is not."""

    dialect: Dialect
    bad: BadCells = BadCells()
    _data: U8Array = field(default_factory=lambda: np.empty(1 << 14, np.uint8))
    _ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_FIRST_ROWS + 1, np.int64))
    _valid: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._ends = _room(self._ends, at + n_rows + 1)
        self._valid = _room(self._valid, at + n_rows)
        room = int(self._ends[at]) + room_for_texts(cells, n_rows, slot)
        self._data = _room(self._data, room)
        special = (self.dialect.quote, self.dialect.escape)
        read_texts(buf, cells, n_rows, slot, special, self._data, self._ends, self._valid, at)

    def finish(self, n_rows: int) -> Chunk:
        """Return the strings; invalid UTF-8 is shown as hex."""
        import pyarrow as pa

        ends = self._ends[: n_rows + 1]
        data = self._data[: ends[-1]]
        valid = np.packbits(self._valid[:n_rows], bitorder="little")
        buffers = [pa.py_buffer(valid), pa.py_buffer(ends), pa.py_buffer(data)]
        texts = pa.LargeStringArray.from_buffers(n_rows, buffers[1], buffers[2], buffers[0])
        if data.size and data.max() >= 0x80:
            try:
                texts.validate(full=True)
            except pa.ArrowInvalid:
                raw = texts.cast(pa.large_binary()).to_pylist()
                texts = [None if text is None else decode_lenient(text) for text in raw]
        return encode_strings(texts)


@dataclass
class TimeReader:
    """Milliseconds since 1970 in UTC; texts without a zone are in `timezone`."""

    dialect: Dialect
    timezone: str
    bad: BadCells = BadCells()
    _ms: NDArray[np.int64] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.int64))
    _absolute: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))
    _tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._ms = _room(self._ms, at + n_rows)
        self._absolute = _room(self._absolute, at + n_rows)
        read_times(buf, cells, n_rows, slot, self._ms, self._absolute, at, self._tally)
        if self._tally[0] > 0:
            self.bad = _first_bad(self.bad, self._tally, buf, cells, slot, at, self.dialect)

    def finish(self, n_rows: int) -> Chunk:
        """Return the times."""
        ms = to_utc(self._ms[:n_rows], self._absolute[:n_rows], self.timezone)
        return encode_ints(ms, ms == NOT_A_TIME)


@dataclass
class UuidReader:
    """128-bit ids."""

    dialect: Dialect
    bad: BadCells = BadCells()
    _halves: NDArray[np.uint64] = field(
        default_factory=lambda: np.empty((_FIRST_ROWS, 2), np.uint64)
    )
    _valid: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))
    _tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._halves = _room(self._halves, at + n_rows)
        self._valid = _room(self._valid, at + n_rows)
        read_uuids(buf, cells, n_rows, slot, self._halves, self._valid, at, self._tally)
        if self._tally[0] > 0:
            self.bad = _first_bad(self.bad, self._tally, buf, cells, slot, at, self.dialect)

    def finish(self, n_rows: int) -> Chunk:
        """Return the ids, their bytes in the order of the text."""
        import pyarrow as pa

        data = self._halves[:n_rows].astype(">u8").tobytes()
        valid = np.packbits(self._valid[:n_rows], bitorder="little")
        buffers = [pa.py_buffer(valid), pa.py_buffer(data)]
        return encode_uuids(pa.Array.from_buffers(pa.binary(16), n_rows, buffers))


@dataclass
class WithNaWords:
    """A reader for whose column some texts mean NA."""

    reader: ColumnReader
    words: U8Array
    ends: NDArray[np.int64]

    @property
    def bad(self) -> BadCells:
        """What the reader under it counts; an NA word is not bad."""
        return self.reader.bad

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Empty the cells that say NA, then take the tile."""
        empty_na_cells(buf, cells, n_rows, slot, self.words, self.ends)
        self.reader.read(buf, cells, n_rows, slot, at)

    def finish(self, n_rows: int) -> Chunk | LocalCodes:
        """Return the column."""
        return self.reader.finish(n_rows)


def _first_bad(
    so_far: BadCells,
    tally: NDArray[np.int64],
    buf: U8Array,
    cells: CellArray,
    slot: int,
    at: int,
    dialect: Dialect,
) -> BadCells:
    """Return the count of bad cells, with the text of the first, which lies in this tile."""
    count, row = int(tally[0]), int(tally[1])
    if so_far.count:
        return BadCells(count, so_far.row, so_far.text)
    text = text_of(buf, cells[row - at, slot], dialect)
    return BadCells(count, row, text[:40])


def reader_for(
    column_type: str,
    name: str,
    na_words: Sequence[str] | None,
    dialect: Dialect,
    timezone: str,
) -> ColumnReader:
    """Return the reader of a column of this type."""
    reader: ColumnReader
    if column_type == NUMERIC:
        reader = NumberReader(dialect)
    elif column_type == ENUM:
        reader = LevelReader(dialect, name)
    elif column_type == STRING:
        reader = TextReader(dialect)
    elif column_type == TIME:
        reader = TimeReader(dialect, timezone)
    elif column_type == UUID:
        reader = UuidReader(dialect)
    else:
        raise ParseError(f"Column {name!r} has the unknown type {column_type}.")
    return WithNaWords(reader, *packed_words(tuple(na_words))) if na_words else reader
