"""The estimator that users call."""

from __future__ import annotations

from typing import ClassVar

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.extended_isolation_forest.parameters import PARAMS

__all__ = ["H2OExtendedIsolationForestEstimator"]


class H2OExtendedIsolationForestEstimator(H2OEstimator, table=PARAMS):
    """Isolation forest whose cuts are random hyperplanes over one or more columns."""

    supervised_learning: ClassVar[bool] = False
