"""Deep learning: multilayer perceptrons and autoencoders."""

from __future__ import annotations

from dh2o.estimators.deeplearning.builder import DeepLearningBuilder
from dh2o.estimators.deeplearning.estimator import (
    H2OAutoEncoderEstimator,
    H2ODeepLearningEstimator,
)

__all__ = ["DeepLearningBuilder", "H2OAutoEncoderEstimator", "H2ODeepLearningEstimator"]
