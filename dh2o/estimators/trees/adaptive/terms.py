"""What a row brings into the sums: residual, and the leaf's numerator and denominator.

The formulas are H2O's; a residual is cut to float32 there, and here.  Sums are taken of integers:
``round(term * scale)``, with a scale that lets the sum over all rows fit 63 bits.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, F64, I32, I64, U32
from dh2o.estimators.trees.gradients import Loss, uniform

__all__ = ["CUSTOM", "TARGET", "Term", "fill_terms", "largest_terms", "scale_of", "sum_leaves"]

_GAUSSIAN, _BERNOULLI, _MULTINOMIAL, _POISSON, _GAMMA, _TWEEDIE, _LAPLACE, _QUANTILE, _HUBER = (
    int(loss) for loss in Loss
)
CUSTOM = 20  # residual, numerator and denominator are given
TARGET = 21  # the residual is the response itself (forests), or 1 in the tree's class
_MAX_EXP = 1e19  # H2O's guard of exp
_LARGEST = 4.6e18  # below 2**62
_EXACT = 2.0**52  # from here on doubles have no fraction


class Term(IntEnum):
    """Order of the terms of a row, and of their scales."""

    WEIGHT = 0
    RESIDUAL = 1
    SQUARE = 2
    NUMERATOR = 3
    DENOMINATOR = 4


def scale_of(n_rows: int, bound: float) -> float:
    """Return the power of two that makes sums of `n_rows` terms up to `bound` fit 63 bits."""
    bits = 61 - max(n_rows, 1).bit_length()
    if not (0.0 < bound < math.inf):
        return 1.0
    return float(2.0 ** min(bits - math.ceil(math.log2(bound)), 1000))


@njit(nogil=True, cache=True)
def _exp(x: float) -> float:
    return min(math.exp(x), _MAX_EXP) if x < 700.0 else _MAX_EXP


@njit(nogil=True, cache=True)
def _residual(loss: int, param: float, y: float, f: float, aux: float) -> float:
    """Minus half the gradient of the deviance; `aux`: log-sum-exp of the row's class scores."""
    if loss == _GAUSSIAN:
        return y - f
    if loss == _BERNOULLI:
        return y - 1.0 / (1.0 + _exp(-f))
    if loss == _MULTINOMIAL:
        return y - np.float64(np.float32(math.exp(f - aux)))
    if loss == _LAPLACE:
        return -0.5 if f > y else 0.5
    if loss == _QUANTILE:
        return 0.5 * param if y > f else 0.5 * (param - 1.0)
    if loss == _HUBER:
        if abs(y - f) <= param:
            return y - f
        return -param if f >= y else param
    if loss == _POISSON:
        return y - _exp(f)
    if loss == _GAMMA:
        return y * _exp(-f) - 1.0
    if loss == _TWEEDIE:
        return y * _exp(f * (1.0 - param)) - _exp(f * (2.0 - param))
    return y


@njit(nogil=True, cache=True)
def _leaf_terms(loss: int, param: float, y: float, f: float, z: float) -> tuple[float, float]:
    """(numerator, denominator) of one row in the value of its leaf; z: its residual."""
    if loss == _BERNOULLI:
        p = y - z
        return z, p * (1.0 - p)
    if loss == _MULTINOMIAL:
        return z, abs(z) * (1.0 - abs(z))
    if loss == _POISSON:
        return y, y - z
    if loss == _GAMMA:
        return z + 1.0, 1.0
    if loss == _TWEEDIE:
        return y * _exp(f * (1.0 - param)), _exp(f * (2.0 - param))
    return z, 1.0


@njit(nogil=True, cache=True)
def _row(
    loss: int, param: float, target: int, y: float, f: float, aux: float, given: F64, i: int
) -> tuple[float, float, float]:
    """(residual, numerator, denominator) of row i; given: those of a custom distribution."""
    if loss == CUSTOM:
        z = np.float64(np.float32(given[3 * i]))
        return z, given[3 * i + 1], given[3 * i + 2]
    if target >= 0:
        y = 1.0 if y == target else 0.0
    z = np.float64(np.float32(_residual(loss, param, y, f, aux)))
    over, under = _leaf_terms(loss, param, y, f, z)
    return z, over, under


@njit(nogil=True, cache=True)
def largest_terms(  # noqa: PLR0913, PLR0917
    loss: int,
    param: float,
    target: int,
    y: F64,
    f: F64,
    aux: F64,
    weights: F64,
    given: F64,
    start: int,
    stop: int,
    out: F64,
) -> None:
    """out[j] = largest |w term| of the rows start..stop-1, j as in `Term`; finite ones only."""
    n_aux = 1 if aux.size > 1 else 0
    n_weights = 1 if weights.size > 1 else 0
    for i in range(start, stop):
        w = weights[i * n_weights]
        if not w > 0.0:
            continue
        own = 1.0 if loss == CUSTOM else w  # custom terms are weighted already
        z, over, under = _row(loss, param, target, y[i], f[i], aux[i * n_aux], given, i)
        terms = (w, w * abs(z), w * z * z, own * abs(over), own * abs(under))
        for j in range(5):
            if out[j] < terms[j] < np.inf:
                out[j] = terms[j]


@njit(nogil=True, cache=True)
def _fixed(value: float, scale: float) -> int:
    """Integer nearest to value * scale; what is not finite counts as 0."""
    x = value * scale
    if not abs(x) < _LARGEST:
        return np.int64(0)  # type: ignore[return-value]  # all integers are of 64 bits here
    if abs(x) < _EXACT:
        x = math.floor(x + 0.5)
    return np.int64(x)  # type: ignore[return-value]


@njit(nogil=True, cache=True)
def fill_terms(  # noqa: PLR0913, PLR0917
    loss: int,
    param: float,
    target: int,
    y: F64,
    f: F64,
    aux: F64,
    weights: F64,
    given: F64,
    row_ids: U32,
    start: int,
    stop: int,
    scales: F64,
    dim: int,
    key: int,
    rates: F64,
    rows: I32,
    z: F32,
    terms: I64,
    out: I64,
) -> None:
    """Terms of the rows start..stop-1; the tree's rows first, rows left out last.

    A row is in the tree if its random number is below ``rates[class or 0]``.
    OUT: rows, z, terms[dim * row:], out = (rows in the tree, rows left out).
    """
    front, back = start, stop - 1
    n_aux = 1 if aux.size > 1 else 0
    n_weights = 1 if weights.size > 1 else 0
    for i in range(start, stop):
        w = weights[i * n_weights]
        if not w > 0.0:
            continue
        if rates[0] < 1.0 or rates.size > 1:
            rate = rates[np.int64(y[i])] if rates.size > 1 else rates[0]
            if uniform(key, row_ids[i]) >= rate:
                rows[back] = i
                back -= 1
                continue
        residual, over, under = _row(loss, param, target, y[i], f[i], aux[i * n_aux], given, i)
        z[i] = residual
        rows[front] = i
        front += 1
        at = dim * i
        wz = w * residual
        terms[at] = _fixed(w, scales[0])
        terms[at + 1] = _fixed(wz, scales[1])
        terms[at + 2] = _fixed(wz * residual, scales[2])
        if dim > 3:
            own = 1.0 if loss == CUSTOM else w
            terms[at + 3] = _fixed(own * over, scales[3])
            terms[at + 4] = _fixed(own * under, scales[4])
    out[0], out[1] = front - start, stop - 1 - back


@njit(nogil=True, cache=True)
def sum_leaves(  # noqa: PLR0913, PLR0917
    loss: int,
    param: float,
    target: int,
    y: F64,
    f: F64,
    weights: F64,
    given: F64,
    z: F32,
    even: I32,
    odd: I32,
    leaves: I64,
    scales: F64,
    sums: I64,
    ranges: F64,
) -> None:
    """sums[k] += (w, numerator, denominator) of the rows of leaf k; ranges[k] = f's range.

    leaves[k] = (start, stop, 0 if its rows lie in `even`, 1 in `odd`).
    """
    n_weights = 1 if weights.size > 1 else 0
    for k in range(leaves.shape[0]):
        rows = even if leaves[k, 2] == 0 else odd
        for at in range(leaves[k, 0], leaves[k, 1]):
            i = np.int64(rows[at])
            w = weights[i * n_weights]
            own = w
            if loss == CUSTOM:
                own, over, under = 1.0, given[3 * i + 1], given[3 * i + 2]
            else:
                yi = y[i]
                if target >= 0:
                    yi = 1.0 if yi == target else 0.0
                over, under = _leaf_terms(loss, param, yi, f[i], np.float64(z[i]))
            sums[k, 0] += _fixed(w, scales[0])
            sums[k, 1] += _fixed(own * over, scales[3])
            sums[k, 2] += _fixed(own * under, scales[4])
            ranges[k, 0] = min(ranges[k, 0], f[i])
            ranges[k, 1] = max(ranges[k, 1], f[i])
