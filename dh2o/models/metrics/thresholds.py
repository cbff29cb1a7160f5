"""Counts by threshold of a two-class score: AUC, PR-AUC, the 18 criteria, their maxima."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.models.metrics.score_histogram import ScoreHistogram
from dh2o.models.table import TwoDimTable

F64 = NDArray[np.float64]
MAX_ROWS = 400


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """True and false positives when scores from a threshold up say “second class”.

    Thresholds descend; every row of `tps`/`fps` is exact. There are at most 400, among them the
    first, the last and the best by each criterion.
    """

    scores: F64
    tps: F64
    fps: F64
    auc: float
    pr_auc: float

    @property
    def n_positive(self) -> float:
        """Weight of the rows of the second class."""
        return float(self.tps[-1]) if len(self.tps) else 0.0

    @property
    def n_negative(self) -> float:
        """Weight of the rows of the first class."""
        return float(self.fps[-1]) if len(self.fps) else 0.0

    def confusion(self, idx: int) -> F64:
        """Return [[tn, fp], [fn, tp]] at threshold number `idx`."""
        tp, fp = self.tps[idx], self.fps[idx]
        return np.array([[self.n_negative - fp, fp], [self.n_positive - tp, tp]])

    def best(self, criterion: str) -> int:
        """Return the first threshold with the largest value of `criterion`, -1 if there is none."""
        return first_max(criterion_values(criterion, self.tps, self.fps))

    def closest(self, threshold: float) -> int:
        """Return the row whose counts hold at `threshold`: the last score not below it.

        Above all scores, the first row.
        """
        return max(int(np.searchsorted(-self.scores, -threshold, side="right")) - 1, 0)

    def criterion(self, name: str) -> F64:
        """Return the values of a criterion over all thresholds."""
        return criterion_values(name, self.tps, self.fps)


def thresholds_of(histogram: ScoreHistogram, scale: float) -> Thresholds:
    """Return the curve of a histogram with groups (first class, second class)."""
    scores = histogram.scores[::-1]
    fps = np.cumsum(histogram.counts[::-1, 0]).astype(np.float64) / scale
    tps = np.cumsum(histogram.counts[::-1, 1]).astype(np.float64) / scale
    keep = chosen_rows(tps, fps)
    return Thresholds(scores[keep], tps[keep], fps[keep], auc(tps, fps), pr_auc(tps, fps))


def chosen_rows(tps: F64, fps: F64) -> NDArray[np.intp]:
    """Return at most 400 rows: equal shares of the data, and the best by each criterion."""
    n = len(tps)
    if n <= MAX_ROWS:
        return np.arange(n)
    best = [first_max(criterion_values(name, tps, fps)) for name in CRITERIA]
    total = tps + fps
    shares = np.linspace(0, total[-1], MAX_ROWS - len(best) - 2)
    spread = np.minimum(np.searchsorted(total, shares), n - 1)
    rows = np.unique(np.concatenate([[0, n - 1], spread, [b for b in best if b >= 0]]))
    return rows.astype(np.intp)


def auc(tps: F64, fps: F64) -> float:
    """Return the area under (fpr, tpr) by trapezoids, from cumulated counts."""
    if len(tps) == 0:
        return math.nan
    if fps[-1] == 0:
        return 1.0
    if tps[-1] == 0:
        return 0.0
    height = tps + np.append(0.0, tps[:-1])
    area = float(np.sum(np.diff(fps, prepend=0.0) * height)) / 2
    return area / float(tps[-1]) / float(fps[-1])


def pr_auc(tps: F64, fps: F64) -> float:
    """Return the area under precision over recall, false positives linear between points.

    Between points, with h the slope of fp over tp, precision is r / (a r + b) for recall r,
    a = 1 + h and b = (fp0 - h tp0) / P; its integral is (r - b/a log(a r + b)) / a.
    """
    if len(tps) == 0:
        return math.nan
    if fps[-1] == 0:
        return 1.0
    if tps[-1] == 0:
        return 0.0
    n_positive = tps[-1]
    tp0, fp0 = np.append(0.0, tps[:-1]), np.append(0.0, fps[:-1])
    rising = tps > tp0
    tp, fp, tp0, fp0 = tps[rising], fps[rising], tp0[rising], fp0[rising]
    slope = (fp - fp0) / (tp - tp0)
    a = 1.0 + slope
    b = (fp0 - slope * tp0) / n_positive
    recall, recall0 = tp / n_positive, tp0 / n_positive
    straight = (recall - recall0) / a
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = b / a * (np.log(a * recall + b) - np.log(a * recall0 + b)) / a
    return float(np.sum(straight - np.where(b == 0.0, 0.0, bend)))


@dataclass(frozen=True, slots=True)
class _Counts:
    """Cumulated counts at each threshold."""

    tp: F64
    fp: F64
    fn: F64
    tn: F64


_FORMULAS: dict[str, Callable[[_Counts], F64]] = {
    "f1": lambda c: _f_beta(c, 1.0),
    "f2": lambda c: _f_beta(c, 4.0),
    "f0point5": lambda c: _f_beta(c, 0.25),
    "accuracy": lambda c: (c.tn + c.tp) / (c.tp + c.fn + c.tn + c.fp),
    "precision": lambda c: c.tp / (c.tp + c.fp),
    "recall": lambda c: c.tp / (c.tp + c.fn),
    "specificity": lambda c: c.tn / (c.tn + c.fp),
    "absolute_mcc": lambda c: _absolute_mcc(c.tp, c.fp, c.fn, c.tn),
    "min_per_class_accuracy": lambda c: np.minimum(c.tp / (c.tp + c.fn), c.tn / (c.tn + c.fp)),
    "mean_per_class_accuracy": lambda c: 0.5 * (c.tp / (c.tp + c.fn) + c.tn / (c.tn + c.fp)),
    "tns": lambda c: c.tn,
    "fns": lambda c: c.fn,
    "fps": lambda c: c.fp,
    "tps": lambda c: c.tp,
    "tnr": lambda c: c.tn / (c.fp + c.tn),
    "fnr": lambda c: c.fn / (c.fn + c.tp),
    "fpr": lambda c: c.fp / (c.fp + c.tn),
    "tpr": lambda c: c.tp / (c.tp + c.fn),
}
CRITERIA = tuple(_FORMULAS)
_COUNTS = ("tns", "fns", "fps", "tps")


def criterion_values(name: str, tps: F64, fps: F64) -> F64:
    """Return a criterion's values from cumulated counts; NaN where it is undefined."""
    if len(tps) == 0:
        return np.empty(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _FORMULAS[name](_Counts(tps, fps, tps[-1] - tps, fps[-1] - fps))


def first_max(values: F64) -> int:
    """Return the index of the first largest value, NaN ignored; -1 if there is none."""
    if len(values) == 0 or np.isnan(values).all():
        return -1
    return int(np.nanargmax(values))


def _f_beta(c: _Counts, beta2: float) -> F64:
    precision, recall = c.tp / (c.tp + c.fp), c.tp / (c.tp + c.fn)
    return (1 + beta2) * (precision * recall) / (beta2 * precision + recall)


def _absolute_mcc(tp: F64, fp: F64, fn: F64, tn: F64) -> F64:
    top = tp * tn - fp * fn
    # square roots first: the product of four counts may overflow
    bottom = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return np.where(top == 0, 0.0, np.minimum(np.abs(top / bottom), 1.0))


def scores_table(curve: Thresholds) -> TwoDimTable:
    """Return H2O's “Metrics for Thresholds”."""
    columns: dict[str, tuple[str, object]] = {"threshold": ("double", curve.scores)}
    for name in CRITERIA:
        kind = "long" if name in _COUNTS and _whole(curve) else "double"
        columns[name] = (kind, curve.criterion(name))
    columns["idx"] = ("int", range(len(curve.scores)))
    return TwoDimTable.of(
        "Metrics for Thresholds",
        columns,  # type: ignore[arg-type]  # arrays are sequences here
        "Binomial metrics as a function of classification thresholds",
    )


def max_criteria_table(curve: Thresholds) -> TwoDimTable:
    """Return H2O's “Maximum Metrics”: for each criterion its best value and where."""
    rows = []
    for name in CRITERIA:
        idx = curve.best(name)
        if idx >= 0:
            value = float(curve.criterion(name)[idx])
            rows.append([f"max {name}", float(curve.scores[idx]), value, idx])
        else:
            rows.append([f"max {name}", math.nan, math.nan, None])
    header = [("metric", "string"), ("threshold", "double"), ("value", "double"), ("idx", "long")]
    return TwoDimTable.of_rows(
        "Maximum Metrics", header, rows, "Maximum metrics at their respective thresholds"
    )


def _whole(curve: Thresholds) -> bool:
    return bool(
        np.all(curve.tps == np.floor(curve.tps)) and np.all(curve.fps == np.floor(curve.fps))
    )
