"""Metrics of autoencoders: how far rows are from their reconstructions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values

__all__ = ["AutoEncoderMetricBuilder", "ModelMetricsAutoEncoder"]


@dataclass(frozen=True, eq=False)
class ModelMetricsAutoEncoder(ModelMetrics):
    """Mean over rows of the mean squared error over input units."""

    category: ClassVar[ModelCategory] = ModelCategory.AUTO_ENCODER


@dataclass(frozen=True, slots=True, eq=False)
class AutoEncoderPartial:
    """Row count and exact sum of the rows' errors."""

    n_obs: int
    sums: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AutoEncoderMetricBuilder(MetricBuilder[AutoEncoderPartial]):
    """Averages the last column of what the model's ``score`` returns."""

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> AutoEncoderPartial:  # noqa: ARG002
        errors = preds[:, -1]
        known = ~np.isnan(errors) if weights is None else ~np.isnan(errors) & (weights > 0)
        if not known.any():
            return AutoEncoderPartial(0, empty_sums(1))
        return AutoEncoderPartial(int(known.sum()), exact_sums(np.ascontiguousarray(errors[known])))

    def combine(self, a: AutoEncoderPartial, b: AutoEncoderPartial) -> AutoEncoderPartial:
        return AutoEncoderPartial(a.n_obs + b.n_obs, combine_sums(a.sums, b.sums))

    def finish(self, total: AutoEncoderPartial | None) -> ModelMetricsAutoEncoder:
        if total is None or total.n_obs == 0:
            return ModelMetricsAutoEncoder(0, math.nan)
        (error,) = sum_values(total.sums)
        return ModelMetricsAutoEncoder(total.n_obs, error / total.n_obs)
