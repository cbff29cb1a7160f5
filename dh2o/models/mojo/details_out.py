"""``experimental/modelDetails.json``: what REST shows of a model, so that who reads a MOJO sees it.

H2O's Generic model takes tables, metrics and parameters from here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dh2o.models.metrics import ModelMetrics
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameter
from dh2o.models.table import TwoDimTable

__all__ = ["details_json", "model_details"]

_COLUMNS = ("weights_column", "offset_column", "fold_column", "response_column")
_FRAMES = ("training_frame", "validation_frame", "calibration_frame")
_METRICS = {
    "MSE": "mse", "RMSE": "rmse", "nobs": "n_obs", "r2": "r2", "logloss": "logloss", "AUC": "auc",
    "pr_auc": "pr_auc", "Gini": "gini", "mean_per_class_error": "mean_per_class_error",
    "mae": "mae", "rmsle": "rmsle", "mean_residual_deviance": "mean_residual_deviance",
    "scoring_time": "scoring_time_ms", "custom_metric_name": "custom_name",
    "mean_score": "mean_score", "mean_normalized_score": "mean_normalized_score",
}  # fmt: skip
_METRIC_TABLES = (
    "thresholds_and_metric_scores", "max_criteria_and_metric_scores", "gains_lift_table",
    "hit_ratio_table", "multinomial_auc_table", "multinomial_aucpr_table",
)  # fmt: skip


def details_json(model: Model) -> str:
    """Return the text of the file."""
    return json.dumps(_json(model_details(model)), ensure_ascii=False, separators=(",", ":"))


def model_details(model: Model) -> dict[str, Any]:
    """Return what the file says, as Python data."""
    output = model.output
    name = model.algo.upper()
    return {
        **_meta(f"{name}ModelV3", f"{name}Model"),
        "model_id": _key(model.key, "Model"),
        "algo": model.algo,
        "algo_full_name": model.algo_full_name,
        "response_column_name": output.response,
        "treatment_column_name": None,
        "data_frame": _key(output.training_frame, "Frame"),
        "timestamp": output.end_time_ms,
        "have_pojo": False,
        "have_mojo": True,
        "parameters": [_parameter(item, model) for item in model.params.items_full()],
        "output": _output(model, name),
        "compatible_frames": None,
    }


def _output(model: Model, name: str) -> dict[str, Any]:
    output = model.output
    out = {
        **_meta(f"{name}ModelOutputV3", f"{name}Output"),
        "names": output.names,
        "original_names": output.original_names,
        "column_types": output.column_types,
        "domains": output.domains,
        "cross_validation_models": None,
        "cross_validation_predictions": None,
        "cross_validation_holdout_predictions_frame_id": None,
        "cross_validation_fold_assignment_frame_id": None,
        "model_category": output.category.value,
        "model_summary": _table(output.model_summary, row_header=True),
        "scoring_history": _table(output.scoring_history, row_header=True),
        "cv_scoring_history": None,
        "reproducibility_information_table": None,
        **{kind: _metrics(metrics, model) for kind, metrics in _all_metrics(output)},
        "cross_validation_metrics_summary": _table(output.cross_validation_metrics_summary),
        "status": None,
        "start_time": output.start_time_ms,
        "end_time": output.end_time_ms,
        "run_time": output.run_time_ms,
        "default_threshold": output.default_threshold,
        "variable_importances": _table(output.variable_importances),
    }
    for key, value in output.extra.items():
        out.setdefault(key, _table(value) if isinstance(value, TwoDimTable) else value)
    return out


def _all_metrics(output: ModelOutput) -> list[tuple[str, ModelMetrics | None]]:
    return [
        ("training_metrics", output.training_metrics),
        ("validation_metrics", output.validation_metrics),
        ("cross_validation_metrics", output.cross_validation_metrics),
    ]


def _metrics(metrics: ModelMetrics | None, model: Model) -> dict[str, Any] | None:
    if metrics is None:
        return None
    linear = "GLM" if "residual_deviance" in metrics.extra else ""
    name = type(metrics).__name__
    out: dict[str, Any] = {
        **_meta(f"{name}{linear}V3", f"{name}{linear}"),
        "model": _key(metrics.model_key or model.key, "Model"),
        "model_checksum": 0,
        "frame": _key(metrics.frame_key, "Frame"),
        "frame_checksum": 0,
        "description": metrics.description or None,
        "model_category": model.output.category.value,
        "predictions": None,
        "custom_metric_value": metrics.custom_value if metrics.custom_name else 0.0,
        "loglikelihood": math.nan,
        "AIC": math.nan,
    }
    for wire, attribute in _METRICS.items():
        if hasattr(metrics, attribute):
            out[wire] = getattr(metrics, attribute)
    for field in _METRIC_TABLES:
        if hasattr(metrics, field):
            out[field] = _table(getattr(metrics, field))
    if hasattr(metrics, "domain"):
        out["domain"] = metrics.domain
    cm = getattr(metrics, "cm", None)
    if cm is not None:
        meta = _meta("ConfusionMatrixV3", "ConfusionMatrix")
        out["cm"] = {**meta, "table": _table(cm.table(row_names=False))}
    extra = metrics.extra.items()
    return out | {k: _table(v) if isinstance(v, TwoDimTable) else v for k, v in extra}


def _table(table: TwoDimTable | None, *, row_header: bool = False) -> dict[str, Any] | None:
    if table is None:
        return None
    specs = [
        _column(*spec)
        for spec in zip(table.col_names, table.col_types, table.col_formats, strict=True)
    ]
    data = [list(column) for column in table.columns]
    if row_header and table.col_names[:1] != ("",):
        specs.insert(0, _column("", "string", "%s"))
        data.insert(0, [""] * table.n_rows)
    return {
        **_meta("TwoDimTableV3", "TwoDimTable"),
        "name": table.name,
        "description": table.description,
        "columns": specs,
        "rowcount": table.n_rows,
        "data": data,
    }


def _column(name: str, kind: str, format_: str) -> dict[str, Any]:
    words = " ".join(word[:1].upper() + word[1:] for word in name.split("_"))
    facts = {"name": name, "type": kind, "format": format_, "description": words}
    return _meta("ColumnSpecsBase", "Iced", -1) | facts


def _parameter(item: ModelParameter, model: Model) -> dict[str, Any]:
    """Return a parameter; H2O reads the column of weights, family, link and others from here."""
    values = [item.default, item.actual, item.input]
    if item.name == "model_id":
        values = [None, model.key, model.key]
    kind = _type_of(item)
    default, actual, given = (_value(value, kind) for value in values)
    return {
        **_meta("ModelParameterSchemaV3", "Iced"),
        "name": item.name,
        "label": item.name,
        "help": item.name.replace("_", " "),
        "required": False,
        "type": kind,
        "default_value": default,
        "actual_value": actual,
        "input_value": given,
        "level": "secondary",
        "values": [],
        "is_member_of_frames": [],
        "is_mutually_exclusive_with": [],
        "gridable": False,
    }


def _type_of(item: ModelParameter) -> str:
    if item.name in _COLUMNS:
        return "VecSpecifier"
    if item.name in _FRAMES:
        return "Key<Frame>"
    if item.name in ("model_id", "checkpoint"):
        return "Key<Model>"
    for value in (item.default, item.actual):
        if isinstance(value, bool):
            return "boolean"
        if isinstance(value, int):
            return "int" if abs(value) < 1 << 31 else "long"
        if isinstance(value, float):
            return "double"
        if isinstance(value, list | tuple | np.ndarray):
            numbers = len(value) > 0 and all(isinstance(v, int | float) for v in value)
            return "double[]" if numbers else "string[]"
    return "string"


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "VecSpecifier":
        meta = _meta("ColSpecifierV3", "VecSpecifier")
        return {**meta, "column_name": str(value), "is_member_of_frames": None}
    if kind.startswith("Key<"):
        return _key(str(getattr(value, "key", value)), kind[4:-1])
    if kind in ("string", "string[]"):
        return (
            [str(v) for v in value]
            if kind == "string[]" and not isinstance(value, str)
            else (str(value))
        )
    return value


def _key(name: str | None, kind: str) -> dict[str, Any] | None:
    if name is None:
        return None
    url = f"/3/{kind}s/{name}"
    return {
        **_meta(f"{kind}KeyV3", f"Key<{kind}>"),
        "name": name,
        "type": f"Key<{kind}>",
        "URL": url,
    }


def _meta(name: str, kind: str, version: int = 3) -> dict[str, Any]:
    return {"__meta": {"schema_version": version, "schema_name": name, "schema_type": kind}}


def _json(value: Any) -> Any:
    """Return `value` as JSON can carry it; H2O writes NaN and infinities as texts."""
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return "NaN"
        return number if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")
    if value is None or isinstance(value, str | bool | int):
        return str(value) if type(value) not in (str, bool, int, type(None)) else value
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_json(item) for item in value]
    return str(value)
