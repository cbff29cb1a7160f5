"""What all models made of trees have in common: a forest, and rows in its order of features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.models.columns import F64, Columns
from dh2o.models.forest import Forest
from dh2o.models.model import Model

__all__ = ["TreeModel"]


@dataclass(frozen=True, eq=False)
class TreeModel(Model):
    """A model whose score is made of the leaves that a row falls into.

    Tree ``t`` of class ``k`` is tree number ``t * forest.n_classes + k`` of the forest.
    """

    forest: Forest

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the predictors, in the order of the trees' feature numbers."""
        return self.output.x

    def tree_rows(self, columns: Columns) -> F64:
        """Return what `Forest` walks on: shape (n_rows, n_features + 1), the last column 0."""
        x = np.zeros((columns.n_rows, len(self.features) + 1))
        columns.matrix(self.features, out=x[:, :-1])
        return x

    def leaf_sums(self, columns: Columns) -> F64:
        """Return the sum over trees of each class, shape (n_rows, trees a round)."""
        return self.forest.column_sums([columns[name] for name in self.features], columns.n_rows)
