"""Targets of forests as fixed-point words: each tree is fitted to the response itself."""

from __future__ import annotations

import math

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._prefetch import prefetch
from dh2o.estimators.trees.arrays import F32, F64, I32, I64, U8, U32
from dh2o.estimators.trees.gradients import AHEAD, number_of, put_word, uniform
from dh2o.estimators.trees.records import NO_GRADIENT, NO_WORD, ROW_MASK

__all__ = ["fill_targets", "rows_left_out"]


@njit(nogil=True, cache=True)
def fill_targets(  # noqa: PLR0913, PLR0917
    target: int,
    center: float,
    facts: F64,
    n_facts: int,
    weights: F32,
    row_ids: U32,
    start: int,
    stop: int,
    scales: F64,
    shift: int,
    keys: I64,
    rates: F64,
    place: I64,
    records: U8,
    tags: I64,
    out: I64,
) -> None:
    """Words of the records start..stop-1; those left out of the tree are marked.

    ``facts[row * n_facts:]`` end with a row's target; `place` is where a record keeps its word, as
    of `RecordLayout`.

    Word = (w t scales[0] rounded) << shift | (w scales[1] rounded, at least 1) with t = 1 in class
    `target` and 0 elsewhere, or ``y - center`` if `target` < 0.  keys = (row sample, rounding; 0:
    to the nearest); a row is in the tree if its random number is below ``rates[class or 0]``.
    OUT: records; to out is added (rows in the tree, rows left out, sum of words, of the rows'
    coarse squares ``(word >> scales[3])²``, each divided by the row's weight).
    """
    n_in, n_out, total, squares = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    n_weights = 1 if weights.size > 1 else 0
    coarse_shift = np.int64(scales[3])
    size, word_at, is_gradient = place[0], place[3], place[4] == 1
    for i in range(start, stop):
        row = tags[i] & ROW_MASK
        at = i * size + word_at
        prefetch(facts, (tags[i + AHEAD] & ROW_MASK) * n_facts + n_facts - 1)
        yi, number = facts[row * n_facts + n_facts - 1], number_of(row_ids, row)
        rate = rates[np.int64(yi)] if rates.size > 1 else rates[0]
        if rate < 1.0 and uniform(keys[0], number) >= rate:
            put_word(records, at, is_gradient, NO_GRADIENT, NO_WORD)
            n_out += 1
            continue
        weight = np.float64(weights[row * n_weights])
        t = yi - center
        if target >= 0:
            t = 1.0 if yi == target else 0.0
        noise = 0.5 if keys[1] == 0 else uniform(keys[1], number)
        gradient = np.int64(math.floor(weight * t * scales[0] + noise))
        low = np.int64(max(weight * scales[1] + 0.5, 1.0))
        word = (gradient << shift) + low
        put_word(records, at, is_gradient, gradient, word)
        n_in += 1
        total += word
        square = (word >> coarse_shift) * (word >> coarse_shift)
        squares += square // low if low > 1 else square
    out[0] += n_in
    out[1] += n_out
    out[2] += total
    out[3] += squares


@njit(nogil=True, cache=True)
def rows_left_out(
    y: F64, weights: F32, row_ids: U32, start: int, stop: int, key: int, rates: F64, rows: I32
) -> int:
    """Return how many of the rows start..stop-1 the sample `key` leaves out; OUT: rows."""
    n = 0
    n_weights = 1 if weights.size > 1 else 0
    for i in range(start, stop):
        rate = rates[np.int64(y[i])] if rates.size > 1 else rates[0]
        if (
            weights[i * n_weights] > 0.0
            and rate < 1.0
            and uniform(key, number_of(row_ids, i)) >= rate
        ):
            rows[n] = i
            n += 1
    return n
