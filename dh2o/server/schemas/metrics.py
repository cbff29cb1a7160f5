"""Schemas of model metrics."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, Schema, both, gives, takes


@dataclass(kw_only=True)
class ConfusionMatrixV3(Schema):
    """Actual against predicted classes."""

    schema_type: ClassVar[str] = "ConfusionMatrix"

    table: Any = gives("TwoDimTableV3")


@dataclass(kw_only=True)
class ModelMetricsBaseV3(Schema):
    """What the metrics of all kinds of models share."""

    schema_type: ClassVar[str] = "ModelMetrics"

    model: Key | None = both("Key<Model>", None, "Key of the model.")
    model_checksum: int = both("long", 0)
    frame: Key | None = both("Key<Frame>", None, "Key of the frame.")
    frame_checksum: int = both("long", 0)
    description: str | None = gives("string", None, "What it is.")
    model_category: str | None = gives(
        "enum",
        None,
        "Kind of the model.",
        values=(
            "Unknown",
            "Binomial",
            "BinomialUplift",
            "Ordinal",
            "Multinomial",
            "Regression",
            "Clustering",
            "DimReduction",
            "AnomalyDetection",
        ),
    )
    scoring_time: int = gives("long", 0)
    predictions: Any = gives("FrameV3")
    MSE: float = gives("double", 0.0, "Mean squared error.")
    RMSE: float = gives("double", 0.0, "Root of the mean squared error.")
    nobs: int = takes("long", 0, "How many rows.")
    custom_metric_name: str | None = gives("string")
    custom_metric_value: float = gives("double", 0.0)


@dataclass(kw_only=True)
class ModelMetricsAnomalyV3(ModelMetricsBaseV3):
    """Metrics of an anomaly detector."""

    schema_type: ClassVar[str] = "ModelMetricsAnomaly"

    mean_score: float = gives("double", 0.0, "Mean of the algorithm's raw score.")
    mean_normalized_score: float = gives("double", 0.0, "Mean of the normalized score.")


@dataclass(kw_only=True)
class ModelMetricsAutoEncoderV3(ModelMetricsBaseV3):
    """Reconstruction error of an autoencoder."""

    schema_type: ClassVar[str] = "ModelMetricsAutoEncoder"


@dataclass(kw_only=True)
class ModelMetricsClusteringV3(ModelMetricsBaseV3):
    """How tight clusters are."""

    schema_type: ClassVar[str] = "ModelMetricsClustering"

    tot_withinss: float = gives("double", 0.0, "Sum of squared distances to the centres.")
    totss: float = gives("double", 0.0, "Sum of squared distances to the mean.")
    betweenss: float = gives("double", 0.0, "What the clusters explain of that.")
    centroid_stats: Any = gives("TwoDimTableV3", None, "Size and sum of squares by cluster.")


@dataclass(kw_only=True)
class ModelMetricsPCAV3(ModelMetricsBaseV3):
    """Metrics of principal components."""

    schema_type: ClassVar[str] = "ModelMetricsPCA"


@dataclass(kw_only=True)
class ModelMetricsSVDV99(ModelMetricsBaseV3):
    """Metrics of a singular value decomposition."""

    schema_type: ClassVar[str] = "ModelMetricsSVD"


@dataclass(kw_only=True)
class ModelMetricsRegressionV3(ModelMetricsBaseV3):
    """Metrics of a regression."""

    schema_type: ClassVar[str] = "ModelMetricsRegression"

    r2: float = gives("double", 0.0, "Coefficient of determination.")
    mean_residual_deviance: float = gives("double", 0.0)
    mae: float = gives("double", 0.0)
    rmsle: float = gives("double", 0.0)
    loglikelihood: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)


@dataclass(kw_only=True)
class ModelMetricsRegressionGLMV3(ModelMetricsRegressionV3):
    """Metrics of a regression by GLM."""

    schema_type: ClassVar[str] = "ModelMetricsRegressionGLM"

    residual_deviance: float = gives("double", 0.0)
    null_deviance: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)
    loglikelihood: float = gives("double", 0.0)
    null_degrees_of_freedom: int = gives("long", 0)
    residual_degrees_of_freedom: int = gives("long", 0)


@dataclass(kw_only=True)
class ModelMetricsBinomialV3(ModelMetricsBaseV3):
    """Metrics of two classes."""

    schema_type: ClassVar[str] = "ModelMetricsBinomial"

    r2: float = gives("double", 0.0, "Coefficient of determination.")
    logloss: float = gives("double", 0.0, "Logarithmic loss.")
    loglikelihood: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)
    AUC: float = gives("double", 0.0, "Area under the ROC curve.")
    pr_auc: float = gives("double", 0.0, "Area under the precision-recall curve.")
    Gini: float = gives("double", 0.0, "Gini coefficient.")
    mean_per_class_error: float = gives("double", 0.0)
    domain: list[Any] | None = gives("string[]", None, "Levels of a categorical column.")
    cm: Any = gives("ConfusionMatrixV3")
    thresholds_and_metric_scores: Any = gives("TwoDimTableV3")
    max_criteria_and_metric_scores: Any = gives("TwoDimTableV3")
    gains_lift_table: Any = gives("TwoDimTableV3")


@dataclass(kw_only=True)
class ModelMetricsBinomialGLMV3(ModelMetricsBinomialV3):
    """Metrics of two classes by GLM."""

    schema_type: ClassVar[str] = "ModelMetricsBinomialGLM"

    residual_deviance: float = gives("double", 0.0)
    null_deviance: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)
    loglikelihood: float = gives("double", 0.0)
    null_degrees_of_freedom: int = gives("long", 0)
    residual_degrees_of_freedom: int = gives("long", 0)


@dataclass(kw_only=True)
class ModelMetricsMultinomialV3(ModelMetricsBaseV3):
    """Metrics of several classes."""

    schema_type: ClassVar[str] = "ModelMetricsMultinomial"

    r2: float = gives("double", 0.0, "Coefficient of determination.")
    hit_ratio_table: Any = gives("TwoDimTableV3")
    cm: Any = gives("ConfusionMatrixV3")
    logloss: float = gives("double", 0.0, "Logarithmic loss.")
    loglikelihood: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)
    mean_per_class_error: float = gives("double", 0.0)
    AUC: float = gives("double", 0.0, "Area under the ROC curve.")
    pr_auc: float = gives("double", 0.0, "Area under the precision-recall curve.")
    multinomial_auc_table: Any = gives("TwoDimTableV3")
    multinomial_aucpr_table: Any = gives("TwoDimTableV3")


@dataclass(kw_only=True)
class ModelMetricsMultinomialGLMV3(ModelMetricsMultinomialV3):
    """Metrics of several classes by GLM."""

    schema_type: ClassVar[str] = "ModelMetricsMultinomialGLM"

    residual_deviance: float = gives("double", 0.0)
    null_deviance: float = gives("double", 0.0)
    AIC: float = gives("double", 0.0)
    loglikelihood: float = gives("double", 0.0)
    null_degrees_of_freedom: int = gives("long", 0)
    residual_degrees_of_freedom: int = gives("long", 0)


@dataclass(kw_only=True)
class ModelMetricsListSchemaV3(Request):
    """Request to score, and metrics."""

    schema_type: ClassVar[str] = "ModelMetricsList"

    model: Key | None = takes("Key<Model>", None, "Key of the model.")
    frame: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    predictions_frame: Key | None = both(
        "Key<Frame>", None, "Key of the frame with the predictions."
    )
    deviances_frame: Key | None = both("Key<Frame>")
    reconstruction_error: bool = takes("boolean", False)
    reconstruction_error_per_feature: bool = takes("boolean", False)
    deep_features_hidden_layer: int = takes("int", -1)
    deep_features_hidden_layer_name: str | None = takes("string")
    reconstruct_train: bool = takes("boolean", False)
    project_archetypes: bool = takes("boolean", False)
    reverse_transform: bool = takes("boolean", False)
    leaf_node_assignment: bool = takes("boolean", False)
    leaf_node_assignment_type: str | None = takes(
        "enum",
        values=(
            "Path",
            "Node_ID",
        ),
    )
    predict_staged_proba: bool = takes("boolean", False)
    predict_contributions: bool = takes("boolean", False)
    row_to_tree_assignment: bool = takes("boolean", False)
    predict_contributions_output_format: str | None = takes(
        "enum",
        values=(
            "Original",
            "Compact",
        ),
    )
    top_n: int = takes("int", 0)
    bottom_n: int = takes("int", 0)
    compare_abs: bool = takes("boolean", False)
    feature_frequencies: bool = takes("boolean", False)
    exemplar_index: int = takes("int", -1)
    deviances: bool = takes("boolean", False)
    custom_metric_func: str | None = takes("string")
    auc_type: str | None = takes("string")
    auuc_type: str | None = takes("string")
    custom_auuc_thresholds: list[Any] | None = both("double[]")
    auuc_nbins: int = takes("int", 0)
    background_frame: Key | None = takes("Key<Frame>")
    output_space: bool = takes("boolean", False)
    output_per_reference: bool = takes("boolean", False)
    model_metrics: list[Any] | None = gives(
        "ModelMetricsBaseV3[]", None, "Metrics of models on frames."
    )


@dataclass(kw_only=True)
class ModelMetricsMakerSchemaV3(Schema):
    """Metrics from two frames."""

    schema_type: ClassVar[str] = "ModelMetricsMaker"

    predictions_frame: str | None = both("string", None, "Key of the frame with the predictions.")
    actuals_frame: str | None = both("string")
    weights_frame: str | None = both("string")
    treatment_frame: str | None = both("string")
    domain: list[Any] | None = both("string[]", None, "Levels of a categorical column.")
    distribution: str | None = both(
        "enum",
        values=(
            "gaussian",
            "poisson",
            "gamma",
            "laplace",
        ),
    )
    auc_type: str | None = both(
        "enum",
        values=(
            "AUTO",
            "NONE",
            "MACRO_OVR",
            "WEIGHTED_OVR",
            "MACRO_OVO",
            "WEIGHTED_OVO",
        ),
    )
    auuc_type: str | None = both(
        "enum",
        values=(
            "AUTO",
            "qini",
            "lift",
            "gain",
        ),
    )
    auuc_nbins: int = both("int", 0)
    custom_auuc_thresholds: list[Any] | None = both("double[]")
    model_metrics: Any = gives("ModelMetricsBaseV3", None, "Metrics of models on frames.")
