"""The shape of all metrics: a result object and a builder of mergeable partial counts."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.columns import Columns

F64 = NDArray[np.float64]
P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class ModelMetrics:
    """What all metrics share; names as in H2O where they are shown."""

    category: ClassVar[ModelCategory] = ModelCategory.UNKNOWN

    n_obs: int
    mse: float
    model_key: str | None = dataclasses.field(default=None, kw_only=True)
    frame_key: str | None = dataclasses.field(default=None, kw_only=True)
    description: str = dataclasses.field(default="", kw_only=True)
    scoring_time_ms: int = dataclasses.field(default=0, kw_only=True)
    custom_name: str | None = dataclasses.field(default=None, kw_only=True)
    custom_value: float = dataclasses.field(default=float("nan"), kw_only=True)
    # what a linear model adds: residual_deviance, null_deviance, AIC, … under H2O's names
    extra: dict[str, Any] = dataclasses.field(default_factory=dict, kw_only=True)

    @property
    def rmse(self) -> float:
        """Square root of ``mse``."""
        return float(np.sqrt(self.mse))

    def replace(self, **changes: Any) -> Any:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)


class MetricBuilder(ABC, Generic[P]):
    """Measures predictions in pieces: ``finish(combine(map(…), map(…)))``.

    Partials are integers only (exact sums, counts), so they combine in any order to the
    same bits. Builders are small, frozen and picklable.
    """

    @abstractmethod
    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> P:
        """Return the partial of some rows.

        IN: ``preds`` as ``Model.score`` returns them; ``actual`` holds the response (class codes
        as floats for a classifier, NA as NaN: such rows are skipped); rows of weight 0 or NA are
        skipped too.
        """

    def map_rows(
        self,
        columns: Columns,  # noqa: ARG002  # for builders that need more than predictions
        preds: F64,
        actual: F64,
        weights: F64 | None = None,
    ) -> P:
        """Return the partial of rows of which the model's columns are at hand as well."""
        return self.map(preds, actual, weights)

    @abstractmethod
    def combine(self, a: P, b: P) -> P:
        """Return the partial of the rows of both."""

    @abstractmethod
    def finish(self, total: P | None) -> Any:
        """Return the metrics; of no rows at all if `total` is None."""

    def pooled(self) -> MetricBuilder[Any]:
        """Return what measures rows that several models have scored, as in cross-validation."""
        return self

    def refinement(self, total: P) -> MetricBuilder[Any] | None:  # noqa: ARG002  # for subclasses
        """Return what to measure in one more pass to make `total` exact enough; None: it is."""
        return None

    def refined(self, total: P, more: Any) -> P:  # noqa: ARG002  # for subclasses
        """Return `total` made more exact by what its refinement measured."""
        return total

    def partial_of(self, run: Callable[[MetricBuilder[Any]], Any]) -> P | None:
        """Return the partial of all rows; `run` makes the pass with a builder over them."""
        total: P | None = run(self)
        finer = None if total is None else self.refinement(total)
        if total is None or finer is None:
            return total
        return self.refined(total, finer.partial_of(run))

    def complete(self, run: Callable[[MetricBuilder[Any]], Any]) -> Any:
        """Return the metrics of all rows, with as many passes as they need (mostly one)."""
        return self.finish(self.partial_of(run))

    def measure(self, preds: F64, actual: F64, weights: F64 | None = None) -> Any:
        """Return the metrics of arrays that are all here."""
        return self.complete(lambda builder: builder.map(preds, actual, weights))
