"""``calibrate_model``: a calibration fitted to a finished model's probabilities of other rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.messages import Message
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, ModelError
from dh2o.models.adapt import Adaptation
from dh2o.models.calibration import Calibration, IsotonicCalibration, PlattScaling
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.mrtask import MRTask
from dh2o.rapids.isotonic import PointSums, isotonic_line

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.estimators.spec import TrainSpec
    from dh2o.mrtask import JobContext

__all__ = ["calibration_messages", "with_calibration"]

F64 = NDArray[np.float64]
_MAX_STEPS = 50
_CONVERGED = 1e-12
_MOST = 1e-6


def calibration_messages(spec: TrainSpec) -> Iterable[Message]:
    """Return what is wrong with what was asked for; H2O's rules and words."""
    params = spec.params
    key = params.get("calibration_frame")
    wanted = params.get("calibrate_model", False)
    if key is not None and not wanted:
        yield Message.warn(
            "calibration_frame",
            "Calibration frame was specified but calibration was not requested.",
        )
    if not wanted:
        return
    if spec.category is not ModelCategory.BINOMIAL:
        yield Message.error(
            "calibrate_model", "Model calibration is only currently supported for binomial models."
        )
    if key is None:
        yield Message.error("calibrate_model", "Calibration frame was not specified.")
        return
    try:
        frame = Frame.get(key)
    except KeyNotFoundError:
        yield Message.error(
            "calibration_frame", f"Object '{key}' not found for argument: calibration_frame"
        )
        return
    if frame.n_rows == 0:
        yield Message.error("calibration_frame", "Calibration Frame must have > 0 rows.")
    if spec.response not in frame.names:
        yield Message.error(
            "calibration_frame",
            f"Calibration Frame must have a response column '{spec.response}'.",
        )


def with_calibration(ctx: JobContext, model: Model, spec: TrainSpec) -> Model:
    """Return the model with the calibration that its parameters ask for."""
    if not spec.params.get("calibrate_model"):
        return model
    ctx.update(message="Calibrating probabilities")
    frame = Frame.get(spec.params["calibration_frame"])
    found = calibration_of(model, frame, spec.params.get("calibration_method", "AUTO"))
    return model.replace(output=model.output.replace(calibration=found))


def calibration_of(model: Model, frame: Frame, method: str) -> Calibration:
    """Return the calibration of `model` that fits `frame`, which has the response."""
    plan = adaptation_of(model, infos_for(model, frame), with_metrics=True)
    small = slim(model)
    if method == "IsotonicRegression":
        x, y = isotonic_line(CalibrationPoints(small, plan).do_all(frame))
        if len(x) == 0:
            raise _no_rows(frame)
        return IsotonicCalibration(x, y)
    return _platt(small, plan, frame)


def _no_rows(frame: Frame) -> ModelError:
    return ModelError(
        f"calibration_frame {frame.key!r} has no row with a response and a weight above 0."
    )


def _rows(model: Model, columns: dict[str, F64] | object) -> tuple[F64, F64, F64, F64]:
    """Return first and second probability, response and weight of the rows that count."""
    raw = model.score(columns)  # type: ignore[arg-type]  # Columns
    y = columns[model.output.response or ""]  # type: ignore[index]
    name = model.output.weights
    w = np.ones(len(y)) if name is None else columns[name]  # type: ignore[index]
    used = ~np.isnan(y) & (w > 0) & ~np.isnan(raw[:, 0])
    return raw[used, 0], raw[used, 1], y[used], w[used]


class CalibrationPoints(MRTask[PointSums, PointSums]):
    """Weight and weighted response at each different probability of the second class."""

    __slots__ = ("model", "plan")

    def __init__(self, model: Model, plan: Adaptation) -> None:
        self.model = model
        self.plan = plan

    def map(self, block: Block) -> PointSums:
        total = PointSums.empty()
        for _, _, columns in tiles(block, self.plan):
            _, p1, y, w = _rows(self.model, columns)
            total += PointSums.of(p1, y, w)
        return total

    def combine(self, a: PointSums, b: PointSums) -> PointSums:
        return a + b

    def finish(self, total: PointSums | None) -> PointSums:
        return PointSums.empty() if total is None else total


class LogisticStep(MRTask[F64, F64]):
    """Log likelihood, gradient and Hessian of a logistic regression on the first probability."""

    __slots__ = ("beta", "model", "plan")

    def __init__(self, model: Model, plan: Adaptation, beta: F64) -> None:
        self.model = model
        self.plan = plan
        self.beta = beta

    def map(self, block: Block) -> F64:
        total = np.zeros(8)
        for _, _, columns in tiles(block, self.plan):
            p0, _, y, w = _rows(self.model, columns)
            eta = self.beta[0] * p0 + self.beta[1]
            p = 1.0 / (1.0 + np.exp(-eta))
            left, spread = w * (y - p), w * p * (1.0 - p)
            likelihood = w * (y * eta - np.logaddexp(0.0, eta))
            total += np.array([
                likelihood.sum(), (left * p0).sum(), left.sum(), (spread * p0 * p0).sum(),
                (spread * p0).sum(), spread.sum(), w.sum(), (w * y).sum(),
            ])  # fmt: skip
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return np.asarray(a + b)

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(8) if total is None else total


def _platt(model: Model, plan: Adaptation, frame: Frame) -> PlattScaling:
    """Return the logistic regression by Newton's method, the steps halved where they overshoot."""
    beta = np.zeros(2)
    sums = LogisticStep(model, plan, beta).do_all(frame)
    weight, positive = sums[6], sums[7]
    if weight == 0:
        raise _no_rows(frame)
    share = min(max(positive / weight, _MOST), 1 - _MOST)
    beta = np.array([0.0, math.log(share / (1 - share))])
    sums = LogisticStep(model, plan, beta).do_all(frame)
    for _ in range(_MAX_STEPS):
        hessian = np.array([[sums[3], sums[4]], [sums[4], sums[5]]])
        step = np.linalg.lstsq(hessian, sums[1:3], rcond=None)[0]
        trial, rate = sums, 1.0
        while rate > _MOST:
            trial = LogisticStep(model, plan, beta + rate * step).do_all(frame)
            if trial[0] >= sums[0]:
                break
            rate /= 2
        else:
            break
        gain, beta, sums = trial[0] - sums[0], beta + rate * step, trial
        if gain <= _CONVERGED * abs(trial[0]):
            break
    return PlattScaling(float(beta[0]), float(beta[1]))
