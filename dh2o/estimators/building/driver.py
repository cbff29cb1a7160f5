"""The job that builds a model: folds first, then the main model, then the DKV."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.build_one import build_one
from dh2o.estimators.building.calibrate import with_calibration
from dh2o.estimators.building.checkpoint import encoding_before
from dh2o.estimators.building.encode_frame import encoded
from dh2o.estimators.building.export import export
from dh2o.estimators.crossval.run import build_cross_validated, is_cross_validated
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model
from dh2o.models.metrics import ModelMetrics

if TYPE_CHECKING:
    from dh2o.estimators.builder import ModelBuilder
    from dh2o.mrtask import JobContext


def run_build(ctx: JobContext, builder: ModelBuilder, spec: TrainSpec) -> Model:
    """Build the model of `spec`, store it under its key and return it.

    The builder travels with the job, so that algorithms of other packages work on any worker.
    """
    with locked(ctx, spec):
        spec = encoded(spec, encoding_before(spec))
        build = build_cross_validated if is_cross_validated(spec) else build_one
        model = finished(build(ctx, builder, spec), spec)
        model = with_calibration(ctx, model, spec)
        if spec.shows_auto:
            model = _with_auto_shown(model, (*_AUTO, *builder.shown_autos))
        ctx.dkv.put(model.key, model, kind="model")
        export(model, spec.params.get("export_checkpoints_dir"))
    return model


#: Parameters whose AUTO H2O can be asked to show as it was given.
_AUTO = ("fold_assignment", "categorical_encoding", "stopping_metric", "histogram_type")


def _with_auto_shown(model: Model, names: tuple[str, ...]) -> Model:
    params = model.params
    left = {name: "AUTO" for name in names if name in params and params.input(name) == "AUTO"}
    return model.replace(params=params.with_actual(**left))


@contextmanager
def locked(ctx: JobContext, spec: TrainSpec) -> Iterator[None]:
    """Keep the frames of `spec` from being changed or removed meanwhile."""
    with ExitStack() as stack:
        frames = {spec.training_frame, spec.validation_frame}
        for key in frames | {spec.params.get("calibration_frame")}:
            if key is not None and ctx.dkv.contains(key):
                stack.enter_context(ctx.dkv.reading(key))
        yield


def finished(model: Model, spec: TrainSpec) -> Model:
    """Return the model with all that its builder need not care about."""
    output = model.output
    now = int(time.time() * 1000)
    training = _about(output.training_metrics, model, spec.training_frame, now)
    validation = _about(output.validation_metrics, model, spec.validation_frame, now)
    return model.replace(
        output=output.replace(
            training_metrics=training, validation_metrics=validation, end_time_ms=now
        )
    )


def _about(metrics: ModelMetrics | None, model: Model, frame: str | None, now: int) -> Any:
    if metrics is None:
        return None
    return metrics.replace(
        model_key=model.key,
        frame_key=frame,
        scoring_time_ms=metrics.scoring_time_ms or now,
    )
