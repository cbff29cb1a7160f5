"""Metrics of predictions and responses that lie in frames, with no model at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.errors import ParameterError
from dh2o.estimators.scoring import scale_of
from dh2o.frame import Frame
from dh2o.frame.bind import cbind
from dh2o.models import ModelCategory
from dh2o.models.metrics import MetricBuilder, ModelMetrics, metric_builder
from dh2o.mrtask import MRTask

__all__ = ["metrics_of_frames"]

F64 = NDArray[np.float64]
_DISTRIBUTIONS = ("gaussian", "poisson", "gamma", "laplace")


def metrics_of_frames(
    predicted: Frame,
    actual: Frame,
    domain: Sequence[str] | None = None,
    distribution: str | None = None,
    weights: Frame | None = None,
    auc_type: str | None = None,
) -> ModelMetrics:
    """Return the metrics of predictions against responses.

    Without a domain predictions are numbers. With two levels they are the probability of the
    second, with more a probability for each; `distribution` ``ordinal`` for ordered classes.
    """
    if actual.n_cols != 1:
        raise ParameterError(f"actuals_frame must have exactly 1 column, it has {actual.n_cols}.")
    levels = None if domain is None else tuple(map(str, domain))
    category = _category(levels, distribution)
    _check_columns(predicted, levels)
    if category is ModelCategory.REGRESSION and distribution not in (None, *_DISTRIBUTIONS):
        raise ParameterError(
            f"distribution: {distribution!r} is none of {', '.join(_DISTRIBUTIONS)}."
        )
    parts = [predicted, actual, *([weights.select([0])] if weights is not None else [])]
    bound = cbind(parts)
    recode = None if levels is None else _codes_of(actual, levels)
    builder = metric_builder(
        category,
        levels,
        distribution=(distribution or "gaussian") if levels is None else "gaussian",
        weight_scale=1.0 if weights is None else scale_of(bound, bound.names[-1]),
        auc_type=(auc_type or "NONE").upper(),
    )
    n_predicted = predicted.n_cols
    metrics: ModelMetrics = builder.complete(
        lambda finer: CountRows(finer, n_predicted, weights is not None, recode).do_all(bound)
    )
    return metrics


def _category(levels: tuple[str, ...] | None, distribution: str | None) -> ModelCategory:
    if levels is None:
        return ModelCategory.REGRESSION
    if len(levels) < 2:
        raise ParameterError(f"domain: a classifier has at least two classes, got {levels}.")
    if len(levels) == 2:
        return ModelCategory.BINOMIAL
    return ModelCategory.ORDINAL if distribution == "ordinal" else ModelCategory.MULTINOMIAL


def _check_columns(predicted: Frame, levels: tuple[str, ...] | None) -> None:
    n = predicted.n_cols
    text = ""
    if levels is None and n != 1:
        text = (
            "For regression problems (domain=null), the predictions_frame must have exactly "
            "1 column."
        )
    elif levels is not None and len(levels) == 2 and n != 1:
        text = (
            "For domains with 2 class labels, the predictions_frame must have exactly one column "
            "containing the class-1 probabilities."
        )
    elif levels is not None and len(levels) > 2 and n != len(levels):
        text = (
            f"For domains with {len(levels)} class labels, the predictions_frame must have exactly "
            f"{len(levels)} columns containing the class-probabilities."
        )
    elif not all(vec.is_numeric for vec in predicted.vecs):
        text = "The predictions_frame must have numeric columns."
    if text:
        raise ParameterError(f"{text} It has {n}: {', '.join(predicted.names[:8])}.")


def _codes_of(actual: Frame, levels: tuple[str, ...]) -> dict[float, float]:
    """Return the class of each value of the response: of its codes, or of whole numbers."""
    where = {level: float(code) for code, level in enumerate(levels)}
    own = actual.vecs[0].domain
    if own is not None:
        found = {float(i): where[level] for i, level in enumerate(own) if level in where}
    else:
        found = {float(level): code for level, code in where.items() if _is_number(level)}
    if not found and own is None and len(levels) > 1:
        raise ParameterError(
            f"actuals_frame: its column is no factor, and the domain {list(levels[:8])} has no "
            "numbers. Convert it with asfactor()."
        )
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class CountRows(MRTask[Any, Any]):
    """What a builder counts of the columns: predictions, response, weight."""

    __slots__ = ("builder", "has_weights", "n_predicted", "recode")

    def __init__(
        self,
        builder: MetricBuilder[Any],
        n_predicted: int,
        has_weights: bool,
        recode: dict[float, float] | None,
    ) -> None:
        self.builder = builder
        self.n_predicted = n_predicted
        self.has_weights = has_weights
        self.recode = recode

    def map(self, block: Block) -> Any:
        n = self.n_predicted
        preds = np.column_stack([block.chunk(i).floats() for i in range(n)])
        actual = block.chunk(n).floats()
        if self.recode is not None:
            actual = _recoded(actual, self.recode)
            if n == 1:
                preds = np.column_stack([1.0 - preds[:, 0], preds[:, 0]])
        weights = block.chunk(n + 1).floats() if self.has_weights else None
        return self.builder.map(np.ascontiguousarray(preds), actual, weights)

    def combine(self, a: Any, b: Any) -> Any:
        return self.builder.combine(a, b)


def _recoded(values: F64, recode: dict[float, float]) -> F64:
    found = np.full(len(values), np.nan)
    for value, code in recode.items():
        found[values == value] = code
    return found
