"""The metric builder that fits a kind of model."""

from __future__ import annotations

import math
from typing import Any

from dh2o.errors import ModelError
from dh2o.models.category import ModelCategory
from dh2o.models.metrics.anomaly import AnomalyMetricBuilder, LabelledAnomalyMetricBuilder
from dh2o.models.metrics.autoencoder import AutoEncoderMetricBuilder
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.metrics.binomial import DEFAULT_WEIGHT_SCALE, BinomialMetricBuilder
from dh2o.models.metrics.huber import HuberMetricBuilder
from dh2o.models.metrics.multinomial import MultinomialMetricBuilder
from dh2o.models.metrics.regression import RegressionMetricBuilder
from dh2o.models.metrics.unsupervised import RowCountBuilder


def metric_builder(
    category: ModelCategory,
    domain: tuple[str, ...] | None = None,
    *,
    distribution: str = "gaussian",
    distribution_param: float = math.nan,
    weight_scale: float = DEFAULT_WEIGHT_SCALE,
    gainslift_bins: int = -1,
    auc_type: str = "AUTO",
) -> MetricBuilder[Any]:
    """Return what measures predictions of a model of this category.

    `distribution_param` is the power of tweedie, the quantile, or the alpha of huber.
    """
    if category is ModelCategory.REGRESSION:
        if distribution == "huber":
            return HuberMetricBuilder(distribution_param, weight_scale)
        return RegressionMetricBuilder(distribution, distribution_param)
    if category is ModelCategory.AUTO_ENCODER:
        return AutoEncoderMetricBuilder()
    if category is ModelCategory.ANOMALY:
        if domain is None:
            return AnomalyMetricBuilder()
        return LabelledAnomalyMetricBuilder(BinomialMetricBuilder(domain, weight_scale))
    if category in (ModelCategory.CLUSTERING, ModelCategory.DIM_REDUCTION):
        return RowCountBuilder()
    if category is ModelCategory.BINOMIAL:
        return BinomialMetricBuilder(domain or ("0", "1"), weight_scale, gainslift_bins)
    if category in (ModelCategory.MULTINOMIAL, ModelCategory.ORDINAL):
        ordinal = category is ModelCategory.ORDINAL
        return MultinomialMetricBuilder(domain or (), auc_type, weight_scale, ordinal)
    raise ModelError(f"Models of category {category} have no supervised metrics.")
