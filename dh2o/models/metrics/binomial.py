"""Metrics of two-class probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.metrics.confusion import ConfusionMatrix
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values
from dh2o.models.metrics.gains_lift import gains_lift_table
from dh2o.models.metrics.regression import r_squared
from dh2o.models.metrics.rows import usable_rows
from dh2o.models.metrics.score_histogram import (
    DEFAULT_CAP,
    ScoreHistogram,
    empty_histogram,
    heavy_cells,
    histogram,
    merge,
    spliced,
    within,
)
from dh2o.models.metrics.thresholds import (
    Thresholds,
    max_criteria_table,
    scores_table,
    thresholds_of,
)
from dh2o.models.table import TwoDimTable

I64 = NDArray[np.int64]
LOG_CLAMP = 1e-15
DEFAULT_WEIGHT_SCALE = float(1 << 24)


@dataclass(frozen=True, eq=False)
class ModelMetricsBinomial(ModelMetrics):
    """How well a probability tells two classes apart."""

    category: ClassVar[ModelCategory] = ModelCategory.BINOMIAL

    logloss: float
    r2: float
    domain: tuple[str, ...]
    thresholds: Thresholds
    gains_lift_table: TwoDimTable | None

    @property
    def auc(self) -> float:
        """Area under the ROC curve."""
        return self.thresholds.auc

    @property
    def pr_auc(self) -> float:
        """Area under the precision-recall curve."""
        return self.thresholds.pr_auc

    @property
    def gini(self) -> float:
        """2 AUC - 1."""
        return 2 * self.auc - 1

    @property
    def default_threshold(self) -> float:
        """The threshold of the largest F1; 0.5 without rows."""
        idx = self.thresholds.best("f1")
        return float(self.thresholds.scores[idx]) if idx >= 0 else 0.5

    @property
    def cm(self) -> ConfusionMatrix | None:
        """Confusion matrix at the largest F1; None without rows of both classes."""
        idx = self.thresholds.best("f1")
        return self.confusion_at(idx) if idx >= 0 else None

    def confusion_at(self, idx: int, criterion: str = "f1") -> ConfusionMatrix:
        """Return the confusion matrix at threshold number `idx`."""
        return ConfusionMatrix(
            self.thresholds.confusion(idx),
            self.domain,
            float(self.thresholds.scores[idx]),
            criterion,
        )

    @property
    def mean_per_class_error(self) -> float:
        """Mean of both classes' errors at the largest F1."""
        cm = self.cm
        return cm.mean_per_class_error if cm is not None else math.nan

    @property
    def error(self) -> float:
        """Share of rows classified wrongly at the largest F1."""
        cm = self.cm
        return cm.error if cm is not None else math.nan

    @property
    def lift_top_group(self) -> float:
        """Lift of the highest-scored group."""
        table = self.gains_lift_table
        return float(table.column("lift")[0]) if table is not None else math.nan

    @property
    def kolmogorov_smirnov(self) -> float:
        """Largest distance of the two classes' cumulated shares over the groups."""
        table = self.gains_lift_table
        return float(max(table.column("kolmogorov_smirnov"))) if table is not None else math.nan

    @cached_property
    def thresholds_and_metric_scores(self) -> TwoDimTable:
        """All criteria at each threshold."""
        return scores_table(self.thresholds)

    @cached_property
    def max_criteria_and_metric_scores(self) -> TwoDimTable:
        """The best value of each criterion and its threshold."""
        return max_criteria_table(self.thresholds)


@dataclass(frozen=True, slots=True, eq=False)
class BinomialPartial:
    """Row count, exact sums of w, wy, squared error and log loss, and the score histogram."""

    n_obs: int
    sums: I64
    scores: ScoreHistogram


_N_SUMS = 4


@dataclass(frozen=True, eq=False)
class BinomialMetricBuilder(MetricBuilder[BinomialPartial]):
    """Measures probabilities of the second of two classes.

    Weights enter the score histogram as integers, rounded after multiplying by ``weight_scale``
    (a power of two): see `weight_scale`.
    """

    domain: tuple[str, ...] = ("0", "1")
    weight_scale: float = DEFAULT_WEIGHT_SCALE
    gainslift_bins: int = -1
    cap: int = DEFAULT_CAP

    def rows(self, preds: F64, actual: F64, weights: F64 | None) -> tuple[F64, F64, F64 | None]:
        """Return probability of the second class, class and weight of the rows that count."""
        p1 = preds if preds.ndim == 1 else preds[:, min(1, preds.shape[1] - 1)]
        p, y, w = usable_rows(p1[:, None], actual, weights)
        keep = (y == 0) | (y == 1)
        if keep.all():
            return p[:, 0], y, w
        return p[keep, 0], y[keep], None if w is None else w[keep]

    def scaled(self, weights: F64 | None) -> I64 | None:
        """Return weights as the integers that the score histogram adds up."""
        return None if weights is None else np.rint(weights * self.weight_scale).astype(np.int64)

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> BinomialPartial:
        p, y, w = self.rows(preds, actual, weights)
        if len(y) == 0:
            return BinomialPartial(0, empty_sums(_N_SUMS), empty_histogram(2, self.cap))
        p_actual = np.where(y == 1, p, 1.0 - p)
        squared, loss = (1.0 - p_actual) ** 2, -np.log(np.maximum(p_actual, LOG_CLAMP))
        if w is None:
            sums = exact_sums(np.ones(len(y)), y, squared, loss)
            return BinomialPartial(len(y), sums, histogram(p, y, None, 2, self.cap))
        sums = exact_sums(w, w * y, w * squared, w * loss)
        return BinomialPartial(len(y), sums, histogram(p, y, self.scaled(w), 2, self.cap))

    def combine(self, a: BinomialPartial, b: BinomialPartial) -> BinomialPartial:
        return BinomialPartial(
            a.n_obs + b.n_obs, combine_sums(a.sums, b.sums), merge(a.scores, b.scores)
        )

    def refinement(self, total: BinomialPartial) -> MetricBuilder[Any] | None:
        return HistogramRefinement.of(self, total.scores)

    def refined(self, total: BinomialPartial, more: Any) -> BinomialPartial:
        return replace(total, scores=spliced(total.scores, more))

    def finish(self, total: BinomialPartial | None) -> ModelMetricsBinomial:
        if total is None or total.n_obs == 0:
            nothing = thresholds_of(empty_histogram(2), 1.0)
            return ModelMetricsBinomial(0, math.nan, math.nan, math.nan, self.domain, nothing, None)
        w, wy, squared, loss = sum_values(total.sums)
        scale = self._scale_of(total, w)
        mse = squared / w
        return ModelMetricsBinomial(
            n_obs=total.n_obs,
            mse=mse,
            logloss=loss / w,
            r2=r_squared(mse, w, wy, wy),
            domain=self.domain,
            thresholds=thresholds_of(total.scores, scale),
            gains_lift_table=gains_lift_table(total.scores, scale, self.gainslift_bins),
        )

    def _scale_of(self, total: BinomialPartial, w: float) -> float:
        """Unweighted rows count as 1 each, weighted ones as weight times scale."""
        return 1.0 if int(total.scores.counts.sum()) == total.n_obs == w else self.weight_scale


@dataclass(frozen=True, eq=False)
class HistogramRefinement(MetricBuilder[ScoreHistogram]):
    """Counts once more, on a finer scale, the rows of cells too heavy for an exact AUC."""

    base: BinomialMetricBuilder
    cells: NDArray[np.uint64]
    n_dropped: int

    @classmethod
    def of(cls, base: BinomialMetricBuilder, coarse: ScoreHistogram) -> HistogramRefinement | None:
        """Return the refinement of a histogram, None if it is fine enough."""
        cells = heavy_cells(coarse)
        return cls(base, cells, coarse.n_dropped) if len(cells) else None

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> ScoreHistogram:
        p, y, w = self.base.rows(preds, actual, weights)
        mine = within(p, self.cells, self.n_dropped)
        amounts = self.base.scaled(None if w is None else w[mine])
        return histogram(p[mine], y[mine], amounts, 2, self.base.cap)

    def combine(self, a: ScoreHistogram, b: ScoreHistogram) -> ScoreHistogram:
        return merge(a, b)

    def refinement(self, total: ScoreHistogram) -> MetricBuilder[Any] | None:
        if total.n_dropped >= self.n_dropped:
            return None  # no progress is left to make
        return HistogramRefinement.of(self.base, total)

    def refined(self, total: ScoreHistogram, more: Any) -> ScoreHistogram:
        return spliced(total, more)

    def finish(self, total: ScoreHistogram | None) -> ScoreHistogram | None:
        return total


def weight_scale(largest: float, n_rows: int, whole: bool) -> float:
    """Return the power of two that keeps sums of weights exact in 62 bits.

    Whole weights need none; others get as many binary places as their sum leaves room for.
    """
    if whole or not largest > 0:
        return 1.0
    return 2.0 ** (61 - math.ceil(math.log2(largest * max(n_rows, 1))))
