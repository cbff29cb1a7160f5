"""The parameters of decision trees, in H2O's order and with its defaults."""

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared_group
from dh2o.estimators.params import Param, ParamTable

__all__ = ["PARAMS"]

PARAMS = ParamTable(
    "dt",
    (
        *shared_group(
            "model_id", "training_frame", "ignored_columns", "ignore_const_cols",
            "categorical_encoding", "response_column", "seed",
        ),
        Param("max_depth", "int", 20, "Largest depth of the tree.", low=1, high=63, gridable=True),
        Param(
            "min_rows", "int", 10, "Fewest rows in a leaf; a node of as few of one class is one.",
            low=0, gridable=True,
        ),
    ),
)  # fmt: skip
