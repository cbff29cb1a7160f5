"""Algorithms: declared parameters, the loop of passes, and the estimators users call."""

from __future__ import annotations

from dh2o.estimators.builder import ModelBuilder, builder_of, builders, register, start_build
from dh2o.estimators.estimator import H2OEstimator, estimator_class, estimator_of
from dh2o.estimators.messages import BuilderError, Message
from dh2o.estimators.params import Param, ParamTable
from dh2o.estimators.spec import TrainSpec

__all__ = [
    "BuilderError",
    "H2OEstimator",
    "Message",
    "ModelBuilder",
    "Param",
    "ParamTable",
    "TrainSpec",
    "builder_of",
    "builders",
    "estimator_class",
    "estimator_of",
    "register",
    "start_build",
]
