"""Metrics of anomaly scores: their means; against labels, those of a two-class model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values

__all__ = [
    "AnomalyMetricBuilder",
    "LabelledAnomalyMetricBuilder",
    "ModelMetricsAnomaly",
]

I64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ModelMetricsAnomaly(ModelMetrics):
    """Means over rows of what an anomaly detector says of them.

    ``mean_score`` is the algorithm's raw number (isolation forests: the path length),
    ``mean_normalized_score`` that of which larger values are more anomalous.
    """

    category: ClassVar[ModelCategory] = ModelCategory.ANOMALY

    mean_score: float
    mean_normalized_score: float


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyPartial:
    """Row count and exact sums of both scores."""

    n_obs: int
    sums: I64


@dataclass(frozen=True, eq=False)
class AnomalyMetricBuilder(MetricBuilder[AnomalyPartial]):
    """Averages scores; there is no response.  Predictions are (normalized score, raw score)."""

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> AnomalyPartial:  # noqa: ARG002
        known = ~np.isnan(preds[:, 0])
        if not known.any():
            return AnomalyPartial(0, empty_sums(2))
        columns = np.ascontiguousarray(preds[known, :2].T)
        return AnomalyPartial(int(known.sum()), exact_sums(columns[1], columns[0]))

    def combine(self, a: AnomalyPartial, b: AnomalyPartial) -> AnomalyPartial:
        return AnomalyPartial(a.n_obs + b.n_obs, combine_sums(a.sums, b.sums))

    def finish(self, total: AnomalyPartial | None) -> ModelMetricsAnomaly:
        if total is None or total.n_obs == 0:
            return ModelMetricsAnomaly(0, *[math.nan] * 3)
        raw, normalized = (value / total.n_obs for value in sum_values(total.sums))
        return ModelMetricsAnomaly(total.n_obs, math.nan, raw, normalized)


@dataclass(frozen=True, eq=False)
class LabelledAnomalyMetricBuilder(MetricBuilder[Any]):
    """Judges normalized scores, cut off at 1, as probabilities of the second class."""

    base: MetricBuilder[Any]

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> Any:
        p = np.clip(preds[:, 0], 0.0, 1.0)
        return self.base.map(np.column_stack([1.0 - p, p]), actual, weights)

    def combine(self, a: Any, b: Any) -> Any:
        return self.base.combine(a, b)

    def finish(self, total: Any) -> Any:
        return self.base.finish(total)

    def refinement(self, total: Any) -> MetricBuilder[Any] | None:
        finer = self.base.refinement(total)
        return None if finer is None else LabelledAnomalyMetricBuilder(finer)

    def refined(self, total: Any, more: Any) -> Any:
        return self.base.refined(total, more)
