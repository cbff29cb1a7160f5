"""SVMLight: lines of ``label index:value index:value ... # comment``; what is not listed is zero.

The label is column 0 and index i is column i, all numeric. How many columns there are is known only
when all ranges are read; blocks that saw fewer are filled up with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Chunk, encode_ints
from dh2o.chunks.wide import encode_sparse_columns
from dh2o.compiled import njit
from dh2o.parse.bad_cells import BadCells
from dh2o.parse.columns import NumberReader
from dh2o.parse.ranges import ParsedRange, RangeReport, SegmentReport
from dh2o.parse.setup import ParseSetup
from dh2o.parse.tokenise import (
    AT_LIMIT,
    CR,
    LF,
    NEEDS_BYTES,
    SPACE,
    TAB,
    TABLE_FULL,
    CellArray,
    U8Array,
    dialect_of,
    new_tally,
)

_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_LINE = re.compile(rb"\s*" + _NUMBER + rb"(\s+\d+:" + _NUMBER + rb")*\s*(#.*)?")
_N_CELLS = 1 << 15
_HASH, _COLON = 35, 58
_MAX_INDEX = 10_000_000


def looks_like_svmlight(lines: Sequence[bytes]) -> bool:
    """Say whether these lines are SVMLight: all of that form, and one with a value at least."""
    matches = [_LINE.fullmatch(line) for line in lines]
    return all(matches) and any(match and match.group(1) for match in matches)


def count_columns(lines: Sequence[bytes]) -> int:
    """Return one more than the largest index in some lines."""
    found = (re.findall(rb"\s(\d+):", line.partition(b"#")[0]) for line in lines)
    return 1 + max((int(index) for some in found for index in some), default=0)


@njit(cache=True, nogil=True)
def _tokens(  # noqa: C901, PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    pos: int,
    row_limit: int,
    n_bytes: int,
    at_end: bool,
    labels: CellArray,
    values: CellArray,
    indices: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """Find the lines that start before `row_limit`; (rows, values, next line's offset, why).

    OUT: labels[row] and values[k] = (start, stop); indices[k], rows[k] of value k; index -1 marks a
    token that is no ``index:value``.
    """
    row = 0
    n = 0
    while True:
        if pos >= row_limit or (pos >= n_bytes and at_end):
            return row, n, pos, AT_LIMIT
        if row == labels.shape[0] or n == indices.size:
            return row, n, pos, TABLE_FULL
        end = pos
        while end < n_bytes and buf[end] != LF and buf[end] != CR:
            end += 1
        if end == n_bytes and not at_end:
            return row, n, pos, NEEDS_BYTES
        text_end = pos
        while text_end < end and buf[text_end] != _HASH:
            text_end += 1
        p = pos
        first = n
        is_label = True
        while True:
            while p < text_end and (buf[p] == SPACE or buf[p] == TAB):
                p += 1
            if p == text_end:
                break
            start = p
            colon = -1
            while p < text_end and buf[p] != SPACE and buf[p] != TAB:
                if buf[p] == _COLON and colon < 0:
                    colon = p
                p += 1
            if is_label:
                is_label = False
                labels[row, 0, 0] = start
                labels[row, 0, 1] = p
                continue
            if n == indices.size:
                return row, first, pos, TABLE_FULL
            index: Any = 0 if colon > start else -1
            for i in range(start, colon):
                digit = np.int64(buf[i]) - 48
                if digit < 0 or digit > 9 or index > _MAX_INDEX:
                    index = -1
                    break
                index = index * 10 + digit
            indices[n] = index
            rows[n] = row
            values[n, 0, 0] = colon + 1 if index > 0 else start
            values[n, 0, 1] = p
            n += 1
        if not is_label:
            row += 1
        pos = end + 1


class SvmLightReader:
    """Reads lines out of buffers into the columns of one block; takes the part of a BlockReader."""

    def __init__(self, setup: ParseSetup) -> None:
        self.setup = setup
        self.n_rows = 0
        self.tally = new_tally()
        self._dialect = dialect_of(SPACE, 256, 0, b"")
        self._labels = NumberReader(self._dialect)
        self._values = NumberReader(self._dialect)
        self._n_values = 0
        self._indices: list[NDArray[np.int64]] = []
        self._rows: list[NDArray[np.int64]] = []
        self._bad = BadCells()
        self._room = _N_CELLS

    def read(
        self, buf: U8Array, pos: int, row_limit: int, n_bytes: int, at_end: bool
    ) -> tuple[int, int]:
        """Take the lines that start in ``pos .. row_limit``; return (next line's start, why)."""
        while True:
            labels = np.empty((self._room, 1, 2), np.int32)
            values = np.empty((self._room, 1, 2), np.int32)
            indices, rows = np.empty(self._room, np.int64), np.empty(self._room, np.int64)
            n_rows, n, pos, why = _tokens(
                buf, pos, row_limit, n_bytes, at_end, labels, values, indices, rows
            )
            self._take(buf, labels, values, indices[:n], rows[:n], n_rows)
            if why != TABLE_FULL:
                return pos, why
            if n_rows == 0:  # one line of more values than there is room for
                self._room *= 2

    def _take(
        self,
        buf: U8Array,
        labels: CellArray,
        values: CellArray,
        indices: NDArray[np.int64],
        rows: NDArray[np.int64],
        n_rows: int,
    ) -> None:
        n = len(indices)
        self._labels.read(buf, labels, n_rows, 0, self.n_rows)
        self._values.read(buf, values, n, 0, self._n_values)
        wrong = np.flatnonzero(indices <= 0)
        if wrong.size:
            start, stop = (int(x) for x in values[wrong[0], 0])
            text = buf[start:stop].tobytes().decode("utf-8", "replace")
            row, known = self.n_rows + int(rows[wrong[0]]), self._bad
            self._bad = BadCells(
                known.count + len(wrong),
                known.row if known.count else row,
                known.text if known.count else text[:40],
            )
        good = indices > 0
        self._indices.append(np.where(good, indices, -1))
        self._rows.append(rows + self.n_rows)
        self._n_values += n
        self.n_rows += n_rows

    def finish(self, segments: tuple[SegmentReport, ...], nbytes: int) -> ParsedRange:
        """Return the block read so far."""
        indices = np.concatenate([*self._indices, np.empty(0, np.int64)])
        rows = np.concatenate([*self._rows, np.empty(0, np.int64)])
        values = self._values.finish(self._n_values).floats()
        n_columns = 1 + max(int(indices.max(initial=0)), 0)
        order = np.argsort(indices, kind="stable")
        ends = np.searchsorted(indices[order], np.arange(n_columns + 1)).astype(np.int64)
        columns = [
            self._labels.finish(self.n_rows),
            *encode_sparse_columns(self.n_rows, ends[1:], rows[order], values[order]),
        ]
        bad = [self._labels.bad, *[BadCells()] * (n_columns - 1)]
        if self._values.bad.count or self._bad.count:
            bad[0] = (
                self._bad
                if self._bad.count
                else BadCells(
                    self._values.bad.count, int(rows[self._values.bad.row]), self._values.bad.text
                )
            )
        report = RangeReport(
            n_rows=self.n_rows,
            segments=segments,
            bad=tuple(bad),
            tally=tuple(self.tally.tolist()),
            levels=(None,) * n_columns,
            nbytes=nbytes,
        )
        return ParsedRange(self.n_rows, tuple(columns), report)

    def header_end(self, _buf: U8Array, pos: int, _n_bytes: int, _skip_any: bool) -> int:
        """Return `pos`: there is no header."""
        return pos


def zero_chunk(n_rows: int) -> Chunk:
    """Return a column of zeros."""
    return encode_ints(np.zeros(n_rows, np.int64))
