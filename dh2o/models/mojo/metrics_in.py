"""Metrics of a model as ``modelDetails.json`` has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dh2o.models.category import ModelCategory
from dh2o.models.metrics import (
    ConfusionMatrix,
    ModelMetrics,
    ModelMetricsAnomaly,
    ModelMetricsBinomial,
    ModelMetricsMultinomial,
    ModelMetricsOrdinal,
    ModelMetricsRegression,
)
from dh2o.models.metrics.multinomial_auc import MultinomialAuc
from dh2o.models.metrics.thresholds import Thresholds
from dh2o.models.mojo.json_in import number_of, table_of
from dh2o.models.table import TwoDimTable

__all__ = ["metrics_of"]

#: What linear models and others have besides, under H2O's names.
_EXTRA = (
    "residual_deviance", "null_deviance", "AIC", "loglikelihood", "null_degrees_of_freedom",
    "residual_degrees_of_freedom",
)  # fmt: skip
_COUNTS = ("null_degrees_of_freedom", "residual_degrees_of_freedom")


def metrics_of(
    data: Any, category: ModelCategory, domain: tuple[str, ...] | None
) -> ModelMetrics | None:
    """Return the metrics in `data`; None if there are none."""
    if not isinstance(data, dict):
        return None
    common = _common(data)
    base: dict[str, Any] = {"n_obs": int(_number(data, "nobs", 0)), "mse": _number(data, "MSE")}
    if category is ModelCategory.BINOMIAL and domain is not None:
        return ModelMetricsBinomial(
            **base,
            logloss=_number(data, "logloss"),
            r2=_number(data, "r2"),
            domain=domain,
            thresholds=_thresholds(data),
            gains_lift_table=_table(data, "gains_lift_table"),
            **common,
        )
    if category in (ModelCategory.MULTINOMIAL, ModelCategory.ORDINAL) and domain is not None:
        is_ordinal = category is ModelCategory.ORDINAL
        cls = ModelMetricsOrdinal if is_ordinal else ModelMetricsMultinomial
        aucs = _aucs(data, domain)
        return cls(
            **base,
            logloss=_number(data, "logloss"),
            r2=_number(data, "r2"),
            domain=domain,
            cm=ConfusionMatrix(_confusion(data, domain), domain),
            hit_ratios=_hit_ratios(data),
            auc_type="AUTO" if aucs is None else "WEIGHTED_OVR",
            aucs=aucs,
            **common,
        )
    if category is ModelCategory.REGRESSION:
        return ModelMetricsRegression(
            **base,
            mae=_number(data, "mae"),
            rmsle=_number(data, "rmsle"),
            mean_residual_deviance=_number(data, "mean_residual_deviance"),
            r2=_number(data, "r2"),
            **common,
        )
    if category is ModelCategory.ANOMALY:
        names = ("mean_score", "mean_normalized_score")
        means: dict[str, Any] = {name: _number(data, name) for name in names}
        return ModelMetricsAnomaly(**base, **means, **common)
    return ModelMetrics(**base, **common)


def _common(data: Mapping[str, Any]) -> dict[str, Any]:
    description, custom = data.get("description"), data.get("custom_metric_name")
    extra = {}
    for name in _EXTRA:
        value = number_of(data.get(name))
        if name in data and (name != "AIC" or "residual_deviance" in data):
            extra[name] = int(value) if name in _COUNTS and math.isfinite(value) else value
    if math.isnan(extra.get("residual_deviance", math.nan)):
        extra = {}
    return {
        "description": description if isinstance(description, str) else "",
        "scoring_time_ms": int(_number(data, "scoring_time", 0)),
        "custom_name": custom if isinstance(custom, str) else None,
        "custom_value": _number(data, "custom_metric_value"),
        "extra": extra,
    }


def _number(data: Mapping[str, Any], name: str, default: float = math.nan) -> float:
    value = number_of(data.get(name))
    return default if math.isnan(value) else value


def _table(data: Mapping[str, Any], name: str) -> TwoDimTable | None:
    return table_of(data.get(name))


def _floats(table: TwoDimTable | None, name: str) -> Any:
    if table is None or name not in table.col_names:
        return np.empty(0)
    cells = table.column(name)
    return np.array([math.nan if cell is None else float(cell) for cell in cells], np.float64)


def _thresholds(data: Mapping[str, Any]) -> Thresholds:
    table = _table(data, "thresholds_and_metric_scores")
    scores, tps, fps = (_floats(table, name) for name in ("threshold", "tps", "fps"))
    if not len(scores) == len(tps) == len(fps):
        scores = tps = fps = np.empty(0)
    return Thresholds(scores, tps, fps, _number(data, "AUC"), _number(data, "pr_auc"))


def _confusion(data: Mapping[str, Any], domain: tuple[str, ...]) -> Any:
    cm = data.get("cm")
    table = _table(cm, "table") if isinstance(cm, dict) else None
    n = len(domain)
    counts = np.zeros((n, n))
    if table is not None and set(domain) <= set(table.col_names) and table.n_rows >= n:
        for idx, level in enumerate(domain):
            counts[:, idx] = np.nan_to_num(_floats(table, level)[:n])
    return counts


def _hit_ratios(data: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(_floats(_table(data, "hit_ratio_table"), "hit_ratio").tolist())


def _aucs(data: Mapping[str, Any], domain: tuple[str, ...]) -> MultinomialAuc | None:
    """Return the areas under curves, by class and by pair, if the tables hold them."""
    n = len(domain)
    rest, pairs = {}, {}
    upper = np.triu_indices(n, 1)
    for metric, field in (("auc", "multinomial_auc_table"), ("pr_auc", "multinomial_aucpr_table")):
        table = _table(data, field)
        values = _floats(table, table.col_names[-1]) if table is not None else np.empty(0)
        if len(values) != n + len(upper[0]) + 4:
            return None
        rest[metric] = values[:n]
        pairs[metric] = np.zeros((n, n))
        pairs[metric][upper] = values[n + 2 : n + 2 + len(upper[0])]
    return MultinomialAuc(rest, pairs, _confusion(data, domain).sum(axis=1))
