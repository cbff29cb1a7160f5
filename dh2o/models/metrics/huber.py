"""Metrics under the Huber loss, whose bend is a quantile of the errors themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.metrics.base import F64, MetricBuilder
from dh2o.models.metrics.binomial import DEFAULT_WEIGHT_SCALE
from dh2o.models.metrics.deviance import huber
from dh2o.models.metrics.gains_lift import quantiles
from dh2o.models.metrics.regression import (
    ModelMetricsRegression,
    RegressionMetricBuilder,
    RegressionPartial,
    with_deviance,
)
from dh2o.models.metrics.rows import usable_rows
from dh2o.models.metrics.score_histogram import (
    DEFAULT_CAP,
    ScoreHistogram,
    empty_histogram,
    histogram,
    merge,
)


@dataclass(frozen=True, slots=True, eq=False)
class HuberPartial:
    """What any regression counts, and how often each absolute error occurs."""

    base: RegressionPartial
    errors: ScoreHistogram


@dataclass(frozen=True, eq=False)
class HuberMetricBuilder(MetricBuilder[HuberPartial]):
    """Measures numeric predictions; the loss turns linear at the `alpha` quantile of the errors.

    The quantile is known only at the end, so partials count absolute errors: exactly up to
    262,144 different ones, beyond that to a relative 1e-4 of each error.
    """

    alpha: float = 0.9
    weight_scale: float = DEFAULT_WEIGHT_SCALE
    cap: int = DEFAULT_CAP

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> HuberPartial:
        first = preds[:, None] if preds.ndim == 1 else preds[:, :1]
        f, y, w = usable_rows(first, actual, weights)
        base = RegressionMetricBuilder().map(f, y, w)
        if len(y) == 0:
            return HuberPartial(base, empty_histogram(1, self.cap))
        amounts: NDArray[Any] = np.ones(len(y)) if w is None else w
        scaled = np.rint(amounts * self.weight_scale).astype(np.int64)
        error = np.abs(y - f[:, 0])
        groups = np.zeros(len(y), dtype=np.int64)
        return HuberPartial(base, histogram(error, groups, scaled, 1, self.cap))

    def combine(self, a: HuberPartial, b: HuberPartial) -> HuberPartial:
        base = RegressionMetricBuilder().combine(a.base, b.base)
        return HuberPartial(base, merge(a.errors, b.errors))

    def finish(self, total: HuberPartial | None) -> ModelMetricsRegression:
        found = RegressionMetricBuilder().finish(None if total is None else total.base)
        if total is None or found.n_obs == 0:
            return found
        weights = total.errors.counts[:, 0] / self.weight_scale
        delta = float(quantiles(total.errors.scores, weights, (self.alpha,))[0])
        loss = huber(total.errors.scores, np.zeros(len(weights)), delta)
        return with_deviance(found, float(np.average(loss, weights=weights)))
