"""A trained K-means model: centres, and how rows are prepared before they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.json_form import register_type
from dh2o.models.kmeans_kernels import distances, nearest
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.metrics.clustering import ClusteringMetricBuilder, ModelMetricsClustering
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Where rows are compared, one axis for each predictor.

    Numbers are (x - means) * mults, or as they are where ``mults`` is None; levels are codes.
    ``means`` and ``modes`` stand in for NA; ``modes`` is -1 for numbers. Where nothing is known to
    stand in, a mean is NaN and a mode -2: then NA counts alike for all centres.
    """

    names: tuple[str, ...]
    means: F64
    mults: F64 | None
    modes: I64

    @property
    def is_level(self) -> NDArray[np.bool_]:
        """Which predictors are categorical."""
        return self.modes != -1

    def prepared(self, columns: Columns) -> tuple[F64, F64]:
        """Return numbers and level codes of rows, one row of the arrays per predictor, no NA."""
        n_levels = int(self.is_level.sum())
        numbers = np.empty((len(self.modes) - n_levels, columns.n_rows))
        codes = np.empty((n_levels, columns.n_rows))
        rows_of_numbers, rows_of_codes = iter(numbers), iter(codes)
        for idx, name in enumerate(self.names):
            is_number = self.modes[idx] == -1
            out = next(rows_of_numbers if is_number else rows_of_codes)
            fill = self.means[idx] if is_number else self.modes[idx]
            out[:] = np.where(np.isnan(columns[name]), fill, columns[name])
            if is_number and self.mults is not None:
                out -= self.means[idx]
                out *= self.mults[idx]
        return numbers, codes

    def distances(self, prepared: tuple[F64, F64], centers: F64) -> F64:
        """Return the squared distance of each prepared row to each centre, shape (k, n_rows)."""
        numbers, codes = prepared
        level = self.is_level
        out = np.empty((len(centers), numbers.shape[1]))
        ours = np.ascontiguousarray(centers[:, ~level])
        distances(numbers, codes, ours, np.ascontiguousarray(centers[:, level]), out)
        return out

    def raw(self, points: F64) -> F64:
        """Return points of this space in the units of the columns."""
        if self.mults is None:
            return points
        found: F64 = np.where(self.is_level, points, points / self.mults + self.means)
        return found


@dataclass(frozen=True, eq=False)
class KMeansModel(Model):
    """A row belongs to the nearest centre; ``centers`` are points of ``space``."""

    algo: ClassVar[str] = "kmeans"
    algo_full_name: ClassVar[str] = "K-means"

    centers: F64
    space: Space

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centers)

    @property
    def raw_centers(self) -> F64:
        """The centres in the units of the columns."""
        return self.space.raw(self.centers)

    def distances(self, columns: Columns) -> F64:
        """Return the squared distance of each row to each centre, shape (n_rows, k)."""
        return self.space.distances(self.space.prepared(columns), self.centers).T

    def score(self, columns: Columns) -> F64:
        d = self.space.distances(self.space.prepared(columns), self.centers)
        return nearest(d).astype(np.float64)[:, None]

    def metric_builder(self, base: MetricBuilder[Any]) -> MetricBuilder[Any]:  # noqa: ARG002
        """Return what sums squared distances by cluster; there is no response to compare with."""
        return ClusteringMetricBuilder(self.space, self.centers, self.params.get("k") == 1)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        space = self.space
        arrays: dict[str, NDArray[Any]] = {
            "centers": self.centers,
            "means": space.means,
            "modes": space.modes,
        }
        if space.mults is not None:
            arrays["mults"] = space.mults
        return {}, arrays

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],  # noqa: ARG003  # all is in the arrays
        arrays: Mapping[str, NDArray[Any]],
    ) -> KMeansModel:
        mults = np.asarray(arrays["mults"], dtype=np.float64) if "mults" in arrays else None
        means = np.asarray(arrays["means"], dtype=np.float64)
        space = Space(output.x, means, mults, np.asarray(arrays["modes"], dtype=np.int64))
        centers = np.asarray(arrays["centers"], dtype=np.float64)
        if centers.ndim != 2 or not (len(means) == len(space.modes) == centers.shape[1]):
            raise ModelError(f"Model {key!r}: its centres and columns do not fit together.")
        return cls(key, params, output, centers, space)


register_type(ModelMetricsClustering)
