"""Estimators that say beforehand whether they classify: scikit-learn's tools ask before fitting.

``cross_val_score`` and its like stratify the folds of classifiers. The plain estimators know what
they are once they have seen the response; these are told by their names, which are those of
``h2o.sklearn``.
"""

from __future__ import annotations

from dh2o.estimators.drf import H2ORandomForestEstimator
from dh2o.estimators.gbm import H2OGradientBoostingEstimator
from dh2o.estimators.glm import H2OGeneralizedLinearEstimator

__all__ = [
    "H2OGeneralizedLinearClassifier",
    "H2OGeneralizedLinearRegressor",
    "H2OGradientBoostingClassifier",
    "H2OGradientBoostingRegressor",
    "H2ORandomForestClassifier",
    "H2ORandomForestRegressor",
]


class H2OGradientBoostingClassifier(H2OGradientBoostingEstimator):
    """Gradient boosting of classes: any response is taken as one of classes."""

    _sklearn_type = "classifier"


class H2OGradientBoostingRegressor(H2OGradientBoostingEstimator):
    """Gradient boosting of numbers."""

    _sklearn_type = "regressor"


class H2ORandomForestClassifier(H2ORandomForestEstimator):
    """A random forest of classes: any response is taken as one of classes."""

    _sklearn_type = "classifier"


class H2ORandomForestRegressor(H2ORandomForestEstimator):
    """A random forest of numbers."""

    _sklearn_type = "regressor"


class H2OGeneralizedLinearClassifier(H2OGeneralizedLinearEstimator):
    """A generalized linear model of classes: any response is taken as one of classes."""

    _sklearn_type = "classifier"


class H2OGeneralizedLinearRegressor(H2OGeneralizedLinearEstimator):
    """A generalized linear model of numbers."""

    _sklearn_type = "regressor"
