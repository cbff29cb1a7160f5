"""Local dictionaries: the distinct texts of a column, numbered in order of appearance."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse.tokenise import CellArray, Dialect, U8Array, decode_lenient, is_na, plain_text
from dh2o.parse.words import load_word

I32Array = NDArray[np.int32]

NA_CODE = -1
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ZERO = np.uint64(0)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_TOP_BYTE = np.uint64(56)
_LONG = np.uint64(0xFF) << _TOP_BYTE
SHORT = 7  # bytes of a text that is its own hash


@njit(cache=True, nogil=True)
def _hash(data: U8Array, start: int, stop: int) -> Any:
    """Return a text of up to 7 bytes with its length, or of a longer one 56 bits of FNV-1a."""
    n = stop - start
    if n <= SHORT:
        word = np.uint64(n) << _TOP_BYTE
        if start + 8 <= data.size:
            return np.int64(
                word | (load_word(data, start) & (_ALL >> np.uint64(64 - 8 * n) if n else _ZERO))
            )
        for i in range(n):
            word |= np.uint64(data[start + i]) << np.uint64(8 * i)
        return np.int64(word)
    h = _FNV_OFFSET
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * _FNV_PRIME
    return np.int64(h | _LONG)


@njit(cache=True, nogil=True, inline="always")
def _place(h: Any, mask: int) -> Any:
    """Return where a hash is looked for first: high bits of its product with the golden ratio."""
    return np.int64((np.uint64(h) * _GOLDEN) >> np.uint64(33)) & mask


@njit(cache=True, nogil=True)
def read_levels(  # noqa: C901, PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    cells: CellArray,
    rows: tuple[int, int],
    slot: int,
    special: tuple[int, int],
    codes: I32Array,
    at: int,
    table: I32Array,
    ends: NDArray[np.int64],
    hashes: NDArray[np.int64],
    arena: U8Array,
    n_levels: int,
) -> tuple[int, int]:
    """codes[at + r] = number of the text in cell (r, slot); (rows done, levels now).

    Stops early, at a row whose text does not fit, so that the caller can grow the arrays.
    IN: buf, cells, rows (first, last), special (quote, escape).   OUT: codes, table (open
    addressing, level + 1), ends[level + 1] (offset into arena), hashes, arena (the texts).
    """
    quote, escape = special
    mask = table.size - 1
    used = ends[n_levels]
    for r in range(rows[0], rows[1]):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if is_na(buf, start, stop, quote):
            codes[at + r] = NA_CODE
            continue
        n = (stop if stop >= 0 else -stop - 1) - start
        if used + n > arena.size or 2 * (n_levels + 1) > table.size:
            return r, n_levels
        if stop < 0:
            n = plain_text(buf, start, -stop - 1, quote, escape, arena, used) - used
            h = _hash(arena, used, used + n)
        else:
            h = _hash(buf, start, stop)
        place = _place(h, mask)
        level = -1
        while table[place] > 0:
            candidate = table[place] - 1
            if hashes[candidate] == h and n <= SHORT:  # the hash is the text
                level = candidate
                break
            first = ends[candidate]
            if hashes[candidate] == h and ends[candidate + 1] - first == n:
                same = True
                if stop < 0:
                    for i in range(n):
                        if arena[first + i] != arena[used + i]:
                            same = False
                            break
                else:
                    for i in range(n):
                        if arena[first + i] != buf[start + i]:
                            same = False
                            break
                if same:
                    level = candidate
                    break
            place = (place + 1) & mask
        if level < 0:
            if stop >= 0:
                for i in range(n):
                    arena[used + i] = buf[start + i]
            used += n
            level = n_levels
            n_levels += 1
            table[place] = n_levels
            ends[n_levels] = used
            hashes[level] = h
        codes[at + r] = level
    return rows[1], n_levels


@njit(cache=True, nogil=True)
def _refill(table: I32Array, hashes: NDArray[np.int64], n_levels: int) -> None:
    mask = table.size - 1
    for level in range(n_levels):
        place = _place(hashes[level], mask)
        while table[place] > 0:
            place = (place + 1) & mask
        table[place] = level + 1


@dataclass
class LevelTable:
    """The growing dictionary of one column; NA cells get no level."""

    table: I32Array = field(default_factory=lambda: np.zeros(512, np.int32))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros(257, np.int64))
    hashes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(257, np.int64))
    arena: U8Array = field(default_factory=lambda: np.empty(4096, np.uint8))
    n_levels: int = 0

    def read(
        self,
        buf: U8Array,
        cells: CellArray,
        n_rows: int,
        slot: int,
        dialect: Dialect,
        codes: I32Array,
        at: int,
    ) -> None:
        """Set ``codes[at : at + n_rows]`` to the level numbers of a tile's column."""
        special = (dialect.quote, dialect.escape)
        row = 0
        while row < n_rows:
            row, self.n_levels = read_levels(
                buf,
                cells,
                (row, n_rows),
                slot,
                special,
                codes,
                at,
                self.table,
                self.ends,
                self.hashes,
                self.arena,
                self.n_levels,
            )
            if row < n_rows:
                start, stop = (int(x) for x in cells[row, slot])
                self._grow(room=max(stop, -stop - 1) - start)

    def _grow(self, room: int) -> None:
        used = int(self.ends[self.n_levels])
        if used + room > self.arena.size:
            arena = np.empty(2 * self.arena.size + room, np.uint8)
            arena[:used] = self.arena[:used]
            self.arena = arena
        if 2 * (self.n_levels + 1) > self.table.size:
            self.table = np.zeros(4 * self.table.size, np.int32)
            self.ends = np.resize(self.ends, self.table.size // 2 + 1)
            self.hashes = np.resize(self.hashes, self.table.size // 2 + 1)
            _refill(self.table, self.hashes, self.n_levels)

    def strings(self) -> Any:
        """Return the levels as an Arrow array of text, in order of their numbers."""
        import pyarrow as pa

        data = self.arena[: self.ends[self.n_levels]].tobytes()
        if not data.isascii():
            return pa.array(map(decode_lenient, self.texts()), pa.large_string())
        ends = self.ends[: self.n_levels + 1].copy()
        buffers = pa.py_buffer(ends), pa.py_buffer(data)
        return pa.LargeStringArray.from_buffers(self.n_levels, *buffers)

    def longest(self) -> int:
        """Return the bytes of the longest level."""
        return int(np.diff(self.ends[: self.n_levels + 1]).max(initial=0))

    def texts(self) -> list[bytes]:
        """Return the levels' bytes in order of their numbers."""
        data = self.arena[: self.ends[self.n_levels]].tobytes()
        ends = self.ends[: self.n_levels + 1].tolist()
        return [data[a:b] for a, b in pairwise(ends)]
