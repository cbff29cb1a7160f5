"""Models, builders and their parameters as clients see them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dh2o.models.mojo import have_mojo

from .metrics_view import metrics_schema
from .schemas.base import SCHEMAS, Key, Schema, encode
from .schemas.models import (
    ColSpecifierV3,
    ModelOutputSchemaV3,
    ModelParameterSchemaV3,
    ModelSchemaBaseV3,
    ModelSynopsisV3,
)
from .tables import table_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dh2o.estimators.builder import ModelBuilder
    from dh2o.models import Model, ModelOutput

__all__ = ["builder_json", "model_json", "model_synopsis", "parameter_schemas"]

#: The names of algorithms in schema names, where they are not the capital letters of the short one.
_PROPER = {
    "deeplearning": "DeepLearning",
    "extendedisolationforest": "ExtendedIsolationForest",
    "generic": "Generic",
    "isolationforest": "IsolationForest",
    "isotonicregression": "IsotonicRegression",
    "kmeans": "KMeans",
    "naivebayes": "NaiveBayes",
}
#: What every model says of itself, so that clients can show help on its output.
_HELP = {name: spec["help"] or name for name, spec in ModelOutputSchemaV3.wire_fields().items()}


def proper_name(algo: str) -> str:
    """Return the name of an algorithm in schema names: GBM, DeepLearning."""
    return _PROPER.get(algo, algo.upper())


def model_synopsis(model: Model) -> ModelSynopsisV3:
    """Return name and kind of `model`."""
    return ModelSynopsisV3(**_base(model))


def model_json(model: Model) -> dict[str, Any]:
    """Return everything about `model`."""
    name = proper_name(model.algo)
    out = _meta(f"{name}ModelV3", f"{name}Model")
    out.update({k: encode(v) for k, v in _base(model).items()})
    out["parameters"] = encode(parameter_schemas(_builder(model.algo), model))
    # an imported model shows the parameters it was trained with behind its own
    out["parameters"] += encode(getattr(model, "original_parameters", []))
    out["output"] = _output_json(model, name)
    out["compatible_frames"] = None
    return out


def builder_json(
    builder: ModelBuilder,
    *,
    job: Schema | None = None,
    messages: Iterable[Any] = (),
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a client reads of an algorithm, or of its request to train."""
    found = list(messages)
    return {
        **_meta(f"{proper_name(builder.algo)}V3", proper_name(builder.algo)),
        "_exclude_fields": None,
        "job": encode(job),
        "algo": builder.algo,
        "algo_full_name": builder.algo_full_name,
        "can_build": [str(getattr(c, "value", c)) for c in builder.can_build],
        "visibility": builder.visibility,
        "supervised": builder.supervised,
        "messages": [encode(message_schema(m)) for m in found],
        "error_count": sum(m.message_type == "ERRR" for m in found),
        "parameters": encode(parameter_schemas(builder, given=parameters)),
    }


def message_schema(message: Any) -> Schema:
    """Return a finding of the validation."""
    return SCHEMAS["ValidationMessageV3"](
        message_type=message.message_type,  # type: ignore[call-arg]  # looked up by name
        field_name=message.field_name,
        message=message.message,
    )


def parameter_schemas(
    builder: ModelBuilder, model: Model | None = None, given: Mapping[str, Any] | None = None
) -> list[ModelParameterSchemaV3]:
    """Return the parameters of an algorithm with their values: of a model, as given, or default."""
    shown = []
    for fact in builder.params.metadata(model.params if model is not None else None):
        if given is not None and fact["name"] in given:
            fact = {**fact, "actual_value": given[fact["name"]], "input_value": given[fact["name"]]}
        if model is not None and fact["name"] == "model_id":
            fact = {**fact, "actual_value": model.key}
        for field in ("default_value", "actual_value", "input_value"):
            fact[field] = _value(fact["type"], fact[field])
        shown.append(ModelParameterSchemaV3(**fact))
    return shown


def _value(type_: str, value: Any) -> Any:
    if value is None or (isinstance(value, tuple | list | dict) and not value):
        return None
    if type_.startswith("Key<") and not type_.endswith("[]"):
        return Key(_text(value), type_[4:-1])
    if type_.startswith("Key<"):
        return [Key(_text(item), type_[4:-3]) for item in value]
    if type_ == "VecSpecifier":
        return ColSpecifierV3(column_name=_text(value))
    if type_ == "KeyValue[]" and isinstance(value, dict):
        return [{"key": k, "value": v} for k, v in value.items()]
    return value


def _text(value: Any) -> str:
    return str(getattr(value, "key", None) or getattr(value, "name", None) or value)


def _builder(algo: str) -> ModelBuilder:
    from dh2o.estimators.builder import builder_of

    return builder_of(algo)


def _meta(name: str, type_: str) -> dict[str, Any]:
    return {"__meta": {"schema_version": 3, "schema_name": name, "schema_type": type_}}


def _base(model: Model) -> dict[str, Any]:
    output = model.output
    base = ModelSchemaBaseV3(
        model_id=Key(model.key, "Model"),
        algo=model.algo,
        algo_full_name=model.algo_full_name,
        response_column_name=output.response,
        data_frame=Key(output.training_frame, "Frame"),
        timestamp=output.end_time_ms,
        have_pojo=False,
        have_mojo=have_mojo(model),
    )
    return dict(vars(base))


def _output_json(model: Model, name: str) -> dict[str, Any]:
    output = model.output
    out = _meta(f"{name}ModelOutputV3", f"{name}Output")
    out.update(
        names=list(output.names),
        original_names=list(output.original_names) if output.original_names else None,
        column_types=list(output.column_types),
        domains=[list(d) if d is not None else None for d in output.domains],
        model_category=str(getattr(output.category, "value", output.category)),
        **_cross_validation(output),
        model_summary=table_schema(output.model_summary, row_header=True),
        scoring_history=table_schema(output.scoring_history, row_header=True),
        cv_scoring_history=[table_schema(t, row_header=True) for t in output.cv_scoring_history]
        or None,
        reproducibility_information_table=None,
        training_metrics=metrics_schema(output.training_metrics, model),
        validation_metrics=metrics_schema(output.validation_metrics, model),
        status=None,
        start_time=output.start_time_ms,
        end_time=output.end_time_ms,
        run_time=output.run_time_ms,
        default_threshold=_threshold(output),
        help=_HELP,
    )
    if output.variable_importances is not None:
        out["variable_importances"] = table_schema(output.variable_importances)
    for key, value in output.extra.items():
        out.setdefault(key, _extra(value))
    shown = {key: encode(value) if key != "__meta" else value for key, value in out.items()}
    if model.algo == "generic":
        _mark_generic(shown)
    return shown


def _mark_generic(output: dict[str, Any]) -> None:
    """Give the metrics that an imported model brought the names that H2O gives them."""
    output.setdefault("variable_importances", None)
    for kind in ("training_metrics", "validation_metrics", "cross_validation_metrics"):
        meta = (output.get(kind) or {}).get("__meta")
        if meta is not None and "Anomaly" not in meta["schema_name"]:
            meta["schema_type"] += "Generic"
            meta["schema_name"] = f"{meta['schema_type']}V3"


def _extra(value: Any) -> Any:
    """Return an algorithm's own output as it goes over the wire; tables may stand in lists."""
    if hasattr(value, "col_names"):
        return table_schema(value)
    if isinstance(value, list | tuple) and any(hasattr(item, "col_names") for item in value):
        return [table_schema(item) for item in value]
    return value


def _cross_validation(output: ModelOutput) -> dict[str, Any]:
    def frame(key: str | None) -> Key | None:
        return Key(key, "Frame") if key else None

    return {
        "cross_validation_models": [Key(k, "Model") for k in output.cross_validation_models]
        or None,
        "cross_validation_predictions": [
            Key(k, "Frame") for k in output.cross_validation_predictions
        ]
        or None,
        "cross_validation_holdout_predictions_frame_id": frame(
            output.cross_validation_holdout_predictions_frame
        ),
        "cross_validation_fold_assignment_frame_id": frame(
            output.cross_validation_fold_assignment_frame
        ),
        "cross_validation_metrics": metrics_schema(output.cross_validation_metrics, None),
        "cross_validation_metrics_summary": table_schema(output.cross_validation_metrics_summary),
    }


def _threshold(output: ModelOutput) -> float:
    value = output.default_threshold
    return 0.5 if value is None or math.isnan(value) else value
