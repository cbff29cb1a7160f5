"""Principal components: one pass makes the Gram matrix, LAPACK decomposes it."""

from __future__ import annotations

from dh2o.estimators.pca.builder import PCABuilder
from dh2o.estimators.pca.estimator import H2OPrincipalComponentAnalysisEstimator

__all__ = ["H2OPrincipalComponentAnalysisEstimator", "PCABuilder"]
