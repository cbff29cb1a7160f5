"""Algorithms: declared parameters, the loop of passes, and the estimators users call."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dh2o.estimators import model_prims, scoring_prims  # noqa: F401  # primitives with models
from dh2o.estimators.builder import ModelBuilder, builder_of, builders, register, start_build
from dh2o.estimators.estimator import H2OEstimator, estimator_class, estimator_of
from dh2o.estimators.explain import prims as explain_prims  # noqa: F401  # those that explain them
from dh2o.estimators.messages import BuilderError, Message
from dh2o.estimators.params import Param, ParamTable
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.estimators.spec import TrainSpec

if TYPE_CHECKING:
    from dh2o.estimators.decision_tree import H2ODecisionTreeEstimator
    from dh2o.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
    from dh2o.estimators.drf import H2ORandomForestEstimator
    from dh2o.estimators.extended_isolation_forest import H2OExtendedIsolationForestEstimator
    from dh2o.estimators.gbm import H2OGradientBoostingEstimator
    from dh2o.estimators.generic import H2OGenericEstimator
    from dh2o.estimators.glm import H2OGeneralizedLinearEstimator
    from dh2o.estimators.isolation_forest import H2OIsolationForestEstimator
    from dh2o.estimators.isotonic import H2OIsotonicRegressionEstimator
    from dh2o.estimators.kmeans import H2OKMeansEstimator
    from dh2o.estimators.naive_bayes import H2ONaiveBayesEstimator
    from dh2o.estimators.pca import H2OPrincipalComponentAnalysisEstimator
    from dh2o.estimators.search.grid_search import H2OGridSearch
    from dh2o.estimators.svd import H2OSingularValueDecompositionEstimator
    from dh2o.estimators.trained.sklearn_classes import (
        H2OGeneralizedLinearClassifier,
        H2OGeneralizedLinearRegressor,
        H2OGradientBoostingClassifier,
        H2OGradientBoostingRegressor,
        H2ORandomForestClassifier,
        H2ORandomForestRegressor,
    )

__all__ = [
    "BuilderError",
    "H2OAutoEncoderEstimator",
    "H2ODecisionTreeEstimator",
    "H2ODeepLearningEstimator",
    "H2OEstimator",
    "H2OExtendedIsolationForestEstimator",
    "H2OGeneralizedLinearClassifier",
    "H2OGeneralizedLinearEstimator",
    "H2OGeneralizedLinearRegressor",
    "H2OGenericEstimator",
    "H2OGradientBoostingClassifier",
    "H2OGradientBoostingEstimator",
    "H2OGradientBoostingRegressor",
    "H2OGridSearch",
    "H2OIsolationForestEstimator",
    "H2OIsotonicRegressionEstimator",
    "H2OKMeansEstimator",
    "H2ONaiveBayesEstimator",
    "H2OPrincipalComponentAnalysisEstimator",
    "H2ORandomForestClassifier",
    "H2ORandomForestEstimator",
    "H2ORandomForestRegressor",
    "H2OSingularValueDecompositionEstimator",
    "Message",
    "ModelBuilder",
    "Param",
    "ParamTable",
    "TrainSpec",
    "builder_of",
    "builders",
    "estimator_class",
    "estimator_of",
    "model_metrics",
    "predict_frame",
    "register",
    "start_build",
]

# The estimator classes come when they are first asked for: their kernels need not be imported to
# score a saved model or to serve frames.
_HOMES = {
    "H2OAutoEncoderEstimator": "dh2o.estimators.deeplearning",
    "H2ODecisionTreeEstimator": "dh2o.estimators.decision_tree",
    "H2ODeepLearningEstimator": "dh2o.estimators.deeplearning",
    "H2OExtendedIsolationForestEstimator": "dh2o.estimators.extended_isolation_forest",
    "H2OGeneralizedLinearClassifier": "dh2o.estimators.trained.sklearn_classes",
    "H2OGeneralizedLinearEstimator": "dh2o.estimators.glm",
    "H2OGeneralizedLinearRegressor": "dh2o.estimators.trained.sklearn_classes",
    "H2OGenericEstimator": "dh2o.estimators.generic",
    "H2OGradientBoostingClassifier": "dh2o.estimators.trained.sklearn_classes",
    "H2OGradientBoostingEstimator": "dh2o.estimators.gbm",
    "H2OGradientBoostingRegressor": "dh2o.estimators.trained.sklearn_classes",
    "H2OGridSearch": "dh2o.estimators.search.grid_search",
    "H2OIsolationForestEstimator": "dh2o.estimators.isolation_forest",
    "H2OIsotonicRegressionEstimator": "dh2o.estimators.isotonic",
    "H2OKMeansEstimator": "dh2o.estimators.kmeans",
    "H2ONaiveBayesEstimator": "dh2o.estimators.naive_bayes",
    "H2OPrincipalComponentAnalysisEstimator": "dh2o.estimators.pca",
    "H2ORandomForestClassifier": "dh2o.estimators.trained.sklearn_classes",
    "H2ORandomForestEstimator": "dh2o.estimators.drf",
    "H2ORandomForestRegressor": "dh2o.estimators.trained.sklearn_classes",
    "H2OSingularValueDecompositionEstimator": "dh2o.estimators.svd",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dh2o.estimators' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
