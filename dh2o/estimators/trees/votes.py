"""Targets of forests as fixed-point words: each tree is fitted to the response itself."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dh2o.estimators.trees.arrays import F32, F64, I32, I64, U32
from dh2o.estimators.trees.gradients import uniform

__all__ = ["fill_targets", "rows_left_out"]


@njit(nogil=True, cache=True)
def fill_targets(  # noqa: PLR0913, PLR0917
    target: int,
    center: float,
    y: F64,
    weights: F32,
    row_ids: U32,
    start: int,
    stop: int,
    scales: F64,
    shift: int,
    keys: I64,
    rates: F64,
    place: I64,
    rows: I32,
    words: I64,
    out: I64,
) -> None:
    """Words of rows start..stop-1; the tree's rows first, rows left out of it last.

    `place` is where a record keeps its word, as of `RecordLayout`.

    Word = (w t scales[0] rounded) << shift | (w scales[1] rounded, at least 1) with t = 1 in class
    `target` and 0 elsewhere, or ``y - center`` if `target` < 0.  keys = (row sample, rounding; 0:
    to the nearest); a row is in the tree if its random number is below ``rates[class or 0]``.
    OUT: rows, words; out = (rows in the tree, rows left out, sum of words, of the rows'
    coarse squares ``(word >> scales[3])²``, each divided by the row's weight).
    """
    front, back = start, stop - 1
    total, squares = np.int64(0), np.int64(0)
    n_weights = 1 if weights.size > 1 else 0
    coarse_shift = np.int64(scales[3])
    word_step, word_at, is_gradient = place[4], place[5], place[7] == 1
    for i in range(start, stop):
        weight = np.float64(weights[i * n_weights])
        if not weight > 0.0:
            continue
        rate = rates[np.int64(y[i])] if rates.size > 1 else rates[0]
        if rate < 1.0 and uniform(keys[0], row_ids[i]) >= rate:
            rows[back] = i
            back -= 1
            continue
        t = y[i] - center
        if target >= 0:
            t = 1.0 if y[i] == target else 0.0
        noise = 0.5 if keys[1] == 0 else uniform(keys[1], row_ids[i])
        gradient = np.int64(math.floor(weight * t * scales[0] + noise))
        low = np.int64(max(weight * scales[1] + 0.5, 1.0))
        word = (gradient << shift) + low
        rows[front] = i
        words[i * word_step + word_at] = gradient if is_gradient else word
        front += 1
        total += word
        square = (word >> coarse_shift) * (word >> coarse_shift)
        squares += square // low if low > 1 else square
    out[0], out[1], out[2], out[3] = front - start, stop - 1 - back, total, squares


@njit(nogil=True, cache=True)
def rows_left_out(
    y: F64, weights: F32, row_ids: U32, start: int, stop: int, key: int, rates: F64, rows: I32
) -> int:
    """Return how many of the rows start..stop-1 the sample `key` leaves out; OUT: rows[start:]."""
    n = start
    n_weights = 1 if weights.size > 1 else 0
    for i in range(start, stop):
        rate = rates[np.int64(y[i])] if rates.size > 1 else rates[0]
        if weights[i * n_weights] > 0.0 and rate < 1.0 and uniform(key, row_ids[i]) >= rate:
            rows[n] = i
            n += 1
    return n - start
