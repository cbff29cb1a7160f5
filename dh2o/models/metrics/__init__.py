"""Model metrics by H2O's conventions, from integer partials that combine in any order."""

from __future__ import annotations

from dh2o.models.metrics.anomaly import ModelMetricsAnomaly
from dh2o.models.metrics.base import MetricBuilder, ModelMetrics
from dh2o.models.metrics.binomial import ModelMetricsBinomial, weight_scale
from dh2o.models.metrics.confusion import ConfusionMatrix
from dh2o.models.metrics.factory import metric_builder
from dh2o.models.metrics.multinomial import ModelMetricsMultinomial, ModelMetricsOrdinal
from dh2o.models.metrics.regression import ModelMetricsRegression

__all__ = [
    "ConfusionMatrix",
    "MetricBuilder",
    "ModelMetrics",
    "ModelMetricsAnomaly",
    "ModelMetricsBinomial",
    "ModelMetricsMultinomial",
    "ModelMetricsOrdinal",
    "ModelMetricsRegression",
    "metric_builder",
    "weight_scale",
]
