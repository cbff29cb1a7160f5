"""Log likelihoods of linear models with all their constants; weights divide the dispersion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.models.glm_family import Family, Tweedie

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What the full likelihood and AIC need: the dispersion, and how many numbers were fitted."""

    dispersion: float
    n_estimated: int


def log_likelihood(family: Family, y: F64, mu: F64, w: F64, dispersion: float) -> F64:
    """Return the log density of each row at mean `mu`; NaN where the family has none.

    `dispersion` is the variance of gaussian, phi of gamma and tweedie, theta of the negative
    binomial (variance mu + theta mu^2); others have none.
    """
    from scipy.special import gammaln, xlog1py, xlogy

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if family.name == "gaussian":
            phi = dispersion / w
            return -0.5 * ((y - mu) ** 2 / phi + np.log(2.0 * np.pi * phi))
        if family.name in ("binomial", "quasibinomial", "fractionalbinomial"):
            return w * (xlogy(y, mu) + xlog1py(1.0 - y, -mu))
        if family.name == "poisson":
            return w * (xlogy(y, mu) - mu - gammaln(y + 1.0))
        if family.name == "gamma":
            shape = w / dispersion
            return shape * np.log(shape * y / mu) - shape * y / mu - np.log(y) - gammaln(shape)
        if family.name == "negativebinomial":
            k = 1.0 / dispersion
            constant = gammaln(y + k) - gammaln(k) - gammaln(y + 1.0)
            return w * (constant + xlogy(y, mu / (mu + k)) + k * np.log(k / (mu + k)))
        if isinstance(family, Tweedie):
            return _tweedie(y, mu, dispersion / w, family.power)
    return np.full_like(mu, np.nan)


def _tweedie(y: F64, mu: F64, phi: F64, p: float) -> F64:
    """Return the log density by the series of Dunn and Smyth, which is Wright's Bessel function."""
    from scipy.special import log_wright_bessel

    if not 1.0 < p < 2.0:
        return np.full_like(mu, np.nan)
    theta = (y * mu ** (1.0 - p) / (1.0 - p) - mu ** (2.0 - p) / (2.0 - p)) / phi
    a = (2.0 - p) / (p - 1.0)
    z = (y / (p - 1.0)) ** a / (phi ** (1.0 + a) * (2.0 - p))
    positive = y > 0
    safe = np.where(positive, z, 1.0)
    series = np.where(positive, log_wright_bessel(a, 0.0, safe) - np.log(np.where(y > 0, y, 1)), 0)
    return np.where(y < 0, np.nan, theta + series)
