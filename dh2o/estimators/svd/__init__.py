"""Singular value decompositions, by the methods of principal components."""

from __future__ import annotations

from dh2o.estimators.svd.builder import SVDBuilder
from dh2o.estimators.svd.estimator import H2OSingularValueDecompositionEstimator

__all__ = ["H2OSingularValueDecompositionEstimator", "SVDBuilder"]
