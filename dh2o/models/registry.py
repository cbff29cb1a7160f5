"""Model classes by algorithm, so that files and other processes can find them."""

from __future__ import annotations

from importlib import import_module

from dh2o.errors import KeyNotFoundError
from dh2o.models.model import Model

_CLASSES: dict[str, type[Model]] = {}

#: Modules of the model classes that come with dh2o, so that a saved model can be read where its
#: algorithm was not imported.
_HOMES = {
    "dt": "dh2o.models.decision_tree:DecisionTreeModel",
    "drf": "dh2o.models.drf:DRFModel",
    "extendedisolationforest": (
        "dh2o.models.extended_isolation_forest:ExtendedIsolationForestModel"
    ),
    "gbm": "dh2o.models.gbm:GBMModel",
    "generic": "dh2o.models.generic:GenericModel",
    "glm": "dh2o.models.glm:GLMModel",
    "isolationforest": "dh2o.models.isolation_forest:IsolationForestModel",
    "isotonicregression": "dh2o.models.isotonic:IsotonicModel",
    "kmeans": "dh2o.models.kmeans:KMeansModel",
}


def register_model(cls: type[Model]) -> type[Model]:
    """Make `cls` the class of models of ``cls.algo``; usable as a decorator."""
    _CLASSES[cls.algo] = cls
    return cls


def model_class(algo: str) -> type[Model]:
    """Return the class of models of `algo`."""
    if algo not in _CLASSES and algo in _HOMES:
        module, _, name = _HOMES[algo].partition(":")
        register_model(getattr(import_module(module), name))
    if algo not in _CLASSES:
        raise KeyNotFoundError.of("Algorithm", algo, _CLASSES)
    return _CLASSES[algo]
