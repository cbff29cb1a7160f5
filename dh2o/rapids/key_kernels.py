"""Compiled loops over packed keys: packing, aggregates by group, merging, pairing rows.

A packed key is one or more 64-bit words whose order is the order of the key columns, NA first. A
*slot* is the number of a row's group. Inputs come as read-only arrays, so that each kernel is
compiled for one signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "add_moments",
    "add_range",
    "add_sizes",
    "add_sums",
    "count_codes",
    "medians",
    "merge_sorted",
    "number_cells",
    "number_in_turn",
    "pack_codes",
    "pack_grid",
    "pack_real",
    "pair_rows",
    "place_codes",
    "place_rows",
    "ranks",
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
def ranks(keys: Any, fields: Any, n_groups: int, out: Any) -> None:
    """Out = 1, 2, ... for the keys of a group, in order; NaN where a field to sort by is NA.

    `fields` are the word, shift and mask of each field, those of the group first.
    """
    n = 0
    for i in range(keys.shape[1]):
        same, ranked = i > 0, True
        for f in range(len(fields)):
            shift, mask = fields[f, 1], fields[f, 2]
            code = keys[fields[f, 0], i] >> shift & mask
            if f >= n_groups:
                ranked = ranked and code != 0
            elif same:
                same = code == keys[fields[f, 0], i - 1] >> shift & mask
        n = (n if same else 0) + (1 if ranked else 0)
        out[i] = n if ranked else np.nan


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
def count_codes(word: Any, counts: Any) -> None:
    """counts[key] += 1."""
    for i in range(len(word)):
        counts[word[i]] += 1


@njit(nogil=True, cache=True)
def place_codes(word: Any, first_row: int, row_bits: int, next_place: Any, out: Any) -> None:
    """Put keys, with their row number in the lowest `row_bits` bits, where each goes next."""
    up = np.uint64(row_bits)
    for i in range(len(word)):
        key = word[i]
        out[next_place[key]] = key << up | np.uint64(first_row + i)
        next_place[key] += 1


@njit(nogil=True, cache=True)
def number_in_turn(word: Any, next_place: Any, out: Any) -> None:
    """Out = the next place of each row's key."""
    for i in range(len(word)):
        key = word[i]
        out[i] = next_place[key]
        next_place[key] += 1


@njit(nogil=True, cache=True)
def place_rows(word: Any, first_row: int, next_place: Any, out: Any) -> None:
    """Put the numbers of rows where each key goes next."""
    for i in range(len(word)):
        key = word[i]
        out[next_place[key]] = first_row + i
        next_place[key] += 1


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
def add_sizes(slots: Any, sizes: Any) -> None:
    """sizes[slot] += 1."""
    for i in range(len(slots)):
        sizes[slots[i]] += 1


@njit(nogil=True, cache=True)
def add_sums(slots: Any, values: Any, sums: Any) -> None:
    """sums[slot] += (1, value) for values that are not NA."""
    for i in range(len(slots)):
        value = values[i]
        if value == value:  # noqa: PLR0124  (not NA)
            slot = slots[i]
            sums[slot, 0] += 1.0
            sums[slot, 1] += value


@njit(nogil=True, cache=True, error_model="numpy")
def add_moments(slots: Any, values: Any, sums: Any) -> None:
    """sums[slot] = count, sum, mean, squared deviations (Welford, 1962) and squares."""
    for i in range(len(slots)):
        value = values[i]
        if value == value:  # noqa: PLR0124  (not NA)
            slot = slots[i]
            n = sums[slot, 0] + 1.0
            apart = value - sums[slot, 2]
            sums[slot, 0] = n
            sums[slot, 1] += value
            sums[slot, 2] += apart / n
            sums[slot, 3] += apart * (value - sums[slot, 2])
            sums[slot, 4] += value * value


@njit(nogil=True, cache=True)
def add_range(slots: Any, values: Any, ranges: Any) -> None:
    """ranges[slot] = smallest and largest value that is not NA."""
    for i in range(len(slots)):
        value = values[i]
        slot = slots[i]
        ranges[slot, 0] = min(ranges[slot, 0], value)
        ranges[slot, 1] = max(ranges[slot, 1], value)


@njit(nogil=True, cache=True, error_model="numpy")
def merge_sums(sums: Any, places: Any, more: Any) -> None:
    """sums[places] += more: counts, sums and (Chan, Golub and LeVeque, 1983) moments.

    `more` are those of later rows; an empty `places` says that the slots are the same.
    """
    moments = sums.shape[1] > 2
    same = len(places) == 0
    for i in range(len(more)):
        slot = i if same else places[i]
        n_more = more[i, 0]
        if n_more == 0.0:
            continue
        n = sums[slot, 0]
        sums[slot, 0] = n + n_more
        sums[slot, 1] += more[i, 1]
        if moments:
            sums[slot, 4] += more[i, 4]
            apart = more[i, 2] - sums[slot, 2]
            if n == 0.0:
                sums[slot, 2], sums[slot, 3] = more[i, 2], more[i, 3]
            else:
                sums[slot, 2] += apart * n_more / (n + n_more)
                sums[slot, 3] += more[i, 3] + apart * apart * n * n_more / (n + n_more)


@njit(nogil=True, cache=True)
def number_cells(
    rows: Any, starts: Any, block_ends: Any, slots: Any, blocks: Any, firsts: Any
) -> int:
    """Return how many cells there are: what one block holds of one group.

    `rows` are sorted by group, whose `starts` are given, then by number; a block ends before
    block_ends[b]. OUT: slots[row] the cell of a row, blocks[cell], firsts[group] its first cell
    and, last, the number of cells.
    """
    n = 0
    for g in range(len(starts)):
        stop = starts[g + 1] if g + 1 < len(starts) else len(rows)
        firsts[g] = n
        end = np.int64(-1)
        for i in range(starts[g], stop):
            row = rows[i]
            if row >= end:
                block, above = 0, len(block_ends) - 1
                while block < above:  # the first block that ends after the row
                    middle = (block + above) // 2
                    if block_ends[middle] > row:
                        above = middle
                    else:
                        block = middle + 1
                end = block_ends[block]
                blocks[n] = block
                n += 1
            slots[row] = n - 1
    firsts[len(starts)] = n
    return n


@njit(nogil=True, cache=True)
def merge_ranges(ranges: Any, places: Any, more: Any) -> None:
    """ranges[places] = the smaller and the larger of both; empty `places`: the same slots."""
    same = len(places) == 0
    for i in range(len(more)):
        slot = i if same else places[i]
        ranges[slot, 0] = min(ranges[slot, 0], more[i, 0])
        ranges[slot, 1] = max(ranges[slot, 1], more[i, 1])


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
def fill_by_group(slots: Any, values: Any, next_place: Any, out: Any) -> None:
    """Put values side by side by group; `next_place` is where each group's next one goes."""
    for i in range(len(slots)):
        slot = slots[i]
        out[next_place[slot]] = values[i]
        next_place[slot] += 1


@njit(nogil=True, cache=True)
def _select(values: Any, low: int, high: int, k: int) -> float:
    """Return the k-th smallest of values[low:high], which it reorders (Hoare, 1961)."""
    left = low
    right = high - 1
    while left < right:
        a = values[left]
        b = values[(left + right) // 2]
        c = values[right]
        pivot = max(min(a, b), min(max(a, b), c))
        i = left
        j = right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return float(values[k])


@njit(nogil=True, cache=True)
def medians(values: Any, starts: Any, out: Any) -> None:
    """Out[g] = the median of values[starts[g]:starts[g + 1]], which it reorders; NaN for none."""
    for g in range(len(out)):
        low, high = starts[g], starts[g + 1]
        n = high - low
        if n == 0:
            out[g] = np.nan
            continue
        middle = low + n // 2
        found = _select(values, low, high, middle)
        if n % 2 == 0:
            below = values[low]
            for i in range(low + 1, middle):
                below = max(below, values[i])
            found = (found + below) / 2
        out[g] = found


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
