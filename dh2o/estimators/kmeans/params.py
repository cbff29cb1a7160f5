"""Parameters of K-means."""
# ruff: noqa: E501  (a table)

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable

PARAMS = ParamTable(
    "kmeans",
    (
        *shared_group("model_id", "training_frame", "validation_frame", "nfolds"),
        *shared_group(
            "keep_cross_validation_models",
            "keep_cross_validation_predictions",
            "keep_cross_validation_fold_assignment",
            "fold_assignment",
            "fold_column",
        ),
        shared("ignored_columns", mutually_exclusive_with=()),
        *shared_group("ignore_const_cols", "score_each_iteration"),
        Param("k", "int", 1, "Number of clusters; the most there may be if estimate_k is set.", low=1, high=1e7, level="critical", gridable=True),
        Param("estimate_k", "boolean", False, "Find the number of clusters, up to k, one by one; draws no random numbers.", level="critical", gridable=True),
        Param("user_points", "Key<Frame>", None, "Frame of first centres, one row each, columns as in the training frame.", level="expert"),
        shared("max_iterations", default=10, low=1, high=1e6, doc="Largest number of iterations (for each number of clusters, if it is estimated)."),
        shared("standardize", level="critical", gridable=True),
        shared("seed"),
        Param("init", "enum", "Furthest", "How the first centres are found.", values=("Random", "PlusPlus", "Furthest", "User"), gridable=True),
        *shared_group("max_runtime_secs", "categorical_encoding", "export_checkpoints_dir"),
        Param("cluster_size_constraints", "int[]", None, "Least number of rows of each cluster.", level="expert", low=1),
    ),
)  # fmt: skip
