"""Extended isolation forests (Hariri, Kind, Brunner 2018) by H2O's rules."""

from __future__ import annotations

from dh2o.estimators.extended_isolation_forest.builder import ExtendedIsolationForestBuilder
from dh2o.estimators.extended_isolation_forest.estimator import (
    H2OExtendedIsolationForestEstimator,
)

__all__ = ["ExtendedIsolationForestBuilder", "H2OExtendedIsolationForestEstimator"]
