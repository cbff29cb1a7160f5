"""Scoring: predictions and metrics of a model on a frame."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from dh2o.errors import ParameterError
from dh2o.estimators.scoring import model_metrics, predict_frame, prediction_warnings
from dh2o.estimators.trained.make_metrics import metrics_of_frames
from dh2o.server.frame_view import Window, frame_schema
from dh2o.server.metrics_view import metrics_schema
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.cluster import JobV3
from dh2o.server.schemas.metrics import ModelMetricsListSchemaV3, ModelMetricsMakerSchemaV3

from .frames import frame_of
from .jobs import job_schema
from .models import model_of
from .special_predictions import special_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from dh2o.frame import Frame
    from dh2o.models import Model
    from dh2o.mrtask import JobContext
    from dh2o.server.app import Call

__all__ = ["list_metrics", "make_metrics", "predict", "score", "start_predict"]


def score(call: Call, args: ModelMetricsListSchemaV3) -> ModelMetricsListSchemaV3:
    """Score a frame and return the metrics."""
    model, frame = model_of(call, args.model), frame_of(args.frame)
    metrics = model_metrics(model, frame, **_metric_options(args))
    args.model_metrics = [metrics_schema(metrics, model)] if metrics is not None else []
    return args


def predict(call: Call, args: ModelMetricsListSchemaV3) -> ModelMetricsListSchemaV3:
    """Score a frame and return predictions and metrics."""
    what, made = special_output(args) or ("predictions", predict_frame)
    model, frame = model_of(call, args.model), frame_of(args.frame)
    key = _predictions_key(args, what, model, frame)
    predicted = made(model, frame).put(key)
    args.predictions_frame = Key(key, "Frame")
    shown = frame_schema(predicted, Window())
    if what != "predictions":
        args.model_metrics = [{"predictions": shown}]
        return args
    has_response = model.output.response is None or model.output.response in frame.names
    metrics = model_metrics(model, frame, **_metric_options(args)) if has_response else None
    args.model_metrics = [metrics_schema(metrics, model, shown) or {"predictions": shown}]
    return args


def start_predict(call: Call, args: ModelMetricsListSchemaV3) -> JobV3:
    """Start to score a frame; the job's result is the frame of predictions."""
    what, made = special_output(args) or ("transformation", predict_frame)
    model, frame = model_of(call, args.model), frame_of(args.frame)
    key = _predictions_key(args, what, model, frame)
    job = call.state.engine.start_job(
        f"Predict {model.key} on {frame.key}", _predict, made, model, frame, key,
        dest=key, dest_type="Key<Frame>",
    )  # fmt: skip
    return job_schema(job)


def make_metrics(
    call: Call,  # noqa: ARG001  # all handlers are called alike
    args: ModelMetricsMakerSchemaV3,
) -> ModelMetricsMakerSchemaV3:
    """Return the metrics of predictions and responses in frames."""
    if args.treatment_frame:
        raise ParameterError("treatment_frame: metrics of uplift models are not supported yet.")
    weights = args.weights_frame
    metrics = metrics_of_frames(
        frame_of(Key(args.predictions_frame, "Frame")),
        frame_of(Key(args.actuals_frame, "Frame")),
        args.domain or None,
        args.distribution,
        frame_of(Key(weights, "Frame")) if weights else None,
        args.auc_type,
    )
    args.model_metrics = metrics_schema(metrics, None)
    return args


def list_metrics(call: Call, args: ModelMetricsListSchemaV3) -> ModelMetricsListSchemaV3:
    """Return the metrics that models keep from their training."""
    dkv = call.state.engine.dkv
    if args.model is not None:
        models = [model_of(call, args.model)]
    else:
        models = [dkv.get(key) for key in dkv.keys(kind="model")]
    frame = args.frame.name if args.frame is not None else None
    args.model_metrics = [
        metrics_schema(metrics, model)
        for model in models
        for metrics in _kept(model)
        if frame is None or metrics.frame_key == frame
    ]
    return args


def _kept(model: Model) -> list[Any]:
    output = model.output
    kept = (output.training_metrics, output.validation_metrics, output.cross_validation_metrics)
    return [metrics for metrics in kept if metrics is not None]


def _predict(
    ctx: JobContext, made: Callable[[Model, Frame], Frame], model: Model, frame: Frame, key: str
) -> str:
    for text in prediction_warnings(model, frame):
        ctx.warn(text)
    predicted = made(model, frame)
    ctx.dkv.put(key, predicted.with_key(key), kind="frame")
    return key


def _predictions_key(
    args: ModelMetricsListSchemaV3, prefix: str, model: Model, frame: Frame
) -> str:
    if args.predictions_frame is not None and args.predictions_frame.name:
        return args.predictions_frame.name
    return f"{prefix}_{secrets.token_hex(2)}_{model.key}_on_{frame.key}"


def _metric_options(args: ModelMetricsListSchemaV3) -> dict[str, Any]:
    return {"auc_type": args.auc_type} if args.auc_type else {}
