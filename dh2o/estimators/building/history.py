"""The scoring history: one row of metrics for each time a model was measured while it grew."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dh2o.estimators.building.stopping import StopRule
from dh2o.models import ModelCategory, TwoDimTable
from dh2o.models.metrics import ModelMetrics

_REGRESSION = {"rmse": "rmse", "mae": "mae", "deviance": "mean_residual_deviance"}
_BINOMIAL = {
    "rmse": "rmse",
    "logloss": "logloss",
    "auc": "auc",
    "pr_auc": "pr_auc",
    "lift": "lift_top_group",
    "classification_error": "error",
}
_MULTINOMIAL = {
    "rmse": "rmse",
    "logloss": "logloss",
    "classification_error": "error",
    "auc": "auc",
    "pr_auc": "pr_auc",
}


def metric_columns(category: ModelCategory) -> dict[str, str]:
    """Return column suffix -> attribute of the metrics, in H2O's order."""
    if category is ModelCategory.ANOMALY:
        return {}
    if category is ModelCategory.AUTO_ENCODER:
        return {"rmse": "rmse", "mse": "mse"}
    if category is ModelCategory.BINOMIAL:
        return _BINOMIAL
    return _MULTINOMIAL if category.is_classifier else _REGRESSION


@dataclass(frozen=True, slots=True)
class ScoringEvent:
    """One measurement: when, the algorithm's own columns, metrics by data set."""

    time_ms: int
    own: dict[str, Any]
    metrics: dict[str, dict[str, float]]


@dataclass(slots=True)
class ScoringHistory:
    """Collects scoring events and makes H2O's table of them. Small and picklable.

    ``own_columns`` are the algorithm's columns by type, e.g. ``{"number_of_trees": "int"}``.
    """

    category: ModelCategory
    own_columns: dict[str, str]
    rule: StopRule
    start_time_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    events: list[ScoringEvent] = field(default_factory=list)
    stop_values: list[float] = field(default_factory=list)

    def add(
        self,
        own: Mapping[str, Any],
        training: ModelMetrics | None = None,
        validation: ModelMetrics | None = None,
    ) -> None:
        """Record a scoring event that happens now."""
        sets = {"training": training, "validation": validation}
        attributes = metric_columns(self.category)
        metrics = {
            name: {suffix: _number(found, attribute) for suffix, attribute in attributes.items()}
            for name, found in sets.items()
            if found is not None
        }
        for name, found in sets.items():
            if found is not None and found.custom_name is not None:
                metrics[name]["custom"] = found.custom_value
        self.events.append(ScoringEvent(int(time.time() * 1000), dict(own), metrics))
        judged = validation if validation is not None else training
        self.stop_values.append(self.rule.value(judged))

    def should_stop(self) -> bool:
        """Return whether the stopping metric (of validation data if there are any) converged."""
        return self.rule.should_stop(self.stop_values)

    def table(self) -> TwoDimTable:
        """Return H2O's scoring history table."""
        columns: dict[str, Any] = {
            "": ("string", [""] * len(self.events)),
            "timestamp": ("string", [timestamp_text(e.time_ms) for e in self.events]),
            "duration": (
                "string",
                [duration_text(e.time_ms - self.start_time_ms) for e in self.events],
            ),
        }
        for name, kind in self.own_columns.items():
            columns[name] = (kind, [event.own.get(name) for event in self.events])
        present = [
            s for s in ("training", "validation") if any(s in e.metrics for e in self.events)
        ]
        for name in present:
            own = [e.metrics[name] for e in self.events if name in e.metrics]
            custom = ["custom"] if any("custom" in found for found in own) else []
            for suffix in (*metric_columns(self.category), *custom):
                values = [e.metrics.get(name, {}).get(suffix, math.nan) for e in self.events]
                columns[f"{name}_{suffix}"] = ("double", "%.5f", values)
        return TwoDimTable.of("Scoring History", columns)


def _number(metrics: ModelMetrics, attribute: str) -> float:
    return float(getattr(metrics, attribute, math.nan))


def timestamp_text(ms: int) -> str:
    """Return a time, given in milliseconds since 1970, as tables show it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms / 1000))


def duration_text(ms: int) -> str:
    """Return a number of milliseconds as tables show it."""
    seconds, minutes = ms / 1000 % 60, ms // 60000 % 60
    hours = ms // 3600000
    if hours:
        return f"{hours:2d} hr {minutes:2d} min {seconds:06.3f} sec"
    if minutes:
        return f"{minutes:2d} min {seconds:06.3f} sec"
    return f"{seconds:6.3f} sec"
