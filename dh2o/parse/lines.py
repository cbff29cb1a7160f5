"""The first lines of a text, and from them separator, columns and header (H2O's rules)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from dh2o.parse.setup import HIVE_SEPARATOR
from dh2o.parse.texts import uuid_at
from dh2o.parse.times import NOT_A_TIME, time_at

N_LINES = 10
_IN_WORDS = frozenset(
    string.ascii_letters.encode() + string.digits.encode() + bytes(range(128, 256))
)
_IN_WORDS |= {ord('"'), ord("'")}

# In descending order of probability; space comes last because several of it are one separator.
SEPARATORS = (HIVE_SEPARATOR, ord(","), ord(";"), ord("|"), ord("\t"), ord(" "))

_JAVA_DOUBLE = re.compile(
    rb"\s*[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)\s*", re.ASCII
)
_TIME_LIKE = re.compile(
    rb"\s*(\d{1,4}[-:/.]|\d{8}-\d|(\d{1,2}-?)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))",
    re.IGNORECASE,
)
_UUID_LIKE = re.compile(rb"\s*[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n?|\n")


def first_lines(data: bytes, quote: int, markers: bytes, at_most: int = N_LINES) -> list[bytes]:
    """Return up to ten data lines; a line end inside quotes does not end a line."""
    lines: list[bytes] = []
    mark = bytes([quote]) if quote < 256 else b""
    start = 0
    while start < len(data) and len(lines) < at_most:
        is_comment = data[start] in markers
        end, start_of_next = _line_end(data, start, b"" if is_comment else mark)
        line = data[start:end].strip(b" \r\n")
        if line and not is_comment:
            lines.append(line)
        start = start_of_next
    return lines


def first_line_of(data: bytes, quote: int, markers: bytes) -> tuple[bytes, int]:
    """Return the first data line and the offset after its end; comments and blank lines skipped."""
    mark = bytes([quote]) if quote < 256 else b""
    start = 0
    while start < len(data):
        is_comment = data[start] in markers
        end, start_of_next = _line_end(data, start, b"" if is_comment else mark)
        line = data[start:end].strip(b" \r\n")
        start = start_of_next
        if line and not is_comment:
            return line, start
    return b"", start


def _line_end(data: bytes, start: int, quote: bytes) -> tuple[int, int]:
    """Return where a line ends and where the next starts; a quote in a word (5") opens nothing."""
    if not quote:
        match = _LINE_END.search(data, start)
        return match.span() if match else (len(data), len(data))
    is_open = False
    closed = -1
    for match in re.compile(_LINE_END.pattern + b"|" + re.escape(quote)).finditer(data, start):
        at = match.start()
        if match[0] != quote:
            if not is_open:
                return match.span()
        elif is_open:
            is_open, closed = False, at
        else:
            is_open = _opens(data, at, start, closed)
    return len(data), len(data)


def _opens(data: bytes, at: int, start: int, closed: int) -> bool:
    """Say whether a quote opens: not within a word, but for one right after another, doubled."""
    return at == start or closed == at - 1 or data[at - 1] not in _IN_WORDS


def split_line(line: bytes, separator: int, quote: int, escape: int) -> list[bytes]:
    """Return the texts of a line's cells, unquoted; the tokeniser's rules on one short line."""
    is_bare = not escape and separator not in {32, quote} and (quote > 255 or quote not in line)
    if is_bare:
        return [cell.lstrip(b" ") for cell in line.split(bytes((separator,)))]
    cells: list[bytes] = []
    p, n = 0, len(line)
    while True:
        while p < n and line[p] == 32 and separator != 32:
            p += 1
        text = bytearray()
        quoted = p < n and line[p] == quote
        p += quoted
        while p < n:
            c = line[p]
            if escape and c == escape and p + 1 < n:
                p += 1
                text.append(line[p])
            elif quoted and c == quote:
                if p + 1 < n and line[p + 1] == quote:
                    p += 1
                    text.append(c)
                else:
                    quoted = False
            elif c == separator and not quoted:
                break
            elif c in b"\r\n" and not quoted:
                return [*cells, bytes(text)]
            else:
                text.append(c)
            p += 1
        cells.append(bytes(text))
        if p >= n:
            return cells
        p += 1
        while separator == 32 and p < n and line[p] == 32:
            p += 1


def _counts(line: bytes, quote: int, escape: int) -> list[int]:
    """Return how often each candidate separator occurs outside quotes."""
    if not escape and (quote > 255 or quote not in line):
        return [line.count(bytes((separator,))) for separator in SEPARATORS]
    counts = [0] * len(SEPARATORS)
    quoted, closed = False, -1
    p = 0
    while p < len(line):
        c = line[p]
        if escape and c == escape:
            p += 2
            continue
        if c == quote and quoted:
            quoted, closed = False, p
        elif c == quote:
            quoted = _opens(line, p, 0, closed)
        elif (not quoted or c == HIVE_SEPARATOR) and c in SEPARATORS:
            counts[SEPARATORS.index(c)] += 1
        p += 1
    return counts


def _separator_of_two(first: bytes, second: bytes, quote: int, escape: int) -> int | None:
    ones, twos = _counts(first, quote, escape), _counts(second, quote, escape)

    def splits(i: int) -> bool:
        return all(
            len(split_line(line, SEPARATORS[i], quote, escape)) == counts[i] + 1
            for line, counts in ((first, ones), (second, twos))
        )

    most = 0
    for i, count in enumerate(ones):
        if count == 0:
            continue
        if ones[most] < count:
            most = i
        if count == twos[i] and count >= ones[most] >> 1 and splits(i):
            return SEPARATORS[i]
    if ones[most] == 0:
        most = len(SEPARATORS) - 1
    return SEPARATORS[most] if ones[most] and splits(most) else None


def guess_separator(lines: Sequence[bytes], quote: int, escape: int) -> int:
    """Return the separator that cuts the first lines into equally many cells; space for none."""
    if len(lines) == 1:
        return next((ord(s) for s in ", " if len(lines[0].split(s.encode())) > 1), ord(","))
    pairs = [(0, 1)] + ([(1, 2), (0, 2)] if len(lines) > 2 else [])
    for a, b in pairs:
        separator = _separator_of_two(lines[a], lines[b], quote, escape)
        if separator is not None:
            return separator
    return ord(" ")


def guess_n_columns(rows: Sequence[Sequence[bytes]]) -> int:
    """Return the first row's length if none is longer, else the most frequent length."""
    longest = max(len(row) for row in rows)
    if len(rows[0]) == longest:
        return longest
    counted = Counter(len(row) for row in rows)
    return min(counted, key=lambda length: (-counted[length], length))


def is_text(cell: bytes) -> bool:
    """Say whether a cell is neither number nor time nor UUID, so that it may be a name."""
    return not (_JAVA_DOUBLE.fullmatch(cell) or looks_like_time(cell) or looks_like_uuid(cell))


def guess_header(first: Sequence[bytes], second: Sequence[bytes]) -> bool:
    """Say whether the first row holds names: it is all text and the second row is not."""
    return all(map(is_text, first)) and not all(map(is_text, second))


def may_hold_times(cells: Iterable[bytes]) -> bool:
    """Say whether a text starts like a time; cheap, and keeps the time kernel out of the way."""
    return any(map(_TIME_LIKE.match, cells))


def may_hold_uuids(cells: Iterable[bytes]) -> bool:
    """Say whether a text starts like a UUID."""
    return any(map(_UUID_LIKE.match, cells))


def looks_like_time(cell: bytes) -> bool:
    """Say whether a cell is a time in one of the known formats."""
    if not may_hold_times([cell]):
        return False
    return bool(time_at(np.frombuffer(cell, np.uint8).copy(), 0, len(cell))[0] != NOT_A_TIME)


def looks_like_uuid(cell: bytes) -> bool:
    """Say whether a cell is a UUID."""
    if not may_hold_uuids([cell]):
        return False
    return bool(uuid_at(np.frombuffer(cell, np.uint8).copy(), 0, len(cell))[0])
