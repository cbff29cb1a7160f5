"""The estimator that users call."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.kmeans.params import PARAMS
from dh2o.estimators.trained.accessors import document_flags
from dh2o.models.kmeans import KMeansModel
from dh2o.models.metrics.clustering import ModelMetricsClustering


class H2OKMeansEstimator(H2OEstimator, table=PARAMS):
    """K-means clustering of rows of numbers and categories."""

    algo = "kmeans"
    supervised_learning = False

    def _kmeans(self) -> KMeansModel:
        model = self.model
        if not isinstance(model, KMeansModel):
            raise TypeError(f"expected a KMeansModel, got {type(model).__name__}")
        return model

    def _clusters(self, name: str, train: bool, valid: bool, xval: bool = False) -> Any:
        """Return a figure of the metrics by data set, alone if only one was asked for."""
        found = {
            key: None if metrics is None else getattr(metrics, name)
            for key, metrics in self._of_data(train, valid, xval).items()
        }
        return next(iter(found.values())) if len(found) == 1 else found

    def _of_data(
        self, train: bool, valid: bool, xval: bool
    ) -> dict[str, ModelMetricsClustering | None]:
        performances = self._performances(train, valid, xval)
        return {key: None if p is None else p.metrics for key, p in performances.items()}

    def size(self, train: bool = False, valid: bool = False) -> Any:
        """Return how many rows each cluster has."""
        return self._clusters("sizes", train, valid)

    def withinss(self, train: bool = False, valid: bool = False) -> Any:
        """Return each cluster's sum of squared distances to its centre."""
        return self._clusters("withinss", train, valid)

    def tot_withinss(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the sum of squared distances of all rows to their centres."""
        return self._clusters("tot_withinss", train, valid, xval)

    def totss(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the sum of squared distances of all rows to their mean."""
        return self._clusters("totss", train, valid, xval)

    def betweenss(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return what the clusters explain of the total sum of squares."""
        return self._clusters("betweenss", train, valid, xval)

    def centroid_stats(self, train: bool = False, valid: bool = False) -> Any:
        """Return size and sum of squares of each cluster, as a table."""
        return self._clusters("centroid_stats", train, valid)

    def num_iterations(self) -> int:
        """Return how many iterations were done."""
        table = self.model.output.model_summary
        assert table is not None
        return int(table["number_of_iterations"][0])

    def centers(self) -> list[list[Any]]:
        """Return the centres in the units of the columns, levels by name, one list each."""
        return [row[1:] for row in self.model.output.extra["centers"].rows]

    def centers_std(self) -> list[list[Any]]:
        """Return the standardised centres by column, as H2O's client does."""
        table = self.model.output.extra.get("centers_std")
        if table is None:
            raise AttributeError("centers_std: the model was trained with standardize=False.")
        return [list(column) for column in table.columns[1:]]

    @property
    def cluster_centers_(self) -> Any:
        """The centres of numeric columns as an array, scikit-learn's way."""
        return self._kmeans().raw_centers

    @property
    def inertia_(self) -> float:
        """The sum of squared distances to the centres, in the space they are compared in."""
        return float(self.tot_withinss())

    @property
    def n_iter_(self) -> int:
        """How many iterations were done."""
        return self.num_iterations()

    def transform(self, X: Any) -> Any:
        """Return the distance of each row of a local table to each centre.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The rows.

        Returns
        -------
        numpy.ndarray, shape (n_rows, k)
            Euclid's distances, of standardised columns where the model standardises.
        """
        from dh2o.models.predict_local import local_columns_of

        model = self._kmeans()
        return np.sqrt(model.distances(local_columns_of(model, X)))

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Train on a local table and return the distances of its rows to the centres.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The rows.
        y
            For scikit-learn's signature.
        """
        return self.fit(X, y).transform(X)

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Train on a local table and return the cluster of each row.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The rows.
        y
            For scikit-learn's signature.
        """
        return self.fit(X, y).predict(X)

    def plot_clusters(
        self, data: Any, x: str | None = None, y: str | None = None, save_plot_path: Any = None
    ) -> Any:
        """Draw rows of `data` by two numeric columns in their clusters' colours.

        Parameters
        ----------
        data
            The rows.
        x, y : str, optional
            Numeric columns; default: the first two.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.trained.plots_unsupervised import plot_clusters

        return plot_clusters(self._kmeans(), data, x, y, save_plot_path)


document_flags(H2OKMeansEstimator)
