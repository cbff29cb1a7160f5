"""Links of generalized linear models: eta = g(mu)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_SMALL = 1e-6  # mu (1 - mu) below this counts as this
_TINY = 2e-16
_MIN_NORMAL = 2.2250738585072014e-308
_MIN_INVERSE = 1e-5


@dataclass(frozen=True, slots=True)
class Link(ABC):
    """A monotone function between the mean of the response and the linear predictor."""

    name: ClassVar[str]

    @abstractmethod
    def link(self, mu: F64) -> F64:
        """Return eta of `mu`."""

    @abstractmethod
    def inverse(self, eta: F64) -> F64:
        """Return mu of `eta`."""

    @abstractmethod
    def slope(self, mu: F64) -> F64:
        """Return d eta / d mu."""

    def inverse_slopes(self, eta: F64, mu: F64) -> tuple[F64, F64]:
        """Return d mu / d eta and its own derivative, which observed Hessians need."""
        raise NotImplementedError(f"the {self.name} link has no second derivative here")


@dataclass(frozen=True, slots=True)
class IdentityLink(Link):
    """eta = mu."""

    name: ClassVar[str] = "identity"

    def link(self, mu: F64) -> F64:
        return mu

    def inverse(self, eta: F64) -> F64:
        return eta

    def slope(self, mu: F64) -> F64:
        return np.ones_like(mu)

    def inverse_slopes(self, eta: F64, mu: F64) -> tuple[F64, F64]:
        return np.ones_like(eta), np.zeros_like(mu)


@dataclass(frozen=True, slots=True)
class LogitLink(Link):
    """eta = log(mu / (1 - mu))."""

    name: ClassVar[str] = "logit"

    def link(self, mu: F64) -> F64:
        return np.log(mu / (1.0 - mu))

    def inverse(self, eta: F64) -> F64:
        return 1.0 / (np.exp(-eta) + 1.0)

    def slope(self, mu: F64) -> F64:
        return 1.0 / np.maximum(mu * (1.0 - mu), _SMALL)


@dataclass(frozen=True, slots=True)
class LogLink(Link):
    """eta = log(mu)."""

    name: ClassVar[str] = "log"

    def link(self, mu: F64) -> F64:
        return np.log(mu)

    def inverse(self, eta: F64) -> F64:
        return np.exp(eta)

    def slope(self, mu: F64) -> F64:
        return 1.0 / mu

    def inverse_slopes(self, eta: F64, mu: F64) -> tuple[F64, F64]:  # noqa: ARG002
        slope = np.maximum(mu, _MIN_NORMAL)
        return slope, slope


@dataclass(frozen=True, slots=True)
class InverseLink(Link):
    """eta = 1 / mu."""

    name: ClassVar[str] = "inverse"

    def link(self, mu: F64) -> F64:
        return 1.0 / _away_from_zero(np.asarray(mu))

    def inverse(self, eta: F64) -> F64:
        return 1.0 / _away_from_zero(np.asarray(eta))

    def slope(self, mu: F64) -> F64:
        return -1.0 / (mu * mu)


@dataclass(frozen=True, slots=True)
class TweedieLink(Link):
    """eta = mu**power; the logarithm for power 0."""

    name: ClassVar[str] = "tweedie"
    power: float = 1.0

    def link(self, mu: F64) -> F64:
        return np.log(mu) if self.power == 0 else np.power(mu, self.power)

    def inverse(self, eta: F64) -> F64:
        if self.power == 0:
            return np.maximum(np.exp(eta), _TINY)
        return np.power(eta, 1.0 / self.power)

    def slope(self, mu: F64) -> F64:
        if self.power == 0:
            return 1.0 / np.maximum(mu, _TINY)
        return self.power * np.power(mu, self.power - 1.0)

    def inverse_slopes(self, eta: F64, mu: F64) -> tuple[F64, F64]:
        if self.power == 0:
            slope = np.maximum(mu, _MIN_NORMAL)
            return slope, slope
        exponent = 1.0 / self.power
        inverse = np.where(eta == 0, 1.0 / _SMALL, 1.0 / np.where(eta == 0, 1.0, eta))
        return mu * exponent * inverse, mu * exponent * (exponent - 1.0) * inverse * inverse


@dataclass(frozen=True, slots=True)
class ClassLink(Link):
    """Links of several classes, which have no single mean: only their names are of use here."""

    def link(self, mu: F64) -> F64:  # noqa: ARG002
        raise TypeError(f"the {self.name} link is of several classes")

    def inverse(self, eta: F64) -> F64:  # noqa: ARG002
        raise TypeError(f"the {self.name} link is of several classes")

    def slope(self, mu: F64) -> F64:  # noqa: ARG002
        raise TypeError(f"the {self.name} link is of several classes")


@dataclass(frozen=True, slots=True)
class SoftmaxLink(ClassLink):
    """P(class) is proportional to exp(eta of the class)."""

    name: ClassVar[str] = "multinomial"


@dataclass(frozen=True, slots=True)
class OrderedLogitLink(ClassLink):
    """P(class <= k) = logistic(eta_k)."""

    name: ClassVar[str] = "ologit"


def _away_from_zero(x: F64) -> F64:
    return np.where(x < 0, np.minimum(-_MIN_INVERSE, x), np.maximum(_MIN_INVERSE, x))


def link_of(name: str, power: float = 1.0) -> Link:
    """Return the link of this H2O name; `power` is the Tweedie link's."""
    links: dict[str, Link] = {
        "identity": IdentityLink(),
        "logit": LogitLink(),
        "log": LogLink(),
        "inverse": InverseLink(),
        "tweedie": TweedieLink(power),
        "multinomial": SoftmaxLink(),
        "ologit": OrderedLogitLink(),
    }
    return links[name]
