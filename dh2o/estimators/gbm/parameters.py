"""The parameters of gradient boosting, in H2O's order and with its defaults."""

# ruff: noqa: E501  (one parameter, one line: the table reads as a table)
from __future__ import annotations

from dh2o.estimators.building.shared_params import (
    DISTRIBUTIONS,
    STOPPING_METRICS,
    shared,
    shared_group,
)
from dh2o.estimators.params import DOUBLE_MAX, Param, ParamTable

__all__ = ["PARAMS"]

_HISTOGRAM_TYPES = (
    "AUTO", "UniformAdaptive", "Random", "QuantilesGlobal", "RoundRobin", "UniformRobust",
)  # fmt: skip
_STOPPING = tuple(
    m for m in STOPPING_METRICS if m not in ("anomaly_score", "AUUC", "ATE", "ATT", "ATC", "qini")
)

PARAMS = ParamTable(
    "gbm",
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
        *shared_group("balance_classes", "class_sampling_factors", "max_after_balance_size", "max_confusion_matrix_size"),
        Param("ntrees", "int", 50, "Number of trees.", low=1, high=100_000, level="critical", gridable=True),
        Param("max_depth", "int", 5, "Largest depth of a tree; 0 for no limit.", low=0, level="critical", gridable=True),
        Param("min_rows", "double", 10.0, "Fewest rows (sum of weights) in a leaf.", low=0, open_low=True, level="critical", gridable=True),
        Param("nbins", "int", 20, "Fewest bins of a numeric column in a node; 255 with histogram_type AUTO: all bins in every node.", low=2, gridable=True),
        Param("nbins_top_level", "int", 1024, "Most bins of a numeric column, up to 255 with histogram_type AUTO.", low=2, gridable=True),
        Param("nbins_cats", "int", 1024, "Most bins of a categorical column; more levels than that share bins.", low=2, high=65_534, gridable=True),
        Param("r2_stopping", "double", DOUBLE_MAX, "Not used any more, as in H2O; see stopping_rounds.", gridable=True),
        shared("stopping_rounds"),
        shared("stopping_metric", values=_STOPPING),
        *shared_group("stopping_tolerance", "max_runtime_secs", "seed"),
        Param("build_tree_one_node", "boolean", False, "Accepted for compatibility: trees do not depend on the workers.", level="expert"),
        Param("learn_rate", "double", 0.1, "Part of each tree's values that is added to the model.", low=0, high=1, open_low=True, gridable=True),
        Param("learn_rate_annealing", "double", 1.0, "Factor of the learning rate after each tree.", low=0, high=1, open_low=True, gridable=True),
        shared("distribution", values=tuple(d for d in DISTRIBUTIONS if d != "ordinal")),
        *shared_group("quantile_alpha", "tweedie_power", "huber_alpha"),
        shared("checkpoint"),
        Param("sample_rate", "double", 1.0, "Part of the rows that each tree is grown on.", low=0, high=1, open_low=True, gridable=True),
        Param("sample_rate_per_class", "double[]", None, "Part of the rows of each class that each tree is grown on.", low=0, high=1, gridable=True),
        Param("col_sample_rate", "double", 1.0, "Part of the columns that each split may use.", low=0, high=1, open_low=True, gridable=True),
        Param("col_sample_rate_change_per_level", "double", 1.0, "Factor of that part at each deeper level.", low=0, high=2, open_low=True, level="expert", gridable=True),
        Param("col_sample_rate_per_tree", "double", 1.0, "Part of the columns that each tree may use.", low=0, high=1, open_low=True, gridable=True),
        Param("min_split_improvement", "double", 1e-5, "Part of a node's squared error that a split must remove.", low=0, level="expert", gridable=True),
        Param("histogram_type", "enum", "AUTO", "How columns are binned; AUTO: once, at quantiles of the whole column; others: in every node, by H2O's rules.", values=_HISTOGRAM_TYPES, gridable=True),
        Param("max_abs_leafnode_pred", "double", DOUBLE_MAX, "Largest size of a leaf's value.", low=0, open_low=True, level="expert", gridable=True, python_default=None),
        Param("pred_noise_bandwidth", "double", 0.0, "Standard deviation of multiplicative noise on leaf values.", low=0, level="expert", gridable=True),
        shared("categorical_encoding"),
        *shared_group("calibrate_model", "calibration_frame", "calibration_method"),
        *shared_group("custom_metric_func", "custom_distribution_func", "export_checkpoints_dir"),
        Param("in_training_checkpoints_dir", "string", None, "Folder to save unfinished models to.", level="expert"),
        Param("in_training_checkpoints_tree_interval", "int", 1, "Trees between unfinished models that are saved.", low=1, level="expert"),
        Param("monotone_constraints", "KeyValue[]", None, "1 or -1 by column: predictions rise or fall with it.", level="expert"),
        Param("check_constant_response", "boolean", True, "Refuse a response of one value.", level="expert"),
        *shared_group("gainslift_bins", "auc_type"),
        Param("interaction_constraints", "string[][]", None, "Groups of columns that may meet on a path of a tree.", level="expert"),
        Param("auto_rebalance", "boolean", True, "Accepted for compatibility: the layout depends on the data alone.", level="expert"),
    ),
)  # fmt: skip
