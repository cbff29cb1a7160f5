"""Model classes by algorithm, so that files and other processes can find them."""

from __future__ import annotations

from dh2o.errors import KeyNotFoundError
from dh2o.models.model import Model

_CLASSES: dict[str, type[Model]] = {}


def register_model(cls: type[Model]) -> type[Model]:
    """Make `cls` the class of models of ``cls.algo``; usable as a decorator."""
    _CLASSES[cls.algo] = cls
    return cls


def model_class(algo: str) -> type[Model]:
    """Return the class of models of `algo`."""
    if algo not in _CLASSES:
        raise KeyNotFoundError.of("Algorithm", algo, _CLASSES)
    return _CLASSES[algo]
