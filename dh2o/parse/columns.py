"""Column readers: each takes the cells of one column, tile by tile, and ends as a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Chunk, encode_ints, encode_strings, encode_uuids
from dh2o.errors import ParseError
from dh2o.parse.bad_cells import NO_BAD_CELLS, BadCells, first_bad, room_for
from dh2o.parse.levels import LevelTable
from dh2o.parse.number_columns import NumberColumns
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID
from dh2o.parse.texts import empty_na_cells, packed_words, read_texts, read_uuids, room_for_texts
from dh2o.parse.times import NOT_A_TIME, read_times, to_utc
from dh2o.parse.tokenise import CellArray, Dialect, U8Array, decode_lenient

MAX_LEVEL_NBYTES = 65534
_FIRST_ROWS = 1 << 10


@dataclass(frozen=True)
class LocalCodes:
    """A categorical column before its domain is known: 0 is NA, k is the k-th local level.

    The levels are an Arrow array of text. `is_declared` says that the file itself lists them, so
    that their order counts.
    """

    codes: NDArray[Any]
    levels: Any
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


class NumberReader:
    """One column of numbers."""

    def __init__(self, dialect: Dialect) -> None:
        self._column = NumberColumns(dialect, 1)

    @property
    def bad(self) -> BadCells:
        """Cells that are no numbers."""
        return self._column.bad[0]

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._column.read(buf, cells, n_rows, np.array([slot]), at, 0)

    def finish(self, n_rows: int) -> Chunk:
        """Return the numbers in the smallest form that gives every one back."""
        return self._column.finish(n_rows)[0]


@dataclass
class LevelReader:
    """Level codes, local to the block until all blocks' levels are known."""

    dialect: Dialect
    name: str
    bad: BadCells = NO_BAD_CELLS
    _codes: NDArray[np.int32] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.int32))
    _levels: LevelTable = field(default_factory=LevelTable)

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._codes = room_for(self._codes, at + n_rows)
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
        return LocalCodes(codes, self._levels.strings())


@dataclass
class TextReader:
    """Strings; an empty cell is NA, an empty one in quotes is not."""

    dialect: Dialect
    bad: BadCells = NO_BAD_CELLS
    _data: U8Array = field(default_factory=lambda: np.empty(1 << 14, np.uint8))
    _ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_FIRST_ROWS + 1, np.int64))
    _valid: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._ends = room_for(self._ends, at + n_rows + 1)
        self._valid = room_for(self._valid, at + n_rows)
        room = int(self._ends[at]) + room_for_texts(cells, n_rows, slot)
        self._data = room_for(self._data, room)
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
    bad: BadCells = NO_BAD_CELLS
    _ms: NDArray[np.int64] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.int64))
    _absolute: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))
    _tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._ms = room_for(self._ms, at + n_rows)
        self._absolute = room_for(self._absolute, at + n_rows)
        held = self._ms, self._absolute
        read_times(buf, cells, n_rows, slot, *held, at, self._tally, takes_numbers=True)
        if self._tally[0] > 0:
            self.bad = first_bad(self.bad, self._tally, buf, cells, slot, at, self.dialect)

    def finish(self, n_rows: int) -> Chunk:
        """Return the times."""
        ms = to_utc(self._ms[:n_rows], self._absolute[:n_rows], self.timezone)
        return encode_ints(ms, ms == NOT_A_TIME)


@dataclass
class UuidReader:
    """128-bit ids."""

    dialect: Dialect
    bad: BadCells = NO_BAD_CELLS
    _halves: NDArray[np.uint64] = field(
        default_factory=lambda: np.empty((_FIRST_ROWS, 2), np.uint64)
    )
    _valid: NDArray[np.bool_] = field(default_factory=lambda: np.empty(_FIRST_ROWS, np.bool_))
    _tally: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))

    def read(self, buf: U8Array, cells: CellArray, n_rows: int, slot: int, at: int) -> None:
        """Take one tile."""
        self._halves = room_for(self._halves, at + n_rows)
        self._valid = room_for(self._valid, at + n_rows)
        read_uuids(buf, cells, n_rows, slot, self._halves, self._valid, at, self._tally)
        if self._tally[0] > 0:
            self.bad = first_bad(self.bad, self._tally, buf, cells, slot, at, self.dialect)

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
