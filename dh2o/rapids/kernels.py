"""Element-wise functions over one tile of float64 values, NA as NaN.

A kernel takes its operands (arrays or numbers) and an array `out` to write to, and returns the
array that holds the result. It never writes to an operand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINARY", "F64", "UNARY", "apply_scalar", "equal"]

F64: TypeAlias = NDArray[np.float64]
Operand: TypeAlias = F64 | float
Kernel: TypeAlias = Callable[..., F64]


def _ufunc(function: np.ufunc) -> Kernel:
    def kernel(*operands: Operand, out: F64) -> F64:
        return function(*operands, out=out)

    return kernel


def _compare(function: np.ufunc) -> Kernel:
    """NA compares as false, as in H2O."""

    def kernel(a: Operand, b: Operand, out: F64) -> F64:
        return function(a, b, out=out, casting="unsafe")

    return kernel


def _bits(values: Operand, like: F64) -> Any:
    if isinstance(values, np.ndarray):
        return values.view(np.int64)
    return np.full(1, values, dtype=like.dtype).view(np.int64)[0]


def equal(a: Operand, b: Operand, out: F64) -> F64:
    """Out = 1 where a and b are equal within one unit in the last place, or both NA, else 0."""
    np.equal(a, b, out=out, casting="unsafe")
    distance = np.subtract(_bits(a, out), _bits(b, out), dtype=np.int64)
    near = (distance + 1).view(np.uint64) <= 2  # -1, 0 and 1 without a sign to overflow
    if near.any():
        out[near] = 1.0
    if _may_be_nan(a) and _may_be_nan(b):
        np.maximum(out, np.isnan(a) & np.isnan(b), out=out)
    return out


def _may_be_nan(a: Operand) -> bool:
    return isinstance(a, np.ndarray) or math.isnan(a)


def _not_equal(a: Operand, b: Operand, out: F64) -> F64:
    equal(a, b, out)
    return np.subtract(1.0, out, out=out)


def _and(a: Operand, b: Operand, out: F64) -> F64:
    """0 beats NA, NA beats 1."""
    np.add(a, b, out=out)  # NaN where either is NA
    out[~np.isnan(out)] = 1.0
    out[np.equal(a, 0.0) | np.equal(b, 0.0)] = 0.0
    return out


def _or(a: Operand, b: Operand, out: F64) -> F64:
    """1 beats NA, NA beats 0; only exactly 1 is true."""
    np.add(a, b, out=out)
    out[~np.isnan(out)] = 0.0
    out[np.equal(a, 1.0) | np.equal(b, 1.0)] = 1.0
    return out


def _integer_divide(a: Operand, b: Operand, out: F64) -> F64:
    """trunc(trunc(a) / trunc(b)); NA where b is 0."""
    divisor = np.trunc(b)
    np.divide(np.trunc(a), np.where(divisor == 0.0, np.nan, divisor), out=out)
    return np.trunc(out, out=out)


def _integer_divide_r(a: Operand, b: Operand, out: F64) -> F64:
    return np.trunc(np.divide(a, b, out=out), out=out)


_MOST_DIGITS = 300


def _round(a: Operand, digits: Operand, out: F64) -> F64:
    """Half to even without digits, half away from zero with digits."""
    places = float(np.ravel(digits)[0])
    if places == 0:
        return np.rint(a, out=out)
    if not places <= _MOST_DIGITS:  # every double as it is; of NA digits none
        return np.add(a, 0.0 if places > 0 else np.nan, out=out)
    power = 10.0 ** max(int(places), -_MOST_DIGITS)
    np.absolute(a, out=out)
    out *= power
    out += 0.5
    np.floor(out, out=out)
    out /= power
    return np.copysign(out, a, out=out)


def _signif(a: Operand, digits: Operand, out: F64) -> F64:
    given = float(np.ravel(digits)[0])
    if math.isnan(given):
        return np.add(a, np.nan, out=out)
    places = round(min(max(given, 1.0), _MOST_DIGITS))
    flat = np.broadcast_to(np.asarray(a, dtype=np.float64), out.shape)
    for i, value in enumerate(flat):
        out[i] = float(f"{value:.{places - 1}e}")
    return out


def _power(a: Operand, b: Operand, out: F64) -> F64:
    """As Java: 1 to the power of NA or infinity is NA, NA to the power of 0 is 1."""
    np.power(a, b, out=out)
    if not isinstance(b, np.ndarray) and math.isfinite(b):
        return out
    undefined = np.isnan(b) | (np.isinf(b) & np.equal(np.abs(a), 1.0))
    if np.any(undefined):
        np.copyto(out, np.nan, where=undefined)
    return out


def _identity(a: Operand, out: F64) -> F64:
    np.copyto(out, a)
    return out


def _poles(a: Operand) -> Any:
    """Where a is 0, -1, -2, ..."""
    return np.less_equal(a, 0.0) & np.equal(a, np.trunc(a))


def _gamma(a: Operand, out: F64) -> F64:
    from scipy import special

    special.gamma(a, out=out)
    np.copyto(out, np.nan, where=_poles(a))
    return out


def _lgamma(a: Operand, out: F64) -> F64:
    """NA at and below 0, as in H2O."""
    from scipy import special

    special.gammaln(a, out=out)
    np.copyto(out, np.nan, where=np.less_equal(a, 0.0))
    return out


def _digamma(a: Operand, out: F64) -> F64:
    from scipy import special

    special.digamma(a, out=out)
    np.copyto(out, -np.inf, where=_poles(a))
    return out


def _trigamma(a: Operand, out: F64) -> F64:
    from scipy import special

    np.copyto(out, special.polygamma(1, a))
    return out


def _of_pi(function: np.ufunc) -> Kernel:
    def kernel(a: Operand, out: F64) -> F64:
        np.multiply(a, np.pi, out=out)
        return function(out, out=out)

    return kernel


def _not(a: Operand, out: F64) -> F64:
    np.equal(a, 0.0, out=out, casting="unsafe")
    np.copyto(out, np.nan, where=np.isnan(a))
    return out


def _log2(a: Operand, out: F64) -> F64:
    np.log(a, out=out)
    out /= np.log(2.0)
    return out


def _is_na(a: Operand, out: F64) -> F64:
    return np.isnan(a, out=out, casting="unsafe")


BINARY: dict[str, Kernel] = {
    "+": _ufunc(np.add),
    "-": _ufunc(np.subtract),
    "*": _ufunc(np.multiply),
    "/": _ufunc(np.divide),
    "^": _power,
    "%": _ufunc(np.fmod),
    "%%": _ufunc(np.fmod),
    "intDiv": _integer_divide,
    "%/%": _integer_divide_r,
    "<": _compare(np.less),
    "<=": _compare(np.less_equal),
    ">": _compare(np.greater),
    ">=": _compare(np.greater_equal),
    "==": equal,
    "!=": _not_equal,
    "&": _and,
    "&&": _and,
    "|": _or,
    "||": _or,
    "cummax": _ufunc(np.maximum),
    "cummin": _ufunc(np.minimum),
    "round": _round,
    "signif": _signif,
}

UNARY: dict[str, Kernel] = {
    "abs": _ufunc(np.absolute),
    "acos": _ufunc(np.arccos),
    "acosh": _ufunc(np.arccosh),
    "asin": _ufunc(np.arcsin),
    "asinh": _ufunc(np.arcsinh),
    "atan": _ufunc(np.arctan),
    "atanh": _ufunc(np.arctanh),
    "ceiling": _ufunc(np.ceil),
    "cos": _ufunc(np.cos),
    "cosh": _ufunc(np.cosh),
    "cospi": _of_pi(np.cos),
    "digamma": _digamma,
    "exp": _ufunc(np.exp),
    "expm1": _ufunc(np.expm1),
    "floor": _ufunc(np.floor),
    "gamma": _gamma,
    "lgamma": _lgamma,
    "log": _ufunc(np.log),
    "log10": _ufunc(np.log10),
    "log1p": _ufunc(np.log1p),
    "log2": _log2,
    "none": _identity,
    "not": _not,
    "!!": _not,
    "sign": _ufunc(np.sign),
    "sin": _ufunc(np.sin),
    "sinh": _ufunc(np.sinh),
    "sinpi": _of_pi(np.sin),
    "sqrt": _ufunc(np.sqrt),
    "tan": _ufunc(np.tan),
    "tanh": _ufunc(np.tanh),
    "tanpi": _of_pi(np.tan),
    "trigamma": _trigamma,
    "trunc": _ufunc(np.trunc),
    "isna": _is_na,
}


def apply_scalar(kernel: Kernel, *operands: float) -> float:
    """Return the kernel's value for plain numbers."""
    out = np.empty(1)
    with np.errstate(all="ignore"):
        kernel(*(np.array([v], dtype=np.float64) for v in operands), out=out)
    return float(out[0])
