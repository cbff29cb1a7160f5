"""Gradient boosting: bin once, then tree after tree by exact integer histograms."""

from __future__ import annotations

from dh2o.estimators.gbm.builder import GBMBuilder
from dh2o.estimators.gbm.estimator import H2OGradientBoostingEstimator
from dh2o.estimators.gbm.parameters import PARAMS

__all__ = ["PARAMS", "GBMBuilder", "H2OGradientBoostingEstimator"]
