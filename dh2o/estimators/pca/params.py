"""Parameters of principal components."""
# ruff: noqa: E501  (a table)

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable
from dh2o.models.expansion import TRANSFORMS

IMPLEMENTATIONS = ("MTJ_EVD_DENSEMATRIX", "MTJ_EVD_SYMMMATRIX", "MTJ_SVD_DENSEMATRIX", "JAMA")
TRANSFORM = Param("transform", "enum", "NONE", "What is done to numbers first: nothing, mean 0 and standard deviation 1, mean 0 and range 1, mean 0, or standard deviation 1.", values=TRANSFORMS, gridable=True)  # fmt: skip

PARAMS = ParamTable(
    "pca",
    (
        *shared_group("model_id", "training_frame", "validation_frame"),
        shared("ignored_columns", mutually_exclusive_with=()),
        *shared_group("ignore_const_cols", "score_each_iteration"),
        TRANSFORM,
        Param("pca_method", "enum", "GramSVD", "How components are computed: from the Gram matrix, by power iteration, by a random subspace, or as a low rank model with quadratic loss.", values=("GramSVD", "Power", "Randomized", "GLRM")),
        Param("pca_impl", "enum", None, "H2O's choice of a linear algebra library; all of them mean LAPACK here.", values=IMPLEMENTATIONS),
        Param("k", "int", 1, "Number of components.", level="critical", gridable=True),
        shared("max_iterations", default=1000, low=1, high=1e6),
        Param("use_all_factor_levels", "boolean", False, "Give the first level of a categorical column an indicator too."),
        Param("compute_metrics", "boolean", True, "Compute metrics of the training frame."),
        Param("impute_missing", "boolean", False, "Replace NA by the column's mean or commonest level; else such rows are left out."),
        *shared_group("seed", "max_runtime_secs", "export_checkpoints_dir"),
    ),
)  # fmt: skip
