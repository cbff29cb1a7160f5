"""Models meet stored frames: predictions as a graph pass, metrics as a lane pass."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.errors import ParameterError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.building.custom_metric import stored_metric, with_custom_metric
from dh2o.estimators.building.shared_params import AUC_TYPES
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.models.adapt import Adaptation
from dh2o.models.metrics import MetricBuilder, ModelMetrics, metric_builder, weight_scale
from dh2o.models.metrics.binomial import DEFAULT_WEIGHT_SCALE
from dh2o.models.score_block import adaptation_of, response_of, score_block, tiles
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dh2o.estimators.spec import TrainSpec


class PredictTask(MRTask[None, None]):
    """Prediction columns of each block."""

    __slots__ = ("model", "plan")

    def __init__(self, model: Model, plan: Adaptation) -> None:
        self.model = model
        self.plan = plan

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        raw = score_block(self.model, block, self.plan)
        columns = self.model.predictions(raw)
        if self.model.prediction_domain is not None:
            return (encode_codes(columns[0]), *map(encode_floats, columns[1:]))
        return tuple(map(encode_floats, columns))


class MetricsTask(MRTask[Any, Any]):
    """What a metric builder counts of a model over blocks that hold the response."""

    __slots__ = ("builder", "model", "plan", "weights")

    def __init__(
        self, model: Model, plan: Adaptation, builder: MetricBuilder[Any], weights: str | None
    ) -> None:
        self.model = model
        self.plan = plan
        self.builder = builder
        self.weights = weights

    @classmethod
    def of(
        cls, model: Model, frame: Frame, builder: MetricBuilder[Any], weights: str | None
    ) -> MetricsTask:
        """Return the task that counts over `frame`."""
        plan = adaptation_of(model, infos_for(model, frame), with_metrics=True)
        return cls(slim(model), plan, builder, weights)

    def map(self, block: Block) -> Any:
        total = None
        for start, stop, columns in tiles(block, self.plan):
            response = response_of(self.model, columns)
            weights = columns.get(self.weights) if self.weights else None
            if weights is None and self.weights:
                weights = block.chunk(self.weights).floats(start=start, stop=stop)
            raw = self.model.score(columns)
            part = self.builder.map_rows(columns, raw, response, weights)
            total = part if total is None else self.builder.combine(total, part)
        return total

    def combine(self, a: Any, b: Any) -> Any:
        if a is None or b is None:
            return b if a is None else a
        return self.builder.combine(a, b)


def metrics_partial(
    model: Model, frame: Frame, builder: MetricBuilder[Any], weights: str | None
) -> Any:
    """Return the partial metrics of a whole frame, with as many lane passes as they need."""
    task = MetricsTask.of(model, frame, builder, weights)
    return builder.partial_of(
        lambda finer: MetricsTask(task.model, task.plan, finer, weights).do_all(frame)
    )


def slim(model: Model) -> Model:
    """Return the model without the tables and metrics that scoring does not need."""
    output = model.output
    return model.replace(
        output=output.replace(
            threshold=output.default_threshold,
            model_summary=None,
            scoring_history=None,
            variable_importances=None,
            training_metrics=None,
            validation_metrics=None,
            cross_validation_metrics=None,
            cross_validation_metrics_summary=None,
            cv_scoring_history=(),
            warnings=(),
            extra={},
        )
    )


def predict_frame(model: Model, frame: Frame) -> Frame:
    """Return the prediction columns of `frame`, aligned with it: predict, then probabilities.

    Parameters
    ----------
    model : Model
        The trained model.
    frame : Frame
        Rows with the predictors.
    """
    plan = adaptation_of(model, infos_for(model, frame))
    names = model.prediction_names
    blocks = PredictTask(slim(model), plan).new_blocks(frame, len(names))
    types = [VecType.NUMERIC] * len(names)
    domains: list[tuple[str, ...] | None] = [None] * len(names)
    if model.prediction_domain is not None:
        types[0], domains[0] = VecType.ENUM, model.prediction_domain
    return Frame.of(names, blocks, types, domains)


def prediction_warnings(model: Model, frame: Frame) -> tuple[str, ...]:
    """Return what the user should know about scoring `frame`: missing columns, unseen levels."""
    return adaptation_of(model, infos_for(model, frame)).warnings


def model_metrics(
    model: Model,
    frame: Frame,
    *,
    weights: str | None = None,
    auc_type: str | None = None,
    builder: MetricBuilder[Any] | None = None,
) -> ModelMetrics:
    """Return the metrics of `model` on `frame`, which has the response, by one lane pass.

    Parameters
    ----------
    model : Model
        The trained model.
    frame : Frame
        Rows with predictors and response.
    weights : str, optional
        A column of weights, instead of the model's own.
    auc_type : str, optional
        Which mean of the classes' AUC is taken, as of ``model_performance``.
    builder : MetricBuilder, optional
        What is measured; default: what is fit for the model.
    """
    column = weights or model.output.weights
    builder = builder or builder_for(model, frame, column, auc_type)
    metrics = builder.finish(metrics_partial(model, frame, builder, column))
    return described(metrics, model, frame)


def described(metrics: Any, model: Model, frame: Frame | None) -> Any:
    """Return the metrics with the keys of model and frame and the time of scoring."""
    return metrics.replace(
        model_key=model.key,
        frame_key=None if frame is None else frame.key,
        scoring_time_ms=int(time.time() * 1000),
    )


_PARAM_OF = {"tweedie": "tweedie_power", "quantile": "quantile_alpha", "huber": "huber_alpha"}


def distribution_of(params: Mapping[str, Any]) -> tuple[str, float]:
    """Return a model's distribution (or GLM family) and its parameter."""
    name = str(params.get("distribution") or params.get("family") or "gaussian")
    if name in ("AUTO", "binomial", "multinomial", "ordinal", "negativebinomial", "custom"):
        name = "gaussian"
    value = params.get(_PARAM_OF.get(name, ""), math.nan)
    if name == "tweedie" and math.isnan(value):
        value = params.get("tweedie_variance_power", 1.5)
    return name, float(value)


def builder_for(
    model: Model, frame: Frame, weights: str | None, auc_type: str | None = None
) -> MetricBuilder[Any]:
    """Return what measures `model` on `frame`."""
    params, output = model.params, model.output
    name, value = distribution_of(params)
    base = metric_builder(
        output.category,
        output.response_domain,
        distribution=name,
        distribution_param=value,
        weight_scale=scale_of(frame, weights),
        gainslift_bins=params.get("gainslift_bins", -1),
        auc_type=_auc_type(auc_type) or params.get("auc_type") or "AUTO",
    )
    found = model.metric_builder(base)
    return with_custom_metric(found, stored_metric(params), output)


def _auc_type(given: str | None) -> str | None:
    name = "AUTO" if given is None else given.upper()
    if name not in AUC_TYPES:
        raise ParameterError(f"auc_type: expected one of {', '.join(AUC_TYPES)}, got {given!r}.")
    return None if name in ("NONE", "AUTO") else name


def spec_metric_builder(spec: TrainSpec, valid: bool = False) -> MetricBuilder[Any]:
    """Return what measures the model of `spec` on its training (or validation) frame."""
    frame = spec.valid if valid and spec.valid is not None else spec.train
    weights = (spec.valid_weights or spec.weights) if valid else spec.weights
    name, value = distribution_of(spec.params)
    base = metric_builder(
        spec.category,
        spec.response_domain,
        distribution=name,
        distribution_param=value,
        weight_scale=scale_of(frame, weights),
        gainslift_bins=spec.params.get("gainslift_bins", -1),
        auc_type=spec.params.get("auc_type") or "AUTO",
    )
    return with_custom_metric(base, spec.custom_metric, spec)


def scale_of(frame: Frame, weights: str | None) -> float:
    """Return the scale at which the weights of `frame` are summed as integers."""
    if weights is None or weights not in frame.names:
        return 1.0
    stats = frame.select([weights]).rollups()[0]
    if stats.n_finite == 0:
        return DEFAULT_WEIGHT_SCALE
    return weight_scale(stats.max, frame.n_rows, stats.is_int)
