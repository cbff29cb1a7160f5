"""Deviance of a prediction under each distribution of a numeric response.

Every function takes the response ``y``, the prediction ``f`` on the response scale and the
distribution's parameter, and returns the deviance of each row, unweighted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LOG_FLOOR = -19.0  # what log(0) counts as
EXP_CAP = 1e19


def log(x: F64) -> F64:
    """Return the logarithm, at least -19 (also of 0)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum(np.log(x), LOG_FLOOR)


def exp(x: F64) -> F64:
    """Return the exponential, at most 1e19."""
    with np.errstate(over="ignore"):
        return np.minimum(np.exp(x), EXP_CAP)


def squared_error(y: F64, f: F64, _: float) -> F64:
    """(y - f)²."""
    return (y - f) ** 2


def poisson(y: F64, f: F64, _: float) -> F64:
    """2 (y log(y/f) - y + f)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * (y * log(y / f) - y + f)


def gamma(y: F64, f: F64, _: float) -> F64:
    """2 (log(f/y) + y/f - 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((y == 0) & (f == 0), 1.0, y / f)
        return 2 * (log(f / y) + ratio - 1)


def tweedie(y: F64, f: F64, power: float) -> F64:
    """2 (y^(2-p) / ((1-p)(2-p)) - y f^(1-p) / (1-p) + f^(2-p) / (2-p))."""
    eta = log(f)
    a, b = 1 - power, 2 - power
    return 2 * (np.power(y, b) / (a * b) - y * exp(eta * a) / a + exp(eta * b) / b)


def laplace(y: F64, f: F64, _: float) -> F64:
    """|y - f|."""
    return np.abs(y - f)


def quantile(y: F64, f: F64, alpha: float) -> F64:
    """Pinball loss: alpha (y - f) above, (1 - alpha) (f - y) below."""
    return np.where(y > f, alpha * (y - f), (1 - alpha) * (f - y))


def huber(y: F64, f: F64, delta: float) -> F64:
    """Squared error up to delta, (2 |y - f| - delta) delta beyond."""
    error = np.abs(y - f)
    return np.where(error <= delta, error**2, (2 * error - delta) * delta)


def bernoulli(y: F64, f: F64, _: float) -> F64:
    """-2 (y log f + (1-y) log(1-f)), for numeric responses of 0 and 1."""
    return -2 * (y * log(f) + (1 - y) * log(1 - f))


def no_deviance(y: F64, _f: F64, _: float) -> F64:
    """NA: a custom distribution has no deviance."""
    return np.full(len(y), np.nan)


DEVIANCES: dict[str, Callable[[F64, F64, float], F64]] = {
    "gaussian": squared_error,
    "poisson": poisson,
    "gamma": gamma,
    "tweedie": tweedie,
    "laplace": laplace,
    "quantile": quantile,
    "huber": huber,
    "bernoulli": bernoulli,
    "quasibinomial": bernoulli,
    "fractionalbinomial": bernoulli,
    "custom": no_deviance,
}
