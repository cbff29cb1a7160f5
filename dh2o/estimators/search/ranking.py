"""Ranking: models by one figure of their metrics, and the table that shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dh2o.errors import ParameterError
from dh2o.estimators.builder import builder_of
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.metrics import ModelMetrics
from dh2o.models.metrics.binomial import ModelMetricsBinomial
from dh2o.models.metrics.names import figures

__all__ = ["allowed_metrics", "default_metric", "ranked", "summary_table"]

_RESIDUAL = "residual_deviance"


def metrics_of(model: Model) -> ModelMetrics | None:
    """Return the metrics that a model is ranked by: of the folds, of validation, of training."""
    output = model.output
    return output.cross_validation_metrics or output.validation_metrics or output.training_metrics


def default_metric(model: Model) -> tuple[str | None, bool]:
    """Return the name of the metric that models are ranked by, and whether more is better.

    Models without a response have none: they stay in the order in which they were built.
    """
    if model.output.response is None or model.output.category is ModelCategory.ANOMALY:
        return None, False
    is_regression = model.output.category is ModelCategory.REGRESSION
    return (_RESIDUAL if is_regression else "logloss"), False


def allowed_metrics(model: Model) -> dict[str, float]:
    """Return the figures by which models of this kind can be ranked, by lower-case name."""
    metrics = metrics_of(model)
    if metrics is None:
        return {}
    found = {name.lower(): float(v) for name, v in figures(metrics).items() if _is_number(v)}
    if "mean_residual_deviance" in found:
        found.setdefault(_RESIDUAL, found["mean_residual_deviance"])
    if "err" not in found and hasattr(metrics, "error"):
        found["err"] = float(metrics.error)
        found["accuracy"] = 1.0 - found["err"]
    if isinstance(metrics, ModelMetricsBinomial):
        table = metrics.max_criteria_and_metric_scores
        best = dict(zip(table.column("metric"), table.column("value"), strict=True))
        for name in ("f1", "f2", "f0point5"):
            found[name] = float(best[f"max {name}"])
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def ranked(
    models: Sequence[Model], sort_by: str | None = None, decreasing: bool | None = None
) -> tuple[list[Model], str | None, bool]:
    """Return `models` sorted, NaN last, with the metric they are sorted by and its direction."""
    if not models:
        return [], sort_by, bool(decreasing)
    name, falling = default_metric(models[0]) if not sort_by else (sort_by, bool(decreasing))
    if name is None:
        return list(models), None, falling
    allowed = allowed_metrics(models[0])
    if name.lower() not in allowed:
        raise ParameterError(
            f"Invalid argument for sort_by specified. Must be one of: {sorted(allowed)}"
        )
    values = [allowed_metrics(model).get(name.lower(), math.nan) for model in models]
    order = sorted(
        range(len(models)),
        key=lambda i: (math.isnan(values[i]), -values[i] if falling else values[i]),
    )
    return [models[i] for i in order], name, falling


def summary_table(
    models: Sequence[Model], hyper_names: Sequence[str], sort_by: str | None, decreasing: bool
) -> TwoDimTable | None:
    """Return the models with their hyper-parameters and the metric that they are sorted by."""
    if not models:
        return None
    columns: dict[str, Any] = {}
    for name in hyper_names:
        cells = [_cell(model.params.input(_rest_name(model, name))) for model in models]
        columns[name] = (_kind(cells), cells)
    columns["model_ids"] = ("string", [model.key for model in models])
    if sort_by is None:
        return TwoDimTable.of("Hyper-Parameter Search Summary", columns)
    values = [allowed_metrics(model).get(sort_by.lower(), math.nan) for model in models]
    columns[sort_by] = ("double", "%.5f", values)
    way = "decreasing" if decreasing else "increasing"
    return TwoDimTable.of("Hyper-Parameter Search Summary", columns, f"ordered by {way} {sort_by}")


def _rest_name(model: Model, name: str) -> str:
    param = builder_of(model.algo).params.find(name)
    return param.name if param is not None else name


def _cell(value: Any) -> Any:
    if isinstance(value, tuple | list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _kind(cells: Sequence[Any]) -> str:
    if all(isinstance(cell, int) for cell in cells):
        return "long"
    return "double" if all(isinstance(cell, int | float) for cell in cells) else "string"
