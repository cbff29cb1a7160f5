"""Distributed random forests (Breiman 2001) and extremely randomised trees, by H2O's rules."""

from __future__ import annotations

from dh2o.estimators.drf.builder import DRFBuilder
from dh2o.estimators.drf.estimator import H2ORandomForestEstimator

__all__ = ["DRFBuilder", "H2ORandomForestEstimator"]
