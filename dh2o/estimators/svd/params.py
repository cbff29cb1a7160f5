"""Parameters of singular value decompositions."""
# ruff: noqa: E501  (a table)

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable
from dh2o.estimators.pca.params import TRANSFORM

PARAMS = ParamTable(
    "svd",
    (
        *shared_group("model_id", "training_frame", "validation_frame"),
        shared("ignored_columns", mutually_exclusive_with=()),
        *shared_group("ignore_const_cols", "score_each_iteration"),
        TRANSFORM.but(gridable=False),
        Param("svd_method", "enum", "GramSVD", "How singular vectors are computed: from the Gram matrix, by power iteration, or by a random subspace.", values=("GramSVD", "Power", "Randomized")),
        Param("nv", "int", 1, "Number of singular values and right singular vectors.", level="critical"),
        shared("max_iterations", default=1000, low=1, gridable=False),
        shared("seed", gridable=False),
        Param("keep_u", "boolean", True, "Keep the left singular vectors as a frame."),
        Param("u_name", "string", None, "Key of the frame of left singular vectors; made up if not given."),
        Param("use_all_factor_levels", "boolean", True, "Give the first level of a categorical column an indicator too."),
        *shared_group("max_runtime_secs", "export_checkpoints_dir"),
    ),
)  # fmt: skip
