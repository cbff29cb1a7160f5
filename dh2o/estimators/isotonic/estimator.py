"""The estimator that users call."""

from __future__ import annotations

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.isotonic.parameters import PARAMS

__all__ = ["H2OIsotonicRegressionEstimator"]


class H2OIsotonicRegressionEstimator(H2OEstimator, table=PARAMS):
    """Isotonic regression of a response on one numeric predictor."""
