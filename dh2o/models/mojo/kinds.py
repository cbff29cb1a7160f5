"""Kinds of MOJO by the name of their algorithm: one module each, registered where it is defined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import ClassVar

from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.source import MojoSource

__all__ = ["MojoKind", "kind_named", "kind_of", "register_kind"]

#: Where the kinds are. A module of a later algorithm only has to be named here.
_MODULES = (
    *("gbm", "drf", "isolation_forest", "extended_isolation_forest", "glm", "isotonic"),
    *("kmeans", "pca", "deeplearning"),
)
#: Full names that other versions of H2O gave to the same algorithm.
_ALIASES = {
    "Generalized Linear Model": "Generalized Linear Modeling",
    "Gradient Boosting Method": "Gradient Boosting Machine",
}


class MojoKind(ABC):
    """How one algorithm's models are written and read."""

    algorithm: ClassVar[str]
    algo: ClassVar[str]
    version: ClassVar[str]

    def columns(self, model: Model) -> tuple[str, ...]:
        """Return the predictors in the order in which the MOJO lists them."""
        return model.output.x

    def classes(self, model: Model) -> tuple[str, ...] | None:
        """Return the names of the classes that the MOJO states; None if there are none."""
        return model.output.response_domain if model.output.category.is_classifier else None

    def check(self, model: Model) -> None:  # noqa: B027  # most kinds write all of their models
        """Raise `MojoError` if this model cannot be written."""

    @abstractmethod
    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the algorithm's keys and blobs."""

    @abstractmethod
    def read(self, source: MojoSource) -> Model:
        """Return the model."""


_KINDS: dict[str, MojoKind] = {}


def register_kind(cls: type[MojoKind]) -> type[MojoKind]:
    """Let MOJOs of ``cls.algorithm`` be read and written; usable as a decorator."""
    _KINDS[cls.algorithm] = cls()
    return cls


def _all() -> dict[str, MojoKind]:
    for name in _MODULES:
        import_module(f"dh2o.models.mojo.{name}")
    return _KINDS


def kind_named(algorithm: str) -> MojoKind:
    """Return the kind of MOJOs of `algorithm`."""
    kinds = _all()
    name = _ALIASES.get(algorithm, algorithm)
    if name not in kinds:
        raise MojoError(
            f"Unsupported MOJO model {algorithm[:60]!r}. Models of these algorithms are read: "
            f"{', '.join(sorted(kinds))}."
        )
    return kinds[name]


def kind_of(algo: str) -> MojoKind | None:
    """Return the kind of MOJOs of models of `algo`; None if they have none."""
    return next((kind for kind in _all().values() if kind.algo == algo), None)
