"""Models from MOJO files: scored, measured and explained like models that were trained here."""

from __future__ import annotations

from dh2o.estimators.builder import register
from dh2o.estimators.generic.builder import GenericBuilder
from dh2o.estimators.generic.estimator import H2OGenericEstimator

__all__ = ["GenericBuilder", "H2OGenericEstimator"]

register(GenericBuilder())
