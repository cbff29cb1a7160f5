"""Models made of a trained one by letting other columns count in its predictions."""

from __future__ import annotations

import dataclasses
from typing import Any

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.glm.tables import importances_table
from dh2o.estimators.scoring import model_metrics
from dh2o.frame import Frame
from dh2o.models.glm import GLMModel


def derived_model(
    model: GLMModel, key: str, *, keeps_muted: bool, keeps_offset_out: bool
) -> GLMModel:
    """Return `model` under `key` with fewer columns out of its predictions, measured anew.

    Metrics of frames that are gone are left out.
    """
    muted = model.muted if keeps_muted else ()
    made = model.with_effects(muted=muted, mutes_offset=keeps_offset_out)
    params = model.params.with_actual(
        control_variables=muted or None, remove_offset_effects=keeps_offset_out
    )
    output = model.output
    history = output.extra.get("scoring_history_unrestricted_model")
    extra = {k: v for k, v in output.extra.items() if k != "scoring_history_unrestricted_model"}
    made = dataclasses.replace(made, key=key, params=params)
    output = output.replace(
        training_metrics=_metrics(made, output.training_frame),
        validation_metrics=_metrics(made, output.validation_frame),
        variable_importances=importances_table(made),
        scoring_history=history if not (muted or keeps_offset_out) else output.scoring_history,
        extra=extra,
    )
    return dataclasses.replace(made, output=output)


def _metrics(model: GLMModel, frame: str | None) -> Any:
    if frame is None:
        return None
    try:
        return model_metrics(model, Frame.get(frame))
    except KeyNotFoundError:
        return None
