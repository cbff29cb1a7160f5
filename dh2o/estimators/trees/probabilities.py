"""Probabilities of many rows at once: exponentials that the compiler turns into vector code."""

from __future__ import annotations

import math

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._bits import double_bits, double_of
from dh2o.estimators.trees.arrays import F64

__all__ = ["exponential", "fill_logistic", "fill_shares"]

_LOG2_E = 1.0 / math.log(2.0)
# ln 2 in two parts: the first has few bits, so that its product with a whole number is exact
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 1.5 * 2.0**52  # added to a number, leaves its nearest integer in the lowest bits
_MOST = 708.0  # beyond it the double is 0 or infinite
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = (
    1.0 / math.factorial(k) for k in range(2, 13)
)


@njit(nogil=True, cache=True, inline="always")
def exponential(x: float) -> float:
    """Return exp(x), x cut to ±708, right to 1e-15: 2**k times the series of the rest.

    Without a branch or a call, so that loops over it become vector code; only sums and
    products, which have the same bits on every machine.
    """
    x = min(max(x, -_MOST), _MOST)
    rounded = x * _LOG2_E + _ROUND
    k = rounded - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    high = _C9 + r * (_C10 + r * (_C11 + r * _C12))
    middle = _C5 + r * (_C6 + r * (_C7 + r * _C8))
    low = 1.0 + r * (1.0 + r * (_C2 + r * (_C3 + r * _C4)))
    r2 = r * r
    r5 = r2 * r2 * r
    value = low + r5 * (middle + (r2 * r2) * high)
    return double_of(double_bits(value) + (double_bits(rounded) << np.int64(52)))


@njit(nogil=True, cache=True, error_model="numpy")
def fill_logistic(f: F64, out: F64) -> None:
    """out[i] = 1 / (1 + exp(-f[i]))."""
    for i in range(f.size):
        out[i] = 1.0 / (1.0 + exponential(-f[i]))


@njit(nogil=True, cache=True, error_model="numpy")
def fill_shares(f: F64, aux: F64, out: F64) -> None:
    """out[i] = exp(f[i] - aux[i])."""
    for i in range(f.size):
        out[i] = exponential(f[i] - aux[i])
