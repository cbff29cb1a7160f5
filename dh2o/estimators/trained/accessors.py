"""H2O's accessors of a trained model's metrics: one line each over ModelPerformance."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from dh2o.errors import ModelError
from dh2o.estimators.trained.performance import CRITERION_METHODS, ModelPerformance
from dh2o.models import Model, TwoDimTable
from dh2o.models.metrics import ModelMetrics

Thresholds = float | Sequence[float] | str | None


_DATA = {"train": "train", "valid": "validation", "xval": "cross-validation"}


class MetricAccessors:
    """Metrics on training, validation or cross-validation data.

    Without a flag, of the training data; with one, of that data; with several, a dict by flag
    (``train``, ``valid``, ``xval``), None where the model has no such metrics.
    """

    @property
    def model(self) -> Model:
        """The trained model; the estimator defines it."""
        raise NotImplementedError

    def _performances(self, train: bool, valid: bool, xval: bool) -> dict[str, Any]:
        output = self.model.output
        wanted: dict[str, ModelMetrics | None] = {}
        if train or not (valid or xval):
            wanted["train"] = output.training_metrics
        if valid:
            wanted["valid"] = output.validation_metrics
        if xval:
            wanted["xval"] = output.cross_validation_metrics
        return {
            flag: None if metrics is None else ModelPerformance(metrics, _DATA[flag])
            for flag, metrics in wanted.items()
        }

    def _metric(self, name: str, train: bool, valid: bool, xval: bool, *args: Any) -> Any:
        found = {
            key: None if performance is None else getattr(performance, name)(*args)
            for key, performance in self._performances(train, valid, xval).items()
        }
        return next(iter(found.values())) if len(found) == 1 else found

    def mse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Mean squared error."""
        return self._metric("mse", train, valid, xval)

    def rmse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Root mean squared error."""
        return self._metric("rmse", train, valid, xval)

    def mae(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Mean absolute error."""
        return self._metric("mae", train, valid, xval)

    def rmsle(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Root mean squared logarithmic error."""
        return self._metric("rmsle", train, valid, xval)

    def r2(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Share of the response's variance that is explained."""
        return self._metric("r2", train, valid, xval)

    def mean_residual_deviance(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Mean deviance under the model's distribution."""
        return self._metric("mean_residual_deviance", train, valid, xval)

    def logloss(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Mean negative log probability of the actual class."""
        return self._metric("logloss", train, valid, xval)

    def auc(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Area under the ROC curve."""
        return self._metric("auc", train, valid, xval)

    def aucpr(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Area under the precision-recall curve."""
        return self._metric("aucpr", train, valid, xval)

    pr_auc = aucpr

    def gini(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """2 AUC - 1."""
        return self._metric("gini", train, valid, xval)

    def aic(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Akaike's information criterion."""
        return self._metric("aic", train, valid, xval)

    def loglikelihood(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Log likelihood."""
        return self._metric("loglikelihood", train, valid, xval)

    def residual_deviance(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Deviance of a generalized linear model."""
        return self._metric("residual_deviance", train, valid, xval)

    def null_deviance(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Deviance of the model without predictors."""
        return self._metric("null_deviance", train, valid, xval)

    def residual_degrees_of_freedom(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Rows less coefficients."""
        return self._metric("residual_degrees_of_freedom", train, valid, xval)

    def null_degrees_of_freedom(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Rows less one."""
        return self._metric("null_degrees_of_freedom", train, valid, xval)

    def mean_per_class_error(
        self,
        thresholds: Thresholds = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        """Mean of the class errors."""
        return self._metric("mean_per_class_error", train, valid, xval, thresholds)

    def metric(
        self,
        metric: str,
        thresholds: Thresholds = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        """Return ``[[threshold, value], …]`` of a criterion of a binomial model."""
        return self._metric("metric", train, valid, xval, metric, thresholds)

    def confusion_matrix(
        self,
        metrics: Any = None,
        thresholds: Any = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        """Return the confusion matrix; of new data if the first argument is a frame."""
        if metrics is not None and not isinstance(metrics, str | list | tuple | set):
            return self.model_performance(metrics).confusion_matrix(None, thresholds)
        return self._metric("confusion_matrix", train, valid, xval, metrics, thresholds)

    def model_performance(self, test_data: Any = None) -> ModelPerformance:
        """Return the metrics of `test_data`; the estimator defines it."""
        raise NotImplementedError

    def find_threshold_by_max_metric(
        self, metric: str, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the threshold at which `metric` is best."""
        return self._metric("find_threshold_by_max_metric", train, valid, xval, metric)

    def find_idx_by_threshold(
        self, threshold: float, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Return the row of the threshold table that holds at `threshold`."""
        return self._metric("find_idx_by_threshold", train, valid, xval, threshold)

    def gains_lift(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Gains and lift by groups of descending score."""
        return self._metric("gains_lift", train, valid, xval)

    def kolmogorov_smirnov(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """Largest distance between the cumulated shares of both classes."""
        return self._metric("kolmogorov_smirnov", train, valid, xval)

    def roc(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return false and true positive rates at all thresholds."""
        return self._metric("roc", train, valid, xval)

    def thresholds_and_metric_scores(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """All criteria at each threshold."""
        return self._metric("thresholds_and_metric_scores", train, valid, xval)

    def hit_ratio_table(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Share of rows whose class is among the k most probable."""
        return self._metric("hit_ratio_table", train, valid, xval)

    def multinomial_auc_table(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """AUC of each class and pair."""
        return self._metric("multinomial_auc_table", train, valid, xval)

    def multinomial_aucpr_table(
        self, train: bool = False, valid: bool = False, xval: bool = False
    ) -> Any:
        """PR-AUC of each class and pair."""
        return self._metric("multinomial_aucpr_table", train, valid, xval)


def _criterion_accessor(name: str) -> Any:
    def accessor(
        self: MetricAccessors,
        thresholds: Thresholds = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
    ) -> Any:
        return self._metric(name, train, valid, xval, thresholds)

    accessor.__name__ = name
    accessor.__doc__ = f"Return ``[[threshold, {name}], …]`` of a binomial model."
    return accessor


for _name in CRITERION_METHODS:
    setattr(MetricAccessors, _name, _criterion_accessor(_name))


_PARAGRAPHS = {
    "metric": 'metric : str\n    The criterion, as "f1" or "accuracy".',
    "metrics": (
        "metrics : str or list of str, or H2OFrame, optional\n"
        "    Criteria of a binomial model, at whose best threshold it is taken; default: f1.\n"
        "    A frame: new data to measure."
    ),
    "threshold": "threshold : float\n    A probability of the second class.",
    "thresholds": (
        'thresholds : float, list of float or "all", optional\n'
        "    Of a binomial model: where it is measured; default: where the criterion is best."
    ),
}
_FLAGS = (
    " : bool\n    Measured on the training, validation or cross-validation data. One value for one "
    "flag or\n    none (training); for several a dict by flag, None where there are no metrics."
)


def document_flags(cls: type) -> None:
    """Give each method of `cls` that takes train, valid and xval the paragraphs on its parameters.

    They mean the same everywhere and are written once.
    """
    for method in vars(cls).values():
        names = list(inspect.signature(method).parameters) if inspect.isfunction(method) else []
        flags = ", ".join(name for name in names if name in _DATA)
        if not flags or not method.__doc__ or "\n" in method.__doc__:
            continue
        paragraphs = [_PARAGRAPHS[name] for name in names if name in _PARAGRAPHS] + [flags + _FLAGS]
        method.__doc__ += "\n\nParameters\n----------\n" + "\n".join(paragraphs)


document_flags(MetricAccessors)


def table_or_pandas(table: TwoDimTable | None, as_data_frame: bool, what: str) -> Any:
    """Return a table, as a pandas frame if that is wished."""
    if table is None:
        raise ModelError(f"This model has no {what}.")
    return table.as_data_frame() if as_data_frame else table
