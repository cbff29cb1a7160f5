"""String and UUID columns from cells, and the cells that NA strings empty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse.tokenise import CellArray, U8Array, is_na, plain_text

I64Array = NDArray[np.int64]


@njit(cache=True, nogil=True)
def room_for_texts(cells: CellArray, n_rows: int, slot: int) -> int:
    """Return a bound on the bytes of a column's texts in a tile."""
    room = 0
    for r in range(n_rows):
        stop = cells[r, slot, 1]
        room += (stop if stop >= 0 else -stop - 1) - cells[r, slot, 0]
    return room


@njit(cache=True, nogil=True)
def read_texts(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slot: int,
    special: tuple[int, int],
    data: U8Array,
    ends: I64Array,
    valid: NDArray[np.bool_],
    at: int,
) -> None:
    """data[ends[i] : ends[i + 1]] = the text in cell (r, slot), i = at + r.

    IN: buf, cells, n_rows, slot, special (quote, escape), at.   OUT: valid[i] = the cell is no NA.
    """
    quote, escape = special
    used = ends[at]
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if stop < 0:
            used = plain_text(buf, start, -stop - 1, quote, escape, data, used)
        else:
            for i in range(start, stop):
                data[used] = buf[i]
                used += 1
        ends[at + r + 1] = used
        valid[at + r] = not is_na(buf, start, stop, quote)


@njit(cache=True, nogil=True)
def uuid_at(buf: U8Array, start: int, stop: int) -> tuple[bool, Any, Any]:
    """Return (is the cell a UUID in 8-4-4-4-12 form, its high half, its low half)."""
    while stop > start and buf[stop - 1] == 32:
        stop -= 1
    hi, lo = np.uint64(0), np.uint64(0)
    if stop - start != 36:
        return False, hi, lo
    n = 0
    for i in range(36):
        c = np.int64(buf[start + i])
        if i == 8 or i == 13 or i == 18 or i == 23:  # noqa: PLR1714 - a set is slow in a kernel
            if c != 45:
                return False, hi, lo
            continue
        if 48 <= c <= 57:
            c -= 48
        elif 97 <= (c | 32) <= 102:
            c = (c | 32) - 87
        else:
            return False, hi, lo
        if n < 16:
            hi = (hi << np.uint64(4)) | np.uint64(c)
        else:
            lo = (lo << np.uint64(4)) | np.uint64(c)
        n += 1
    return True, hi, lo


@njit(cache=True, nogil=True)
def read_uuids(
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slot: int,
    out: NDArray[np.uint64],
    valid: NDArray[np.bool_],
    at: int,
    tally: I64Array,
) -> None:
    """out[at + r] = (high, low) halves of the UUID in cell (r, slot).

    OUT: valid says which rows have one; tally[0] counts texts that are no UUID, tally[1] is the
    row of the first.
    """
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        good = False
        hi, lo = np.uint64(0), np.uint64(0)
        if stop >= 0:
            good, hi, lo = uuid_at(buf, start, stop)
        out[at + r, 0] = hi
        out[at + r, 1] = lo
        valid[at + r] = good
        if not good and start != stop:
            if tally[0] == 0:
                tally[1] = at + r
            tally[0] += 1


@njit(cache=True, nogil=True)
def empty_na_cells(
    buf: U8Array, cells: CellArray, n_rows: int, slot: int, words: U8Array, ends: I64Array
) -> None:
    """Make NA the cells whose trimmed text is one of `words` (``words[ends[k]:ends[k+1]]``)."""
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if stop < start:
            continue
        while stop > start and buf[stop - 1] == 32:
            stop -= 1
        for k in range(ends.size - 1):
            n = ends[k + 1] - ends[k]
            if n == stop - start:
                same = True
                for i in range(n):
                    if buf[start + i] != words[ends[k] + i]:
                        same = False
                        break
                if same:
                    cells[r, slot, 0] = 0
                    cells[r, slot, 1] = 0
                    break


def packed_words(words: tuple[str, ...]) -> tuple[U8Array, I64Array]:
    """Return the words' bytes one after the other and where each ends."""
    raw = [word.strip().encode("utf-8") for word in words]
    data = np.frombuffer(b"".join(raw) or b"\0", np.uint8).copy()
    ends = np.cumsum([0, *(len(word) for word in raw)]).astype(np.int64)
    return data, ends
