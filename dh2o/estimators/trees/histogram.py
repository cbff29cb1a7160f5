"""Histograms of packed gradients: which rows of a node fall into which bin of which feature.

A row's weighted gradient and its weight are fixed-point integers in one 64-bit word,
``word = gradient * 2**shift + weight``, so that one addition counts both, exactly and in any
order.  Bins and word of a row lie side by side in its record (`dh2o.estimators.trees.records`).  A
histogram has one stretch of `stretch` slots for each byte-wide feature, then the slots of the
two-byte features one after another from `wide_start` on.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._memory import int32_at, int64_at, uint16_at
from dh2o.estimators.trees.arrays import I32, I64, U8

__all__ = ["add_chosen", "add_rows"]


@njit(nogil=True, cache=True)
def add_rows(
    records: U8, place: I64, wide_start: I64, start: int, stop: int, stretch: int, hist: I64
) -> None:
    """hist[f * stretch + bin f of r] += word of r for the records start..stop-1; also wide f.

    IN: all but `hist`.  `place` as of `RecordLayout`; all arrays are flat.
    """
    size, word_at, is_gradient = np.uint64(place[0]), np.uint64(place[3]), place[4] == 1
    n_groups, has_rest = np.uint64(place[1] >> 2), place[1] & 2 != 0
    width, n_wide, shift = np.uint64(place[1]), np.uint64(place[2]), place[5]
    one, two, three = np.uint64(stretch), np.uint64(2 * stretch), np.uint64(3 * stretch)
    step = np.uint64(4 * stretch)
    for i in range(np.uint64(start), np.uint64(stop)):
        at = i * size
        first = at + width
        if is_gradient:
            word = (np.int64(int32_at(records, at + word_at)) << shift) + 1
        else:
            word = int64_at(records, at + word_at)
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
        if has_rest:
            b0 = np.uint64(records[at])
            b1 = np.uint64(records[at + np.uint64(1)])
            hist[slot + b0] += word
            hist[slot + one + b1] += word
        for f in range(n_wide):
            hist[np.uint64(wide_start[f]) + np.uint64(uint16_at(records, first))] += word
            first += np.uint64(2)


@njit(nogil=True, cache=True)
def add_chosen(
    records: U8, place: I64, wide_start: I64, chosen: I32, start: int, stop: int, stretch: int,
    hist: I64,
) -> None:  # fmt: skip
    """As `add_rows`, of some features only.

    `chosen` = (number of byte-wide ones, their columns, places of the two-byte ones).
    """
    size, word_at, is_gradient = np.uint64(place[0]), np.uint64(place[3]), place[4] == 1
    width, shift, n_narrow = np.uint64(place[1]), place[5], np.int64(chosen[0])
    for i in range(np.uint64(start), np.uint64(stop)):
        at = i * size
        if is_gradient:
            word = (np.int64(int32_at(records, at + word_at)) << shift) + 1
        else:
            word = int64_at(records, at + word_at)
        for k in range(1, n_narrow + 1):
            column = np.uint64(chosen[k])
            hist[column * np.uint64(stretch) + np.uint64(records[at + column])] += word
        for k in range(n_narrow + 1, chosen.size):
            f = np.uint64(chosen[k])
            b = np.uint64(uint16_at(records, at + width + np.uint64(2) * f))
            hist[np.uint64(wide_start[f]) + b] += word
