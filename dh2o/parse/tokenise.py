"""The tokeniser: bytes in, the place of every cell out. One pass, no copying.

A cell is a pair (start, stop) of offsets into the buffer. An empty cell has ``start == stop``; it
is NA, unless the byte before it is a quote: then it is the empty string (`is_na`). A cell whose
bytes are not its text, because quotes are doubled or characters escaped, has ``stop < 0``: it ends
at ``-stop - 1`` and must be read with `plain_text`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

U8Array = NDArray[np.uint8]
CellArray = NDArray[np.int32]

LF, CR, SPACE, TAB = 10, 13, 32, 9

# What the tokeniser came to: the row limit, a full table of cells, or the end of the buffer in
# the middle of a row.
AT_LIMIT, TABLE_FULL, NEEDS_BYTES = 0, 1, 2

# Slots of the tally that the tokeniser keeps.
N_LONG, FIRST_LONG, N_SHORT, FIRST_SHORT, N_UNMATCHED, FIRST_UNMATCHED = range(6)
TALLY_LEN = 6

_PLAIN, _STOPS, _MARKER = 0, 1, 2


class Dialect(NamedTuple):
    """What the kernels must know of the text: special bytes, and the class of every byte."""

    separator: int
    quote: int
    escape: int
    classes: U8Array


def dialect_of(separator: int, quote: int, escape: int, markers: bytes) -> Dialect:
    """Return the dialect; byte classes are bit 0: ends a bare cell, bit 1: starts a comment."""
    classes = np.zeros(256, np.uint8)
    for byte in (separator, LF, CR, escape or LF):
        classes[byte] |= _STOPS
    for byte in markers:
        classes[byte] |= _MARKER
    return Dialect(separator, quote, escape if escape else 256, classes)


def slots_of(n_columns: int, kept: tuple[int, ...]) -> NDArray[np.int32]:
    """Return, for each column of the file, its place in the table of cells, or -1."""
    slots = np.full(max(n_columns, 1), -1, np.int32)
    slots[list(kept)] = np.arange(len(kept), dtype=np.int32)
    return slots


def new_tally() -> NDArray[np.int64]:
    """Return a tally of nothing; the slots of first rows hold -1."""
    tally = np.zeros(TALLY_LEN, np.int64)
    tally[[FIRST_LONG, FIRST_SHORT, FIRST_UNMATCHED]] = -1
    return tally


@njit(cache=True, nogil=True)
def tokenise(  # noqa: C901, PLR0913, PLR0915, PLR0917 - one state machine in one loop
    buf: U8Array,
    pos: int,
    row_limit: int,
    n_bytes: int,
    at_end: bool,
    dialect: Any,
    slots: NDArray[np.int32],
    cells: CellArray,
    first_row: int,
    tally: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Fill `cells` with the rows that start before `row_limit`; (rows, next row's offset, why).

    IN: all but cells, tally.   OUT: cells[row, slot] = (start, stop), tally.   `at_end` says that
    nothing follows the buffer, so an unfinished row is complete.
    """
    separator, quote, escape, classes = dialect
    n_columns = slots.size
    max_rows = cells.shape[0]
    n_slots = cells.shape[1]
    row = 0
    while True:
        if pos >= row_limit:
            return row, pos, AT_LIMIT
        if pos >= n_bytes:
            return row, n_bytes, AT_LIMIT if at_end else NEEDS_BYTES
        if row == max_rows:
            return row, pos, TABLE_FULL
        c = buf[pos]
        p = pos
        if c == LF or c == CR or classes[c] & _MARKER:  # noqa: PLR1714, SIM109 - faster
            while p < n_bytes and buf[p] != LF and buf[p] != CR:
                p += 1
            if not at_end and p + 1 >= n_bytes and (p == n_bytes or buf[p] == CR):
                return row, pos, NEEDS_BYTES
            pos = p + 2 if p + 1 < n_bytes and buf[p] == CR and buf[p + 1] == LF else p + 1
            continue

        column = 0
        slot = 0
        row_ended = False
        extra = False
        unmatched = False
        while not row_ended:
            while p < n_bytes and (buf[p] == SPACE or (buf[p] == TAB and separator != TAB)):
                p += 1
            start = p
            stop = p
            bent = False
            if p < n_bytes and buf[p] == quote:
                p += 1
                start = p
                closed = False
                while p < n_bytes:
                    c = buf[p]
                    if c == escape:
                        bent = True
                        p += 2
                    elif c == quote:
                        if p + 1 < n_bytes and buf[p + 1] == quote:
                            bent = True
                            p += 2
                        else:
                            closed = True
                            break
                    else:
                        p += 1
                if not closed:
                    if not at_end:
                        return row, pos, NEEDS_BYTES
                    p = n_bytes
                    stop = n_bytes
                    unmatched = True
                else:
                    stop = p
                    p += 1
                    if p == n_bytes and not at_end:
                        return row, pos, NEEDS_BYTES
                    while p < n_bytes and buf[p] == SPACE and separator != SPACE:
                        p += 1
                    if p < n_bytes and not (buf[p] == separator or buf[p] == LF or buf[p] == CR):
                        bent = True
                        while p < n_bytes and not (
                            buf[p] == separator or buf[p] == LF or buf[p] == CR
                        ):
                            p += 2 if buf[p] == escape else 1
                        p = min(p, n_bytes)
                        stop = p
            else:
                while True:
                    while p < n_bytes and not (classes[buf[p]] & _STOPS):
                        p += 1
                    if p < n_bytes and buf[p] == escape:
                        bent = True
                        p += 2
                        continue
                    break
                p = min(p, n_bytes)
                stop = p
            if p == n_bytes:
                if not at_end:
                    return row, pos, NEEDS_BYTES
                row_ended = True
            elif buf[p] == separator:
                p += 1
            else:
                row_ended = True
                if buf[p] == CR:
                    if p + 1 == n_bytes and not at_end:
                        return row, pos, NEEDS_BYTES
                    if p + 1 < n_bytes and buf[p + 1] == LF:
                        p += 1
                p += 1
            if column < n_columns:
                if slots[column] >= 0:
                    cells[row, slot, 0] = start
                    cells[row, slot, 1] = -stop - 1 if bent else stop
                    slot += 1
            elif stop > start:
                extra = True
            column += 1

        if column == 1 and stop == start and buf[min(start, n_bytes - 1)] != quote:
            is_blank = start == 0 or buf[start - 1] != quote or quote > 255
            if is_blank:
                pos = p
                continue
        while slot < n_slots:
            cells[row, slot, 0] = 0
            cells[row, slot, 1] = 0
            slot += 1
        if extra:
            tally[N_LONG] += 1
            if tally[FIRST_LONG] < 0:
                tally[FIRST_LONG] = first_row + row
        if column < n_columns:
            tally[N_SHORT] += 1
            if tally[FIRST_SHORT] < 0:
                tally[FIRST_SHORT] = first_row + row
        if unmatched:
            tally[N_UNMATCHED] += 1
            if tally[FIRST_UNMATCHED] < 0:
                tally[FIRST_UNMATCHED] = first_row + row
        row += 1
        pos = p


@njit(cache=True, nogil=True, inline="always")
def is_na(buf: U8Array, start: int, stop: int, quote: int) -> bool:
    """Say whether a cell holds nothing, not even an empty string in quotes."""
    return start == stop and (start == 0 or buf[start - 1] != quote)


@njit(cache=True, nogil=True)
def next_row_start(buf: U8Array, pos: int, n_bytes: int, at_end: bool) -> int:
    """Return the offset after the first line end at or after `pos`; -1 when bytes are missing."""
    while pos < n_bytes:
        c = buf[pos]
        if c == LF:
            return pos + 1
        if c == CR:
            if pos + 1 < n_bytes:
                return pos + 2 if buf[pos + 1] == LF else pos + 1
            return n_bytes if at_end else -1
        pos += 1
    return n_bytes if at_end else -1


@njit(cache=True, nogil=True)
def plain_text(
    buf: U8Array, start: int, stop: int, quote: int, escape: int, out: U8Array, at: int
) -> int:
    """Write the text of a bent cell to ``out[at:]`` and return where it ends."""
    quoted = start > 0 and buf[start - 1] == quote
    p = start
    while p < stop:
        c = buf[p]
        if c == escape and p + 1 < stop:
            p += 1
            out[at] = buf[p]
            at += 1
        elif c == quote and quoted:
            if p + 1 < stop and buf[p + 1] == quote:
                p += 1
                out[at] = c
                at += 1
            else:
                quoted = False
        else:
            out[at] = c
            at += 1
        p += 1
    return at


def text_of(buf: U8Array, cell: NDArray[np.int32], dialect: Dialect) -> str:
    """Return one cell as text, undecodable bytes as ``<0x..>``: for messages."""
    start, stop = (int(offset) for offset in cell)
    if stop >= 0:
        raw = buf[start:stop].tobytes()
    else:
        room = np.empty(-stop - 1 - start, np.uint8)
        end = plain_text(buf, start, -stop - 1, dialect.quote, dialect.escape, room, 0)
        raw = room[:end].tobytes()
    return decode_lenient(raw)


def decode_lenient(raw: bytes) -> str:
    """Return UTF-8 bytes as text; every run of invalid bytes becomes ``<0xHEX>``, as in H2O."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        parts: list[str] = []
        bad = bytearray()
        at = 0
        while at < len(raw):
            try:
                rest = raw[at:].decode("utf-8")
                good, wrong = rest, b""
            except UnicodeDecodeError as error:
                good = raw[at : at + error.start].decode("utf-8")
                wrong = raw[at + error.start : at + error.end]
            if good and bad:
                parts.append(f"<0x{bad.hex().upper()}>")
                bad.clear()
            parts.append(good)
            bad += wrong
            at += len(good.encode("utf-8")) + len(wrong)
        if bad:
            parts.append(f"<0x{bad.hex().upper()}>")
        return "".join(parts)
