"""Parameters of naive Bayes."""
# ruff: noqa: E501  (a table)

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable

PARAMS = ParamTable(
    "naivebayes",
    (
        *shared_group("model_id", "nfolds", "seed", "fold_assignment", "fold_column"),
        *shared_group(
            "keep_cross_validation_models",
            "keep_cross_validation_predictions",
            "keep_cross_validation_fold_assignment",
            "training_frame",
            "validation_frame",
            "response_column",
            "ignored_columns",
            "ignore_const_cols",
            "score_each_iteration",
            "balance_classes",
            "class_sampling_factors",
            "max_after_balance_size",
            "max_confusion_matrix_size",
        ),
        Param("laplace", "double", 0.0, "Rows that every level and class is given in advance.", low=0, gridable=True),
        Param("min_sdev", "double", 0.001, "Standard deviation that stands in for one that is too small.", low=1e-10, gridable=True),
        Param("eps_sdev", "double", 0.0, "Standard deviations up to this are too small.", low=0, gridable=True),
        Param("min_prob", "double", 0.001, "Probability that stands in for one that is too small.", low=1e-10, gridable=True),
        Param("eps_prob", "double", 0.0, "Probabilities up to this are too small.", low=0, gridable=True),
        Param("compute_metrics", "boolean", True, "Compute metrics of the training frame.", gridable=True),
        *shared_group("max_runtime_secs", "export_checkpoints_dir"),
        shared("gainslift_bins"),
        shared("auc_type"),
    ),
)  # fmt: skip
