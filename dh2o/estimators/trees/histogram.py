"""Histograms of packed gradients: which rows of a node fall into which bin of which feature.

A row's weighted gradient and its weight are fixed-point integers in one 64-bit word,
``word = gradient * 2**shift + weight``, so that one addition counts both, exactly and in any
order.  Bins and word of a row lie side by side in its record (`dh2o.estimators.trees.records`).  A
histogram has one stretch of `stretch` slots for each byte-wide feature, then the slots of the
two-byte features one after another from `wide_start` on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dh2o.estimators.trees._prefetch import prefetch
from dh2o.estimators.trees.arrays import I8, I32, I64, U8, U16

__all__ = ["AHEAD", "TILE", "add_chosen", "add_rows", "route_and_add"]

AHEAD = 24  # rows between a prefetch and its use: covers a miss of the last-level cache
_LINE = 64  # bytes of a cache line
TILE = 512  # rows routed before their histogram is built: their bins then lie in the L1/L2 cache


@njit(nogil=True, cache=True)
def add_rows(  # noqa: PLR0913, PLR0917
    records: U8,
    pairs: U16,
    words: I64,
    place: I64,
    wide_start: I64,
    rows: I32,
    start: int,
    stop: int,
    stretch: int,
    hist: I64,
) -> None:
    """hist[f * stretch + bin f of r] += word of r for r = rows[i], start <= i < stop; also wide f.

    IN: all but `hist`.  `place` as of `RecordLayout`; all arrays are flat.
    """
    size, shift, low = np.uint64(place[0]), place[6], place[7]
    n_groups, n_wide = np.uint64(place[1] >> 2), np.uint64(place[3])
    word_step, word_at = np.uint64(place[4]), np.uint64(place[5])
    half, wide_at = size >> np.uint64(1), np.uint64(place[2])
    one, two, three = np.uint64(stretch), np.uint64(2 * stretch), np.uint64(3 * stretch)
    step = np.uint64(4 * stretch)
    for i in range(np.uint64(start), np.uint64(stop)):
        row = np.uint64(rows[i])
        word = (np.int64(words[row * word_step + word_at]) << shift) + low
        at = row * size
        slot = np.uint64(0)
        for _ in range(n_groups):
            b0 = np.uint64(records[at])
            b1 = np.uint64(records[at + np.uint64(1)])
            b2 = np.uint64(records[at + np.uint64(2)])
            b3 = np.uint64(records[at + np.uint64(3)])
            hist[slot + b0] += word
            hist[slot + one + b1] += word
            hist[slot + two + b2] += word
            hist[slot + three + b3] += word
            at += np.uint64(4)
            slot += step
        first = row * half + wide_at
        for f in range(n_wide):
            hist[np.uint64(wide_start[f]) + np.uint64(pairs[first + f])] += word


@njit(nogil=True, cache=True)
def add_chosen(  # noqa: PLR0913, PLR0917
    records: U8,
    pairs: U16,
    words: I64,
    place: I64,
    wide_start: I64,
    chosen: I32,
    rows: I32,
    start: int,
    stop: int,
    stretch: int,
    hist: I64,
) -> None:
    """As `add_rows`, of some features only.

    `chosen` = (number of byte-wide ones, their columns, places of the two-byte ones).
    """
    size, shift, low = np.uint64(place[0]), place[6], place[7]
    word_step, word_at = np.uint64(place[4]), np.uint64(place[5])
    half, wide_at, n_narrow = size >> np.uint64(1), np.uint64(place[2]), np.int64(chosen[0])
    for i in range(np.uint64(start), np.uint64(stop)):
        row = np.uint64(rows[i])
        word = (np.int64(words[row * word_step + word_at]) << shift) + low
        at = row * size
        for k in range(1, n_narrow + 1):
            column = np.uint64(chosen[k])
            hist[column * np.uint64(stretch) + np.uint64(records[at + column])] += word
        for k in range(n_narrow + 1, chosen.size):
            f = np.uint64(chosen[k])
            hist[np.uint64(wide_start[f]) + np.uint64(pairs[row * half + wide_at + f])] += word


@njit(nogil=True, cache=True)
def route_and_add(  # noqa: PLR0913, PLR0917
    records: U8,
    pairs: U16,
    words: I64,
    place: I64,
    wide_start: I64,
    chosen: I32,
    rows: I32,
    to_rows: I32,
    bounds: I64,
    nodes: I64,
    first_child: int,
    first: int,
    last: int,
    columns: I32,
    goes_left: U8,
    goes_left_start: I64,
    builds: I8,
    hist_idx: I32,
    stretch: int,
    hists: I64,
    square_shift: int,
    weight_mask: int,
    left_counts: I64,
    left_squares: I64,
) -> None:
    """Rows of split nodes go to the left or the right child; one child's histogram is built.

    Split s, ``first <= s < last``, divides node k = nodes[s], which holds
    ``rows[bounds[k, 0]:bounds[k, 1]]``, into node ``first_child + 2 s`` and the next.  Left rows
    are written to `to_rows` from the front of the same stretch, right rows from the back.  Column c
    >= 0 is byte c of a record, c < 0 the pair of bytes -c-1; ``goes_left[goes_left_start[s] +
    bin]`` routes.
    `builds`: 0 none, 1 left, 2 right, into histogram ``hist_idx[s]``, of the features `chosen` (see
    `add_chosen`) or, if it is empty, of all.
    OUT: to_rows, children's bounds, hists, left_counts, left_squares (sum on the left of the
    squares of ``word >> square_shift``, each divided by ``word & weight_mask``).
    """
    size, shift = np.uint64(place[0]), place[6]
    half, word_step, word_at = size >> np.uint64(1), np.uint64(place[4]), np.uint64(place[5])
    is_gradient, is_in_two_lines = place[7] == 1, _LINE % place[0] != 0
    for s in range(first, last):
        start, stop = bounds[nodes[s], 0], bounds[nodes[s], 1]
        base, is_pair = np.uint64(goes_left_start[s]), columns[s] < 0
        column = np.uint64(-np.int64(columns[s]) - 1 if is_pair else np.int64(columns[s]))
        front, back = start, stop - 1
        squares = np.int64(0)
        h = np.int64(hist_idx[s])
        for tile in range(start, stop, TILE):
            front0, back0 = front, back
            for i in range(np.uint64(tile), np.uint64(min(tile + TILE, stop))):
                row = np.uint64(rows[i])
                ahead = np.uint64(rows[i + np.uint64(AHEAD)]) * size
                prefetch(records, ahead)
                if is_in_two_lines:
                    prefetch(records, ahead + size - np.uint64(1))
                if is_pair:
                    code = np.uint64(pairs[row * half + column])
                else:
                    code = np.uint64(records[row * size + column])
                left = np.int64(goes_left[base + code])
                to_rows[np.uint64(back + left * (front - back))] = rows[i]
                front += left
                back += left - 1
                word = np.int64(words[row * word_step + word_at])
                if is_gradient:
                    coarse = word >> (square_shift - shift)
                    square = coarse * coarse
                else:
                    coarse = word >> square_shift
                    square = coarse * coarse
                    if word & weight_mask > 1:
                        square //= word & weight_mask
                squares += left * square
            if builds[s] != 0:
                lo, hi = (front0, front) if builds[s] == 1 else (back + 1, back0 + 1)
                if chosen.size == 0:
                    add_rows(
                        records, pairs, words, place, wide_start, to_rows, lo, hi, stretch, hists[h]
                    )
                else:
                    add_chosen(
                        records, pairs, words, place, wide_start, chosen, to_rows, lo, hi, stretch,
                        hists[h],
                    )  # fmt: skip
        left_counts[s] = front - start
        left_squares[s] = squares
        child = first_child + 2 * s
        bounds[child, 0], bounds[child, 1] = start, front
        bounds[child + 1, 0], bounds[child + 1, 1] = front, stop
