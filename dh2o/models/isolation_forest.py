"""A trained isolation forest: trees whose leaves hold how many splits it took to get there."""

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

__all__ = ["IsolationForestModel", "normalized_path_length"]


def normalized_path_length(total: F64, shortest: int, longest: int) -> F64:
    """Return ``(longest - total) / (longest - shortest)``: 1 for what is isolated soonest.

    `total` is a row's path length summed over all trees, `shortest` and `longest` the extremes
    over the training rows; 1 for every row if these are equal.  As H2O.
    """
    if longest <= shortest:
        return np.ones(len(total))
    return np.asarray((longest - total) / (longest - shortest))


@dataclass(frozen=True, eq=False)
class IsolationForestModel(TreeModel):
    """Scores rows by how few random splits set them apart (Liu, Ting, Zhou 2008), as H2O does."""

    algo: ClassVar[str] = "isolationforest"
    algo_full_name: ClassVar[str] = "Isolation Forest"

    min_path_length: int
    max_path_length: int

    @property
    def flags_anomalies(self) -> bool:
        """Whether there is a threshold from which a row is called an anomaly."""
        return self.output.threshold is not None and self.output.threshold >= 0

    def score(self, columns: Columns) -> F64:
        """Return the normalized score and the mean path length of each row."""
        total = self.leaf_sums(columns)[:, 0]
        score = normalized_path_length(total, self.min_path_length, self.max_path_length)
        return np.column_stack([score, total / max(self.forest.n_trees, 1)])

    def extra_columns(self) -> tuple[str, ...]:
        """Return the name of the second column of `score`."""
        return ("mean_length",)

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Column names of a prediction frame."""
        first = ("predict", "score") if self.flags_anomalies else ("predict",)
        return (*first, *self.extra_columns())

    @property
    def prediction_domain(self) -> tuple[str, ...] | None:
        """Levels of the column ``predict`` where it is a flag."""
        return (self.output.response_domain or ("0", "1")) if self.flags_anomalies else None

    def labels(self, raw: F64) -> NDArray[np.int32]:
        """Return 1 for the rows whose score reaches the threshold, else 0."""
        return (raw[:, 0] >= self.output.default_threshold).astype(np.int32)

    def predictions(self, raw: F64) -> list[NDArray[Any]]:
        """Return the columns of `prediction_names` made from what `score` returned."""
        numbers = [np.ascontiguousarray(raw[:, idx]) for idx in range(raw.shape[1])]
        return [self.labels(raw), *numbers] if self.flags_anomalies else numbers

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        data = {
            "n_features": self.forest.n_features,
            "min_path_length": self.min_path_length,
            "max_path_length": self.max_path_length,
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
    ) -> IsolationForestModel:
        """Return the model whose `state` this was."""
        forest = Forest.from_arrays(1, data["n_features"], arrays)
        shortest, longest = data["min_path_length"], data["max_path_length"]
        return cls(key, params, output, forest, shortest, longest)
