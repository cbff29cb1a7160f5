"""Gradients of the loss at the current predictions, as fixed-point words in row order.

For each distribution: the residual z that the tree is fitted to (minus half the gradient of the
deviance) and the term d whose sum over a leaf divides the residuals' sum in the leaf's value.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._memory import put_int32, put_int64
from dh2o.estimators.trees._prefetch import prefetch
from dh2o.estimators.trees.arrays import F32, F64, I64, U8, U32
from dh2o.estimators.trees.probabilities import fill_logistic, fill_shares
from dh2o.estimators.trees.records import NO_GRADIENT, NO_WORD, ROW_MASK, TERM_SHIFT

__all__ = [
    "AHEAD",
    "Loss",
    "fill_words",
    "log_sum_exp",
    "max_terms",
    "mix",
    "number_of",
    "put_word",
    "uniform",
]


class Loss(IntEnum):
    """Numbers by which the kernels know the distributions."""

    GAUSSIAN = 0
    BERNOULLI = 1
    MULTINOMIAL = 2
    POISSON = 3
    GAMMA = 4
    TWEEDIE = 5
    LAPLACE = 6
    QUANTILE = 7
    HUBER = 8


_GAUSSIAN, _BERNOULLI, _MULTINOMIAL, _POISSON, _GAMMA, _TWEEDIE, _LAPLACE, _QUANTILE, _HUBER = (
    int(loss) for loss in Loss
)
_MAX_EXP = 1e19  # H2O's guard of exp
_TILE = 512  # rows whose probabilities are computed at once
AHEAD = 24  # rows between a prefetch and its use: covers a miss of the last-level cache


@njit(nogil=True, cache=True)
def mix(key: int, count: int) -> int:
    """Return 64 random bits: a function of (key, count) alone (SplitMix64's finaliser)."""
    x = np.uint64(key) + np.uint64(count) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))  # type: ignore[return-value]  # 64 bits, whatever the sign


@njit(nogil=True, cache=True)
def uniform(key: int, count: int) -> float:
    """Return a number in [0, 1) that depends on (key, count) alone."""
    return np.float64(mix(key, count) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(nogil=True, cache=True)
def _terms(loss: int, y: float, f: float, p: float, param: float) -> tuple[float, float]:
    """(z, d) of one row; y: 1 in its class, `p`: the probability of that, if there are classes."""
    if loss == _GAUSSIAN:
        return y - f, 1.0
    if loss == _BERNOULLI:
        return y - p, p * (1.0 - p)
    if loss == _MULTINOMIAL:
        z = y - p
        return z, abs(z) * (1.0 - abs(z))
    if loss == _LAPLACE:
        return (0.5 if y > f else -0.5), 1.0
    if loss == _QUANTILE:
        return (0.5 * param if y > f else 0.5 * (param - 1.0)), 1.0
    if loss == _HUBER:
        return min(max(y - f, -param), param), 1.0
    if loss == _POISSON:
        mu = min(math.exp(f), _MAX_EXP)
        return y - mu, mu
    if loss == _GAMMA:
        return y * min(math.exp(-f), _MAX_EXP) - 1.0, 1.0
    mu = min(math.exp(f * (2.0 - param)), _MAX_EXP)  # tweedie
    return y * min(math.exp(f * (1.0 - param)), _MAX_EXP) - mu, mu


@njit(nogil=True, cache=True)
def number_of(row_ids: U32, row: int) -> int:
    """Return the number of a row in its frame: `row_ids` is the first one alone if all follow."""
    return row_ids[row] if row_ids.size > 1 else row_ids[0] + np.uint64(row)


@njit(nogil=True, cache=True)
def _gather(  # noqa: PLR0913, PLR0917
    tags: I64, start: int, stop: int, facts: F64, n_facts: int, k: int, leaf: int, leaves: I64,
    values: F64, targets: F64, scores: F64,
) -> int:  # fmt: skip
    """Targets and scores of the rows of the records start..stop-1, each raised by its leaf's value.

    ``leaves[k]`` is where leaf k ends, in the order of records; without leaves nothing is added.
    Returns the leaf that the record `stop` is in.  OUT: targets, scores, facts.
    """
    for i in range(start, stop):
        prefetch(facts, (tags[i + AHEAD] & ROW_MASK) * n_facts + k)
        at = (tags[i] & ROW_MASK) * n_facts
        targets[i - start] = facts[at + n_facts - 1]
        scores[i - start] = facts[at + k]
    i = start
    while leaf < leaves.size and i < stop:
        end, value = min(leaves[leaf], stop), values[leaf]
        for j in range(i, end):
            score = scores[j - start] + value
            scores[j - start] = score
            facts[(tags[j] & ROW_MASK) * n_facts + k] = score
        i = max(i, end)
        if leaves[leaf] <= stop:
            leaf += 1
    return leaf


@njit(nogil=True, cache=True)
def put_word(records: U8, at: int, is_gradient: bool, gradient: int, word: int) -> None:
    """Write the word of a record, whose first byte is `at`: the gradient alone or the whole."""
    if is_gradient:
        put_int32(records, at, np.int32(gradient))
    else:
        put_int64(records, at, word)


@njit(nogil=True, cache=True)
def fill_words(  # noqa: PLR0913, PLR0917
    loss: int,
    param: float,
    target: int,
    facts: F64,
    n_facts: int,
    aux: F64,
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
    leaves: I64,
    values: F64,
    out: I64,
) -> None:
    """Words and leaf terms of the records start..stop-1; those left out of the tree are marked.

    ``facts[row * n_facts:]`` are a row's scores, one a class, and its target.  Scores are first
    raised by the `values` of the leaves that the records lie in, see `_gather`.
    `place` is where a record keeps its word, as of `RecordLayout`.

    Word = (w z scales[0] rounded) << shift | (w scales[1] rounded, at least 1), or, if scales[4]
    is not 0, with d scales[1] instead of the weight.  `target` is the
    class of a multinomial tree or -1, `aux` the log-sum-exp of its rows' scores (else not read).
    `weights` may be of size 1: the same for all rows.
    keys = (row sample, rounding; 0: to the nearest); a row is in the tree if
    its random number is below ``rates[class or 0]``.  scales[2] makes terms integers.
    OUT: records, tags, facts; to out is added (rows in the tree, rows left out, sum of words, of
    the rows' coarse squares ``(word >> scales[3])²``, each divided by the row's weight).
    """
    n_in, n_out, total, squares = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    n_weights = 1 if weights.size > 1 else 0
    coarse_shift = np.int64(scales[3])
    size, word_at, is_gradient = place[0], place[3], place[4] == 1
    curved = scales.size > 4 and scales[4] > 0.0
    samples = rates[0] < 1.0 or rates.size > 1
    targets, scores, p = np.zeros(_TILE), np.zeros(_TILE), np.zeros(_TILE)
    sums, k = np.zeros(_TILE), max(target, 0)
    leaf = np.int64(np.searchsorted(leaves, start, side="right"))
    for tile in range(start, stop, _TILE):
        n = min(_TILE, stop - tile)
        leaf = _gather(
            tags, tile, tile + n, facts, n_facts, k, leaf, leaves, values, targets, scores
        )
        if loss == _BERNOULLI:
            fill_logistic(scores[:n], p)
        elif loss == _MULTINOMIAL:
            for j in range(n):
                sums[j] = aux[tags[tile + j] & ROW_MASK]
            fill_shares(scores[:n], sums[:n], p)
        for j in range(n):
            i = tile + j
            row = tags[i] & ROW_MASK
            at = i * size + word_at
            yi = targets[j]
            if samples:
                rate = rates[np.int64(yi)] if rates.size > 1 else rates[0]
                if uniform(keys[0], number_of(row_ids, row)) >= rate:
                    put_word(records, at, is_gradient, NO_GRADIENT, NO_WORD)
                    n_out += 1
                    continue
            if target >= 0:
                yi = 1.0 if yi == target else 0.0
            weight = np.float64(weights[row * n_weights])
            z, d = _terms(loss, yi, scores[j], p[j], param)
            noise = 0.5 if keys[1] == 0 else uniform(keys[1], number_of(row_ids, row))
            gradient = np.int64(math.floor(weight * z * scales[0] + noise))
            if curved:
                low = np.int64(d * scales[1] + (1.0 - noise if keys[1] != 0 else 0.5))
            else:
                low = np.int64(max(weight * scales[1] + 0.5, 1.0))
            word = (gradient << shift) + low
            put_word(records, at, is_gradient, gradient, word)
            n_in += 1
            tags[i] = row | np.int64(weight * d * scales[2] + 0.5) << TERM_SHIFT
            total += word
            square = (word >> coarse_shift) * (word >> coarse_shift)
            if low > 1 and not curved:
                square //= low
            squares += square
    out[0] += n_in
    out[1] += n_out
    out[2] += total
    out[3] += squares


@njit(nogil=True, cache=True)
def max_terms(
    loss: int,
    param: float,
    y: F64,
    f: F64,
    weights: F32,
    start: int,
    stop: int,
    out: F64,
) -> None:
    """Largest |w z| and w d, into `out`, of the rows start..stop-1, as far as they are finite."""
    largest_z, largest_d = 0.0, 0.0
    n_weights = 1 if weights.size > 1 else 0
    for i in range(start, stop):
        weight = np.float64(weights[i * n_weights])
        if weight > 0.0:
            z, d = _terms(loss, y[i], f[i], 0.0, param)
            largest_z, largest_d = max(largest_z, weight * abs(z)), max(largest_d, weight * d)
    out[0], out[1] = largest_z, largest_d


@njit(nogil=True, cache=True)
def log_sum_exp(f: F64, start: int, stop: int, out: F64) -> None:
    """out[i] = log(sum over k of exp(f[k, i])) for start <= i < stop."""
    n_classes = f.shape[0]
    for i in range(start, stop):
        top = f[0, i]
        for k in range(1, n_classes):
            top = max(top, f[k, i])
        total = 0.0
        for k in range(n_classes):
            total += math.exp(f[k, i] - top)
        out[i] = top + math.log(total)
