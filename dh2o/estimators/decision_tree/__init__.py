"""Decision trees: one tree for two classes, by H2O's rules."""

from __future__ import annotations

from dh2o.estimators.decision_tree.builder import DecisionTreeBuilder
from dh2o.estimators.decision_tree.estimator import H2ODecisionTreeEstimator

__all__ = ["DecisionTreeBuilder", "H2ODecisionTreeEstimator"]
