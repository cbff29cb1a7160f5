"""Cross-validation: one model for each fold, judged on the rows that it did not see.

No row is copied: each fold's model is trained on the whole frame with weights that are 0 for its
held-out rows, and judged with weights that are 0 for the others. The cross-validation metrics are
those of all held-out predictions together.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.balance import without_column
from dh2o.estimators.building.build_one import build_one
from dh2o.estimators.building.export import export
from dh2o.estimators.building.job_parts import JobPart, JobParts
from dh2o.estimators.building.side_by_side import n_side_by_side, n_threads_of, run_parts
from dh2o.estimators.crossval.folds import Folds, fold_weights, make_folds
from dh2o.estimators.crossval.holdout import holdout_frames, summary_table
from dh2o.estimators.scoring import MetricsTask, spec_metric_builder
from dh2o.models import Model
from dh2o.models.metrics import MetricBuilder

if TYPE_CHECKING:
    from dh2o.estimators.builder import ModelBuilder
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

WEIGHTS = "__internal_cv_weights__"


def is_cross_validated(spec: TrainSpec) -> bool:
    """Return whether the parameters ask for cross-validation."""
    return spec.fold is not None or spec.params.get("nfolds", 0) > 1


@dataclass(frozen=True, slots=True)
class FoldModel:
    """A fold's model and what its held-out rows add to the metrics."""

    model: Model
    holdout: Frame
    partial: Any
    facts: dict[str, Any]


def build_cross_validated(ctx: JobContext, builder: ModelBuilder, spec: TrainSpec) -> Model:
    """Return the model of all rows, with cross-validation metrics of the folds' models."""
    folds = make_folds(spec)
    keys = [f"{spec.model_key}_cv_{i + 1}" for i in range(folds.n_folds)]
    try:
        parts = JobParts(ctx, folds.n_folds + 1)
        n = n_side_by_side(spec, folds.n_folds, n_threads_of(ctx.engine))
        made = run_parts(
            parts,
            range(folds.n_folds),
            n,
            lambda i: _build_fold(parts.part(i), builder, spec, folds),
        )
        part = parts.part(folds.n_folds)
        facts = tuple(fold.facts for fold in made)
        main = build_one(part, builder, spec.replace(cv_facts=facts))
        return _with_cross_validation(ctx, spec, folds, made, main)
    except BaseException:
        ctx.dkv.remove(*keys)
        raise


def _build_fold(part: JobPart, builder: ModelBuilder, spec: TrainSpec, folds: Folds) -> FoldModel:
    """Build, store and judge one fold's model, unless a driver before this one did."""
    fold = part.number
    train_weights, holdout_weights = fold_weights(spec, folds, fold)
    holdout = _weighted(spec, holdout_weights)
    own = _fold_spec(spec, folds, fold, _weighted(spec, train_weights), holdout)
    model = part.finished_model(own.model_key)
    if model is None:
        model = build_one(part, builder, own)
    counter = model.metric_builder(spec_metric_builder(own, valid=True))
    partial = MetricsTask.of(model, holdout, counter, WEIGHTS).do_all(holdout)
    metrics = model.output.validation_metrics or counter.finish(partial)
    output = without_column(model.output, WEIGHTS, spec.weights).replace(
        validation_metrics=metrics.replace(model_key=own.model_key, frame_key=spec.training_frame),
        end_time_ms=int(time.time() * 1000),
    )
    facts = builder.cv_facts(model)
    model = model.replace(output=output)
    part.dkv.put(own.model_key, model, kind="model")
    part.done()
    export(model, spec.params.get("export_checkpoints_dir"))
    return FoldModel(model, holdout, partial, facts)


def _fold_spec(spec: TrainSpec, folds: Folds, fold: int, train: Frame, holdout: Frame) -> TrainSpec:
    key = f"{spec.model_key}_cv_{fold + 1}"
    left = spec.time_left_s()
    deadline = None
    if left is not None:  # the time that is left is shared evenly with the main model
        deadline = int((time.time() + left / (folds.n_folds + 1 - fold)) * 1000)
    own = {"model_id": key, "nfolds": 0, "fold_column": None, "weights_column": WEIGHTS}
    known = {name: value for name, value in own.items() if name in spec.params}
    return spec.replace(
        params=spec.params.with_actual(**known),
        model_key=key,
        train=train,
        valid=holdout,
        weights=WEIGHTS,
        valid_weights=WEIGHTS,
        fold=None,
        start_time_ms=int(time.time() * 1000),
        deadline_ms=deadline,
        is_cv_model=True,
    )


def _weighted(spec: TrainSpec, weights: Frame) -> Frame:
    """Return the training frame with these weights in place of its own; columns are shared."""
    special = [WEIGHTS, *(name for name in (spec.offset, spec.response) if name is not None)]
    with_weights = spec.train.with_columns({WEIGHTS: weights})
    return with_weights.select([*spec.x, *special])


def _with_cross_validation(
    ctx: JobContext, spec: TrainSpec, folds: Folds, made: list[FoldModel], main: Model
) -> Model:
    judge = main.metric_builder(spec_metric_builder(spec)).pooled()
    metrics = _combined_metrics(judge, made).replace(
        model_key=main.key,
        frame_key=spec.training_frame,
        scoring_time_ms=int(time.time() * 1000),
        description=f"{folds.n_folds}-fold cross-validation on training data "
        "(Metrics computed for combined holdout predictions)",
    )
    models = [fold.model for fold in made]
    fields: dict[str, Any] = {
        "cross_validation_metrics": metrics,
        "cross_validation_metrics_summary": summary_table(
            [model.output.validation_metrics for model in models]
        ),
        "cv_scoring_history": tuple(
            model.output.scoring_history for model in models if model.output.scoring_history
        ),
    }
    fields |= _kept(ctx, spec, folds, models)
    return main.replace(output=main.output.replace(**fields))


def _combined_metrics(base: MetricBuilder[Any], made: list[FoldModel]) -> Any:
    """Return the metrics of all held-out rows, each predicted by its fold's model."""

    def run(counter: MetricBuilder[Any]) -> Any:
        total = None
        for fold in made:
            part = fold.partial
            if counter is not base:  # one more pass, to count some scores on a finer scale
                task = MetricsTask.of(fold.model, fold.holdout, counter, WEIGHTS)
                part = task.do_all(fold.holdout)
            if part is not None:
                total = part if total is None else counter.combine(total, part)
        return total

    return base.complete(run)


def _kept(ctx: JobContext, spec: TrainSpec, folds: Folds, models: list[Model]) -> dict[str, Any]:
    """Store what the parameters ask to keep, drop the rest; return where it lies."""
    fields: dict[str, Any] = {}
    params = spec.params
    if params.get("keep_cross_validation_predictions"):
        combined, parts = holdout_frames(models, spec, folds)
        where = frame_key(f"cv_holdout_prediction_{spec.model_key}")
        combined.put(where)
        names = [frame_key(f"prediction_{model.key}") for model in models]
        for name, part in zip(names, parts, strict=True):
            part.put(name)
        fields["cross_validation_holdout_predictions_frame"] = where
        fields["cross_validation_predictions"] = tuple(names)
    if params.get("keep_cross_validation_fold_assignment"):
        where = frame_key(f"cv_fold_assignment_{spec.model_key}")
        folds.assignment.put(where)
        fields["cross_validation_fold_assignment_frame"] = where
    if params.get("keep_cross_validation_models", True):
        fields["cross_validation_models"] = tuple(model.key for model in models)
    else:
        ctx.dkv.remove(*(model.key for model in models))
    return fields


def frame_key(wanted: str) -> str:
    """Return `wanted` as a legal key of a frame: models may have names that frames may not."""
    return re.sub(r"[^\w.\-]", "_", wanted)
