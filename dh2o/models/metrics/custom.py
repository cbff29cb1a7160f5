"""Metrics that users define: a function of each row's prediction, and how rows are put together.

The shape is H2O's ``CMetricFunc``: ``map(pred, act, w, o, model)`` of a row, ``reduce(l, r)``,
``metric(l)``. ``reduce`` must not care about the order. One that adds lists of numbers is carried
out with exact sums, so that the result has the same bits however rows are grouped.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError, ParameterError
from dh2o.models.columns import Columns
from dh2o.models.metrics.base import F64, MetricBuilder
from dh2o.models.metrics.exact_sum import combine_sums, exact_sums, sum_values
from dh2o.models.metrics.rows import usable_rows

__all__ = ["CustomMetric", "CustomMetricBuilder"]

_METHODS = ("map", "reduce", "metric")
_PROBES = np.random.default_rng(0).normal(size=(3, 2, 64))


@dataclass(frozen=True, eq=False)
class CustomMetric:
    """A user's metric: its name, and an object with ``map``, ``reduce`` and ``metric``."""

    name: str
    function: Any

    @classmethod
    def of(cls, given: Any, name: str | None = None) -> CustomMetric:
        """Return the metric that a class, an object or a function of (pred, act) is.

        The values of a plain function are averaged over the rows, by weight.
        """
        own = str(name or getattr(given, "__name__", type(given).__name__))
        if isinstance(given, CustomMetric):
            return given if name is None else dataclasses.replace(given, name=name)
        made = given() if inspect.isclass(given) else given
        missing = [method for method in _METHODS if not callable(getattr(made, method, None))]
        if not missing:
            return cls(own, made)
        if callable(made) and not inspect.isclass(given):
            return cls(own, MeanOf(made))
        raise ParameterError(
            f"custom_metric_func: {own} has no method {', '.join(missing)}. A metric has "
            "map(pred, act, w, o, model), reduce(l, r) and metric(l)."
        )


@dataclass(frozen=True, slots=True)
class MeanOf:
    """The weighted mean of a function of prediction and response."""

    function: Callable[[Any, Any], float]

    def map(self, pred: Any, act: Any, w: float, o: float, model: Any) -> list[float]:  # noqa: ARG002
        """Return the value times the weight, and the weight."""
        return [w * float(self.function(pred, act)), w]

    def reduce(self, left: list[float], right: list[float]) -> list[float]:
        """Return the sums."""
        return [left[0] + right[0], left[1] + right[1]]

    def metric(self, total: list[float]) -> float:
        """Return the mean."""
        return total[0] / total[1]


@dataclass(frozen=True, slots=True, eq=False)
class CustomPartial:
    """What is known of some rows: the usual metrics' partial, and the user's.

    ``sums`` are exact sums of numbers where ``reduce`` adds; ``state`` what it gave otherwise.
    """

    base: Any
    sums: NDArray[np.int64] | None = None
    state: Any = None


@dataclass(frozen=True, eq=False)
class CustomMetricBuilder(MetricBuilder[CustomPartial]):
    """Measures with another builder and the user's metric."""

    base: MetricBuilder[Any]
    custom: CustomMetric
    offset: str | None = None
    is_classifier: bool = False

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> CustomPartial:
        part = self.base.map(preds, actual, weights)
        return self._with_custom(part, preds, actual, weights, None)

    def map_rows(
        self, columns: Columns, preds: F64, actual: F64, weights: F64 | None = None
    ) -> CustomPartial:
        """Return the partial of rows whose offsets are known."""
        part = self.base.map_rows(columns, preds, actual, weights)
        offsets = columns[self.offset] if self.offset is not None else None
        return self._with_custom(part, preds, actual, weights, offsets)

    def combine(self, a: CustomPartial, b: CustomPartial) -> CustomPartial:
        base = self.base.combine(a.base, b.base)
        if a.sums is not None and b.sums is not None and a.sums.shape == b.sums.shape:
            return CustomPartial(base, combine_sums(a.sums, b.sums))
        left, right = _state(a), _state(b)
        if left is None or right is None:
            some = b if left is None else a
            return CustomPartial(base, some.sums, some.state)
        return CustomPartial(base, None, self.custom.function.reduce(left, right))

    def finish(self, total: CustomPartial | None) -> Any:
        metrics = self.base.finish(None if total is None else total.base)
        state = None if total is None else _state(total)
        value = float("nan") if state is None else self._value(state)
        return metrics.replace(custom_name=self.custom.name, custom_value=value)

    def _value(self, state: Any) -> float:
        try:
            return float(self.custom.function.metric(state))
        except ZeroDivisionError:
            return float("nan")

    def pooled(self) -> CustomMetricBuilder:
        """Return what measures the rows of several models together."""
        return dataclasses.replace(self, base=self.base.pooled())

    def refinement(self, total: CustomPartial) -> MetricBuilder[Any] | None:
        """Return what the usual metrics need in one more pass; the user's needs none."""
        return self.base.refinement(total.base)

    def refined(self, total: CustomPartial, more: Any) -> CustomPartial:
        """Return `total` with the usual metrics made more exact."""
        return dataclasses.replace(total, base=self.base.refined(total.base, more))

    def _with_custom(
        self, part: Any, preds: F64, actual: F64, weights: F64 | None, offsets: F64 | None
    ) -> CustomPartial:
        rows = preds[:, None] if preds.ndim == 1 else preds
        if offsets is not None:  # carried along as one more prediction
            rows = np.column_stack([rows, offsets])
        used, y, w = usable_rows(rows, actual, weights)
        o = used[:, -1] if offsets is not None else np.zeros(len(y))
        used = used[:, : rows.shape[1] - (offsets is not None)]
        if len(y) == 0:
            return CustomPartial(part)
        if self.is_classifier:
            used = np.column_stack([np.argmax(used, axis=1), used])
        w = np.ones(len(y)) if w is None else w
        function, pairs = self.custom.function, zip(used, y, w, o, strict=True)
        try:
            mapped = [
                function.map(list(p), [float(a)], float(wi), float(oi), None)
                for p, a, wi, oi in pairs
            ]
            return self._reduced(part, mapped)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as problem:
            raise ModelError(
                f"custom_metric_func: {self.custom.name} failed on a row: "
                f"{type(problem).__name__}: {problem}"
            ) from problem

    def _reduced(self, part: Any, mapped: list[Any]) -> CustomPartial:
        table = _numbers(mapped)
        if table is not None and _adds(self.custom.function, table.shape[1]):
            return CustomPartial(part, exact_sums(*np.ascontiguousarray(table.T)))
        state = mapped[0]
        for more in mapped[1:]:
            state = self.custom.function.reduce(state, more)
        return CustomPartial(part, None, state)


def _numbers(mapped: list[Any]) -> F64 | None:
    """Return what rows gave as a matrix, None if it is not as many numbers for each."""
    first = mapped[0]
    if not isinstance(first, list | tuple) or not 0 < len(first) <= _PROBES.shape[2]:
        return None
    try:
        table = np.array(mapped, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return table if table.ndim == 2 else None


def _adds(function: Any, n: int) -> bool:
    """Whether ``reduce`` adds lists of `n` numbers, tried on some."""
    for left, right in _PROBES[:, :, :n]:
        try:
            found = function.reduce(left.tolist(), right.tolist())
        except (TypeError, ValueError, IndexError, ZeroDivisionError):
            return False
        if not isinstance(found, list | tuple) or list(found) != (left + right).tolist():
            return False
    return True


def _state(part: CustomPartial) -> Any:
    return part.state if part.sums is None else [float(x) for x in sum_values(part.sums)]
