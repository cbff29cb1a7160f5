"""Models and metrics as text for a terminal and HTML for a notebook, in H2O's order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from dh2o.models.metrics import ModelMetrics, ModelMetricsBinomial, ModelMetricsMultinomial
from dh2o.models.metrics.names import figures
from dh2o.models.table import TwoDimTable

if TYPE_CHECKING:
    from dh2o.models.model import Model

_LABELS = {
    "mae": "MAE",
    "rmsle": "RMSLE",
    "r2": "R^2",
    "logloss": "LogLoss",
    "pr_auc": "AUCPR",
    "mean_per_class_error": "Mean Per-Class Error",
    "mean_residual_deviance": "Mean Residual Deviance",
    "residual_deviance": "Residual deviance",
    "null_deviance": "Null deviance",
    "residual_degrees_of_freedom": "Residual degrees of freedom",
    "null_degrees_of_freedom": "Null degrees of freedom",
}
_MAX_CLASSES_SHOWN = 20

Item = str | TwoDimTable


def metrics_items(metrics: ModelMetrics, on: str = "test") -> Iterator[Item]:
    """Yield the lines and tables that show metrics."""
    yield f"{type(metrics).__name__}: {metrics.model_key or ''}".rstrip(": ")
    yield f"** Reported on {on} data. **"
    lines = [
        f"{_LABELS.get(name, name)}: {value}"
        for name, value in figures(metrics).items()
        if name != "nobs" and not _is_absent(name, value)
    ]
    yield "\n".join(lines)
    if isinstance(metrics, ModelMetricsBinomial):
        cm = metrics.cm
        if cm is not None:
            yield f"Confusion Matrix (Act/Pred) for max f1 @ threshold = {cm.threshold:.7g}"
            yield cm.table()
            yield metrics.max_criteria_and_metric_scores
        if metrics.gains_lift_table is not None:
            yield metrics.gains_lift_table
    elif isinstance(metrics, ModelMetricsMultinomial):
        if len(metrics.domain) <= _MAX_CLASSES_SHOWN:
            yield metrics.cm.table()
        yield metrics.hit_ratio_table
        for table in (metrics.multinomial_auc_table, metrics.multinomial_aucpr_table):
            if table is not None:
                yield table


def _is_absent(name: str, value: Any) -> bool:
    """AUC of a multinomial model that did not ask for it, say."""
    optional = name in ("AUC", "pr_auc", "AIC", "loglikelihood")
    return optional and isinstance(value, float) and math.isnan(value)


def model_items(model: Model) -> Iterator[Item]:
    """Yield the lines and tables that show a model."""
    output = model.output
    yield "Model Details\n============"
    yield f"{model.algo_full_name}\nModel Key: {model.key}"
    if output.model_summary is not None:
        yield output.model_summary
    reported = {
        "train": output.training_metrics,
        "validation": output.validation_metrics,
        "cross-validation": output.cross_validation_metrics,
    }
    for on, metrics in reported.items():
        if metrics is not None:
            yield from metrics_items(metrics, on)
    for table in (
        output.cross_validation_metrics_summary,
        output.scoring_history,
        output.variable_importances,
    ):
        if table is not None:
            yield table


def _text(items: Iterator[Item]) -> str:
    return "\n\n".join(str(item) for item in items)


def _html(items: Iterator[Item]) -> str:
    parts = [
        item._repr_html_()
        if isinstance(item, TwoDimTable)
        else f"<pre style='margin:.5em 0'>{escape(item)}</pre>"
        for item in items
    ]
    return f"<div class='dh2o-model'>{''.join(parts)}</div>"


def metrics_text(metrics: ModelMetrics, on: str = "test") -> str:
    """Return metrics as text."""
    return _text(metrics_items(metrics, on))


def metrics_html(metrics: ModelMetrics, on: str = "test") -> str:
    """Return metrics as HTML."""
    return _html(metrics_items(metrics, on))


def model_text(model: Model) -> str:
    """Return a model as text."""
    return _text(model_items(model))


def model_html(model: Model) -> str:
    """Return a model as HTML."""
    return _html(model_items(model))
