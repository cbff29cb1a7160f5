"""Contributions of features to predictions, as columns: names, order, and sorted forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.models.columns import Columns
from dh2o.models.explain.raw_score import raw_score_of
from dh2o.models.explain.shap import tree_shap
from dh2o.models.forest import F64
from dh2o.models.tree_model import TreeModel

__all__ = ["BIAS", "Ranking", "contribution_names", "contributions"]

BIAS = "BiasTerm"


def contribution_names(model: TreeModel) -> list[str]:
    """Return the columns of `contributions`: features and bias, per class where there are many.

    Of several scores, column ``x.c`` holds what feature x does to the score of class c.
    """
    names = [*model.features, BIAS]
    classes = raw_score_of(model).classes
    if len(classes) == 1:
        return names
    return [f"{name}.{level}" for level in classes for name in names]


def contributions(model: TreeModel, columns: Columns) -> F64:
    """Return exact Shapley values of each row, shape (n_rows, columns of `contribution_names`)."""
    values = tree_shap(model.forest, model.tree_rows(columns))
    values = raw_score_of(model, spread=True).apply(values)
    return np.ascontiguousarray(np.concatenate(list(values), axis=1))


@dataclass(frozen=True, slots=True)
class Ranking:
    """The largest and smallest contributions of each row: feature, value, …, bias.

    A negative `top_n` or `bottom_n` stands for all. Rules and column names are H2O's.
    """

    top_n: int = 0
    bottom_n: int = 0
    by_size: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether contributions are to be ranked at all."""
        return self.top_n != 0 or self.bottom_n != 0

    def counts(self, n_features: int) -> tuple[int, int]:
        """Return how many are shown from the top and from the bottom."""
        top, bottom = self._asked(n_features)
        if top and bottom and (min(self.top_n, self.bottom_n) < 0 or top + bottom > n_features):
            return n_features, 0
        return top, bottom

    def _asked(self, n_features: int) -> tuple[int, int]:
        def limited(n: int) -> int:
            return n_features if n < 0 or n > n_features else n

        return limited(self.top_n), limited(self.bottom_n)

    def names(self, n_features: int) -> list[str]:
        """Return the column names: feature and value of each place, then the bias."""
        top, bottom = self._asked(n_features)
        bottom = min(bottom, n_features - top)
        return [
            *(f"top_{what}_{i + 1}" for i in range(top) for what in ("feature", "value")),
            *(f"bottom_{what}_{i + 1}" for i in range(bottom) for what in ("feature", "value")),
            BIAS,
        ]

    def ranked(self, values: F64) -> tuple[list[np.ndarray], list[F64], F64]:
        """Return the features' numbers, their contributions (both place by place), and the bias."""
        n_features = values.shape[1] - 1
        top, bottom = self.counts(n_features)
        measure = np.abs(values[:, :-1]) if self.by_size else values[:, :-1]
        falling = np.argsort(-measure, axis=1, kind="stable")
        rising = np.argsort(measure, axis=1, kind="stable")
        order = np.concatenate([falling[:, :top], rising[:, :bottom]], axis=1)
        chosen = np.take_along_axis(values[:, :-1], order, axis=1)
        places = range(top + bottom)
        return [order[:, i] for i in places], [chosen[:, i] for i in places], values[:, -1]
