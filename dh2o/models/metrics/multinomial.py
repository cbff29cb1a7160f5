"""Metrics of class probabilities when there are more than two classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.metrics.binomial import DEFAULT_WEIGHT_SCALE, LOG_CLAMP
from dh2o.models.metrics.confusion import ConfusionMatrix
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values
from dh2o.models.metrics.multinomial_auc import MAX_CLASSES, MultinomialAuc, multinomial_auc
from dh2o.models.metrics.regression import r_squared
from dh2o.models.metrics.rows import usable_rows
from dh2o.models.metrics.score_histogram import (
    DEFAULT_CAP,
    ScoreHistogram,
    empty_histogram,
    histogram,
    merge,
)
from dh2o.models.table import TwoDimTable

I64 = NDArray[np.int64]
MAX_HITS = 10


@dataclass(frozen=True, eq=False)
class ModelMetricsMultinomial(ModelMetrics):
    """How well class probabilities fit the classes."""

    category: ClassVar[ModelCategory] = ModelCategory.MULTINOMIAL

    logloss: float
    r2: float
    domain: tuple[str, ...]
    cm: ConfusionMatrix
    hit_ratios: tuple[float, ...]
    auc_type: str
    aucs: MultinomialAuc | None

    @property
    def mean_per_class_error(self) -> float:
        """Mean of the class errors."""
        return self.cm.mean_per_class_error if self.n_obs else math.nan

    @property
    def error(self) -> float:
        """Share of rows classified wrongly."""
        return self.cm.error

    @property
    def auc(self) -> float:
        """The average AUC that ``auc_type`` names; NaN if it names none."""
        return self.aucs.average("auc", self.auc_type) if self.aucs else math.nan

    @property
    def pr_auc(self) -> float:
        """The average PR-AUC that ``auc_type`` names; NaN if it names none."""
        return self.aucs.average("pr_auc", self.auc_type) if self.aucs else math.nan

    @property
    def multinomial_auc_table(self) -> TwoDimTable | None:
        """AUC of each class against the rest and of each pair, and their averages."""
        return self.aucs.table("auc", self.domain) if self.aucs else None

    @property
    def multinomial_aucpr_table(self) -> TwoDimTable | None:
        """PR-AUC of each class against the rest and of each pair, and their averages."""
        return self.aucs.table("pr_auc", self.domain) if self.aucs else None

    @property
    def hit_ratio_table(self) -> TwoDimTable:
        """Share of rows whose class is among the k most probable."""
        n = len(self.hit_ratios)
        columns = {"k": ("string", range(1, n + 1)), "hit_ratio": ("float", self.hit_ratios)}
        return TwoDimTable.of(f"Top-{n} Hit Ratios", columns)


class ModelMetricsOrdinal(ModelMetricsMultinomial):
    """How well class probabilities fit ordered classes."""

    category: ClassVar[ModelCategory] = ModelCategory.ORDINAL


@dataclass(frozen=True, slots=True, eq=False)
class MultinomialPartial:
    """Counts by actual and predicted class, exact sums, and score histograms if AUC is wanted."""

    n_obs: int
    counts: I64
    sums: I64  # w, wy, wyy, squared error, log loss, then weight of hits at each rank
    scores: tuple[ScoreHistogram, ...]


_N_SUMS = 5


@dataclass(frozen=True, eq=False)
class MultinomialMetricBuilder(MetricBuilder[MultinomialPartial]):
    """Measures class probabilities, shape (n, K). Like H2O's, the confusion matrix counts rows."""

    domain: tuple[str, ...]
    auc_type: str = "AUTO"
    weight_scale: float = DEFAULT_WEIGHT_SCALE
    ordinal: bool = False

    @property
    def n_hits(self) -> int:
        """Ranks in the hit ratio table."""
        return min(MAX_HITS, len(self.domain))

    @property
    def wants_auc(self) -> bool:
        """Whether AUCs are computed: only on request, and for at most 50 classes."""
        return self.auc_type not in ("AUTO", "NONE") and len(self.domain) <= MAX_CLASSES

    @property
    def _cap(self) -> int:
        return max(DEFAULT_CAP // len(self.domain), 1 << 13)

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> MultinomialPartial:
        p, y, w = usable_rows(preds[:, : len(self.domain)], actual, weights)
        k = len(self.domain)
        if len(y) == 0:
            return self._nothing()
        code = y.astype(np.intp)
        p_actual = p[np.arange(len(y)), code]
        w = np.ones(len(y)) if w is None else w
        loss = -np.log(np.maximum(p_actual, LOG_CLAMP))
        rank = _rank(p, code, p_actual)
        hits = [w * (rank == r) for r in range(self.n_hits)]
        sums = exact_sums(w, w * y, w * y * y, w * (1.0 - p_actual) ** 2, w * loss, *hits)
        predicted = np.argmax(p, axis=1)
        counts = np.bincount(code * k + predicted, minlength=k * k).reshape(k, k)
        return MultinomialPartial(len(y), counts.astype(np.int64), sums, self._scores(p, code, w))

    def _nothing(self) -> MultinomialPartial:
        k = len(self.domain)
        scores = [empty_histogram(k, self._cap)] * k if self.wants_auc else []
        sums = empty_sums(_N_SUMS + self.n_hits)
        return MultinomialPartial(0, np.zeros((k, k), dtype=np.int64), sums, tuple(scores))

    def _scores(self, p: F64, code: NDArray[np.intp], w: F64) -> tuple[ScoreHistogram, ...]:
        if not self.wants_auc:
            return ()
        k = len(self.domain)
        amounts = np.rint(w * self.weight_scale).astype(np.int64)
        return tuple(histogram(p[:, c], code, amounts, k, self._cap) for c in range(k))

    def combine(self, a: MultinomialPartial, b: MultinomialPartial) -> MultinomialPartial:
        return MultinomialPartial(
            a.n_obs + b.n_obs,
            a.counts + b.counts,
            combine_sums(a.sums, b.sums),
            tuple(merge(x, y) for x, y in zip(a.scores, b.scores, strict=True)),
        )

    def finish(self, total: MultinomialPartial | None) -> ModelMetricsMultinomial:
        total = self._nothing() if total is None else total
        w, wy, wyy, squared, loss, *hits = sum_values(total.sums)
        seen = total.n_obs > 0
        mse = squared / w if seen else math.nan
        cls = ModelMetricsOrdinal if self.ordinal else ModelMetricsMultinomial
        return cls(
            n_obs=total.n_obs,
            mse=mse,
            logloss=loss / w if seen else math.nan,
            r2=r_squared(mse, w, wy, wyy) if seen else math.nan,
            domain=self.domain,
            cm=ConfusionMatrix(total.counts.astype(np.float64), self.domain),
            hit_ratios=tuple(np.cumsum(hits) / w) if seen else (math.nan,) * self.n_hits,
            auc_type=self.auc_type,
            aucs=multinomial_auc(total.scores, self.weight_scale) if self.wants_auc else None,
        )


def _rank(p: F64, code: NDArray[np.intp], p_actual: F64) -> NDArray[np.intp]:
    """Return how many classes come before the actual one; of equals, the earlier class."""
    larger = (p > p_actual[:, None]).sum(axis=1)
    equal_before = ((p == p_actual[:, None]) & (np.arange(p.shape[1]) < code[:, None])).sum(axis=1)
    return larger + equal_before
