"""The estimator that users call."""

from __future__ import annotations

from dh2o.estimators.drf.parameters import PARAMS
from dh2o.estimators.estimator import H2OEstimator

__all__ = ["H2ORandomForestEstimator"]


class H2ORandomForestEstimator(H2OEstimator, table=PARAMS):
    """Random forest: deep trees on samples of rows and columns; training metrics are out-of-bag."""
