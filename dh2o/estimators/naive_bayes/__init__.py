"""Naive Bayes: one pass counts, Bayes' rule does the rest."""

from __future__ import annotations

from dh2o.estimators.naive_bayes.builder import NaiveBayesBuilder
from dh2o.estimators.naive_bayes.estimator import H2ONaiveBayesEstimator

__all__ = ["H2ONaiveBayesEstimator", "NaiveBayesBuilder"]
