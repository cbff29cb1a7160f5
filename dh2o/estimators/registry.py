"""Which modules register algorithms; imported on first use, so that start-up stays quick."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

_MODULES = (
    "dh2o.estimators.decision_tree",
    "dh2o.estimators.deeplearning",
    "dh2o.estimators.drf",
    "dh2o.estimators.extended_isolation_forest",
    "dh2o.estimators.gbm",
    "dh2o.estimators.generic",
    "dh2o.estimators.glm",
    "dh2o.estimators.isolation_forest",
    "dh2o.estimators.isotonic",
    "dh2o.estimators.kmeans",
    "dh2o.estimators.naive_bayes",
    "dh2o.estimators.pca",
    "dh2o.estimators.svd",
)


def load() -> None:
    """Import every module that registers a builder."""
    for name in _MODULES:
        if find_spec(name) is not None:
            import_module(name)
