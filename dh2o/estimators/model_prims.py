"""Rapids primitives that take models: thresholds, calibration, models of segments."""

from __future__ import annotations

import numpy as np

from dh2o.errors import RapidsError
from dh2o.estimators.segments import SegmentModels, segments_frame
from dh2o.frame import VecType
from dh2o.models import Model, ModelCategory, ModelError
from dh2o.models.calibration import Calibration, IsotonicCalibration, PlattScaling
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Table, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValStr

__all__ = ["calibration_by", "reset_threshold"]


def reset_threshold(model: Model, threshold: float) -> float:
    """Store the model with another threshold for its second class; return the old one."""
    if model.output.category is not ModelCategory.BINOMIAL:
        raise ModelError(f"Model {model.key!r} has no threshold: it is no two-class model.")
    old = model.output.default_threshold
    changed = model.replace(output=model.output.replace(threshold=float(threshold)))
    current_engine().dkv.put(model.key, changed, kind="model")
    return old


def calibration_by(model: Model, by: Model) -> Calibration:
    """Return the calibration of `model` that a GLM or an isotonic model of one predictor is."""
    if model.output.category is not ModelCategory.BINOMIAL or "calibrate_model" not in model.params:
        raise ModelError(f"Models of type {model.algo} don't support calibration.")
    from dh2o.models.glm import GLMModel
    from dh2o.models.isotonic import IsotonicModel

    if isinstance(by, IsotonicModel):
        return IsotonicCalibration(by.line.x, by.line.y)
    if isinstance(by, GLMModel) and len(by.output.x) == 1 and len(by.beta) == 2:
        return PlattScaling(float(by.beta[0]), float(by.beta[1]))
    raise ModelError(
        f"Model {by.key!r} cannot calibrate: give a GLM or an isotonic regression of one numeric "
        "column."
    )


def _model(value: object, what: str) -> Model:
    if not isinstance(value, Model):
        raise RapidsError(f"{what}: expected a model.")
    return value


@primitive("model.reset.threshold", "model:model threshold:num", "The old threshold, in a frame.")
def reset_threshold_prim(_env: Env, model: object, threshold: float) -> Val:
    old = reset_threshold(_model(model, "model.reset.threshold"), threshold)
    return ValFrame(local_table(["C1"], [np.array([old])], [VecType.NUMERIC]))


@primitive(
    "set.calibration.model",
    "model:model calibrationModel:model",
    "Lets the second model calibrate the first one's probabilities.",
)
def set_calibration(_env: Env, model: object, by: object) -> Val:
    changed = _model(model, "set.calibration.model")
    found = calibration_by(changed, _model(by, "set.calibration.model"))
    stored = changed.replace(output=changed.output.replace(calibration=found))
    current_engine().dkv.put(changed.key, stored, kind="model")
    return ValStr("OK")


@primitive(
    "segment_models_as_frame",
    "segment_models:model",
    "The segments, and the model, status, errors and warnings of each.",
)
def segment_models_as_frame(_env: Env, found: object) -> Val:
    if not isinstance(found, SegmentModels):
        raise RapidsError("segment_models_as_frame: expected the key of models of segments.")
    return ValFrame(Table.of(segments_frame(found)))
