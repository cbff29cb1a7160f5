"""Metrics of models as clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .schemas.base import SCHEMAS, Key, Schema
from .schemas.metrics import ConfusionMatrixV3
from .tables import table_schema

if TYPE_CHECKING:
    from dh2o.models import Model
    from dh2o.models.metrics import ModelMetrics

__all__ = ["metrics_schema"]

#: Wire name → attribute of the metrics, where the two differ.
_ATTRIBUTES = {
    "MSE": "mse",
    "RMSE": "rmse",
    "nobs": "n_obs",
    "AUC": "auc",
    "pr_auc": "pr_auc",
    "Gini": "gini",
    "scoring_time": "scoring_time_ms",
    "custom_metric_name": "custom_name",
}


def metrics_schema(
    metrics: ModelMetrics | None, model: Model | None, predictions: Schema | None = None
) -> Schema | None:
    """Return `metrics` in the schema of their kind; None stays None."""
    if metrics is None:
        return None
    schema = _schema_for(metrics)
    values: dict[str, Any] = {}
    for name, spec in schema.wire_fields().items():
        found = metrics.extra.get(name, getattr(metrics, _ATTRIBUTES.get(name, name), None))
        of_no_rows = metrics.n_obs == 0 and hasattr(found, "col_names")
        if found is not None and not of_no_rows:
            values[spec["attribute"]] = _wire(found)
    model_key = metrics.model_key or (model.key if model is not None else None)
    values.update(
        model=Key(model_key, "Model") if model_key else None,
        frame=Key(metrics.frame_key, "Frame") if metrics.frame_key else None,
        model_category=str(getattr(metrics.category, "value", metrics.category)),
        description=metrics.description or None,
        custom_metric_value=metrics.custom_value if metrics.custom_name else 0.0,
        predictions=predictions,
    )
    if "loglikelihood" in schema.wire_fields():
        values.setdefault("loglikelihood", float("nan"))
        values.setdefault("AIC", float("nan"))
    return schema(**values)


def _schema_for(metrics: ModelMetrics) -> type[Schema]:
    name = type(metrics).__name__
    is_linear = "residual_deviance" in metrics.extra
    found = SCHEMAS.get(f"{name}{'GLM' if is_linear else ''}V3") or SCHEMAS.get(f"{name}V99")
    return found or SCHEMAS["ModelMetricsBaseV3"]


def _wire(value: Any) -> Any:
    if hasattr(value, "col_names"):
        return table_schema(value)
    if hasattr(value, "to_table") or type(value).__name__ == "ConfusionMatrix":
        # clients count its cells from the first on: H2O's JSON has no names of rows there
        return ConfusionMatrixV3(table=table_schema(value.table(row_names=False)))
    return list(value) if isinstance(value, tuple) else value
