"""Distributions of the response: initial value, bounds of the gradient, values of leaves.

See `dh2o.estimators.trees.gradients` for the residuals; W is the weight of a leaf, G the sum of
its weighted residuals, D the sum of its leaf terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.gbm.response import ResponseFacts
from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.gradients import Loss

__all__ = ["Distribution", "distribution_of"]

_MAX_LOG = 19.0
_MAX_MULTINOMIAL = 1e4


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution with its parameter, as the boosting loop uses it."""

    name: str
    loss: Loss
    param: float = 0.0
    n_classes: int = 1
    link: str = ""  # of a custom distribution
    custom: Any = None  # what computes its terms: see `dh2o.estimators.gbm.custom`

    @property
    def has_log_link(self) -> bool:
        """Whether scores are logarithms of predictions."""
        return self.loss in (Loss.POISSON, Loss.GAMMA, Loss.TWEEDIE)

    @property
    def fits_quantiles(self) -> bool:
        """Whether leaves are quantiles of the residuals."""
        return self.loss in (Loss.LAPLACE, Loss.QUANTILE, Loss.HUBER)

    @property
    def alpha(self) -> float:
        """The quantile that leaves hold."""
        return self.param if self.loss is Loss.QUANTILE else 0.5

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Largest |z| and d of a row of weight 1; None if they depend on the data."""
        if self.loss in (Loss.BERNOULLI, Loss.MULTINOMIAL):
            return 1.0, 0.25
        if self.loss in (Loss.LAPLACE, Loss.QUANTILE):
            return 0.5, 1.0
        if self.loss is Loss.HUBER:
            return max(self.param, 1e-300), 1.0
        return None

    @property
    def needs_terms(self) -> bool:
        """Whether the value of a leaf depends on the sum of leaf terms."""
        return self.loss in (Loss.BERNOULLI, Loss.MULTINOMIAL, Loss.POISSON, Loss.TWEEDIE)

    def initial(self, facts: ResponseFacts) -> float:
        """Return f0 as far as sums tell it: quantiles are found later."""
        mean = facts.sum_wy / facts.sum_w
        if self.loss is Loss.BERNOULLI:
            p = min(max(mean, 1e-15), 1 - 1e-15)
            return float(np.log(p / (1.0 - p)))
        if self.loss is Loss.MULTINOMIAL or self.fits_quantiles:
            return 0.0
        if self.has_log_link:
            return max(float(np.log(mean)) if mean > 0 else -_MAX_LOG, -_MAX_LOG)
        return mean

    @property
    def scale(self) -> str:
        """Name of the distribution whose predictions are made from scores in the same way."""
        if self.custom is None:
            return self.name
        if self.n_classes > 1:
            return "multinomial" if self.n_classes > 2 else "bernoulli"
        return {"log": "poisson", "inverse": "inverse", "logit": "logit"}.get(self.link, "gaussian")

    @property
    def is_multinomial(self) -> bool:
        """Whether there is a tree for each class."""
        return self.n_classes > 2

    @property
    def class_factor(self) -> float:
        """Factor of leaf values: (K - 1) / K with a tree for each of K classes."""
        return (self.n_classes - 1) / self.n_classes if self.is_multinomial else 1.0

    def from_mean(self, g: F64) -> F64:
        """Return the values of leaves whose numerators over denominators are `g`."""
        if not self.has_log_link:
            return g
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(g > 0, np.maximum(np.log(g), -_MAX_LOG), -_MAX_LOG)

    def from_sums(self, over: F64, under: F64) -> F64:
        """Return the values of leaves by H2O's formula, before the learning rate."""
        some = under != 0
        values = self.from_mean(over / np.where(some, under, 1.0))
        return np.where(some, values, 0.0)

    def leaf_values(self, weight: F64, gradient: F64, terms: F64) -> F64:
        """Return the values of leaves, before the learning rate."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.loss is Loss.BERNOULLI:
                values = gradient / terms
                limit = _MAX_MULTINOMIAL
            elif self.loss is Loss.MULTINOMIAL:
                values = (self.n_classes - 1) / self.n_classes * gradient / terms
                limit = _MAX_MULTINOMIAL
            elif self.loss is Loss.GAMMA:
                values, limit = np.log((gradient + weight) / weight), _MAX_LOG
            elif self.has_log_link:
                values, limit = np.log((gradient + terms) / terms), _MAX_LOG
            else:
                values, limit = gradient / weight, np.inf
        values = np.where(np.isnan(values), -limit if self.has_log_link else 0.0, values)
        return np.clip(values, -limit, limit)


_LOSSES = {
    "gaussian": Loss.GAUSSIAN,
    "bernoulli": Loss.BERNOULLI,
    "quasibinomial": Loss.BERNOULLI,
    "multinomial": Loss.MULTINOMIAL,
    "poisson": Loss.POISSON,
    "gamma": Loss.GAMMA,
    "tweedie": Loss.TWEEDIE,
    "laplace": Loss.LAPLACE,
    "quantile": Loss.QUANTILE,
    "huber": Loss.HUBER,
    "custom": Loss.GAUSSIAN,
}


def distribution_of(
    name: str, n_classes: int, tweedie_power: float, quantile_alpha: float, custom: Any = None
) -> Distribution:
    """Return the distribution by H2O's name."""
    if custom is not None:
        return Distribution(name, Loss.GAUSSIAN, 0.0, n_classes, custom.link, custom)
    param = {"tweedie": tweedie_power, "quantile": quantile_alpha}.get(name, 0.0)
    return Distribution(name, _LOSSES[name], param, n_classes)
