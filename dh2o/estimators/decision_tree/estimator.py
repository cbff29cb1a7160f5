"""The estimator that users call."""

from __future__ import annotations

from dh2o.estimators.decision_tree.parameters import PARAMS
from dh2o.estimators.estimator import H2OEstimator

__all__ = ["H2ODecisionTreeEstimator"]


class H2ODecisionTreeEstimator(H2OEstimator, table=PARAMS):
    """Decision tree: one tree for two classes, split by information gain over ten equal bins."""
