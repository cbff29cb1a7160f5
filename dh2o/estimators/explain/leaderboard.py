"""A leaderboard: models by their metrics, the best first, under H2O's names."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from dh2o.errors import ParameterError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.metrics import ModelMetrics
from dh2o.models.metrics.names import figures

__all__ = ["EXTRA_COLUMNS", "leaderboard"]

EXTRA_COLUMNS = ("training_time_ms", "predict_time_per_row_ms", "algo")
_METRICS: dict[ModelCategory, tuple[str, ...]] = {
    ModelCategory.BINOMIAL: (
        "auc", "logloss", "aucpr", "mean_per_class_error", "rmse", "mse",
    ),
    ModelCategory.MULTINOMIAL: ("mean_per_class_error", "logloss", "rmse", "mse"),
    ModelCategory.REGRESSION: ("rmse", "mse", "mae", "rmsle", "mean_residual_deviance"),
}  # fmt: skip
_RISING = ("auc", "aucpr")
_H2O_NAMES = {"aucpr": "pr_auc"}
_SOURCES = ("AUTO", "train", "valid", "xval")


def leaderboard(
    models: Sequence[Model],
    frame: Frame | None = None,
    sort_metric: str = "AUTO",
    extra_columns: Sequence[str] = (),
    scoring_data: str = "AUTO",
) -> TwoDimTable:
    """Return the models by metric, the best first.

    Metrics are those on `frame`; without one (or if `scoring_data` says so) of cross-validation,
    else validation, else training, whatever all models have.
    """
    if not models:
        raise ParameterError("models: give at least one model.")
    category = models[0].output.category
    if category not in _METRICS or any(m.output.category is not category for m in models):
        raise ParameterError("models: all must be classifiers of the same kind, or regressions.")
    names = _columns(category, sort_metric)
    measured = _metrics(models, frame, scoring_data)
    values = [[_figure(metrics, name) for name in names] for metrics in measured]
    way = -1.0 if names[0] in _RISING else 1.0
    order = sorted(range(len(models)), key=lambda i: (math.isnan(values[i][0]), way * values[i][0]))
    columns: dict[str, tuple[str, list[object]]] = {
        "model_id": ("string", [models[i].key for i in order])
    }
    for k, name in enumerate(names):
        columns[name] = ("double", [values[i][k] for i in order])
    for extra in _extras(extra_columns):
        columns[extra] = _extra(extra, [models[i] for i in order], frame)
    text = f"models sorted in order of {names[0]}, best first"
    return TwoDimTable.of("Leaderboard", columns, text)


def _columns(category: ModelCategory, sort_metric: str) -> list[str]:
    names = list(_METRICS[category])
    wanted = sort_metric.lower()
    if wanted == "auto":
        return names
    if wanted not in names:
        raise ParameterError(
            f"sort_metric: expected one of {', '.join(names)}, got {sort_metric!r}."
        )
    return [wanted, *(name for name in names if name != wanted)]


def _extras(extra_columns: Sequence[str]) -> list[str]:
    if any(name.upper() == "ALL" for name in extra_columns):
        return list(EXTRA_COLUMNS)
    unknown = [name for name in extra_columns if name.lower() not in EXTRA_COLUMNS]
    if unknown:
        raise ParameterError(
            f"extra_columns: expected ALL or some of {', '.join(EXTRA_COLUMNS)}, "
            f"got {unknown[0]!r}."
        )
    return [name.lower() for name in extra_columns]


def _extra(name: str, models: Sequence[Model], frame: Frame | None) -> tuple[str, list[object]]:
    if name == "algo":
        return "string", [model.algo for model in models]
    if name == "training_time_ms":
        return "long", [model.output.run_time_ms for model in models]
    return "double", [math.nan if frame is None else _ms_a_row(model, frame) for model in models]


def _ms_a_row(model: Model, frame: Frame) -> float:
    """Return how long it takes to score a row of `frame`."""
    started = time.perf_counter()
    predict_frame(model, frame).rollups()
    return (time.perf_counter() - started) * 1000 / max(frame.n_rows, 1)


def _metrics(
    models: Sequence[Model], frame: Frame | None, scoring_data: str
) -> list[ModelMetrics | None]:
    wanted = {name.lower(): name for name in _SOURCES}.get(scoring_data.lower())
    if wanted is None:
        raise ParameterError(
            f"scoring_data: expected one of {', '.join(_SOURCES)}, got {scoring_data!r}."
        )
    if wanted == "AUTO" and frame is not None:
        return [model_metrics(model, frame) for model in models]
    outputs = [model.output for model in models]
    folds = [output.cross_validation_metrics for output in outputs]
    held_out = [output.validation_metrics for output in outputs]
    if wanted in ("AUTO", "xval") and None not in folds:
        return list(folds)
    if wanted != "train" and None not in held_out:
        return list(held_out)
    return [output.training_metrics for output in outputs]


def _figure(metrics: ModelMetrics | None, name: str) -> float:
    if metrics is None:
        return math.nan
    found = {key.lower(): value for key, value in figures(metrics).items()}
    value = found.get(_H2O_NAMES.get(name, name))
    return math.nan if value is None else float(value)
