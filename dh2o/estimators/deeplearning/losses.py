"""Derivatives of the losses by the network's output units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Loss"]

F32 = NDArray[np.float32]


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

    def derivative(self, y: F32, f: F32) -> F32:
        """Return dE/df of each row.   IN: f of one output unit, y on the same scale."""
        if self.name == "laplace":
            return np.sign(f - y)
        if self.name == "quantile":
            return np.where(y > f, np.float32(-self.param), np.float32(1.0 - self.param))
        if self.name == "huber":
            return 2 * np.clip(f - y, -self.param, self.param)
        if self.name == "poisson":
            return 2 * (np.exp(f) - y)
        if self.name == "gamma":
            return 2 * (1 - y * np.exp(-f))
        if self.name == "tweedie":
            p = np.float32(self.param)
            return 2 * (np.exp(f * (2 - p)) - y * np.exp(f * (1 - p)))
        return 2 * (f - y)

    def class_derivative(self, labels: NDArray[np.int32], p: F32) -> F32:
        """Return dE/dz of each class from probabilities, shape (n_rows, n_classes)."""
        target = np.zeros_like(p)
        target[np.arange(len(p)), labels] = 1
        error = p - target
        return error if self.name == "CrossEntropy" else error * (1 - p) * p
