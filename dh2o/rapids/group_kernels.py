"""Compiled loops over groups of rows: what is kept of them, merged, their medians and ranks.

A *slot* is the number of a row's group. What is kept of a column is a row of numbers a slot: count
and sum (2); these and squares (3), of integers that need no rounding; or, with moments, count, sum,
mean, squared deviations and squares (5). Inputs come as read-only
arrays, so that each kernel is compiled for one signature. Slots index as unsigned numbers: numba
would look at each whether it counts from the end, which takes a quarter of a loop's time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.compiled import njit

__all__ = [
    "add_codes",
    "add_ints",
    "add_moments",
    "add_range",
    "add_range_of_codes",
    "add_sizes",
    "add_sums",
    "fill_by_group",
    "fold_ranges",
    "fold_sums",
    "medians",
    "merge_ranges",
    "merge_sums",
    "ranks",
]


@njit(nogil=True, cache=True)
def add_sizes(slots: Any, sizes: Any) -> None:
    """sizes[slot] += 1."""
    for i in range(len(slots)):
        sizes[np.uint64(slots[i])] += 1


@njit(nogil=True, cache=True)
def add_sums(slots: Any, values: Any, sums: Any) -> None:
    """sums[slot] += (1, value), or (1, value, its square), for values that are not NA."""
    with_squares = sums.shape[1] > 2
    for i in range(len(slots)):
        value = values[i]
        if value == value:  # noqa: PLR0124  (not NA)
            slot = np.uint64(slots[i])
            sums[slot, 0] += 1.0
            sums[slot, 1] += value
            if with_squares:
                sums[slot, 2] += value * value


@njit(nogil=True, cache=True, error_model="numpy")
def add_codes(slots: Any, codes: Any, na_code: int, bias: int, power: float, sums: Any) -> None:
    """Do what `add_sums` does with the values (code + bias) / power of codes that are not NA."""
    with_squares = sums.shape[1] > 2
    for i in range(len(codes)):
        code = np.int64(codes[i])
        if code != na_code:
            slot = np.uint64(slots[i])
            value = np.float64(code + bias) / power
            sums[slot, 0] += 1.0
            sums[slot, 1] += value
            if with_squares:
                sums[slot, 2] += value * value


@njit(nogil=True, cache=True)
def add_ints(slots: Any, codes: Any, totals: Any) -> None:
    """totals[slot] += code."""
    for i in range(len(codes)):
        totals[np.uint64(slots[i])] += np.int64(codes[i])


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _add_moment(sums: Any, slot: Any, value: float) -> None:
    n = sums[slot, 0] + 1.0
    apart = value - sums[slot, 2]
    sums[slot, 0] = n
    sums[slot, 1] += value
    sums[slot, 2] += apart / n
    sums[slot, 3] += apart * (value - sums[slot, 2])
    sums[slot, 4] += value * value


@njit(nogil=True, cache=True, error_model="numpy")
def add_moments(slots: Any, values: Any, sums: Any) -> None:
    """sums[slot] = count, sum, mean, squared deviations (Welford, 1962) and squares."""
    for i in range(len(slots)):
        value = values[i]
        if value == value:  # noqa: PLR0124  (not NA)
            _add_moment(sums, np.uint64(slots[i]), value)


@njit(nogil=True, cache=True)
def add_range(slots: Any, values: Any, ranges: Any) -> None:
    """ranges[slot] = smallest and largest value that is not NA."""
    for i in range(len(slots)):
        value = values[i]
        slot = np.uint64(slots[i])
        ranges[slot, 0] = min(ranges[slot, 0], value)
        ranges[slot, 1] = max(ranges[slot, 1], value)


@njit(nogil=True, cache=True, error_model="numpy")
def add_range_of_codes(
    slots: Any, codes: Any, na_code: int, bias: int, power: float, ranges: Any
) -> None:
    """Do what `add_range` does with the values (code + bias) / power of codes that are not NA."""
    for i in range(len(slots)):
        code = np.int64(codes[i])
        if code != na_code:
            value = np.float64(code + bias) / power
            slot = np.uint64(slots[i])
            ranges[slot, 0] = min(ranges[slot, 0], value)
            ranges[slot, 1] = max(ranges[slot, 1], value)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _merge_sum(sums: Any, slot: int, more: Any, i: int) -> None:
    """Add row i of `more`, which are those of later rows, to a slot."""
    n_more = more[i, 0]
    if n_more != 0.0:
        n = sums[slot, 0]
        sums[slot, 0] = n + n_more
        sums[slot, 1] += more[i, 1]
        if sums.shape[1] == 3:
            sums[slot, 2] += more[i, 2]
        elif sums.shape[1] > 3:
            sums[slot, 4] += more[i, 4]
            apart = more[i, 2] - sums[slot, 2]
            if n == 0.0:
                sums[slot, 2], sums[slot, 3] = more[i, 2], more[i, 3]
            else:
                sums[slot, 2] += apart * n_more / (n + n_more)
                sums[slot, 3] += more[i, 3] + apart * apart * n * n_more / (n + n_more)


@njit(nogil=True, cache=True, error_model="numpy")
def merge_sums(sums: Any, places: Any, more: Any) -> None:
    """sums[places] += more: counts, sums and (Chan, Golub and LeVeque, 1983) moments.

    `more` are those of later rows; an empty `places` says that the slots are the same.
    """
    same = len(places) == 0
    for i in range(len(more)):
        _merge_sum(sums, i if same else places[i], more, i)


@njit(nogil=True, cache=True)
def merge_ranges(ranges: Any, places: Any, more: Any) -> None:
    """ranges[places] = the smaller and the larger of both; empty `places`: the same slots."""
    same = len(places) == 0
    for i in range(len(more)):
        slot = i if same else places[i]
        ranges[slot, 0] = min(ranges[slot, 0], more[i, 0])
        ranges[slot, 1] = max(ranges[slot, 1], more[i, 1])


@njit(nogil=True, cache=True, error_model="numpy")
def fold_sums(
    rows: Any, starts: Any, block_ends: Any, codes: Any, grid: tuple[float, float, float], sums: Any
) -> None:
    """Sums[g] = what is kept of the values of rows[starts[g]:starts[g + 1]]; `sums` come zeroed.

    A value is (code + bias) / power, of `grid` = (code of NA, bias, power).

    The rows of a group are ascending. What each block has of it is added up first, a *cell*; cells
    are merged along the tree of the block numbers, pair by pair of siblings, level by level. Block
    b ends before row block_ends[b].
    """
    width = sums.shape[1]
    na_code, bias, power = grid
    cells = np.zeros((len(block_ends), width))
    nodes = np.empty(len(block_ends), dtype=np.int64)
    stop = starts[0]
    for g in range(len(sums)):
        first, stop = stop, starts[g + 1]
        if stop == first + 1:
            code = np.float64(codes[np.uint64(rows[first])])
            value = (code + bias) / power
            if (value == value) & (code != na_code):  # noqa: PLR0124  (not NA)
                sums[g, 0] = 1.0
                sums[g, 1] = value + 0.0
                if width == 3:
                    sums[g, 2] = value * value
                elif width > 3:
                    sums[g, 2] = value + 0.0
                    sums[g, 3] = value * (value - value) + 0.0  # NaN of infinity
                    sums[g, 4] = value * value
            continue
        n = 0
        end = np.int64(-1)
        for i in range(first, stop):
            row = rows[i]
            if row >= end:
                nodes[n] = _block_of(row, nodes[n - 1] + 1 if n else np.int64(0), block_ends)
                end = block_ends[nodes[n]]
                for k in range(width):
                    cells[n, k] = 0.0
                n += 1
            code = np.float64(codes[np.uint64(row)])
            value = (code + bias) / power
            if (value == value) & (code != na_code):  # noqa: PLR0124  (not NA)
                if width > 3:
                    _add_moment(cells, n - 1, value)
                else:
                    cells[n - 1, 0] += 1.0
                    cells[n - 1, 1] += value
                    if width == 3:
                        cells[n - 1, 2] += value * value
        while n > 1:
            n = _fold_level(cells, nodes, n)
        for k in range(width):
            sums[g, k] = cells[0, k]


@njit(nogil=True, cache=True, inline="always")
def _block_of(row: int, below: int, block_ends: Any) -> int:
    """Return the first block, from `below` on, that ends after the row."""
    above = len(block_ends) - 1
    while below < above:
        middle = (below + above) // 2
        if block_ends[middle] > row:
            above = middle
        else:
            below = middle + 1
    return below


@njit(nogil=True, cache=True, error_model="numpy")
def _fold_level(cells: Any, nodes: Any, n: int) -> int:
    """Return how many of n cells are left when siblings among their nodes are merged."""
    left = i = 0
    while i < n:
        node = nodes[i] >> 1
        if left != i:
            for k in range(cells.shape[1]):
                cells[left, k] = cells[i, k]
        i += 1
        if i < n and nodes[i] >> 1 == node:
            _merge_sum(cells, left, cells, i)
            i += 1
        nodes[left] = node
        left += 1
    return left


@njit(nogil=True, cache=True, error_model="numpy")
def fold_ranges(
    rows: Any, starts: Any, codes: Any, grid: tuple[float, float, float], ranges: Any
) -> None:
    """Ranges[g] = smallest and largest value of rows[starts[g]:starts[g + 1]] that is not NA.

    A value is (code + bias) / power, of `grid` = (code of NA, bias, power).
    """
    na_code, bias, power = grid
    for g in range(len(ranges)):
        low, high = ranges[g, 0], ranges[g, 1]
        for i in range(starts[g], starts[g + 1]):
            code = np.float64(codes[np.uint64(rows[i])])
            if code != na_code:
                low, high = min(low, code), max(high, code)
        ranges[g, 0], ranges[g, 1] = (low + bias) / power, (high + bias) / power


@njit(nogil=True, cache=True)
def fill_by_group(slots: Any, values: Any, next_place: Any, out: Any) -> None:
    """Put values side by side by group; `next_place` is where each group's next one goes."""
    for i in range(len(slots)):
        slot = np.uint64(slots[i])
        out[np.uint64(next_place[slot])] = values[i]
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
def ranks(keys: Any, group_masks: Any, fields: Any, before: int, out: Any) -> int:
    """Out = 1, 2, ... for keys in order, anew in each group; return the last one.

    The bits of `group_masks` (one a word) are the group's. `fields` are the word, shift and mask of
    the fields to sort by: a key of which one is NA is not counted and has no rank, 0. So many keys
    of the first group come `before`.
    """
    n = before
    for i in range(len(out)):
        same = i > 0
        for w in range(len(keys)):
            same = same and (keys[w, i] ^ keys[w, i - 1]) & group_masks[w] == 0
        ranked = True
        for f in range(len(fields)):
            ranked = ranked and keys[fields[f, 0], i] >> fields[f, 1] & fields[f, 2] != 0
        n = (n if same or i == 0 else 0) + (1 if ranked else 0)
        out[i] = n if ranked else 0
    return n
