"""K-means: matrix products find the nearest centres, exact sums move them."""

from __future__ import annotations

from dh2o.estimators.kmeans.builder import KMeansBuilder
from dh2o.estimators.kmeans.estimator import H2OKMeansEstimator

__all__ = ["H2OKMeansEstimator", "KMeansBuilder"]
