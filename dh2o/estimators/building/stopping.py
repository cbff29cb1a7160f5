"""Early stopping by H2O's rule: moving averages that no longer improve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dh2o.models import ModelCategory, ModelParameters
from dh2o.models.metrics import ModelMetrics

# stopping metric -> attribute of the metrics
_ATTRIBUTES = {
    "deviance": "mean_residual_deviance",
    "logloss": "logloss",
    "MSE": "mse",
    "RMSE": "rmse",
    "MAE": "mae",
    "RMSLE": "rmsle",
    "AUC": "auc",
    "AUCPR": "pr_auc",
    "lift_top_group": "lift_top_group",
    "misclassification": "error",
    "mean_per_class_error": "mean_per_class_error",
    "anomaly_score": "mean_score",
    "custom": "custom_value",
    "custom_increasing": "custom_value",
}
#: The metrics that can tell when to stop.
METRICS = tuple(_ATTRIBUTES)
_HIGHER_IS_BETTER = frozenset({"AUC", "AUCPR", "lift_top_group", "custom_increasing"})
_UNBOUNDED = frozenset({"deviance", "custom", "anomaly_score"})  # 0 is no end to them
_NON_DIRECTIONAL = frozenset({"anomaly_score"})  # has converged when it moves no more


def metric_value(metrics: ModelMetrics | None, metric: str) -> float:
    """Return the value of a stopping metric; NaN if these metrics have none."""
    return float(getattr(metrics, _ATTRIBUTES[metric], math.nan))


@dataclass(frozen=True, slots=True)
class StopRule:
    """Stop when the best of the last `rounds` moving averages is no better than the one before.

    Averages are over `rounds` scoring events each; the first event of all never counts; better
    means by the relative `tolerance`. Zero rounds never stop.
    """

    rounds: int
    metric: str
    tolerance: float

    @classmethod
    def of(cls, params: ModelParameters, category: ModelCategory) -> StopRule:
        """Return the rule of a model's parameters; AUTO is logloss or deviance."""
        metric = params.get("stopping_metric") or "AUTO"  # none where nothing is to stop
        if metric == "AUTO":
            metric = "logloss" if category.is_classifier else "deviance"
            if category is ModelCategory.ANOMALY:
                metric = "anomaly_score"
        rounds = params.get("stopping_rounds", 0)
        return cls(rounds, metric, params.get("stopping_tolerance", 0.001))

    @property
    def higher_is_better(self) -> bool:
        """Whether larger values of the metric are better ones."""
        return self.metric in _HIGHER_IS_BETTER

    def value(self, metrics: ModelMetrics | None) -> float:
        """Return this rule's metric."""
        return metric_value(metrics, self.metric)

    def should_stop(self, values: Sequence[float]) -> bool:
        """Return whether the metric has converged after scoring events with these `values`."""
        k = self.rounds
        if k == 0 or len(values) - 1 < 2 * k:
            return False
        last = values[-2 * k :]
        averages = [sum(last[i : i + k]) / k for i in range(k + 1)]
        if any(math.isnan(average) for average in averages):
            return False
        reference, new = averages[0], averages[1:]
        if reference == 0.0 and not self.higher_is_better and self.metric not in _UNBOUNDED:
            return True
        if _sign(max(averages)) != _sign(min(averages)):
            return False
        best = max(new) if self.higher_is_better else min(new)
        if reference == 0.0:
            return False
        if self.metric in _NON_DIRECTIONAL:
            furthest = max(new, key=lambda value: abs(value - reference))
            return abs(furthest / reference - 1) <= self.tolerance
        ratio = best / reference
        return ratio <= 1 + self.tolerance if self.higher_is_better else ratio >= 1 - self.tolerance

    def best_of_last(self, values: Sequence[float]) -> int:
        """Return which of the last `rounds` scoring events was the best, the latest of equals."""
        best = len(values) - 1
        if self.metric in _NON_DIRECTIONAL:
            return best
        for i in range(len(values) - 2, max(len(values) - 1 - self.rounds, -1), -1):
            better = values[i] > values[best] if self.higher_is_better else values[i] < values[best]
            if better:
                best = i
        return best


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)


def best_index(values: Sequence[Any], higher_is_better: bool) -> int:
    """Return where the best value is, NaN never; -1 if there is none."""
    known = [(value, -i) for i, value in enumerate(values) if not math.isnan(value)]
    if not known:
        return -1
    best = max(known) if higher_is_better else min((v, -i) for v, i in known)
    return abs(best[1])
