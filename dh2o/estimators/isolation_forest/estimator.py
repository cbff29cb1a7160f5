"""The estimator that users call."""

from __future__ import annotations

from typing import ClassVar

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.isolation_forest.parameters import PARAMS

__all__ = ["H2OIsolationForestEstimator"]


class H2OIsolationForestEstimator(H2OEstimator, table=PARAMS):
    """Isolation forest: a row is the more anomalous the fewer random splits set it apart."""

    supervised_learning: ClassVar[bool] = False
