"""Families of generalized linear models: what they weigh, and what they call a bad fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dh2o.models.glm_link import Link

F64 = NDArray[np.float64]

_SMALL = 1e-6
_MIN_NORMAL = 2.2250738585072014e-308


class Newton(NamedTuple):
    """What a step needs: derivatives of the likelihood by eta (without the offset), and its sum."""

    weight: F64
    residual: F64
    nll: float


@dataclass(frozen=True, slots=True)
class Family(ABC):
    """A distribution of the response around its mean. Arrays in, arrays out, one entry per row."""

    name: ClassVar[str]
    default_link: ClassVar[str]
    links: ClassVar[tuple[str, ...]]
    #: The deviance is this times the negative log likelihood that is minimised.
    deviance_factor: ClassVar[float] = 1.0
    #: Histories show the likelihood times this: H2O has the deviance in its place here and there.
    shown_factor: ClassVar[float] = 1.0
    #: Whether the dispersion is 1 by definition (normal, not t quantiles for p-values).
    known_dispersion: ClassVar[bool] = False

    def is_newton(self, link: Link) -> bool:
        """Return whether `newton` gives the Hessian itself: the link is canonical."""
        return link.name == self.default_link

    @abstractmethod
    def variance(self, mu: F64) -> F64:
        """Return the variance of the response as a function of its mean."""

    @abstractmethod
    def deviance(self, y: F64, mu: F64) -> F64:
        """Return the deviance of each row, unweighted."""

    def nll(self, y: F64, mu: F64) -> F64:
        """Return the negative log likelihood that is minimised, up to constants."""
        return 0.5 * self.deviance(y, mu)

    def newton(self, link: Link, y: F64, eta: F64, offset: F64 | None, w: F64) -> Newton:
        """Return weights and residuals at `eta` (without the offset): by Fisher's scoring."""
        mu = link.inverse(eta if offset is None else eta + offset)
        slope = link.slope(mu)
        weight = w / (self.variance(mu) * slope * slope)
        return Newton(weight, weight * (mu - y) * slope, float(w @ self.nll(y, mu)))


@dataclass(frozen=True, slots=True)
class Gaussian(Family):
    """Normal errors: variance 1."""

    name: ClassVar[str] = "gaussian"
    default_link: ClassVar[str] = "identity"
    links: ClassVar[tuple[str, ...]] = ("identity", "log", "inverse")
    deviance_factor: ClassVar[float] = 2.0

    def variance(self, mu: F64) -> F64:
        return np.ones_like(mu)

    def deviance(self, y: F64, mu: F64) -> F64:
        return (y - mu) ** 2

    def nll(self, y: F64, mu: F64) -> F64:
        return 0.5 * (y - mu) ** 2


@dataclass(frozen=True, slots=True)
class Binomial(Family):
    """Two classes, the response being 0 or 1: variance mu (1 - mu)."""

    name: ClassVar[str] = "binomial"
    default_link: ClassVar[str] = "logit"
    links: ClassVar[tuple[str, ...]] = ("logit",)
    deviance_factor: ClassVar[float] = 2.0
    known_dispersion: ClassVar[bool] = True

    def variance(self, mu: F64) -> F64:
        return np.maximum(mu * (1.0 - mu), _SMALL)

    def deviance(self, y: F64, mu: F64) -> F64:
        return 2.0 * self.nll(y, mu)

    def nll(self, y: F64, mu: F64) -> F64:
        actual = np.abs(np.where(y > 0.5, 0.0, 1.0) - mu)
        return 0.0 - np.log(np.maximum(actual, _MIN_NORMAL))

    def newton(self, link: Link, y: F64, eta: F64, offset: F64 | None, w: F64) -> Newton:
        mu = link.inverse(eta if offset is None else eta + offset)
        nll = float(w @ self.nll(y, mu))
        weight = w * self.variance(mu)  # the logit's slope is 1 / variance
        return Newton(weight, w * (mu - y), nll)


@dataclass(frozen=True, slots=True)
class FractionalBinomial(Binomial):
    """A response between 0 and 1."""

    name: ClassVar[str] = "fractionalbinomial"
    known_dispersion: ClassVar[bool] = False

    def nll(self, y: F64, mu: F64) -> F64:
        return _y_log_ratio(y, mu) + _y_log_ratio(1.0 - y, 1.0 - mu)


@dataclass(frozen=True, slots=True)
class QuasiBinomial(Binomial):
    """Numeric responses of about 0 and 1, with the dispersion left free."""

    name: ClassVar[str] = "quasibinomial"
    known_dispersion: ClassVar[bool] = False

    def deviance(self, y: F64, mu: F64) -> F64:
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = y * np.log(mu) + (1.0 - y) * np.log(1.0 - mu)
        return np.where(y == mu, 0.0, -2.0 * inside)

    def nll(self, y: F64, mu: F64) -> F64:
        return 0.5 * self.deviance(y, mu)


@dataclass(frozen=True, slots=True)
class Poisson(Family):
    """Counts: variance mu."""

    name: ClassVar[str] = "poisson"
    default_link: ClassVar[str] = "log"
    links: ClassVar[tuple[str, ...]] = ("log", "identity")
    known_dispersion: ClassVar[bool] = True
    deviance_factor: ClassVar[float] = 2.0
    shown_factor: ClassVar[float] = 2.0

    def variance(self, mu: F64) -> F64:
        return mu

    def deviance(self, y: F64, mu: F64) -> F64:
        return 2.0 * (_y_log_ratio(y, mu) - (y - mu))


@dataclass(frozen=True, slots=True)
class Gamma(Family):
    """Positive responses with a constant coefficient of variation: variance mu**2."""

    name: ClassVar[str] = "gamma"
    default_link: ClassVar[str] = "inverse"
    links: ClassVar[tuple[str, ...]] = ("inverse", "log", "identity")
    deviance_factor: ClassVar[float] = 2.0
    shown_factor: ClassVar[float] = 2.0

    def variance(self, mu: F64) -> F64:
        return mu * mu

    def deviance(self, y: F64, mu: F64) -> F64:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(y == 0, -2.0, -2.0 * (np.log(y / mu) - (y - mu) / mu))


@dataclass(frozen=True, slots=True)
class Tweedie(Family):
    """Variance mu**power; steps use the observed Hessian."""

    name: ClassVar[str] = "tweedie"
    default_link: ClassVar[str] = "tweedie"
    links: ClassVar[tuple[str, ...]] = ("tweedie",)
    power: float = 0.0

    def variance(self, mu: F64) -> F64:
        return np.power(mu, self.power)

    def deviance(self, y: F64, mu: F64) -> F64:
        p = self.power
        y1 = np.where(y == 0, 0.1, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            if p == 1:
                return 2.0 * (y * np.log(y1 / mu) - (y - mu))
            if p == 2:
                return 2.0 * (y * (1.0 / mu - 1.0 / y1) - np.log(y1 / mu))
            first = y / (1.0 - p) * (np.power(y1, 1.0 - p) - np.power(mu, 1.0 - p))
            second = (np.power(y, 2.0 - p) - np.power(mu, 2.0 - p)) / (2.0 - p)
            return 2.0 * (np.where(y == 0, 0.0, first) - second)

    def nll(self, y: F64, mu: F64) -> F64:
        p = self.power
        with np.errstate(divide="ignore", invalid="ignore"):
            if p == 1:
                return mu - y * np.log(mu)
            if p == 2:
                return np.log(mu) + y / mu
            return np.power(mu, 2.0 - p) / (2.0 - p) - y * np.power(mu, 1.0 - p) / (1.0 - p)

    def newton(self, link: Link, y: F64, eta: F64, offset: F64 | None, w: F64) -> Newton:
        full = eta if offset is None else eta + offset
        mu = link.inverse(full)
        d1, d2 = link.inverse_slopes(full, mu)
        p = self.power
        with np.errstate(divide="ignore", invalid="ignore"):
            score = (y - mu) * np.power(mu, -p)
            curve = p * y * np.power(mu, -p - 1.0) + (1.0 - p) * np.power(mu, -p)
        weight = w * (curve * d1 * d1 - score * d2)
        return Newton(weight, -w * score * d1, float(w @ self.nll(y, mu)))


@dataclass(frozen=True, slots=True)
class NegativeBinomial(Family):
    """Counts with variance mu + theta mu**2; steps use the observed Hessian."""

    name: ClassVar[str] = "negativebinomial"
    default_link: ClassVar[str] = "log"
    links: ClassVar[tuple[str, ...]] = ("log", "identity")
    theta: float = 1e-10

    def is_newton(self, link: Link) -> bool:  # noqa: ARG002
        return True

    def variance(self, mu: F64) -> F64:
        return mu + mu * mu * self.theta

    def deviance(self, y: F64, mu: F64) -> F64:
        t, inv = self.theta, 1.0 / self.theta
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = np.where(mu <= 0, 0.0, 2.0 * inv * np.log1p(t * mu))
            ratio = np.log((1.0 + t * mu) / (1.0 + t * y))
            other = 2.0 * ((inv + y) * ratio + _y_log_ratio(y, mu))
        return np.where(y == 0, zero, other)

    def nll(self, y: F64, mu: F64) -> F64:
        from scipy.special import gammaln

        t, inv = self.theta, 1.0 / self.theta
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = inv * np.log1p(t * mu) + y * np.log1p(t * mu) - y * np.log(mu) - y * np.log(t)
        constant = gammaln(y + inv) - gammaln(inv) - gammaln(y + 1.0)
        return np.where((y > 0) & (mu > 0), rest - constant, inv * np.log1p(t * np.maximum(mu, 0)))

    def newton(self, link: Link, y: F64, eta: F64, offset: F64 | None, w: F64) -> Newton:
        full = eta if offset is None else eta + offset
        mu = link.inverse(full)
        d1, d2 = link.inverse_slopes(full, mu)
        t = self.theta
        shrink = 1.0 / (1.0 + t * mu)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = y / mu - (1.0 + t * y) * shrink
            curve = y / (mu * mu) - t * (1.0 + t * y) * shrink * shrink
        weight = w * (curve * d1 * d1 - score * d2)
        usable = mu > 0
        return Newton(
            np.where(usable, weight, 0.0),
            np.where(usable, -w * score * d1, 0.0),
            float(w @ self.nll(y, mu)),
        )


@dataclass(frozen=True, slots=True)
class Classes(Family):
    """Classes of which each row has one: no single mean, so nothing is measured around it."""

    deviance_factor: ClassVar[float] = 2.0
    known_dispersion: ClassVar[bool] = True

    def variance(self, mu: F64) -> F64:  # noqa: ARG002
        raise TypeError(f"the {self.name} family has no variance around a mean")

    def deviance(self, y: F64, mu: F64) -> F64:  # noqa: ARG002
        raise TypeError(f"the {self.name} family has no deviance from a mean")


@dataclass(frozen=True, slots=True)
class Multinomial(Classes):
    """More than two classes, one predictor each."""

    name: ClassVar[str] = "multinomial"
    default_link: ClassVar[str] = "multinomial"
    links: ClassVar[tuple[str, ...]] = ("multinomial",)


@dataclass(frozen=True, slots=True)
class Ordinal(Classes):
    """More than two classes in an order: proportional odds."""

    name: ClassVar[str] = "ordinal"
    default_link: ClassVar[str] = "ologit"
    links: ClassVar[tuple[str, ...]] = ("ologit",)


def _y_log_ratio(y: F64, mu: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, 0.0, y * np.log(y / np.maximum(mu, _MIN_NORMAL)))


FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (
        Gaussian, Binomial, QuasiBinomial, FractionalBinomial, Poisson, Gamma, Tweedie,
        NegativeBinomial, Multinomial, Ordinal,
    )
}  # fmt: skip


def family_of(name: str, variance_power: float = 0.0, theta: float = 1e-10) -> Family:
    """Return the family of this H2O name."""
    if name == "tweedie":
        return Tweedie(variance_power)
    if name == "negativebinomial":
        return NegativeBinomial(theta)
    return FAMILIES[name]()
