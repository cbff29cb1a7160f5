"""What a job has made so far and what stays if it is cancelled: models of grids and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dh2o.models import Model
    from dh2o.mrtask import JobContext

__all__ = ["keep_model"]


def keep_model(ctx: JobContext, model: Model) -> None:
    """Let a finished model, and what belongs to it, outlive the job that is still under way."""
    output = model.output
    frames = (
        *output.cross_validation_predictions,
        output.cross_validation_holdout_predictions_frame,
        output.cross_validation_fold_assignment_frame,
    )
    others = [key for key in frames if key is not None]
    ctx.dkv.keep(model.key, *output.cross_validation_models, *others)
