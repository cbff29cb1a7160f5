"""``custom_distribution_func``: users' distributions in the cluster, found by reference.

Python only.  The shape is H2O's ``CDistributionFunc``: ``link()`` names the link; ``init(w, o, y)``
and
``gamma(w, y, z, f)`` return [numerator, denominator] of the first score and of a leaf's value;
``gradient(y, f)`` is the residual, with several classes ``gradient(y, f, l)`` for the probability f
of class l.  Functions that take arrays are called with arrays, others row by row.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ParameterError
from dh2o.estimators.gbm.response import used_rows
from dh2o.estimators.messages import Message
from dh2o.estimators.trees.arrays import F64
from dh2o.mrtask import MRTask, current_engine

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = [
    "CustomDistribution",
    "CustomStart",
    "custom_messages",
    "distribution_reference",
    "stored_distribution",
    "upload_distribution",
]

_LANGUAGE = "python"
_METHODS = ("link", "init", "gradient", "gamma")
_LINKS = ("identity", "log", "logit", "inverse")
_MIN_LOG = -19.0


@dataclass(frozen=True, eq=False)
class CustomDistribution:
    """A user's distribution: its name, and an object with H2O's four methods.

    Called with (y, f, w, k, p), it returns residuals, numerators and denominators of rows; p are
    the probabilities of class k where there are several.
    """

    name: str
    function: Any

    @classmethod
    def of(cls, given: Any, name: str | None = None) -> CustomDistribution:
        """Return the distribution that a class or an object is."""
        own = str(name or getattr(given, "__name__", type(given).__name__))
        made: Any = given() if inspect.isclass(given) else given
        missing = [method for method in _METHODS if not callable(getattr(made, method, None))]
        if missing:
            raise ParameterError(
                f"custom_distribution_func: {own} has no method {', '.join(missing)}. A "
                "distribution has link(), init(w, o, y), gradient(y, f) or gradient(y, f, l), and "
                "gamma(w, y, z, f)."
            )
        if made.link() not in _LINKS:
            raise ParameterError(
                f"custom_distribution_func: link of {own} must be one of {', '.join(_LINKS)}, "
                f"got {made.link()!r}."
            )
        return cls(own, made)

    @property
    def link(self) -> str:
        """Name of the link."""
        return str(self.function.link())

    def link_of(self, mean: float) -> float:
        """Return the score of a mean."""
        if self.link == "log":
            return max(float(np.log(mean)), _MIN_LOG) if mean > 0 else _MIN_LOG
        if self.link == "logit":
            p = min(max(mean, 1e-15), 1 - 1e-15)
            return float(np.log(p / (1 - p)))
        if self.link == "inverse":
            return 1.0 / (mean if mean != 0 else 1e-300)
        return mean

    def init(self, w: F64, o: F64, y: F64) -> tuple[F64, F64]:
        """Return what each row adds to numerator and denominator of the first mean."""
        over, under = self._called("init", 2, w, o, y)
        return over, under

    def __call__(self, y: F64, f: F64, w: F64, k: int, p: F64 | None) -> tuple[F64, F64, F64]:
        """Return residual, numerator and denominator of each row."""
        if p is None:
            (z,) = self._called("gradient", 1, y, f)
        else:
            p = p.astype(np.float32).astype(np.float64)
            (z,) = self._called("gradient", 1, y, p, np.full(len(y), float(k)))
        z = z.astype(np.float32).astype(np.float64)
        over, under = self._called("gamma", 2, w, y, z, f)
        return z, over, under

    def _called(self, method: str, n: int, *rows: F64) -> tuple[F64, ...]:
        """Return the `n` results of a method, by row."""
        fn, size = getattr(self.function, method), len(rows[0])
        try:
            return _by_row(fn, n, rows) if size < _FEW else _by_array(fn, n, rows)
        except Exception as problem:  # whatever the user's code raises
            raise ParameterError(
                f"custom_distribution_func: {self.name}.{method} failed: "
                f"{type(problem).__name__}: {problem}"
            ) from problem


_FEW = 16


def _by_row(fn: Callable[..., Any], n: int, rows: tuple[F64, ...]) -> tuple[F64, ...]:
    results = [fn(*values) for values in zip(*(r.tolist() for r in rows), strict=True)]
    table = np.array(results, np.float64).reshape(len(rows[0]), n)
    return tuple(np.ascontiguousarray(table[:, j]) for j in range(n))


def _by_array(fn: Callable[..., Any], n: int, rows: tuple[F64, ...]) -> tuple[F64, ...]:
    """Return the results from one call with arrays, if it does what calls by row do."""
    some = np.linspace(0, len(rows[0]) - 1, _FEW).astype(np.int64)
    wanted = _by_row(fn, n, tuple(r[some] for r in rows))
    try:
        with np.errstate(all="ignore"):
            result = fn(*rows)
        parts = (result,) if n == 1 else tuple(result)
        found = tuple(np.broadcast_to(np.asarray(p, np.float64), rows[0].shape) for p in parts)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return _by_row(fn, n, rows)
    same = len(found) == n and all(
        np.array_equal(a[some], b, equal_nan=True) for a, b in zip(found, wanted, strict=True)
    )
    return found if same else _by_row(fn, n, rows)


@dataclass(frozen=True, slots=True)
class CustomStart(MRTask[tuple[float, float], float]):
    """The mean before the first tree: sum of numerators over sum of denominators."""

    custom: CustomDistribution
    response: str
    weights: str | None
    offset: str | None

    def map(self, block: Block) -> tuple[float, float]:
        y, w, o = used_rows(block, self.response, self.weights, self.offset)
        if not len(y):
            return 0.0, 0.0
        over, under = self.custom.init(w, o, y)
        return float(over.sum()), float(under.sum())

    def combine(self, a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        return a[0] + b[0], a[1] + b[1]

    def finish(self, total: tuple[float, float] | None) -> float:
        over, under = total or (0.0, 0.0)
        return over / under if under else 0.0


def upload_distribution(given: Any, name: str | None = None) -> str:
    """Store a distribution in the cluster and return its reference, ``python:key=name``."""
    custom = CustomDistribution.of(given, name)
    key = name or f"distributions_{custom.name}"
    current_engine().dkv.put(key, custom, kind="custom_distribution")
    return f"{_LANGUAGE}:{key}={custom.name}"


def distribution_reference(given: Any) -> str:
    """Return the reference of a distribution that is given as such, or as a class or an object."""
    return given if isinstance(given, str) else upload_distribution(given)


def stored_distribution(params: Mapping[str, Any]) -> CustomDistribution | None:
    """Return the distribution that parameters refer to, None if it is not there."""
    language, _, rest = str(params["custom_distribution_func"] or "").partition(":")
    key = rest.partition("=")[0]
    found = current_engine().dkv.find(key) if language == _LANGUAGE and key else None
    return found if isinstance(found, CustomDistribution) else None


def custom_messages(
    params: Mapping[str, Any], n_classes: int, offset: str | None
) -> Iterable[Message]:
    """Return why the custom distribution that was asked for cannot be fitted."""
    if params["distribution"] != "custom":
        return
    reference = params["custom_distribution_func"]
    if reference is None:
        yield Message.error(
            "distribution",
            "Custom requires custom function loaded: give custom_distribution_func a class with "
            "link, init, gradient and gamma.",
        )
        return
    custom = stored_distribution(params)
    if custom is None:
        yield Message.error(
            "custom_distribution_func",
            f"There is no distribution under {str(reference)[:200]!r}. Functions that a client "
            "sends over REST are not run here; custom distributions work in dh2o's Python API "
            "(dh2o.upload_custom_distribution).",
        )
    elif n_classes == 2 and custom.link != "logit":
        yield Message.error(
            "custom_distribution_func",
            f"With two classes the link must be logit, that of {custom.name} is {custom.link}.",
        )
    if n_classes > 1 and offset is not None:
        yield Message.error("offset_column", "Offset is not supported for custom distribution.")
