"""A trained random forest: trees whose leaves hold class shares or means, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64, Columns
from dh2o.models.forest import Forest
from dh2o.models.model import corrected
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters
from dh2o.models.tree_model import TreeModel

__all__ = ["DRFModel", "vote_scale"]

I64 = NDArray[np.int64]


def vote_scale(
    n_classes: int, sums: F64, n_trees: Any, correction: tuple[float, ...] | None = None
) -> F64:
    """Return predictions from sums of leaves, shape (n_classes or 1, n_rows).

    IN: `n_trees`, the number of trees that were summed, one for all rows or one a row.  One
    column for regression, the mean.  With one tree a round for two classes, its leaves are shares
    of the first class: ``p0 = mean, p1 = 1 - p0``.  Else shares of each class, scaled to sum 1.
    `correction` undoes the balancing of classes.
    """
    if n_classes < 2:
        return np.ascontiguousarray(_mean(sums[0], n_trees)[:, None])
    if len(sums) == 1:
        p0 = _mean(sums[0], n_trees)
        return corrected(np.column_stack([p0, 1.0 - p0]), correction)
    total = sums.sum(axis=0)
    shares = np.ascontiguousarray((sums / np.where(total > 0, total, 1.0)).T)
    return corrected(shares, correction)


def _mean(sums: F64, n_trees: Any) -> F64:
    return np.asarray(sums / np.maximum(n_trees, 1))


@dataclass(frozen=True, eq=False)
class DRFModel(TreeModel):
    """Mean of trees, each grown on a sample of the rows.

    ``forest.n_classes`` is the number of trees a round: one for regression and for two classes
    (whose leaves then hold the share of the first class), else one a class.  ``row_keys[t]`` drew
    the rows of round t.
    """

    algo: ClassVar[str] = "drf"
    algo_full_name: ClassVar[str] = "Distributed Random Forest"

    row_keys: I64

    @property
    def binomial_double_trees(self) -> bool:
        """Whether two classes have a tree each."""
        return self.output.n_classes == 2 and self.forest.n_classes == 2

    def sums(self, columns: Columns) -> F64:
        """Return the sums of leaves, shape (trees a round, n_rows)."""
        return np.ascontiguousarray(self.leaf_sums(columns).T)

    def score(self, columns: Columns) -> F64:
        """Return predictions: one column, or the probability of each class."""
        output = self.output
        correction = output.class_correction
        return vote_scale(output.n_classes, self.sums(columns), self.forest.n_trees, correction)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        data = {"n_classes": self.forest.n_classes, "n_features": self.forest.n_features}
        return data, {**self.forest.to_arrays(), "row_keys": self.row_keys}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> DRFModel:
        """Return the model whose `state` this was."""
        forest = Forest.from_arrays(data["n_classes"], data["n_features"], arrays)
        keys = np.require(arrays["row_keys"], np.int64, ["C", "W"])
        return cls(key, params, output, forest, keys)
