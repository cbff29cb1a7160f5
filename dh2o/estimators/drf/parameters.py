"""The parameters of random forests, in H2O's order and with its defaults."""

# ruff: noqa: E501  (one parameter, one line: the table reads as a table)
from __future__ import annotations

from dh2o.estimators.building.shared_params import STOPPING_METRICS, shared, shared_group
from dh2o.estimators.params import DOUBLE_MAX, Param, ParamTable

__all__ = ["PARAMS"]

_HISTOGRAM_TYPES = (
    "AUTO", "UniformAdaptive", "Random", "QuantilesGlobal", "RoundRobin", "UniformRobust",
)  # fmt: skip
_DISTRIBUTIONS = (
    "AUTO", "bernoulli", "multinomial", "gaussian", "poisson", "gamma", "tweedie", "laplace",
    "quantile", "huber",
)  # fmt: skip
_STOPPING = tuple(
    m for m in STOPPING_METRICS if m not in ("anomaly_score", "AUUC", "ATE", "ATT", "ATC", "qini")
)

PARAMS = ParamTable(
    "drf",
    (
        *shared_group(
            "model_id", "training_frame", "validation_frame", "nfolds",
            "keep_cross_validation_models", "keep_cross_validation_predictions",
            "keep_cross_validation_fold_assignment", "score_each_iteration",
        ),
        Param("score_tree_interval", "int", 0, "Measure the model after every so many trees; 0 for a cadence by time.", low=0),
        *shared_group(
            "fold_assignment", "fold_column", "response_column", "ignored_columns",
            "ignore_const_cols", "offset_column", "weights_column",
        ),
        shared("balance_classes"),
        shared("class_sampling_factors"),
        *shared_group("max_after_balance_size", "max_confusion_matrix_size"),
        Param("ntrees", "int", 50, "Number of trees.", low=1, high=100_000, level="critical", gridable=True),
        Param("max_depth", "int", 20, "Largest depth of a tree; 0 for no limit.", low=0, level="critical", gridable=True),
        Param("min_rows", "double", 1.0, "Fewest rows (sum of weights) in a leaf.", low=0, open_low=True, level="critical", gridable=True),
        Param("nbins", "int", 20, "Fewest bins of a numeric column in a node; 255 with histogram_type AUTO: all bins in every node.", low=2, high=65_535, gridable=True),
        Param("nbins_top_level", "int", 1024, "Most bins of a numeric column, up to 255 with histogram_type AUTO.", low=2, high=65_535, gridable=True),
        Param("nbins_cats", "int", 1024, "Most bins of a categorical column; more levels than that share bins.", low=2, high=65_534, gridable=True),
        Param("r2_stopping", "double", DOUBLE_MAX, "Not used any more; see stopping_rounds.", gridable=True, implemented=False),
        shared("stopping_rounds"),
        shared("stopping_metric", values=_STOPPING),
        *shared_group("stopping_tolerance", "max_runtime_secs", "seed"),
        Param("build_tree_one_node", "boolean", False, "Accepted for compatibility: trees do not depend on the workers.", level="expert"),
        Param("mtries", "int", -1, "Columns tried at each split; -1: the square root of their number for classes, a third for numbers; -2: all.", low=-2, gridable=True),
        Param("sample_rate", "double", 0.632, "Part of the rows that each tree is grown on.", low=0, high=1, open_low=True, gridable=True),
        Param("sample_rate_per_class", "double[]", None, "Part of the rows of each class that each tree is grown on.", low=0, high=1, gridable=True),
        Param("binomial_double_trees", "boolean", False, "Two classes: a tree for each class instead of one a round.", level="expert"),
        shared("checkpoint"),
        Param("col_sample_rate_change_per_level", "double", 1.0, "Factor of mtries at each deeper level.", low=0, high=2, open_low=True, level="expert", gridable=True),
        Param("col_sample_rate_per_tree", "double", 1.0, "Part of the columns that each tree may use.", low=0, high=1, open_low=True, gridable=True),
        Param("min_split_improvement", "double", 1e-5, "Part of a node's squared error that a split must remove.", low=0, level="expert", gridable=True),
        Param("histogram_type", "enum", "AUTO", "How numeric columns are binned: AUTO at quantiles of the whole column, the others by H2O's rules; Random makes extremely randomised trees.", values=_HISTOGRAM_TYPES, gridable=True),
        shared("categorical_encoding"),
        Param("calibrate_model", "boolean", False, "Calibrate class probabilities.", level="expert"),
        Param("calibration_frame", "Key<Frame>", None, "Frame to calibrate on.", level="expert"),
        Param("calibration_method", "enum", "AUTO", "How to calibrate.", values=("AUTO", "PlattScaling", "IsotonicRegression"), level="expert"),
        shared("distribution", values=_DISTRIBUTIONS, supported=("AUTO", "bernoulli", "multinomial", "gaussian")),
        *shared_group("custom_metric_func", "export_checkpoints_dir"),
        Param("check_constant_response", "boolean", True, "Refuse a response of one value.", level="expert"),
        *shared_group("gainslift_bins", "auc_type"),
    ),
)  # fmt: skip
