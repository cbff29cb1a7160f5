"""Generalized linear models: passes make Gram matrices, the driver solves them."""

from __future__ import annotations

from dh2o.estimators.glm.builder import GLMBuilder
from dh2o.estimators.glm.estimator import H2OGeneralizedLinearEstimator

__all__ = ["GLMBuilder", "H2OGeneralizedLinearEstimator"]
