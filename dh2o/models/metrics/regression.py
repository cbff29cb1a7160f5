"""Metrics of numeric predictions."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.metrics.deviance import DEVIANCES
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values
from dh2o.models.metrics.rows import usable_rows

I64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ModelMetricsRegression(ModelMetrics):
    """How far numeric predictions are from the response."""

    category: ClassVar[ModelCategory] = ModelCategory.REGRESSION

    mae: float
    rmsle: float
    mean_residual_deviance: float
    r2: float


@dataclass(frozen=True, slots=True, eq=False)
class RegressionPartial:
    """Row count and exact sums of w, wy, wyy, squared, absolute and log error, deviance."""

    n_obs: int
    sums: I64


_N_SUMS = 7


@dataclass(frozen=True, eq=False)
class RegressionMetricBuilder(MetricBuilder[RegressionPartial]):
    """Measures numeric predictions under a distribution.

    ``distribution_param`` is the Tweedie power or the quantile.
    """

    distribution: str = "gaussian"
    distribution_param: float = math.nan

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> RegressionPartial:
        first = preds[:, None] if preds.ndim == 1 else preds[:, :1]
        f, y, w = usable_rows(first, actual, weights)
        f = f[:, 0]
        if len(y) == 0:
            return RegressionPartial(0, empty_sums(_N_SUMS))
        w = np.ones(len(y)) if w is None else w
        error = y - f
        with np.errstate(divide="ignore", invalid="ignore"):
            log_error = np.log1p(f) - np.log1p(y)
            deviance = DEVIANCES[self.distribution](y, f, self.distribution_param)
            columns = (w, y * w, y * y * w, error**2 * w, np.abs(error) * w, log_error**2 * w)
            sums = exact_sums(*columns, deviance * w)
        return RegressionPartial(len(y), sums)

    def combine(self, a: RegressionPartial, b: RegressionPartial) -> RegressionPartial:
        return RegressionPartial(a.n_obs + b.n_obs, combine_sums(a.sums, b.sums))

    def finish(self, total: RegressionPartial | None) -> ModelMetricsRegression:
        if total is None or total.n_obs == 0:
            return ModelMetricsRegression(0, *[math.nan] * 5)
        w, wy, wyy, squared, absolute, log_squared, deviance = sum_values(total.sums)
        mse = squared / w
        return ModelMetricsRegression(
            n_obs=total.n_obs,
            mse=mse,
            mae=absolute / w,
            rmsle=math.sqrt(log_squared / w) if log_squared >= 0 else math.nan,
            mean_residual_deviance=deviance / w,
            r2=r_squared(mse, w, wy, wyy),
        )


def r_squared(mse: float, w: float, wy: float, wyy: float) -> float:
    """Return 1 - MSE / variance of the response; NaN where it has none."""
    variance = wyy / w - (wy / w) ** 2
    return 1.0 - mse / variance if variance > 0 else math.nan


def with_deviance(metrics: ModelMetricsRegression, deviance: float) -> ModelMetricsRegression:
    """Return the metrics with another mean residual deviance."""
    return dataclasses.replace(metrics, mean_residual_deviance=deviance)
