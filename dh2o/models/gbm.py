"""A trained gradient boosting machine: initial value, trees, link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64, Columns
from dh2o.models.forest import Forest
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters
from dh2o.models.tree_model import TreeModel

__all__ = ["GBMModel", "response_scale"]

_MAX_EXP = 1e19
_LOG_LINK = ("poisson", "gamma", "tweedie")
_LOGIT_LINK = ("bernoulli", "quasibinomial")


def response_scale(distribution: str, f: F64) -> F64:
    """Return predictions from link-scale scores ``f`` of shape (n_classes or 1, n_rows).

    Two or K probabilities a row for classifiers, one column otherwise.  Custom distributions go by
    the name of one with the same link; "inverse" is that of the link without one.
    """
    if distribution == "inverse":
        with np.errstate(divide="ignore"):
            return (1.0 / f[0])[:, None]
    if distribution in _LOGIT_LINK:
        with np.errstate(over="ignore"):
            p = 1.0 / (1.0 + np.exp(-f[0]))
        return np.column_stack([1.0 - p, p])
    if distribution == "multinomial":
        odds = np.exp(f - f.max(axis=0))
        return np.ascontiguousarray((odds / odds.sum(axis=0)).T)
    if distribution in _LOG_LINK:
        with np.errstate(over="ignore"):
            return np.minimum(np.exp(f[0]), _MAX_EXP)[:, None]
    return f[0][:, None].copy()


@dataclass(frozen=True, eq=False)
class GBMModel(TreeModel):
    """Sum of trees on the link scale: ``link(prediction) = init_f + offset + trees``."""

    algo: ClassVar[str] = "gbm"
    algo_full_name: ClassVar[str] = "Gradient Boosting Machine"

    init_f: float
    distribution: str

    def link_scale(self, columns: Columns) -> F64:
        """Return the link-scale scores, shape (n_classes or 1, n_rows)."""
        f = self.leaf_sums(columns).T + self.init_f
        if self.output.offset is not None:
            f = f + columns[self.output.offset]
        return f

    def score(self, columns: Columns) -> F64:
        """Return predictions: one column, or the probability of each class."""
        return self.corrected(response_scale(self.distribution, self.link_scale(columns)))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        data = {
            "n_classes": self.forest.n_classes,
            "n_features": self.forest.n_features,
            "init_f": self.init_f,
            "distribution": self.distribution,
        }
        return data, self.forest.to_arrays()

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> GBMModel:
        """Return the model whose `state` this was."""
        forest = Forest.from_arrays(data["n_classes"], data["n_features"], arrays)
        return cls(key, params, output, forest, data["init_f"], data["distribution"])
