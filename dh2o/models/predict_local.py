"""Scoring local tables, with the same code as frames and without Dask."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dh2o.models.columns import F64, Columns
from dh2o.models.metrics import MetricBuilder, ModelMetrics
from dh2o.models.model import Model
from dh2o.models.score_block import adaptation_of, response_of
from dh2o.models.table_input import local_table


def score_table(model: Model, data: Any) -> F64:
    """Return the raw predictions of a local table, shape (n_rows, n_outputs)."""
    table = local_table(data, model.output.input_names)
    plan = adaptation_of(model, table.infos)
    for text in plan.warnings:
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    return model.score(plan.columns(table.source(), table.n_rows))


def local_columns_of(model: Model, data: Any) -> Columns:
    """Return the columns of a local table as the model reads them."""
    table = local_table(data, model.output.input_names)
    plan = adaptation_of(model, table.infos)
    return plan.columns(table.source(), table.n_rows)


def predict_table(model: Model, data: Any) -> dict[str, Any]:
    """Return the prediction columns of a local table: labels as texts, NA as None."""
    raw = score_table(model, data)
    columns = dict(zip(model.prediction_names, model.predictions(raw), strict=True))
    if model.prediction_domain is not None:
        levels = np.array([*model.prediction_domain, None], dtype=object)
        columns["predict"] = levels[columns["predict"]]
    return columns


def measure_table(model: Model, data: Any, builder: MetricBuilder[Any]) -> ModelMetrics:
    """Return the metrics of a local table that has the response."""
    table = local_table(data, model.output.names)
    plan = adaptation_of(model, table.infos, with_metrics=True)
    columns = plan.columns(table.source(), table.n_rows)
    weights = columns[model.output.weights] if model.output.weights else None
    response = response_of(model, columns)
    raw = model.score(columns)
    metrics: ModelMetrics = builder.complete(
        lambda finer: finer.map_rows(columns, raw, response, weights)
    )
    return metrics
