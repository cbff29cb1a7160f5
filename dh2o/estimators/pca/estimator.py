"""The estimator that users call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.pca.params import PARAMS
from dh2o.models.pca import ProjectionModel


class CallableText(str):
    """A text that can be called: H2O's parameter ``transform`` and scikit-learn's method."""

    call: Callable[..., Any]

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call what the text was given."""
        return self.call(*args, **options)


class TransformParameter:
    """The parameter ``transform`` of an estimator; called, it transforms a table."""

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        text = CallableText(estimator.__dict__["transform"] or "NONE")
        text.call = estimator.projected
        return text

    def __set__(self, estimator: Any, value: str | None) -> None:
        estimator.__dict__["transform"] = value


class ProjectionSide:
    """What estimators of projections have in common, scikit-learn's names included."""

    model: Any
    transform = TransformParameter()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters as they were given.

        Parameters
        ----------
        deep : bool
            For scikit-learn's signature; there is nothing inside.
        """
        found: dict[str, Any] = super().get_params(deep)  # type: ignore[misc]  # the estimator's
        return {**found, "transform": self.__dict__["transform"]}

    def _projection(self) -> ProjectionModel:
        model = self.model
        if not isinstance(model, ProjectionModel):
            raise TypeError(f"expected a ProjectionModel, got {type(model).__name__}")
        return model

    def _predict_local(self, data: Any) -> Any:
        return self.projected(data)

    def projected(self, X: Any) -> Any:
        """Return the components of the rows of a local table, one column each.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The rows.
        """
        from dh2o.models.predict_local import score_table

        return score_table(self._projection(), X)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Train on a local table and return the components of its rows.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The rows.
        y
            For scikit-learn's signature.
        """
        return self.fit(X, y).projected(X)  # type: ignore[attr-defined]  # the estimator's

    @property
    def components_(self) -> Any:
        """The components, one row each, over the expanded columns."""
        return self._projection().vectors.T

    @property
    def singular_values_(self) -> Any:
        """The singular values of the transformed training rows."""
        return self._projection().values

    @property
    def explained_variance_(self) -> Any:
        """The variance of each component."""
        return np.square(self._projection().std_deviation)

    @property
    def explained_variance_ratio_(self) -> Any:
        """The share of each component in the total variance."""
        total = self._projection().total_variance
        return self.explained_variance_ / total if total > 0 else self.explained_variance_ * 0.0


class H2OPrincipalComponentAnalysisEstimator(ProjectionSide, H2OEstimator, table=PARAMS):
    """Principal components of numeric and categorical columns."""

    algo = "pca"
    supervised_learning = False

    def varimp(self, use_pandas: bool = False) -> Any:
        """Return the importance of the components: standard deviation and shares of variance.

        Parameters
        ----------
        use_pandas : bool
            As a pandas frame instead of a list of rows.
        """
        table = self._projection().output.extra["importance"]
        return table.as_data_frame() if use_pandas else table.rows

    def rotation(self) -> Any:
        """Return the table of the components' coordinates."""
        return self._projection().output.extra["eigenvectors"]

    def screeplot(self, type: str = "barplot", save_plot_path: Any = None) -> Any:  # noqa: A002
        """Draw the variance of each component, as ``barplot`` or ``lines``.

        Parameters
        ----------
        type : {"barplot", "lines"}
            The kind of plot.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.trained.plots_unsupervised import plot_scree

        return plot_scree(self._projection(), type, save_plot_path)
