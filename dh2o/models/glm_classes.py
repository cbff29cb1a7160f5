"""Class probabilities of linear models: softmax of one predictor a class, or ordered thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def softmax(etas: F64) -> F64:
    """Return exp(eta) over its sum over classes, classes along the first axis."""
    with np.errstate(invalid="ignore", over="ignore"):
        odds = np.exp(etas - etas.max(axis=0))
    p: F64 = odds / odds.sum(axis=0)
    return p


def cumulative(etas: F64) -> F64:
    """Return P(y = k) where P(y <= k) = logistic(eta_k); the last eta is not looked at."""
    with np.errstate(over="ignore"):
        below = 1.0 / (1.0 + np.exp(-etas[:-1]))
    edges = np.concatenate([np.zeros((1, etas.shape[1])), below, np.ones((1, etas.shape[1]))])
    return np.diff(edges, axis=0)
