"""Trained decompositions: principal components, and singular values and vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.expansion import Expansion
from dh2o.models.json_form import register_type
from dh2o.models.metrics.base import MetricBuilder, ModelMetrics
from dh2o.models.metrics.unsupervised import ModelMetricsPCA, ModelMetricsSVD, RowCountBuilder
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters


@dataclass(frozen=True, eq=False)
class ProjectionModel(Model):
    """Rows are projected onto ``vectors``, one column for each component.

    ``values`` are the singular values of the expanded and transformed training rows, of which
    there were ``n_obs``; ``total_variance`` is the trace of their second moments.
    """

    metrics_kind: ClassVar[type[ModelMetrics]] = ModelMetricsPCA

    expansion: Expansion
    vectors: F64
    values: F64
    n_obs: int
    total_variance: float

    @property
    def n_outputs(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def prediction_names(self) -> tuple[str, ...]:
        return tuple(f"PC{i + 1}" for i in range(self.n_outputs))

    @property
    def std_deviation(self) -> F64:
        """Standard deviation of each component."""
        return self.values / np.sqrt(max(self.n_obs - 1, 1))

    def score(self, columns: Columns) -> F64:
        return self.expansion.projected(columns, self.vectors, columns.n_rows)

    def metric_builder(self, base: MetricBuilder[Any]) -> MetricBuilder[Any]:  # noqa: ARG002
        """Return what counts rows: there is nothing to compare projections with."""
        return RowCountBuilder(self.metrics_kind)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        data, arrays = self.expansion.to_state()
        facts = {"n_obs": self.n_obs, "total_variance": self.total_variance}
        return {**data, **facts}, {**arrays, "vectors": self.vectors, "values": self.values}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> Self:
        expansion = Expansion.from_state(data, arrays)
        vectors = np.asarray(arrays["vectors"], dtype=np.float64)
        values = np.asarray(arrays["values"], dtype=np.float64)
        if vectors.shape != (expansion.size, len(values)):
            raise ModelError(f"Model {key!r}: its vectors and columns do not fit together.")
        n_obs, total = int(data["n_obs"]), float(data["total_variance"])
        return cls(key, params, output, expansion, vectors, values, n_obs, total)


@dataclass(frozen=True, eq=False)
class PCAModel(ProjectionModel):
    """Principal components of rows."""

    algo: ClassVar[str] = "pca"
    algo_full_name: ClassVar[str] = "Principal Components Analysis"


@dataclass(frozen=True, eq=False)
class SVDModel(ProjectionModel):
    """Singular values and right singular vectors of rows."""

    algo: ClassVar[str] = "svd"
    algo_full_name: ClassVar[str] = "Singular Value Decomposition"
    metrics_kind: ClassVar[type[ModelMetrics]] = ModelMetricsSVD


register_type(ModelMetricsPCA)
register_type(ModelMetricsSVD)
