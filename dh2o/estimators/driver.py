"""The job that builds a model: folds first, then the main model, then the DKV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.estimators.builder import builder_of
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext


def run_build(ctx: JobContext, spec: TrainSpec) -> Model:
    """Build the model of `spec`, store it under its key and return it."""
    builder = builder_of(spec.algo)
    for text in spec.warnings:
        ctx.warn(text)
    model = builder.build(ctx, spec)
    store_model(ctx, model)
    return model


def store_model(ctx: JobContext, model: Model) -> None:
    """Put the model into the DKV, where every client sees it."""
    ctx.dkv.put(model.key, model, kind="model")
