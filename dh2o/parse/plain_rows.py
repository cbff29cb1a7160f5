"""The quick way through well-formed rows: marks are found first, many bytes at a time.

A mark is the place of a separator, a line end or a quote. Langdale and Lemire (2019), "Parsing
gigabytes of JSON per second", find such places without branches; a row is then read from mark to
mark. What this reader does not know it leaves to `tokenise`, whose cells it gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse.tokenise import (
    CR,
    LF,
    SPACE,
    TAB,
    TABLE_FULL,
    CellArray,
    Dialect,
    U8Array,
    new_tally,
    slots_of,
    tokenise,
)
from dh2o.parse.words import BLOCK_NBYTES, count_bits, matches, trailing_zeros

I32Array = NDArray[np.int32]

#: Room for marks beyond the last that counts: they are written a few at a time.
MARKS_SLACK = BLOCK_NBYTES

_MARKS = 1 << 14
_FEW_ROWS = 16
_MARKER = 2
_HIGHEST_SPECIAL = 39  # of the bytes that a cell may begin with, spaces and quotes are up to here
_NEEDS_MARKS, _NOT_PLAIN = -1, -2
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


def may_be_plain(dialect: Dialect, n_columns: int) -> bool:
    """Return whether `tokenise_plain` knows the dialect: no escapes, cells not parted by spaces."""
    quote_is_low = dialect.quote <= _HIGHEST_SPECIAL or dialect.quote > 255
    return n_columns > 1 and dialect.escape > 255 and dialect.separator != SPACE and quote_is_low


@njit(cache=True, nogil=True, inline="always")
def _find_marks(
    buf: U8Array, at: int, stop: int, separator: int, quote: int, marks: I32Array, n_marks: Any
) -> Any:
    """Append the marks of ``buf[at:stop]`` to `marks`; return how many there are."""
    a, b = np.uint8(separator), np.uint8(quote if quote < 256 else separator)
    while at + BLOCK_NBYTES <= stop:
        bits = matches(buf, at, a, b, np.uint8(LF), np.uint8(CR))
        n_all = n_marks + np.int64(count_bits(bits))
        while bits != _ZERO:
            for _ in range(4):  # some too many, so that the loop seldom ends unforeseen
                marks[n_marks] = at + np.int64(trailing_zeros(bits))
                bits &= bits - _ONE
                n_marks += 1
        n_marks = n_all
        at += BLOCK_NBYTES
    for i in range(at, stop):
        c = buf[i]
        if c == a or c == b or c == LF or c == CR:  # noqa: PLR1714, SIM109 - faster
            marks[n_marks] = i
            n_marks += 1
    return n_marks


@njit(cache=True, nogil=True, inline="always")
def _read_row(  # noqa: PLR0913, PLR0917 - inlined, so that its arguments cost nothing
    buf: U8Array,
    start: int,
    marks: I32Array,
    at: int,
    n_marks: int,
    separator: int,
    quote: int,
    slots: I32Array,
    row: CellArray,
) -> tuple[int, int]:
    """Fill the cells of the row at `start`, whose first mark is number `at`.

    Returns (the mark after the row's last, where that one lies), or why there are none.
    """
    n_columns = slots.size
    slot = 0
    end = start
    for column in range(n_columns):
        if at >= n_marks:
            return _NEEDS_MARKS, end
        end = marks[at]
        first, stop = start, end
        if buf[start] <= _HIGHEST_SPECIAL:
            while first < end and (buf[first] == SPACE or (buf[first] == TAB and separator != TAB)):
                first += 1
            stop = end
            if buf[first] == quote:
                first += 1
                at += 1
                while at < n_marks and buf[marks[at]] != quote:
                    at += 1
                if at + 1 >= n_marks:
                    return _NEEDS_MARKS, end
                stop = marks[at]
                at += 1
                end = marks[at]
                if end != stop + 1:
                    return _NOT_PLAIN, end
        at += 1
        c = buf[end]
        if column + 1 < n_columns:
            if c != separator:
                return _NOT_PLAIN, end
        elif c != LF and c != CR:  # noqa: PLR1714 - faster
            return _NOT_PLAIN, end
        if slots[column] >= 0:
            row[slot, 0] = first
            row[slot, 1] = stop
            slot += 1
        start = end + 1
    return at, end


@njit(cache=True, nogil=True, inline="always")
def _read_bare_row(
    buf: U8Array, start: int, marks: I32Array, at: int, n_columns: int, separator: int, row: Any
) -> int:
    """Fill the cells of a row of bare cells, all of them kept; its end, or what is wrong.

    Without branches: whatever is odd about the row is found out at its end.
    """
    odd = False
    for column in range(n_columns - 1):
        end = marks[at + column]
        odd |= (buf[start] <= _HIGHEST_SPECIAL) | (buf[end] != separator)
        row[column, 0] = start
        row[column, 1] = end
        start = end + 1
    end = marks[at + n_columns - 1]
    c = buf[end]
    odd |= (buf[start] <= _HIGHEST_SPECIAL) & (start != end)
    odd |= (c != LF) & (c != CR)
    row[n_columns - 1, 0] = start
    row[n_columns - 1, 1] = end
    return _NOT_PLAIN if odd else end


@njit(cache=True, nogil=True)
def tokenise_plain(
    buf: U8Array,
    pos: int,
    row_limit: int,
    n_bytes: int,
    dialect: Any,
    slots: I32Array,
    cells: CellArray,
    marks: I32Array,
) -> tuple[int, int]:
    """Fill `cells` as `tokenise` does, but with well-formed rows only; (rows, next offset).

    Stops at the first row that has more or fewer cells, a doubled quote, a quote within a cell, or
    anything after a quoted one; at blank lines, comments and where the buffer ends within a row.
    IN: all but cells, marks (room for more marks than columns, and MARKS_SLACK).
    """
    separator, quote, _, classes = dialect
    n_columns = slots.size
    all_kept = n_columns == cells.shape[1] and separator > _HIGHEST_SPECIAL
    row = n_marks = at = 0
    marked_to = pos
    room = marks.size - MARKS_SLACK
    while row < cells.shape[0] and pos < row_limit and pos < n_bytes:
        if classes[buf[pos]] & _MARKER:
            return row, pos
        while at < n_marks and marks[at] < pos:
            at += 1
        after = end = _NOT_PLAIN
        if all_kept and at + n_columns <= n_marks:
            end = _read_bare_row(buf, pos, marks, at, n_columns, separator, cells[row])
            after = at + n_columns
        if end == _NOT_PLAIN:
            kept = cells[row]
            after, end = _read_row(buf, pos, marks, at, n_marks, separator, quote, slots, kept)
        if after == _NEEDS_MARKS:
            left = n_marks - at
            stop = min(n_bytes, marked_to + room - left)
            if stop <= marked_to:
                return row, pos
            for i in range(left):
                marks[i] = marks[at + i]
            first = max(marked_to, pos)
            n_marks = _find_marks(buf, first, stop, separator, quote, marks, left)
            at, marked_to = 0, max(stop, first)
            continue
        if after == _NOT_PLAIN:
            return row, pos
        at = after
        if buf[end] == CR:
            if end + 1 == n_bytes:
                return row, pos
            end += buf[end + 1] == LF
        pos = end + 1
        row += 1
    return row, pos


class CellTable:
    """A table of cells for one tile of rows after the other, and the tally of odd rows."""

    def __init__(
        self, dialect: Dialect, n_columns: int, kept: tuple[int, ...], n_cells: int
    ) -> None:
        n_slots = max(len(kept), 1)
        self.cells = np.empty((max(n_cells // n_slots, _FEW_ROWS), n_slots, 2), np.int32)
        self.tally = new_tally()
        self._dialect = dialect
        self._slots = slots_of(n_columns, kept)
        self._may_be_plain = may_be_plain(dialect, n_columns)
        self._patience = _FEW_ROWS
        self._marks = np.empty(max(_MARKS, 4 * n_columns) + MARKS_SLACK, np.int32)

    def fill(
        self, buf: U8Array, pos: int, row_limit: int, n_bytes: int, at_end: bool, first_row: int
    ) -> tuple[int, int, int]:
        """Fill the table as `tokenise` does; return (rows, next row's start, why it ends there).

        Rows that the quick tokeniser does not know go to the thorough one, a few at first, then
        more and more as long as it finds nothing else.
        """
        dialect, slots = self._dialect, self._slots
        n_rows = 0
        while True:
            stop = len(self.cells)
            if self._may_be_plain:
                n_plain, pos = tokenise_plain(
                    buf, pos, row_limit, n_bytes, dialect, slots, self.cells[n_rows:], self._marks
                )
                n_rows += n_plain
                self._patience = _FEW_ROWS if n_plain else min(2 * self._patience, stop)
                stop = min(n_rows + self._patience, stop)
            cells, first = self.cells[n_rows:stop], first_row + n_rows
            n_more, pos, why = tokenise(
                buf, pos, row_limit, n_bytes, at_end, dialect, slots, cells, first, self.tally
            )
            n_rows += n_more
            if why != TABLE_FULL or n_rows == len(self.cells):
                return n_rows, pos, why
