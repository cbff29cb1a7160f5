"""Metrics of linear models: the usual ones, and deviances, degrees of freedom and AIC."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.glm_family import Family
from dh2o.models.glm_likelihood import Likelihood, log_likelihood
from dh2o.models.glm_link import Link
from dh2o.models.metrics.base import F64, MetricBuilder
from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values

_N_SUMS = 4


@dataclass(frozen=True, slots=True, eq=False)
class GLMPartial:
    """The base's partial, rows, and exact sums of weight, both deviances and the Poisson term."""

    base: Any
    n_obs: int
    sums: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GLMMetricBuilder(MetricBuilder[GLMPartial]):
    """Adds residual and null deviance, degrees of freedom and AIC to what `base` measures."""

    base: MetricBuilder[Any]
    family: Family
    link: Link
    null_mu: float
    rank: int
    intercept: bool
    offset: str | None
    class_shares: F64 | None = None
    likelihood: Likelihood | None = None

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> GLMPartial:
        return self.map_rows({}, preds, actual, weights)

    def map_rows(
        self,
        columns: Mapping[str, F64],
        preds: F64,
        actual: F64,
        weights: F64 | None = None,
    ) -> GLMPartial:
        """Return the partial of some rows; `columns` may hold the offset."""
        preds = np.asarray(preds, dtype=np.float64).reshape(len(actual), -1)
        if self.class_shares is not None:
            return self._map_classes(preds, actual, weights)
        mu = preds[:, 1] if preds.shape[1] > 1 and self.is_classifier else preds[:, 0]
        w = np.ones(len(actual)) if weights is None else weights
        usable = ~np.isnan(actual) & ~np.isnan(mu) & (w > 0)
        y, mu, w = actual[usable], mu[usable], w[usable]
        null = np.full(len(y), self.null_mu)
        if self.offset is not None and self.offset in columns:
            offset = columns[self.offset][usable]
            null = self.link.inverse(self.link.link(null) + offset)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns_of = (
                w,
                w * self.family.deviance(y, mu),
                w * self.family.deviance(y, null),
                self._log_likelihood(y, mu, w),
            )
        sums = exact_sums(*columns_of) if len(y) else empty_sums(_N_SUMS)
        width = preds.shape[1] if not self.is_classifier else 2
        base = self.base.map(np.ascontiguousarray(preds[:, :width]), actual, weights)
        return GLMPartial(base, len(y), sums)

    def _map_classes(self, preds: F64, actual: F64, weights: F64 | None) -> GLMPartial:
        w = np.ones(len(actual)) if weights is None else weights
        usable = np.flatnonzero(~np.isnan(actual) & ~np.isnan(preds[:, 0]) & (w > 0))
        y, w = actual[usable].astype(np.int64), w[usable]
        assert self.class_shares is not None
        with np.errstate(divide="ignore"):
            residual = -2.0 * w * np.log(preds[usable, y])
            null = -2.0 * w * np.log(self.class_shares[y])
        sums = exact_sums(w, residual, null, -0.5 * residual) if len(y) else empty_sums(_N_SUMS)
        return GLMPartial(self.base.map(preds, actual, weights), len(y), sums)

    @property
    def is_classifier(self) -> bool:
        """Whether predictions are class probabilities."""
        return self.family.name in ("binomial", "multinomial", "ordinal")

    def _n_free(self, n_obs: int) -> int:
        """Return the residual degrees of freedom; ordinal classes share their slopes."""
        if self.family.name == "ordinal" and self.class_shares is not None:
            n_slopes = (self.rank - 1) // (len(self.class_shares) - 1)
            return n_obs - (n_slopes + int(np.count_nonzero(self.class_shares)) - 1)
        return n_obs - self.rank

    def _log_likelihood(self, y: F64, mu: F64, w: F64) -> F64:
        """Return the log likelihood of the rows, where it is asked for or H2O's AIC needs it."""
        if self.likelihood is not None:
            return log_likelihood(self.family, y, mu, w, self.likelihood.dispersion)
        if self.family.name == "poisson":
            from scipy.special import gammaln

            term: F64 = w * (y * np.log(mu) - gammaln(np.rint(y) + 1.0) - mu)
            return term
        return np.zeros_like(y)

    def combine(self, a: GLMPartial, b: GLMPartial) -> GLMPartial:
        base = self.base.combine(a.base, b.base)
        return GLMPartial(base, a.n_obs + b.n_obs, combine_sums(a.sums, b.sums))

    def refinement(self, total: GLMPartial) -> MetricBuilder[Any] | None:
        return self.base.refinement(total.base)

    def refined(self, total: GLMPartial, more: Any) -> GLMPartial:
        return GLMPartial(self.base.refined(total.base, more), total.n_obs, total.sums)

    def finish(self, total: GLMPartial | None) -> Any:
        if total is None or total.n_obs == 0:
            return self.base.finish(None if total is None else total.base)
        metrics = self.base.finish(total.base)
        w, residual, null, likelihood = sum_values(total.sums)
        extra = {
            "residual_deviance": residual,
            "null_deviance": null,
            "residual_degrees_of_freedom": self._n_free(total.n_obs),
            "null_degrees_of_freedom": total.n_obs - int(self.intercept),
            "AIC": self._aic(total.n_obs, residual, likelihood),
            "loglikelihood": math.nan if self.likelihood is None else likelihood,
        }
        changes: dict[str, Any] = {"extra": {**metrics.extra, **extra}}
        if hasattr(metrics, "mean_residual_deviance"):
            changes["mean_residual_deviance"] = residual / w
        return metrics.replace(**changes)

    def _aic(self, n_obs: int, residual: float, likelihood: float) -> float:
        name = self.family.name
        if self.likelihood is not None:
            return 2.0 * self.likelihood.n_estimated - 2.0 * likelihood
        if name == "gaussian":
            if residual <= 0:
                return -math.inf
            fit = n_obs * (math.log(residual / n_obs * 2 * math.pi) + 1) + 2
        elif name in ("binomial", "quasibinomial", "fractionalbinomial"):
            fit = residual
        elif name == "poisson":
            fit = -2 * likelihood
        else:
            return math.nan
        return fit + 2 * self.rank
