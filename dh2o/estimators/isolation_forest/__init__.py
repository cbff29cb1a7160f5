"""Isolation forests (Liu, Ting, Zhou 2008) by H2O's rules."""

from __future__ import annotations

from dh2o.estimators.isolation_forest.builder import IsolationForestBuilder
from dh2o.estimators.isolation_forest.estimator import H2OIsolationForestEstimator

__all__ = ["H2OIsolationForestEstimator", "IsolationForestBuilder"]
