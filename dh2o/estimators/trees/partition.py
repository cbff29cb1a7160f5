"""The rows of a node go to its children: their records change places, within the node's stretch.

Rows lie node after node, so every pass reads memory from one end to the other, however deep the
tree is.  Records are sent tile by tile: a tile comes from the end that has less room before it,
left rows go to the front, right ones to the back.  The first and the last tile are put aside, which
makes the room, and are sent at the end.  Tags, which name the rows, go along.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._memory import copy4, copy16, copy32, int32_at, int64_at, uint16_at
from dh2o.estimators.trees.arrays import F32, I8, I32, I64, U8
from dh2o.estimators.trees.gradients import put_word
from dh2o.estimators.trees.histogram import add_chosen, add_rows
from dh2o.estimators.trees.records import NO_GRADIENT, NO_WORD

__all__ = ["TILE", "copy_record", "mark_weightless", "route_and_add", "sort_out"]

TILE = 512  # rows routed before their histogram is built: they are in the first cache then
_BY_BYTE, _BY_PAIR, _BY_WORD = 0, 1, 2


@njit(nogil=True, cache=True)
def copy_record(to: U8, at: int, source: U8, first: int, size: int) -> None:
    """Copy the `size` bytes from ``source[first]`` on to ``to[at]``: a multiple of four."""
    here, there = np.uint64(at), np.uint64(first)
    if size == 16:
        copy16(to, here, source, there)
    elif size == 32:
        copy32(to, here, source, there)
    else:
        end = here + np.uint64(size)
        while here + np.uint64(16) <= end:
            copy16(to, here, source, there)
            here, there = here + np.uint64(16), there + np.uint64(16)
        while here < end:
            copy4(to, here, source, there)
            here, there = here + np.uint64(4), there + np.uint64(4)


@njit(nogil=True, cache=True)
def _send(  # noqa: PLR0913, PLR0917
    source: U8, source_tags: I64, first: int, step: int, n: int, records: U8, tags: I64,
    how: tuple[int, ...], goes_left: U8, front: int, back: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Send the n records `first`, ``first + step``, ... of `source` to the front or the back.

    how = (bytes of a record, what decides, where in a record it lies, start of the routing table,
    where the word lies, 1 if it is a gradient, bits cut off it, mask of a word's weight).  Returns
    the new front and back, and the sum on the left of the words' coarse squares.
    """
    size, kind, column, base, word_at, is_gradient, square_shift, weight_mask = how
    squares = np.int64(0)
    for j in range(n):
        i = first + step * j
        at = i * size
        if kind == _BY_BYTE:
            left = np.int64(goes_left[np.uint64(base + np.int64(source[np.uint64(at + column)]))])
        elif kind == _BY_PAIR:
            code = np.int64(uint16_at(source, np.uint64(at + column)))
            left = np.int64(goes_left[np.uint64(base + code)])
        elif is_gradient == 1:
            left = np.int64(int32_at(source, np.uint64(at + word_at)) != np.int32(NO_GRADIENT))
        else:
            left = np.int64(int64_at(source, np.uint64(at + word_at)) != np.int64(NO_WORD))
        if is_gradient == 1:
            coarse = np.int64(int32_at(source, np.uint64(at + word_at))) >> square_shift
            squares += left * coarse * coarse
        else:
            word = int64_at(source, np.uint64(at + word_at))
            coarse = word >> square_shift
            square = coarse * coarse
            if word & weight_mask > 1:
                square //= word & weight_mask
            squares += left * square
        to = back + left * (front - back)
        tags[np.uint64(to)] = source_tags[np.uint64(i)]
        copy_record(records, to * size, source, at, size)
        front, back = front + left, back + left - 1  # type: ignore[assignment]
    return front, back, squares  # type: ignore[return-value]


@njit(nogil=True, cache=True)
def _put_aside(
    records: U8, tags: I64, size: int, start: int, stop: int, aside: U8, aside_tags: I64
) -> tuple[int, int]:
    """Copy the first and the last tile; returns how many records they have."""
    n_first = min(stop - start, TILE)
    n_last = min(stop - start - n_first, TILE)
    for part in range(2):
        n = n_first if part == 0 else n_last
        first, at = (start, 0) if part == 0 else (stop - n_last, n_first)
        for i in range(n):
            aside_tags[np.uint64(at + i)] = tags[np.uint64(first + i)]
        for i in range(n):
            copy_record(aside, (at + i) * size, records, (first + i) * size, size)
    return n_first, n_last


@njit(nogil=True, cache=True)
def route_and_add(  # noqa: PLR0913, PLR0917
    records: U8,
    tags: I64,
    place: I64,
    wide_start: I64,
    chosen: I32,
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

    Split s, ``first <= s < last``, divides node k = nodes[s], whose records lie from
    ``bounds[k, 0]`` to ``bounds[k, 1]``, into node ``first_child + 2 s`` and the next.  Left rows
    end in front.  Column c >= 0 is byte c of a record, c < 0 the pair of bytes -c-1;
    ``goes_left[goes_left_start[s] + bin]`` routes.
    `builds`: 0 none, 1 left, 2 right, into histogram ``hist_idx[s]``, of the features `chosen` (see
    `add_chosen`) or, if it is empty, of all.
    OUT: records, tags, children's bounds, hists, left_counts, left_squares (sum on the left of the
    squares of ``word >> square_shift``, each divided by ``word & weight_mask``).
    """
    size, is_gradient, shift = place[0], place[4], place[5]
    aside, aside_tags = np.empty(2 * TILE * size, np.uint8), np.empty(2 * TILE, np.int64)
    zero, one = np.int64(0), np.int64(1)  # constants are types: `_send` would be compiled for each
    for s in range(first, last):
        start, stop = bounds[nodes[s], 0], bounds[nodes[s], 1]
        c = np.int64(columns[s])
        how = (
            size, np.int64(_BY_PAIR if c < 0 else _BY_BYTE), -2 * (c + 1) if c < 0 else c,
            goes_left_start[s], place[3], is_gradient, square_shift - shift * is_gradient,
            weight_mask,
        )  # fmt: skip
        n_first, n_last = _put_aside(records, tags, size, start, stop, aside, aside_tags)
        low, high = start + n_first, stop - n_last
        front, back, total = start, stop - 1, np.int64(0)
        builds_left, h, is_last = builds[s] == 1, np.int64(hist_idx[s]), False
        while not is_last:
            front0, back0, n = front, back, min(high - low, TILE)
            is_last = n == 0
            source, source_tags, at, step = records, tags, low, one
            if is_last:
                source, source_tags, at, n = aside, aside_tags, zero, n_first + n_last
            elif low - front <= back + 1 - high:
                low += n
            else:
                at, step = high - 1, -one
                high -= n
            front, back, squares = _send(
                source, source_tags, at, step, n, records, tags, how, goes_left, front, back
            )
            total += squares
            if builds[s] != 0:
                lo, hi = (front0, front) if builds_left else (back + 1, back0 + 1)
                if chosen.size == 0:
                    add_rows(records, place, wide_start, lo, hi, stretch, hists[h])
                else:
                    add_chosen(records, place, wide_start, chosen, lo, hi, stretch, hists[h])
        left_counts[s], left_squares[s] = front - start, total
        child = first_child + 2 * s
        bounds[child, 0], bounds[child, 1] = start, front
        bounds[child + 1, 0], bounds[child + 1, 1] = front, stop


@njit(nogil=True, cache=True)
def mark_weightless(records: U8, place: I64, weights: F32, start: int, stop: int) -> int:
    """Mark the records of rows start..stop-1 that weigh nothing; returns how many there are."""
    n = 0
    for i in range(start, stop):
        if not weights[i] > 0.0:
            put_word(records, i * place[0] + place[3], place[4] == 1, NO_GRADIENT, NO_WORD)
            n += 1
    return n


@njit(nogil=True, cache=True)
def sort_out(records: U8, tags: I64, place: I64, start: int, stop: int) -> int:
    """Put the records that the tree is not grown on behind the others; returns where they begin."""
    size = place[0]
    aside, aside_tags = np.empty(2 * TILE * size, np.uint8), np.empty(2 * TILE, np.int64)
    none = np.zeros(1, np.uint8)
    zero, one = np.int64(0), np.int64(1)
    how = (size, np.int64(_BY_WORD), zero, zero, place[3], place[4], np.int64(31), zero)
    n_first, n_last = _put_aside(records, tags, size, start, stop, aside, aside_tags)
    low, high = start + n_first, stop - n_last
    front, back = start, stop - 1
    while low < high:
        n = min(high - low, TILE)
        if low - front <= back + 1 - high:
            at, step = low, one
            low += n
        else:
            at, step = high - 1, -one
            high -= n
        front, back, _ = _send(records, tags, at, step, n, records, tags, how, none, front, back)
    front, back, _ = _send(
        aside, aside_tags, zero, one, n_first + n_last, records, tags, how, none, front, back
    )
    return front
