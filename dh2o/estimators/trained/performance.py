"""Metrics as users call them: H2O's method names over a ModelMetrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dh2o.errors import ModelError, ParameterError
from dh2o.models import TwoDimTable
from dh2o.models.metrics import (
    ConfusionMatrix,
    ModelMetrics,
    ModelMetricsBinomial,
    ModelMetricsMultinomial,
)
from dh2o.models.metrics.thresholds import CRITERIA
from dh2o.models.printing import metrics_html, metrics_text

_ALIASES = {
    "sensitivity": "tpr",
    "fallout": "fpr",
    "missrate": "fnr",
    "mcc": "absolute_mcc",
    "F1": "f1",
    "F2": "f2",
    "F0point5": "f0point5",
}
_COMPLEMENTS = {
    "error": "accuracy",
    "max_per_class_error": "min_per_class_accuracy",
    "mean_per_class_error": "mean_per_class_accuracy",
}


class ModelPerformance:
    """Metrics of a model on one data set; what ``model_performance()`` returns.

    Parameters
    ----------
    metrics : ModelMetrics
        The figures.
    on : str
        Which data: train, validation, cross-validation or test.
    """

    def __init__(self, metrics: ModelMetrics, on: str = "test") -> None:
        self.metrics = metrics
        self.on = on  # which data: train, validation, cross-validation or test

    def _get(self, attribute: str, shown: str | None = None) -> Any:
        if not hasattr(self.metrics, attribute):
            kind = self.metrics.category
            raise ModelError(f"{kind} metrics have no {shown or attribute}.")
        return getattr(self.metrics, attribute)

    def _extra(self, name: str) -> Any:
        if name not in self.metrics.extra:
            raise ModelError(f"These metrics have no {name}; generalized linear models have it.")
        return self.metrics.extra[name]

    def _binomial(self, what: str) -> ModelMetricsBinomial:
        if not isinstance(self.metrics, ModelMetricsBinomial):
            raise ModelError(f"{what} is defined for binomial models, not {self.metrics.category}.")
        return self.metrics

    # ---- single numbers

    def mse(self) -> float:
        """Mean squared error."""
        return float(self.metrics.mse)

    def rmse(self) -> float:
        """Root mean squared error."""
        return self.metrics.rmse

    def mae(self) -> float:
        """Mean absolute error."""
        return float(self._get("mae"))

    def rmsle(self) -> float:
        """Root mean squared logarithmic error."""
        return float(self._get("rmsle"))

    def r2(self) -> float:
        """Share of the response's variance that is explained."""
        return float(self._get("r2"))

    def mean_residual_deviance(self) -> float:
        """Mean deviance under the model's distribution."""
        return float(self._get("mean_residual_deviance"))

    def logloss(self) -> float:
        """Mean negative log probability of the actual class."""
        return float(self._get("logloss"))

    def auc(self) -> float:
        """Area under the ROC curve."""
        return float(self._get("auc"))

    def aucpr(self) -> float:
        """Area under the precision-recall curve."""
        return float(self._get("pr_auc", "aucpr"))

    pr_auc = aucpr

    def gini(self) -> float:
        """2 AUC - 1."""
        return float(self._get("gini"))

    def nobs(self) -> int:
        """Return the number of rows that were measured."""
        return self.metrics.n_obs

    def aic(self) -> float:
        """Akaike's information criterion."""
        return float(self.metrics.extra.get("AIC", math.nan))

    def loglikelihood(self) -> float:
        """Log likelihood."""
        return float(self.metrics.extra.get("loglikelihood", math.nan))

    def residual_deviance(self) -> float:
        """Deviance of the model."""
        return float(self._extra("residual_deviance"))

    def null_deviance(self) -> float:
        """Deviance of a model without predictors."""
        return float(self._extra("null_deviance"))

    def residual_degrees_of_freedom(self) -> int:
        """Rows less coefficients."""
        return int(self._extra("residual_degrees_of_freedom"))

    def null_degrees_of_freedom(self) -> int:
        """Rows less one."""
        return int(self._extra("null_degrees_of_freedom"))

    def custom_metric_name(self) -> str | None:
        """Name of the custom metric, if there is one."""
        return self.metrics.custom_name

    def custom_metric_value(self) -> float:
        """Value of the custom metric, NaN if there is none."""
        return self.metrics.custom_value

    # ---- by threshold

    def metric(
        self, metric: str, thresholds: float | Sequence[float] | str | None = None
    ) -> list[list[float]]:
        """Return ``[[threshold, value], …]`` of a criterion.

        Parameters
        ----------
        metric : str
            The criterion, as "f1", "accuracy" or "tpr".
        thresholds : float, list of float or "all", optional
            Where it is measured, at the nearest threshold there is; default: where it is best.

        Raises
        ------
        ModelError
            The model is not of two classes.
        ParameterError
            There is no such criterion; the message names all.
        """
        curve = self._binomial(metric).thresholds
        complement = metric in _COMPLEMENTS
        name = _COMPLEMENTS.get(metric, _ALIASES.get(metric, metric))
        if name not in CRITERIA:
            known = ", ".join([*CRITERIA, *_COMPLEMENTS, *_ALIASES])
            raise ParameterError(f"metric: expected one of {known}, got {metric!r}.")
        values = curve.criterion(name)
        if complement:
            values = 1.0 - values
        if thresholds is None:
            idx = [curve.best(name)]
        elif isinstance(thresholds, str):
            idx = list(range(len(curve.scores)))
        else:
            wanted = [thresholds] if isinstance(thresholds, int | float) else thresholds
            idx = [curve.closest(float(t)) for t in wanted]
            return [[float(t), float(values[i])] for t, i in zip(wanted, idx, strict=True)]
        return [[float(curve.scores[i]), float(values[i])] for i in idx if i >= 0]

    def mean_per_class_error(self, thresholds: Any = None) -> Any:
        """Mean of the class errors: one number, or by threshold for two classes.

        Parameters
        ----------
        thresholds : float, list of float or "all", optional
            Of two classes: where it is measured; default: where it is best.
        """
        if isinstance(self.metrics, ModelMetricsBinomial):
            return self.metric("mean_per_class_error", thresholds)
        return float(self._get("mean_per_class_error"))

    def find_threshold_by_max_metric(self, metric: str) -> float:
        """Return the threshold at which `metric` is best.

        Parameters
        ----------
        metric : str
            The criterion, as "f1".
        """
        return self.metric(metric)[0][0]

    def find_idx_by_threshold(self, threshold: float) -> int:
        """Return the row of the threshold table whose counts hold at `threshold`.

        Parameters
        ----------
        threshold : float
            A probability of the second class.
        """
        return self._binomial("find_idx_by_threshold").thresholds.closest(threshold)

    def fprs(self) -> list[float]:
        """Return the false positive rates at all thresholds."""
        return [float(v) for v in self._binomial("fprs").thresholds.criterion("fpr")]

    def tprs(self) -> list[float]:
        """Return the true positive rates at all thresholds."""
        return [float(v) for v in self._binomial("tprs").thresholds.criterion("tpr")]

    def roc(self) -> tuple[list[float], list[float]]:
        """Return false and true positive rates, from (0, 0) to (1, 1)."""
        return [0.0, *self.fprs()], [0.0, *self.tprs()]

    # ---- tables

    def confusion_matrix(
        self,
        metrics: str | Sequence[str] | None = None,
        thresholds: float | Sequence[float] | None = None,
    ) -> Any:
        """Return the confusion matrix, or a list of them for several criteria or thresholds.

        Of a binomial model at the best F1 by default, else at the best value of each criterion in
        `metrics` and at each of `thresholds`.

        Parameters
        ----------
        metrics : str or list of str, optional
            Criteria of a binomial model.
        thresholds : float or list of float, optional
            Probabilities of the second class.

        Raises
        ------
        ModelError
            The model has no classes.
        ParameterError
            There is no such criterion, or a threshold is not in 0…1.
        """
        if isinstance(self.metrics, ModelMetricsMultinomial):
            return self.metrics.cm
        found = self._binomial("confusion_matrix")
        names = _as_list(metrics) or ([] if thresholds is not None else ["f1"])
        made: list[ConfusionMatrix] = []
        for name in names:
            criterion = _COMPLEMENTS.get(name, _ALIASES.get(name, name))
            if criterion not in CRITERIA:
                raise ParameterError(f"metrics: expected some of {CRITERIA}, got {name!r}.")
            idx = found.thresholds.best(criterion)
            if idx >= 0:
                made.append(found.confusion_at(idx, criterion))
        for threshold in _as_list(thresholds):
            if not 0 <= threshold <= 1:
                raise ParameterError(f"thresholds: expected numbers in 0…1, got {threshold}.")
            made.append(found.confusion_at(found.thresholds.closest(threshold), "threshold"))
        return made[0] if len(made) == 1 else made

    def gains_lift(self) -> TwoDimTable | None:
        """Gains and lift by groups of descending score."""
        return self._binomial("gains_lift").gains_lift_table

    def kolmogorov_smirnov(self) -> float:
        """Largest distance between the cumulated shares of both classes."""
        return self._binomial("kolmogorov_smirnov").kolmogorov_smirnov

    def thresholds_and_metric_scores(self) -> TwoDimTable:
        """All criteria at each threshold."""
        return self._binomial("thresholds_and_metric_scores").thresholds_and_metric_scores

    def hit_ratio_table(self) -> TwoDimTable:
        """Share of rows whose class is among the k most probable."""
        table: TwoDimTable = self._get("hit_ratio_table")
        return table

    def multinomial_auc_table(self) -> TwoDimTable | None:
        """AUC of each class and pair; None unless ``auc_type`` was set."""
        table: TwoDimTable | None = self._get("multinomial_auc_table")
        return table

    def multinomial_aucpr_table(self) -> TwoDimTable | None:
        """PR-AUC of each class and pair; None unless ``auc_type`` was set."""
        table: TwoDimTable | None = self._get("multinomial_aucpr_table")
        return table

    def plot(self, type: str = "roc", save_plot_path: str | None = None) -> Any:  # noqa: A002
        """Draw the ROC curve (``roc``) or precision over recall (``pr``); needs matplotlib.

        Parameters
        ----------
        type : {"roc", "pr"}
            The curve.
        save_plot_path : str, optional
            Where the figure is written.
        """
        from dh2o.estimators.trained.plots import plot_curve

        return plot_curve(self._binomial("plot"), type, save_plot_path)

    # ---- showing

    def __getitem__(self, name: str) -> Any:
        """Return a figure by its H2O name, as ``perf["AUC"]``."""
        from dh2o.models.metrics.names import by_h2o_name

        return by_h2o_name(self.metrics, name)

    def show(self) -> None:
        """Print the metrics."""
        import sys

        sys.stdout.write(f"{self}\n")

    def __str__(self) -> str:
        return metrics_text(self.metrics, self.on)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return metrics_html(self.metrics, self.on)


def _criterion_method(name: str) -> Any:
    def by_threshold(
        self: ModelPerformance, thresholds: float | Sequence[float] | str | None = None
    ) -> list[list[float]]:
        return self.metric(name, thresholds)

    by_threshold.__name__ = name
    by_threshold.__doc__ = f"""Return ``[[threshold, {name}], …]``; see `metric`.

        Parameters
        ----------
        thresholds : float, list of float or "all", optional
            Where it is measured; default: where it is best.
        """
    return by_threshold


CRITERION_METHODS = (
    "F1", "F2", "F0point5", "accuracy", "error", "precision", "tpr", "tnr", "fnr", "fpr", "recall",
    "sensitivity", "fallout", "missrate", "specificity", "mcc", "max_per_class_error",
)  # fmt: skip
for _name in CRITERION_METHODS:
    setattr(ModelPerformance, _name, _criterion_method(_name))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]
