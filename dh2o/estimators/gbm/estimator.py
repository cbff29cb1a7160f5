"""The estimator that users call."""

from __future__ import annotations

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.gbm.parameters import PARAMS

__all__ = ["H2OGradientBoostingEstimator"]


class H2OGradientBoostingEstimator(H2OEstimator, table=PARAMS):
    """Gradient boosting machine: trees, each fitted to what the ones before left over."""
