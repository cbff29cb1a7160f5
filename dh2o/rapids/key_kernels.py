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
    "count_pairs",
    "fill_pairs",
    "medians",
    "merge_sorted",
    "pack_grid",
    "pack_real",
]

_TOP = np.uint64(1 << 63)


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
    OUT: out, those digits, shifted, with their place i in the lowest `row_bits` bits.
    """
    n = 0
    by_rows = len(rows) > 0
    shift, up = np.uint64(low), np.uint64(row_bits)
    for i in range(len(word)):
        digit = (word[rows[i]] if by_rows else word[i]) >> shift & np.uint64(mask)
        if cuts[0] <= digit <= cuts[1]:
            out[n] = digit << up | np.uint64(i)
            n += 1
    return n


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
def count_pairs(
    left: Any, right: Any, shifts: Any, masks: Any, all_left: bool, all_right: bool
) -> int:
    """Return how many rows the join of two sorted arrays of keys has."""
    n_left, n_right = len(left), len(right)
    i = j = 0
    total = 0
    while i < n_left or j < n_right:
        if j == n_right or (i < n_left and left[i] < right[j]):
            if all_left:
                total += 1
            i += 1
            continue
        if i == n_left or right[j] < left[i]:
            if all_right:
                total += 1
            j += 1
            continue
        key = left[i]
        i_end, j_end = i, j
        while i_end < n_left and left[i_end] == key:
            i_end += 1
        while j_end < n_right and right[j_end] == key:
            j_end += 1
        if _unknown(key, shifts, masks):
            total += (i_end - i) * int(all_left) + (j_end - j) * int(all_right)
        else:
            total += (i_end - i) * (j_end - j)
        i, j = i_end, j_end
    return total


@njit(nogil=True, cache=True)
def fill_pairs(  # noqa: C901, PLR0913, PLR0917 - a kernel takes its arrays one by one
    left: Any,
    left_rows: Any,
    right: Any,
    right_rows: Any,
    shifts: Any,
    masks: Any,
    all_left: bool,
    all_right: bool,
    keys: Any,
    rows_left: Any,
    rows_right: Any,
) -> None:
    """OUT: key, left row and right row (-1 for none) of every row of the join, by key."""
    n_left, n_right = len(left), len(right)
    i = j = n = 0
    while i < n_left or j < n_right:
        if j == n_right or (i < n_left and left[i] < right[j]):
            if all_left:
                keys[n], rows_left[n], rows_right[n] = left[i], left_rows[i], -1
                n += 1
            i += 1
            continue
        if i == n_left or right[j] < left[i]:
            if all_right:
                keys[n], rows_left[n], rows_right[n] = right[j], -1, right_rows[j]
                n += 1
            j += 1
            continue
        key = left[i]
        i_end, j_end = i, j
        while i_end < n_left and left[i_end] == key:
            i_end += 1
        while j_end < n_right and right[j_end] == key:
            j_end += 1
        if _unknown(key, shifts, masks):
            if all_left:
                for a in range(i, i_end):
                    keys[n], rows_left[n], rows_right[n] = key, left_rows[a], -1
                    n += 1
            if all_right:
                for b in range(j, j_end):
                    keys[n], rows_left[n], rows_right[n] = key, -1, right_rows[b]
                    n += 1
        else:
            for a in range(i, i_end):
                for b in range(j, j_end):
                    keys[n], rows_left[n], rows_right[n] = key, left_rows[a], right_rows[b]
                    n += 1
        i, j = i_end, j_end
