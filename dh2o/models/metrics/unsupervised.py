"""Metrics of models that have nothing to be compared with: how many rows were scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from dh2o.models.category import ModelCategory
from dh2o.models.metrics.base import F64, MetricBuilder, ModelMetrics


@dataclass(frozen=True, eq=False)
class ModelMetricsPCA(ModelMetrics):
    """What H2O keeps of scoring by principal components: nothing but that it was done."""

    category: ClassVar[ModelCategory] = ModelCategory.DIM_REDUCTION


@dataclass(frozen=True, eq=False)
class ModelMetricsSVD(ModelMetricsPCA):
    """As `ModelMetricsPCA`, of a singular value decomposition."""


@dataclass(frozen=True)
class RowCountBuilder(MetricBuilder[int]):
    """Counts rows."""

    kind: type[ModelMetrics] = ModelMetricsPCA

    def map(self, preds: F64, actual: F64, weights: F64 | None = None) -> int:
        del actual
        return len(preds) if weights is None else int((weights > 0).sum())

    def combine(self, a: int, b: int) -> int:
        return a + b

    def finish(self, total: int | None) -> ModelMetrics:
        return self.kind(total or 0, math.nan)
