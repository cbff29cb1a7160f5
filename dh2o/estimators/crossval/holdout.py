"""What the folds' models say of the rows that they did not see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.crossval.folds import ASSIGNMENT, Folds
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame, VecType
from dh2o.models import Columns, Model, TwoDimTable
from dh2o.models.metrics import (
    ConfusionMatrix,
    ModelMetrics,
    ModelMetricsBinomial,
    ModelMetricsRegression,
)
from dh2o.models.metrics.names import figures
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.models.adapt import Adaptation

F64 = NDArray[np.float64]


class HoldoutTask(MRTask[None, None]):
    """Prediction columns, each row's by the model of the fold that held it out."""

    __slots__ = ("is_classifier", "models", "plans")

    def __init__(self, models: list[Model], plans: list[Adaptation]) -> None:
        self.models = [slim(model) for model in models]
        self.plans = plans  # levels may be in another order in each fold's model
        self.is_classifier = models[0].output.category.is_classifier

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        n_columns = len(self.models[0].prediction_names)
        out = np.zeros((n_columns, block.n_rows))
        folds = block.floats(ASSIGNMENT)
        for fold, (model, plan) in enumerate(zip(self.models, self.plans, strict=True)):
            for start, stop, columns in tiles(block, plan):
                rows = np.flatnonzero(folds[start:stop] == fold)
                if len(rows) == 0:
                    continue
                some = Columns({n: v[rows] for n, v in columns.items()}, len(rows))
                found = model.predictions(model.score(some))
                out[:, start + rows] = np.stack([np.asarray(c, dtype=float) for c in found])
        return _encoded(out, self.is_classifier)


class OneFoldTask(MRTask[None, None]):
    """The predictions of one fold's rows, 0 (or the first level) for the others."""

    __slots__ = ("fold", "is_classifier", "names")

    def __init__(self, fold: int, names: tuple[str, ...], is_classifier: bool) -> None:
        self.fold = fold
        self.names = names
        self.is_classifier = is_classifier

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        mine = block.floats(ASSIGNMENT) == self.fold
        columns = np.stack([np.where(mine, block.floats(name), 0.0) for name in self.names])
        return _encoded(columns, self.is_classifier)


def _encoded(columns: F64, is_classifier: bool) -> tuple[Chunk, ...]:
    if not is_classifier:
        return tuple(map(encode_floats, columns))
    codes = np.where(np.isnan(columns[0]), -1, columns[0]).astype(np.int32)
    return (encode_codes(codes), *map(encode_floats, columns[1:]))


def holdout_frames(models: list[Model], spec: TrainSpec, folds: Folds) -> tuple[Frame, list[Frame]]:
    """Return the predictions of all rows by the model that held them out, and those by fold."""
    first = models[0]
    source = spec.train.with_columns({ASSIGNMENT: folds.assignment})
    plans = [adaptation_of(model, infos_for(model, source)) for model in models]
    names = first.prediction_names
    is_classifier = first.output.category.is_classifier
    types = [VecType.NUMERIC] * len(names)
    domains: list[tuple[str, ...] | None] = [None] * len(names)
    if is_classifier:
        types[0], domains[0] = VecType.ENUM, first.output.response_domain
    blocks = HoldoutTask(models, plans).new_blocks(source, len(names))
    combined = Frame.of(names, blocks, types, domains)
    both = combined.with_columns({ASSIGNMENT: folds.assignment})
    parts = []
    for fold in range(folds.n_folds):
        made = OneFoldTask(fold, names, is_classifier).new_blocks(both, len(names))
        parts.append(Frame.of(names, made, types, domains))
    return combined, parts


_SHOWN_AS = {"MSE": "mse", "RMSE": "rmse", "AUC": "auc", "AIC": "aic", "Gini": "gini"}
_LEFT_OUT = frozenset({"nobs", "Gini", "null_degrees_of_freedom", "residual_degrees_of_freedom"})


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def fold_figures(metrics: ModelMetrics) -> dict[str, float]:
    """Return the figures that the summary of a cross-validation shows of one fold."""
    found = {
        _SHOWN_AS.get(name, name): float(value)
        for name, value in figures(metrics).items()
        if name not in _LEFT_OUT and isinstance(value, int | float)
    }
    if not metrics.extra:  # H2O names these of every model, those that are not linear have none
        found |= {"aic": math.nan, "loglikelihood": math.nan}
    if isinstance(metrics, ModelMetricsRegression):
        found.setdefault("residual_deviance", metrics.mean_residual_deviance)
    cm: ConfusionMatrix | None = getattr(metrics, "cm", None)
    if cm is None:
        return found
    wrong = float(cm.counts.sum() - np.trace(cm.counts))
    found |= {
        "accuracy": 1.0 - cm.error,
        "err": cm.error,
        "err_count": wrong,
        "max_per_class_error": float(cm.class_errors.max()),
        "mean_per_class_accuracy": 1.0 - cm.mean_per_class_error,
        "mean_per_class_error": cm.mean_per_class_error,
    }
    if isinstance(metrics, ModelMetricsBinomial):
        found |= _two_class_figures(*(float(count) for count in cm.counts.ravel()))
        found["lift_top_group"] = metrics.lift_top_group
    return found


def _two_class_figures(tn: float, fp: float, fn: float, tp: float) -> dict[str, float]:
    precision, recall = _ratio(tp, tp + fp), _ratio(tp, tp + fn)
    spread = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    found = {
        "precision": precision,
        "recall": recall,
        "specificity": _ratio(tn, tn + fp),
        "mcc": _ratio(tp * tn - fp * fn, spread),
    }
    for name, beta2 in (("f0point5", 0.25), ("f1", 1.0), ("f2", 4.0)):
        found[name] = _ratio((1 + beta2) * precision * recall, beta2 * precision + recall)
    return found


def summary_table(metrics: list[Any]) -> TwoDimTable:
    """Return mean and standard deviation of the folds' metrics, and each fold's."""
    by_fold = [fold_figures(found) for found in metrics]
    names = sorted({name for found in by_fold for name in found})
    header = [("", "string"), ("mean", "float"), ("sd", "float")]
    header += [(f"cv_{i + 1}_valid", "float") for i in range(len(by_fold))]
    rows = []
    for name in names:
        values = [found.get(name, math.nan) for found in by_fold]
        known = [value for value in values if not math.isnan(value)]
        mean = float(np.mean(known)) if known else math.nan
        spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
        rows.append([name, mean, spread, *values])
    return TwoDimTable.of_rows("Cross-Validation Metrics Summary", header, rows)
