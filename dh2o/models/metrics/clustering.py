"""Metrics of clusterings: sums of squared distances to the centres, and to the grand mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.category import ModelCategory
from dh2o.models.columns import Columns
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics
from dh2o.models.table import TwoDimTable

if TYPE_CHECKING:
    from dh2o.models.kmeans import Space


@dataclass(frozen=True, eq=False)
class ModelMetricsClustering(ModelMetrics):
    """How tight clusters are; ``sizes`` and ``withinss`` are None for rows of several models."""

    category: ClassVar[ModelCategory] = ModelCategory.CLUSTERING

    tot_withinss: float
    totss: float
    sizes: tuple[int, ...] | None = None
    withinss: tuple[float, ...] | None = None

    @property
    def betweenss(self) -> float:
        """What the clusters explain of the total sum of squares."""
        return self.totss - self.tot_withinss

    @property
    def centroid_stats(self) -> TwoDimTable | None:
        """Size and sum of squares of each cluster."""
        if self.sizes is None or self.withinss is None:
            return None
        return TwoDimTable.of(
            "Centroid Statistics",
            {
                "": ("string", [""] * len(self.sizes)),
                "centroid": ("int", range(1, len(self.sizes) + 1)),
                "size": ("double", "%.5f", self.sizes),
                "within_cluster_sum_of_squares": ("double", "%.5f", self.withinss),
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class ClusteringPartial:
    """Rows and squared distances by cluster; sums and squares by column, from the grand mean.

    Of a categorical column, `sums` counts the rows that do not have its commonest level.
    """

    sizes: NDArray[np.int64]
    within: F64
    sums: F64
    squares: F64


@dataclass(frozen=True, eq=False)
class ClusteringMetricBuilder(MetricBuilder[ClusteringPartial]):
    """Measures a K-means model. Partials are doubles: passes fold them in the order of blocks.

    With ``is_one`` the model has one cluster by request, and its sum of squares is the total one.
    """

    space: Space
    centers: F64
    is_one: bool
    is_pooled: bool = False

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> ClusteringPartial:
        raise NotImplementedError("Clusters are measured by their columns: use map_rows.")

    def map_rows(
        self, columns: Columns, preds: F64, actual: F64, weights: F64 | None = None
    ) -> ClusteringPartial:
        del actual
        if weights is not None and not (weights > 0).all():
            kept = weights > 0
            columns = Columns({n: columns[n][kept] for n in self.space.names}, int(kept.sum()))
            preds = preds[kept]
        labels, k = preds[:, 0].astype(np.int64), len(self.centers)
        numbers, codes = self.space.prepared(columns)
        level = self.space.is_level
        own = self.centers[labels].T
        within = np.square(numbers - own[~level]).sum(axis=0)
        within += (codes != own[level]).sum(axis=0)
        if self.space.mults is None:
            numbers -= self.space.means[~level, None]
        sums, squares = np.zeros((2, len(level)))
        sums[~level], squares[~level] = numbers.sum(axis=1), np.square(numbers).sum(axis=1)
        sums[level] = (codes != self.space.modes[level, None]).sum(axis=1)
        sizes = np.bincount(labels, minlength=k).astype(np.int64)
        by_cluster = np.bincount(labels, within, k).astype(np.float64)
        return ClusteringPartial(sizes, by_cluster, sums, squares)

    def combine(self, a: ClusteringPartial, b: ClusteringPartial) -> ClusteringPartial:
        k = max(len(a.sizes), len(b.sizes))  # folds may have found different numbers of clusters
        return ClusteringPartial(
            _padded(a.sizes, k) + _padded(b.sizes, k),
            _padded(a.within, k) + _padded(b.within, k),
            a.sums + b.sums,
            a.squares + b.squares,
        )

    def pooled(self) -> ClusteringMetricBuilder:
        """Return what finishes the sums of several models, whose clusters are not the same."""
        return ClusteringMetricBuilder(self.space, self.centers, self.is_one, is_pooled=True)

    def finish(self, total: ClusteringPartial | None) -> ModelMetricsClustering:
        n = 0 if total is None else int(total.sizes.sum())
        if total is None or n == 0:
            return ModelMetricsClustering(0, math.nan, math.nan, math.nan)
        within = float(total.within.sum())
        by_column = np.where(
            self.space.is_level, total.sums, total.squares - np.square(total.sums) / n
        )
        return clustering_metrics(
            n, total.sizes, total.within, within if self.is_one else float(by_column.sum()),
            is_pooled=self.is_pooled,
        )  # fmt: skip


def clustering_metrics(
    n_obs: int, sizes: NDArray[np.int64], within: F64, totss: float, *, is_pooled: bool = False
) -> ModelMetricsClustering:
    """Return the metrics of these sums."""
    return ModelMetricsClustering(
        n_obs,
        math.nan,
        float(within.sum()),
        totss,
        None if is_pooled else tuple(sizes.tolist()),
        None if is_pooled else tuple(within.tolist()),
    )


def _padded(values: NDArray[Any], n: int) -> NDArray[Any]:
    return np.pad(values, (0, n - len(values))) if len(values) < n else values
