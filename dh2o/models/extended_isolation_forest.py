"""A trained extended isolation forest: random hyperplanes that set rows apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64, Columns
from dh2o.models.model import Model
from dh2o.models.oblique_forest import ObliqueForest, mean_unsuccessful_search
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

__all__ = ["ExtendedIsolationForestModel"]


@dataclass(frozen=True, eq=False)
class ExtendedIsolationForestModel(Model):
    """Scores rows by how few random hyperplanes set them apart (Hariri, Kind, Brunner 2018)."""

    algo: ClassVar[str] = "extendedisolationforest"
    algo_full_name: ClassVar[str] = "Extended Isolation Forest"

    forest: ObliqueForest
    sample_size: int

    def score(self, columns: Columns) -> F64:
        """Return anomaly score ``2^(-mean path length / c(sample size))`` and mean path length."""
        x = np.empty((columns.n_rows, self.forest.n_features))
        columns.matrix(self.output.x, out=x)
        mean = self.forest.total_lengths(x) / max(self.forest.n_trees, 1)
        usual = float(mean_unsuccessful_search(self.sample_size))
        return np.column_stack([np.exp2(-mean / usual), mean])

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Column names of a prediction frame."""
        return ("anomaly_score", *self.extra_columns())

    def extra_columns(self) -> tuple[str, ...]:
        """Return the name of the second column of `score`."""
        return ("mean_length",)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        data = {"n_features": self.forest.n_features, "sample_size": self.sample_size}
        return data, self.forest.to_arrays()

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> ExtendedIsolationForestModel:
        """Return the model whose `state` this was."""
        forest = ObliqueForest.from_arrays(data["n_features"], arrays)
        return cls(key, params, output, forest, data["sample_size"])
