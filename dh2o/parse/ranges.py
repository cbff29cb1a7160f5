"""Byte ranges to blocks: the work of one parse task.

A row belongs to the range in which it starts. A task that begins in the middle of a file takes the
first line end at or after the byte before its range for the end of a row. That is a guess: a line
end may lie in quotes. Each task says where its first row started and where the row after its last
one starts; the driver compares neighbours, and repeats a range whose guess was wrong with the true
start. By induction from the start of the file every row is then right, and files without quoted
line ends are read once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any, Protocol

import numpy as np

from dh2o.chunks import Chunk
from dh2o.errors import ParseError
from dh2o.parse.bad_cells import BadCells
from dh2o.parse.columns import ColumnReader, LocalCodes, reader_for
from dh2o.parse.decimals import NBYTES_BEFORE
from dh2o.parse.lines import first_line_of, split_line
from dh2o.parse.number_columns import NumberColumns
from dh2o.parse.plain_rows import CellTable
from dh2o.parse.setup import NUMERIC, SVMLIGHT, ParseSetup
from dh2o.parse.sources import Source, open_text
from dh2o.parse.storage import open_raw
from dh2o.parse.tokenise import (
    NEEDS_BYTES,
    TABLE_FULL,
    U8Array,
    decode_lenient,
    dialect_of,
    next_row_start,
)

_spare = threading.local()

BOM_8 = b"\xef\xbb\xbf"
UNKNOWN_END = -1
MAX_ROW_NBYTES = (1 << 31) - (1 << 20)
_CELLS_PER_TILE = 1 << 15
#: Of a file, in memory at a time: it stays in the cache from its reading to its numbers.
_WINDOW_NBYTES = 1 << 20
_MIN_PIECE_NBYTES = 1 << 10
_HEADER_NBYTES = 1 << 20
_MIN_LOOKAHEAD_NBYTES = 1 << 20


@dataclass(frozen=True)
class Segment:
    """The rows of a plain file that start in bytes ``start .. stop``.

    `is_exact` says that a row is known to start at `start`.
    """

    source: Source
    start: int
    stop: int
    is_exact: bool = False
    is_first_file: bool = True


@dataclass(frozen=True)
class SegmentReport:
    """Where the first row of a segment started, and where the row after its last one does."""

    first_start: int
    next_start: int


@dataclass(frozen=True)
class RangeReport:
    """What the driver must know of a parsed range."""

    n_rows: int
    segments: tuple[SegmentReport, ...]
    bad: tuple[BadCells, ...]
    tally: tuple[int, ...]
    levels: tuple[Any, ...]  # Arrow arrays of text, None for what is no categorical
    nbytes: int
    declared: tuple[bool, ...] = ()

    def beside(self, other: RangeReport) -> RangeReport:
        """Return the report of the same rows with the columns of another task to the right."""
        return replace(
            self,
            bad=self.bad + other.bad,
            levels=self.levels + other.levels,
            declared=self.declared + other.declared,
            nbytes=self.nbytes + other.nbytes,
        )


@dataclass(frozen=True)
class ParsedRange:
    """The columns of one block, categoricals still with local codes."""

    n_rows: int
    columns: tuple[Chunk | LocalCodes, ...]
    report: RangeReport


class Reader(Protocol):
    """Reads rows out of buffers into the columns of one block."""

    setup: ParseSetup
    n_rows: int

    def read(
        self, buf: U8Array, pos: int, row_limit: int, n_bytes: int, at_end: bool
    ) -> tuple[int, int]:
        """Take the rows that start in ``pos .. row_limit``; return (next row's start, why)."""

    def finish(self, segments: tuple[SegmentReport, ...], nbytes: int) -> ParsedRange:
        """Return the block read so far."""

    def header_end(self, buf: U8Array, pos: int, n_bytes: int, skip_any: bool) -> int:
        """Return where data start after the header at `pos`."""


class BlockReader:
    """Reads rows of CSV out of buffers into the columns of one block."""

    def __init__(self, setup: ParseSetup) -> None:
        self.setup = setup
        self.dialect = dialect_of(setup.separator, setup.quote, setup.escapechar, setup.markers)
        kept = setup.kept_columns
        names, types = setup.names(), setup.types()
        na = setup.na_strings or (None,) * setup.number_columns
        self._readers: list[ColumnReader | None] = []
        for i in kept:
            words = na[i] if i < len(na) else None
            if types[i] == NUMERIC and not words:
                self._readers.append(None)
                continue
            reader = reader_for(types[i], names[i], words, self.dialect, setup.timezone)
            self._readers.append(reader)
        self._number_slots = np.array([s for s, r in enumerate(self._readers) if r is None], int)
        self._numbers = NumberColumns(self.dialect, len(self._number_slots))
        self._table = CellTable(self.dialect, setup.number_columns, kept, _CELLS_PER_TILE)
        self.n_rows = 0

    def read(
        self, buf: U8Array, pos: int, row_limit: int, n_bytes: int, at_end: bool
    ) -> tuple[int, int]:
        """Take the rows that start in ``pos .. row_limit``; return (next row's start, why)."""
        while True:
            start = pos
            n, pos, why = self._table.fill(buf, pos, row_limit, n_bytes, at_end, self.n_rows)
            left = (n * max(row_limit - pos, 0) * 9) // (8 * max(pos - start, 1))
            expected = self.n_rows + n + left
            if self._number_slots.size:
                slots = self._number_slots
                self._numbers.read(buf, self._table.cells, n, slots, self.n_rows, expected)
            for slot, reader in enumerate(self._readers):
                if reader is not None:
                    reader.read(buf, self._table.cells, n, slot, self.n_rows)
            self.n_rows += n
            if why != TABLE_FULL:
                return pos, why

    def finish(self, segments: tuple[SegmentReport, ...], nbytes: int) -> ParsedRange:
        """Return the block read so far."""
        numbers = zip(self._numbers.finish(self.n_rows), self._numbers.bad, strict=True)
        made = [
            next(numbers) if reader is None else (reader.finish(self.n_rows), reader.bad)
            for reader in self._readers
        ]
        columns = tuple(column for column, _ in made)
        report = RangeReport(
            n_rows=self.n_rows,
            segments=segments,
            bad=tuple(bad for _, bad in made),
            tally=tuple(self._table.tally.tolist()),
            levels=tuple(c.levels if isinstance(c, LocalCodes) else None for c in columns),
            nbytes=nbytes,
        )
        return ParsedRange(self.n_rows, columns, report)

    def header_end(self, buf: U8Array, pos: int, n_bytes: int, skip_any: bool) -> int:
        """Return where data start after the header at `pos`; `pos` when the line is no header.

        The first file's first line is the header by the setup; a later file may have none.
        """
        quote, markers = self.setup.quote, self.setup.markers
        head = buf[pos : min(n_bytes, pos + _HEADER_NBYTES)].tobytes()
        line, end = first_line_of(head, quote, markers)
        if end == len(head) == _HEADER_NBYTES:
            line, end = first_line_of(buf[pos:n_bytes].tobytes(), quote, markers)
        if skip_any:
            return pos + end
        cells = split_line(line, self.setup.separator, self.setup.quote, self.setup.escapechar)
        found = [decode_lenient(cell).strip().lower() for cell in cells]
        names = [name.strip().lower() for name in self.setup.names()]
        header = [name.strip().lower() for name in self.setup.header_names or ()]
        is_header = found in (names[: len(found)], header[: len(found)])
        return pos + end if is_header else pos


def new_reader(setup: ParseSetup) -> Reader:
    """Return a reader of one block for the format of the setup."""
    if setup.parse_type == SVMLIGHT:
        from dh2o.parse.svmlight import SvmLightReader

        return SvmLightReader(setup)
    return BlockReader(setup)


def _window_memory() -> U8Array:
    """Return the memory that this thread's last window left, or new one."""
    spare: U8Array | None = _spare.__dict__.pop("buf", None)
    if spare is not None and len(spare) == _WINDOW_NBYTES:
        return spare
    return np.empty(_WINDOW_NBYTES, np.uint8)


class _Window:
    """A piece of a file, from `base` on, that moves on to the next one and grows for long rows."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self.base = start
        self._file = file
        file.seek(start)
        self.buf = _window_memory()
        self.n_bytes = 0
        self.at_end = False
        self._fill()

    def close(self) -> None:
        """Leave the buffer to this thread's next window: new memory costs more than reading."""
        if len(self.buf) == _WINDOW_NBYTES:
            _spare.buf = self.buf

    def _fill(self) -> None:
        n_read = _read_into(self._file, self.buf, self.n_bytes)
        self.n_bytes += n_read
        self.at_end = self.n_bytes < len(self.buf)

    def more(self, pos: int) -> int:
        """Read on, leaving out what lies before `pos`; return where that is now."""
        first = max(pos - NBYTES_BEFORE, 0)  # what number kernels look at before a cell
        n_kept = self.n_bytes - first
        kept = self.buf[first : self.n_bytes]
        if 2 * n_kept > len(self.buf):
            self.buf = np.empty(2 * len(self.buf), np.uint8)
            self.buf[:n_kept] = kept
        else:
            self.buf[:n_kept] = kept.copy()
        self.base += first
        self.n_bytes = n_kept
        self._fill()
        return pos - first


def parse_segments(segments: tuple[Segment, ...], setup: ParseSetup) -> ParsedRange:
    """Return the rows of some segments, one after the other, as one range."""
    reader = new_reader(setup)
    reports = tuple(_parse_segment(segment, reader) for segment in segments)
    return reader.finish(reports, sum(s.stop - s.start for s in segments))


def _parse_segment(segment: Segment, reader: Reader) -> SegmentReport:
    with open_raw(segment.source.url) as file:
        window = _Window(file, max(segment.start - 1, 0))
        try:
            return _parse_window(segment, window, reader)
        finally:
            window.close()


def _parse_window(segment: Segment, window: _Window, reader: Reader) -> SegmentReport:
    pos = _first_row(segment, window, reader)
    first_start = window.base + pos
    patience = max(2 * (segment.stop - segment.start), _MIN_LOOKAHEAD_NBYTES)
    is_known = segment.is_exact or segment.start == 0
    while True:
        limit = segment.stop - window.base
        pos, why = reader.read(window.buf, pos, limit, window.n_bytes, window.at_end)
        if why != NEEDS_BYTES:
            return SegmentReport(first_start, window.base + pos)
        if not is_known and window.n_bytes - limit > patience:
            return SegmentReport(first_start, UNKNOWN_END)
        _check_row(window.n_bytes - pos, window.base + pos, segment.source)
        pos = window.more(pos)


def _first_row(segment: Segment, window: _Window, reader: Reader) -> int:
    """Return the offset in the window of the first row that starts in the segment."""
    if segment.start == 0:
        head = window.buf[:3].tobytes() if window.n_bytes >= 3 else b""
        pos = 3 if head == BOM_8 else 0
        return _after_header(segment, window, reader, pos)
    if segment.is_exact:
        return segment.start - window.base
    while True:
        pos = next_row_start(window.buf, 0, window.n_bytes, window.at_end)
        if pos >= 0:
            return int(pos)
        _check_row(window.n_bytes, window.base, segment.source)
        window.more(0)


def _after_header(segment: Segment, window: _Window, reader: Reader, pos: int) -> int:
    if reader.setup.check_header != 1:
        return pos
    while True:
        end = reader.header_end(window.buf, pos, window.n_bytes, segment.is_first_file)
        if end < window.n_bytes or window.at_end:
            return end
        _check_row(window.n_bytes, window.base, segment.source)
        window.more(0)


def _check_row(nbytes: int, offset: int, source: Source) -> None:
    if nbytes > MAX_ROW_NBYTES:
        raise ParseError(
            f"{source.name}: the row at byte {offset} does not end within 2 GiB. "
            "A quote may not be closed; check the quote character."
        )


def parse_stream(
    source: Source, setup: ParseSetup, piece_nbytes: int, is_first_file: bool
) -> Iterator[ParsedRange]:
    """Give the blocks of a packed file, about `piece_nbytes` of text each, as it is unpacked.

    Only the piece at hand is in memory.
    """
    is_first = is_first_file
    n_pieces = 0
    with open_text(source) as streams:
        for stream in streams:
            for piece in _parse_one_stream(stream, source, setup, piece_nbytes, is_first):
                n_pieces += 1
                yield piece
            is_first = False
    if n_pieces == 0:
        yield new_reader(setup).finish((), 0)


def _parse_one_stream(
    stream: IO[bytes], source: Source, setup: ParseSetup, piece_nbytes: int, is_first: bool
) -> Iterator[ParsedRange]:
    buf = np.empty(max(piece_nbytes, _MIN_PIECE_NBYTES), np.uint8)
    n_bytes = 0
    is_start = True
    while True:
        n_read = _read_into(stream, buf, n_bytes)
        at_end = n_bytes + n_read < len(buf)
        n_bytes += n_read
        reader = new_reader(setup)
        pos = 0
        if is_start:
            pos = 3 if buf[:3].tobytes() == BOM_8 and n_bytes >= 3 else 0
            if setup.check_header == 1:
                pos = reader.header_end(buf, pos, n_bytes, is_first)
            is_start = False
        pos, _ = reader.read(buf, pos, n_bytes, n_bytes, at_end)
        if reader.n_rows:
            yield reader.finish((), pos)
        if at_end:
            return
        left = n_bytes - pos
        if left > len(buf) // 2:
            _check_row(left, 0, source)
            buf = np.concatenate([buf[pos:n_bytes], np.empty(2 * len(buf), np.uint8)])
        else:
            buf[:left] = buf[pos:n_bytes].copy()
        n_bytes = left


def _read_into(stream: IO[bytes], buf: U8Array, at: int) -> int:
    """Fill ``buf[at:]`` as far as the stream goes; return the bytes read."""
    view = memoryview(buf)  # type: ignore[arg-type] # numpy arrays are buffers
    first = at
    while at < len(buf):
        n = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not n:
            break
        at += n
    return at - first
