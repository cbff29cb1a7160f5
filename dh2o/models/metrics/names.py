"""H2O's names of metric figures, for JSON and for ``perf["AUC"]``."""

from __future__ import annotations

from typing import Any

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import ModelMetrics

_COMMON = {"MSE": "mse", "RMSE": "rmse", "nobs": "n_obs"}
_OF_CATEGORY: dict[ModelCategory, dict[str, str]] = {
    ModelCategory.REGRESSION: {
        "r2": "r2",
        "mean_residual_deviance": "mean_residual_deviance",
        "mae": "mae",
        "rmsle": "rmsle",
    },
    ModelCategory.BINOMIAL: {
        "r2": "r2",
        "logloss": "logloss",
        "AUC": "auc",
        "pr_auc": "pr_auc",
        "Gini": "gini",
        "mean_per_class_error": "mean_per_class_error",
    },
    ModelCategory.MULTINOMIAL: {
        "r2": "r2",
        "logloss": "logloss",
        "mean_per_class_error": "mean_per_class_error",
        "AUC": "auc",
        "pr_auc": "pr_auc",
    },
    ModelCategory.ANOMALY: {
        "mean_score": "mean_score",
        "mean_normalized_score": "mean_normalized_score",
    },
}
_OF_CATEGORY[ModelCategory.ORDINAL] = _OF_CATEGORY[ModelCategory.MULTINOMIAL]


def figure_names(metrics: ModelMetrics) -> dict[str, str]:
    """Return H2O's names of the single figures -> attributes."""
    return {**_COMMON, **_OF_CATEGORY.get(metrics.category, {})}


def figures(metrics: ModelMetrics) -> dict[str, float]:
    """Return all single figures by H2O's names, those of linear models included."""
    named = {name: getattr(metrics, attr) for name, attr in figure_names(metrics).items()}
    return {**named, **metrics.extra}


def by_h2o_name(metrics: ModelMetrics, name: str) -> Any:
    """Return a figure or table by H2O's name; KeyError if there is none of that name."""
    found = figures(metrics)
    if name in found:
        return found[name]
    if not name.startswith("_") and hasattr(metrics, name):
        return getattr(metrics, name)
    raise KeyError(f"{name!r} is none of {', '.join(found)}")
