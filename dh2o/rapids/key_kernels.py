"""Compiled loops over packed keys: packing, placing, merging, pairing rows.

A packed key is one or more 64-bit words whose order is the order of the key columns, NA first.
Inputs come as read-only arrays, so that each kernel is compiled for one signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.compiled import njit

__all__ = [
    "add_places",
    "count_buckets",
    "merge_sorted",
    "pack_codes",
    "pack_grid",
    "pack_real",
    "pair_rows",
    "place_codes",
    "take_places",
    "to_buckets",
    "unpack_grid",
]

_TOP = np.uint64(1 << 63)
_NONE = np.uint64((1 << 64) - 1)  # larger than any key: some of its bits are a row's number


@njit(nogil=True, cache=True)
def pack_grid(
    values: Any, power: float, lowest: int, n_codes: int, down: bool, shift: int, out: Any
) -> None:
    """Out |= the place of each value on a decimal grid, from 1; 0 for NA."""
    for i in range(len(values)):
        value = values[i]
        if value == value:  # noqa: PLR0124  (not NA)
            code = np.int64(np.rint(value * power)) - lowest + 1
            if down:
                code = n_codes + 1 - code
            out[i] |= np.uint64(code) << np.uint64(shift)


@njit(nogil=True, cache=True)
def pack_codes(
    raw: Any, na_code: int, from_code: int, n_codes: int, down: bool, shift: int, out: Any
) -> None:
    """Out |= the place on the grid, from 1, of what a chunk's codes stand for; 0 for NA."""
    up, na, least = np.uint64(shift), np.int64(na_code), np.int64(from_code)
    sign = np.int64(-1) if down else np.int64(1)
    add = np.int64(n_codes) + 1 - least if down else least
    for i in range(len(raw)):
        code = np.int64(raw[i])
        place = add + sign * code
        out[i] |= np.uint64(np.int64(0) if code == na else place) << up


@njit(nogil=True, cache=True)
def unpack_grid(
    word: Any, shift: int, mask: int, add: int, sign: int, power: float, out: Any
) -> None:
    """Out = (add + sign * code) / power, NaN for code 0."""
    down, bits = np.uint64(shift), np.uint64(mask)
    for i in range(len(word)):
        code = np.int64(word[i] >> down & bits)
        out[i] = np.float64(add + sign * code) / power if code else np.nan


@njit(nogil=True, cache=True)
def pack_real(values: Any, down: bool, out: Any) -> None:
    """Out = the double as an integer of the same order, from 1; 0 for NA."""
    for i in range(len(values)):
        value = values[i] + 0.0  # -0.0 is 0.0
        if value != value:  # noqa: PLR0124  (NA)
            out[i] = np.uint64(0)
            continue
        if down:
            value = 0.0 - value
        bits = np.float64(value).view(np.uint64)
        out[i] = ~bits if bits & _TOP else bits | _TOP


@njit(nogil=True, cache=True)
def fuse(word: Any, low: int, mask: int, rows: Any, row_bits: int, cuts: Any, out: Any) -> int:
    """Return how many of the digits lie in cuts[0] <= digit <= cuts[1].

    A digit is ``word >> low & mask`` of the row rows[i], or of row i when `rows` is empty.
    OUT: out, those digits, shifted, with their place i in the lowest `row_bits` bits. It has room
    for one more: every digit is written, and the next one over it if it does not count, which is
    quicker than a branch that nothing foretells.
    """
    n = 0
    by_rows = len(rows) > 0
    shift, up = np.uint64(low), np.uint64(row_bits)
    first, last = cuts[0], cuts[1]
    for i in range(len(word)):
        digit = (word[rows[i]] if by_rows else word[i]) >> shift & np.uint64(mask)
        out[n] = digit << up | np.uint64(i)
        n += 1 if (first <= digit) & (digit <= last) else 0
    return n


@njit(nogil=True, cache=True)
def place_codes(word: Any, first_row: int, row_bits: int, next_place: Any, out: Any) -> None:
    """Put keys, with their row number in the lowest `row_bits` bits, where each goes next."""
    up = np.uint64(row_bits)
    for i in range(len(word)):
        key = word[i]
        out[next_place[key]] = key << up | np.uint64(first_row + i)
        next_place[key] += 1


@njit(nogil=True, cache=True)
def count_buckets(word: Any, shift: int, n_buckets: int, counts: Any) -> None:
    """counts[bucket] += 1; the bucket of a key is ``key >> shift``, of that the last bits."""
    down, mask = np.uint64(shift), np.uint64(n_buckets - 1)
    for i in range(len(word)):
        counts[word[i] >> down & mask] += 1


@njit(nogil=True, cache=True)
def to_buckets(
    word: Any,
    rows: Any,
    first_row: int,
    shift: int,
    n_buckets: int,
    next_place: Any,
    out_rows: Any,
    out_keys: Any,
) -> None:
    """Put keys and their rows where each bucket goes next; `rows` may be empty: as they lie."""
    down, mask = np.uint64(shift), np.uint64(n_buckets - 1)
    as_they_lie = len(rows) == 0
    for i in range(len(word)):
        key = word[i]
        bucket = key >> down & mask
        place = np.uint64(next_place[bucket])
        next_place[bucket] += 1
        out_keys[place] = key
        out_rows[place] = first_row + i if as_they_lie else rows[i]


@njit(nogil=True, cache=True)
def add_places(starts: Any, n_bits: int, room: int, keys: Any) -> None:
    """Leave the last `n_bits` of each key, and put its place in its bucket behind them.

    Bucket k lies from starts[k] to starts[k + 1]; those of more rows than `room` stay as they are.
    """
    up, mask = np.uint64(64 - n_bits), (np.uint64(1) << np.uint64(n_bits)) - np.uint64(1)
    for k in range(len(starts) - 1):
        start, stop = starts[k], starts[k + 1]
        if stop - start <= room:
            for i in range(start, stop):
                keys[i] = (keys[i] & mask) << up | np.uint64(i - start)


@njit(nogil=True, cache=True)
def take_places(
    starts: Any, n_bits: int, room: int, begins: Any, moved: Any, keys: Any, rows: Any
) -> None:
    """Make keys of what `add_places` made of them; rows[i] = the one at the place behind key i.

    ``begins[k]`` is a key of bucket k: its first bits are those of all keys there.
    """
    up, down = np.uint64(n_bits), np.uint64(64 - n_bits)
    places = (np.uint64(1) << down) - np.uint64(1)
    for k in range(len(starts) - 1):
        start, stop = starts[k], starts[k + 1]
        if stop - start <= room:
            begin = begins[k] >> up << up
            for i in range(start, stop):
                rows[i] = moved[np.uint64(start) + (keys[i] & places)]
                keys[i] = begin | keys[i] >> down


@njit(nogil=True, cache=True)
def unfuse(fused: Any, row_bits: int, before: Any, rows: Any, digits: Any) -> None:
    """OUT: rows, before[place] (the place itself when `before` is empty), and the digits."""
    up = np.uint64(row_bits)
    mask = (np.uint64(1) << up) - np.uint64(1)
    by_rows = len(before) > 0
    for i in range(len(fused)):
        place = np.int64(fused[i] & mask)
        rows[i] = before[place] if by_rows else place
        if len(digits) > 0:
            digits[i] = fused[i] >> up


@njit(nogil=True, cache=True)
def merge_sorted(a: Any, b: Any, place_a: Any, place_b: Any) -> int:
    """Return how many keys two sorted sets of keys (rows of words) have together.

    OUT: place_a, place_b: where each key stands among them.
    """
    n_words = a.shape[0]
    i = j = n = 0
    while i < a.shape[1] and j < b.shape[1]:
        order = 0
        for w in range(n_words):
            if a[w, i] != b[w, j]:
                order = -1 if a[w, i] < b[w, j] else 1
                break
        if order <= 0:
            place_a[i] = n
            i += 1
        if order >= 0:
            place_b[j] = n
            j += 1
        n += 1
    while i < a.shape[1]:
        place_a[i] = n
        i += 1
        n += 1
    while j < b.shape[1]:
        place_b[j] = n
        j += 1
        n += 1
    return n


@njit(nogil=True, cache=True)
def _unknown(key: Any, shifts: Any, masks: Any) -> bool:
    """Return whether some field of a key is NA (code 0)."""
    for f in range(len(shifts)):  # noqa: SIM110 - numba has no generators
        if (key >> shifts[f]) & masks[f] == 0:
            return True
    return False


@njit(nogil=True, cache=True)
def pair_rows(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays one by one
    left: Any,
    left_bits: int,
    right: Any,
    right_bits: int,
    shifts: Any,
    masks: Any,
    all_left: bool,
    all_right: bool,
    keys: Any,
    rows_left: Any,
    rows_right: Any,
) -> int:
    """Return how many rows the join of two sides has.

    A side is its keys in order, each shifted by so many bits, with the row's number in these.
    OUT: key, left row and right row (-1 for none) of every row of the join, by key, then by row,
    as far as there is room.
    """
    up_left, up_right = np.uint64(left_bits), np.uint64(right_bits)
    low_left = (np.uint64(1) << up_left) - np.uint64(1)
    low_right = (np.uint64(1) << up_right) - np.uint64(1)
    n_left, n_right, room = len(left), len(right), len(keys)
    i = j = n = 0
    while i < n_left or j < n_right:
        a = left[i] >> up_left if i < n_left else _NONE
        b = right[j] >> up_right if j < n_right else _NONE
        i_end, j_end = i + (1 if a <= b else 0), j + (1 if b <= a else 0)
        if a == b:
            while i_end < n_left and left[i_end] >> up_left == a:
                i_end += 1
            while j_end < n_right and right[j_end] >> up_right == a:
                j_end += 1
            if not _unknown(a, shifts, masks):
                for x in range(i, i_end):
                    for y in range(j, j_end):
                        if n < room:
                            keys[n] = a
                            rows_left[n] = np.int64(left[x] & low_left)
                            rows_right[n] = np.int64(right[y] & low_right)
                        n += 1
                i, j = i_end, j_end
                continue
        for x in range(i, i_end if all_left else i):
            if n < room:
                keys[n], rows_left[n], rows_right[n] = a, np.int64(left[x] & low_left), -1
            n += 1
        for y in range(j, j_end if all_right else j):
            if n < room:
                keys[n], rows_left[n], rows_right[n] = b, -1, np.int64(right[y] & low_right)
            n += 1
        i, j = i_end, j_end
    return n
