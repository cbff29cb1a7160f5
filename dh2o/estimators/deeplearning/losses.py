"""Derivatives of the losses by the network's output units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

__all__ = ["Loss", "class_derivatives", "derivative"]

F32 = NDArray[np.float32]

_NAMES = ("gaussian", "laplace", "quantile", "huber", "poisson", "gamma", "tweedie")
_GAUSSIAN, _LAPLACE, _QUANTILE, _HUBER, _POISSON, _GAMMA, _TWEEDIE = range(len(_NAMES))
_CROSS_ENTROPY, _QUADRATIC = 100, 101
_ZERO, _ONE = np.float32(0), np.float32(1)


@dataclass(frozen=True, slots=True)
class Loss:
    """What training makes small.

    ``name`` is CrossEntropy, Quadratic of class probabilities (``is_softmax``), or a distribution
    of the response: gaussian, laplace, quantile, huber, poisson, gamma or tweedie, with its
    ``param`` (quantile, the residual where huber turns linear, power).  Derivatives are H2O's:
    twice those of half the deviance.
    """

    name: str
    is_softmax: bool
    param: float = 0.0

    @property
    def code(self) -> int:
        """The number by which kernels know the loss."""
        if self.is_softmax:
            return _CROSS_ENTROPY if self.name == "CrossEntropy" else _QUADRATIC
        return _NAMES.index(self.name) if self.name in _NAMES else _GAUSSIAN


@njit(nogil=True, cache=True)
def derivative(code: int, param: float, y: float, f: float) -> float:
    """Return dE/df.   IN: f of one output unit, y on the same scale."""
    if code == _LAPLACE:
        return float(np.sign(f - y))
    if code == _QUANTILE:
        return -param if y > f else 1.0 - param
    if code == _HUBER:
        return 2 * min(max(f - y, -param), param)
    if code == _POISSON:
        return 2 * (np.exp(f) - y)
    if code == _GAMMA:
        return 2 * (1 - y * np.exp(-f))
    if code == _TWEEDIE:
        return 2 * (np.exp(f * (2 - param)) - y * np.exp(f * (1 - param)))
    return 2 * (f - y)


@njit(nogil=True, cache=True)
def class_derivatives(code: int, labels: F32, z: F32) -> None:
    """Put dE/dz in the place of scores z: of cross-entropy p - t, else (p - t)(1 - p)p."""
    for row in range(z.shape[0]):
        top, total = z[row, 0], _ZERO
        for j in range(z.shape[1]):
            top = max(top, z[row, j])
        for j in range(z.shape[1]):
            z[row, j] = np.exp(z[row, j] - top)
            total += z[row, j]
        for j in range(z.shape[1]):
            p = z[row, j] / total
            d = p - _ONE if j == labels[row] else p
            z[row, j] = d * (_ONE - p) * p if code == _QUADRATIC else d
