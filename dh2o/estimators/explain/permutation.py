"""Permutation importance: how much worse a model gets when one column is shuffled."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.errors import FrameError, ModelError, ParameterError
from dh2o.estimators.scoring import model_metrics
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.metrics.names import figures

__all__ = ["PermutationRequest", "permutation_importance"]

_AUTO = {
    ModelCategory.BINOMIAL: "auc",
    ModelCategory.REGRESSION: "rmse",
    ModelCategory.MULTINOMIAL: "logloss",
    ModelCategory.ORDINAL: "logloss",
}


@dataclass(frozen=True, kw_only=True)
class PermutationRequest:
    """What to measure, on how many rows (-1: all), how often, and for which columns (none: all)."""

    metric: str = "AUTO"
    n_samples: int = 10_000
    n_repeats: int = 1
    features: tuple[str, ...] = ()
    seed: int = -1


def permutation_importance(model: Model, frame: Frame, request: PermutationRequest) -> TwoDimTable:
    """Return the change of a metric by shuffled column, the largest first.

    One run gives relative and scaled importance and the share; several give a column a run.
    """
    features = _checked(model, frame, request)
    metric = _metric_name(model, request.metric)
    seed = secrets.randbits(32) if request.seed == -1 else request.seed
    runs = [
        _changes(model, frame, features, metric, request.n_samples, seed + run)
        for run in range(request.n_repeats)
    ]
    order = np.argsort(-runs[0], kind="stable")
    names = [features[i] for i in order]
    if request.n_repeats > 1:
        columns = {f"Run {i + 1}": ("double", run[order].tolist()) for i, run in enumerate(runs)}
        title = "Repeated Permutation Variable Importance"
        return TwoDimTable.of(title, {"Variable": ("string", names), **columns})
    change = runs[0][order]
    top, total = float(change.max(initial=0.0)), float(change.sum())
    return TwoDimTable.of(
        "Variable Importances",
        {
            "Variable": ("string", names),
            "Relative Importance": ("double", change.tolist()),
            "Scaled Importance": ("double", (change / top if top else change).tolist()),
            "Percentage": ("double", (change / total if total else change).tolist()),
        },
    )


def _changes(
    model: Model, frame: Frame, features: Sequence[str], metric: str, n_samples: int, seed: int
) -> np.ndarray:
    """Return how far the metric moves when each feature is shuffled."""
    rng = np.random.default_rng(seed)
    if 1 < n_samples < frame.n_rows:
        frame = frame.take(np.sort(rng.choice(frame.n_rows, n_samples, replace=False)))
    before = _measured(model, frame, metric)
    after = []
    for name in features:
        order = rng.permutation(frame.n_rows)
        shuffled = frame.select([name]).take(order)
        after.append(_measured(model, frame.with_columns({name: shuffled}), metric))
    return np.abs(np.array(after) - before)


def _measured(model: Model, frame: Frame, metric: str) -> float:
    found = {name.lower(): value for name, value in figures(model_metrics(model, frame)).items()}
    value = float(found[metric])
    if np.isnan(value):
        raise ModelError(f"metric: {metric} is NA for model {model.key} on this frame.")
    return value


def _metric_name(model: Model, metric: str) -> str:
    name = metric.lower()
    if name == "auto":
        if model.output.category not in _AUTO:
            raise ParameterError("metric: name one; AUTO knows none for this kind of model.")
        return _AUTO[model.output.category]
    training = model.output.training_metrics
    known = {key.lower() for key in figures(training)} if training is not None else set()
    if name not in known:
        raise ParameterError(
            f"metric: model {model.key} has no {metric!r}. It has: {', '.join(sorted(known))}."
        )
    return name


def _checked(model: Model, frame: Frame, request: PermutationRequest) -> tuple[str, ...]:
    """Return the features to shuffle, in the order of the frame, or raise what is wrong."""
    response = model.output.response
    if response is None or response not in frame.names:
        raise FrameError(
            f"Frame must contain the response column {response!r} for permutation importance."
        )
    if frame.n_rows < 2:
        raise FrameError(f"Permutation importance needs 2 rows or more, got {frame.n_rows}.")
    if request.n_samples in (0, 1) or request.n_samples < -1:
        raise ParameterError(
            f"n_samples: expected -1 (all rows) or 2 and more, got {request.n_samples}."
        )
    if request.n_repeats < 1:
        raise ParameterError(f"n_repeats: expected 1 or more, got {request.n_repeats}.")
    inputs = set(model.output.input_names)
    absent = [name for name in request.features if name not in frame]
    if absent:
        raise FrameError(f"Features {', '.join(absent)} are not present in the provided frame.")
    unused = [name for name in request.features if name not in inputs]
    if unused:
        raise ParameterError(f"features: {', '.join(unused)} were not used for training.")
    chosen = request.features or tuple(inputs)
    return tuple(name for name in frame.names if name in chosen)
