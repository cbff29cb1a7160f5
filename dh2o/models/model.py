"""A trained model: immutable, picklable, scoring tiles of decoded columns without Dask."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64, Columns
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters


@dataclass(frozen=True, eq=False)
class Model(ABC):
    """Base of all models. A subclass is a frozen dataclass that adds its arrays.

    It defines ``score``, and ``state``/``from_state`` for the file format; everything else
    (labels, frames, metrics, printing, saving) follows from those and from ``output``.
    """

    algo: ClassVar[str]
    algo_full_name: ClassVar[str]

    key: str
    params: ModelParameters
    output: ModelOutput

    @abstractmethod
    def score(self, columns: Columns) -> F64:
        """Return raw predictions, shape (n_rows, n_outputs), C-contiguous.

        One column for regression; the K class probabilities for a classifier.
        IN: ``columns`` has every predictor of ``output.x`` (and the offset, if there is one):
        numerics with NA as NaN, enums as codes of this model's domains, NA and unseen as NaN.
        """

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the JSON-able part and the arrays that `from_state` needs."""

    @classmethod
    @abstractmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> Model:
        """Return the model whose `state` was (data, arrays)."""

    def extra_columns(self) -> tuple[str, ...]:
        """Names of further prediction columns that ``score`` appends after its outputs."""
        return ()

    def metric_builder(self, base: MetricBuilder[Any]) -> MetricBuilder[Any]:
        """Return what measures this model, given what measures any model of its category."""
        return base

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other fields, e.g. ``output``."""
        return dataclasses.replace(self, **changes)

    @property
    def n_outputs(self) -> int:
        """Columns that `score` returns, extra columns aside."""
        return self.output.n_classes if self.output.category.is_classifier else 1

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Column names of a prediction frame: predict, then one probability per class."""
        names = ["predict"]
        if self.output.category.is_classifier:
            names += [probability_name(level) for level in self.output.response_domain or ()]
        names += self.extra_columns()
        if self.output.calibration is not None:
            names += [f"cal_{name}" for name in names[1:3]]
        return tuple(names)

    @property
    def prediction_domain(self) -> tuple[str, ...] | None:
        """Levels of the column ``predict``; None where it holds numbers."""
        return self.output.response_domain if self.output.category.is_classifier else None

    def corrected(self, probabilities: F64) -> F64:
        """Return class probabilities with the balancing of classes in training undone."""
        return corrected(probabilities, self.output.class_correction)

    def labels(self, raw: F64) -> NDArray[np.int32]:
        """Return the predicted class of each row; -1 where the probabilities are NA."""
        if self.output.n_classes == 2 and self.output.category == "Binomial":
            labels = (raw[:, 1] >= self.output.default_threshold).astype(np.int32)
        else:
            labels = np.argmax(raw[:, : self.n_outputs], axis=1).astype(np.int32)
        labels[np.isnan(raw[:, 0])] = -1
        return labels

    def predictions(self, raw: F64) -> list[NDArray[Any]]:
        """Return the columns of `prediction_names` made from what `score` returned."""
        columns: list[NDArray[Any]] = []
        if self.output.category.is_classifier:
            columns.append(self.labels(raw))
        columns += [np.ascontiguousarray(raw[:, idx]) for idx in range(raw.shape[1])]
        if self.output.calibration is not None:
            p1 = self.output.calibration.calibrated(raw[:, 0], raw[:, 1])
            columns += [1.0 - p1, p1]
        return columns

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep the printout: ``dataclass`` would give every subclass a repr of its own."""
        super().__init_subclass__(**kwargs)
        cls.__repr__ = Model.__repr__  # type: ignore[method-assign]  # same signature

    def __repr__(self) -> str:
        from dh2o.models.printing import model_text

        return model_text(self)

    def _repr_html_(self) -> str:
        from dh2o.models.printing import model_html

        return model_html(self)


def probability_name(level: str) -> str:
    """Return the column name of a class probability; numeric-looking levels get a ``p``."""
    try:
        float(level)
    except ValueError:
        return level
    return f"p{level}"


def corrected(probabilities: F64, factors: tuple[float, ...] | None) -> F64:
    """Return each class probability times its factor, scaled so that rows sum to 1 again.

    As H2O does after ``balance_classes``: the factor is prior share / share in the balanced rows.
    """
    if factors is None:
        return probabilities
    scaled: F64 = probabilities * np.array(factors)
    sums = scaled.sum(axis=1, keepdims=True)
    return np.divide(scaled, sums, out=scaled, where=sums > 0)
