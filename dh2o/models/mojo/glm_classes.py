"""Linear models of several classes, as MOJOs have them: one block of coefficients a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.glm import GLMModel
from dh2o.models.glm_design import Design
from dh2o.models.model import Model
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.source import MojoSource

__all__ = ["GLMClassesModel", "read_classes"]


@dataclass(frozen=True, eq=False)
class GLMClassesModel(Model):
    """Multinomial: ``p_k ~ exp(x beta_k)``.  Ordinal: ``P(y <= k) = logistic(x beta_k + offset)``.

    ``betas[k]`` are the coefficients of class k in the order of ``design.names``.
    """

    algo: ClassVar[str] = GLMModel.algo
    algo_full_name: ClassVar[str] = GLMModel.algo_full_name

    design: Design
    betas: F64

    def score(self, columns: Columns) -> F64:
        """Return the probability of each class."""
        n_rows = columns.n_rows
        eta = np.stack([self.design.eta(columns, beta, n_rows) for beta in self.betas], axis=1)
        if self.output.category == "Ordinal":
            offset = columns[self.output.offset][:, None] if self.output.offset else 0.0
            with np.errstate(over="ignore"):
                below = 1.0 / (1.0 + np.exp(-(eta[:, :-1] + offset)))
            whole = np.column_stack([np.zeros(n_rows), below, np.ones(n_rows)])
            return np.ascontiguousarray(np.diff(whole, axis=1))
        odds = np.exp(eta - np.maximum(eta.max(axis=1, keepdims=True), 0.0))
        return np.ascontiguousarray(odds / odds.sum(axis=1, keepdims=True))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Raise `ModelError`: such a model is kept as its MOJO."""
        raise ModelError("A linear model of several classes from a MOJO is saved as that MOJO.")

    @classmethod
    def from_state(cls, *args: Any, **kwargs: Any) -> GLMClassesModel:  # noqa: ARG003
        """Raise `ModelError`: such a model is kept as its MOJO."""
        raise ModelError("A linear model of several classes from a MOJO is read from that MOJO.")


def read_classes(source: MojoSource) -> GLMClassesModel:
    """Return the model."""
    from dh2o.models.mojo.glm import read_design

    design, output = read_design(source), source.output()
    beta = source.ini.numbers("beta")
    n_classes = output.n_classes
    if n_classes < 2 or len(beta) != n_classes * len(design.names):
        raise MojoError(
            f"The MOJO has {len(beta)} coefficients for {n_classes} classes of {len(design.names)}."
        )
    return GLMClassesModel(source.key, source.params(), output, design, beta.reshape(n_classes, -1))
