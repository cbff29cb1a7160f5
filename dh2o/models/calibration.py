"""Calibration: from a model's probability to one that holds: Platt scaling and isotonic regression.

Platt (1999), Probabilistic outputs for support vector machines; Zadrozny and Elkan (2002),
Transforming classifier scores into accurate multiclass probability estimates. Which probability is
read, and how values beyond the ends are treated, is as in H2O.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.columns import F64

__all__ = ["Calibration", "IsotonicCalibration", "PlattScaling"]


@dataclass(frozen=True, eq=False)
class Calibration(ABC):
    """A monotone function of a two-class model's probability."""

    @abstractmethod
    def calibrated(self, p0: F64, p1: F64) -> F64:
        """Return the calibrated probability of the second class; NA where `p0` is."""


@dataclass(frozen=True, eq=False)
class PlattScaling(Calibration):
    """``1 / (1 + exp(-(slope p0 + intercept)))``, p0 the first class's probability."""

    slope: float
    intercept: float

    def calibrated(self, p0: F64, p1: F64) -> F64:  # noqa: ARG002  # H2O reads p0
        """Return the logistic function of the line."""
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * p0 + self.intercept))))


@dataclass(frozen=True, eq=False)
class IsotonicCalibration(Calibration):
    """Linear between thresholds ``x`` with values ``y``, both ascending; constant beyond."""

    x: F64
    y: F64

    def __post_init__(self) -> None:
        """Check what came from a file."""
        if len(self.x) == 0 or len(self.x) != len(self.y) or (np.diff(self.x) < 0).any():
            raise ModelError("Isotonic thresholds must not descend, and each has a value.")

    def calibrated(self, p0: F64, p1: F64) -> F64:  # noqa: ARG002  # H2O reads p1
        """Return the line between the thresholds around each probability."""
        out = np.interp(p1, self.x, self.y)
        return np.asarray(np.where(np.isnan(p1), np.nan, out))
