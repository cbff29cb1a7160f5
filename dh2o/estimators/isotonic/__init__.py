"""Isotonic regression: the ascending line nearest to the response."""

from __future__ import annotations

from dh2o.estimators.isotonic.builder import IsotonicBuilder
from dh2o.estimators.isotonic.estimator import H2OIsotonicRegressionEstimator

__all__ = ["H2OIsotonicRegressionEstimator", "IsotonicBuilder"]
