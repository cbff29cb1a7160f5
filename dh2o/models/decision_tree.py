"""A trained decision tree: one tree whose leaves hold the share of the first class."""

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

__all__ = ["DecisionTreeModel"]


@dataclass(frozen=True, eq=False)
class DecisionTreeModel(TreeModel):
    """One classification tree for two classes: ``p0`` is the value of a row's leaf."""

    algo: ClassVar[str] = "dt"
    algo_full_name: ClassVar[str] = "Decision Tree"

    def score(self, columns: Columns) -> F64:
        """Return the probabilities of both classes."""
        p0 = self.leaf_sums(columns)[:, 0]
        return self.corrected(np.column_stack([p0, 1.0 - p0]))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        return {"n_features": self.forest.n_features}, self.forest.to_arrays()

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> DecisionTreeModel:
        """Return the model whose `state` this was."""
        return cls(key, params, output, Forest.from_arrays(1, data["n_features"], arrays))
