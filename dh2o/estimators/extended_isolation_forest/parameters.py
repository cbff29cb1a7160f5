"""The parameters of extended isolation forests, in H2O's order and with its defaults."""

# ruff: noqa: E501  (one parameter, one line: the table reads as a table)
from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable

__all__ = ["MOST_ROWS", "PARAMS"]

MOST_ROWS = 100_000

PARAMS = ParamTable(
    "extendedisolationforest",
    (
        *shared_group("model_id", "training_frame", "ignored_columns", "ignore_const_cols", "categorical_encoding", "score_each_iteration"),
        Param("score_tree_interval", "int", 0, "Measure the model after every so many trees; 0 for a cadence by time.", low=0),
        Param("ntrees", "int", 100, "Number of trees.", low=1, high=100_000, level="critical", gridable=True),
        Param("sample_size", "int", 256, "Rows that each tree is grown on.", low=2, high=MOST_ROWS, level="critical", gridable=True),
        Param("extension_level", "int", 0, "Columns that a cut depends on, less one; 0 cuts along one column, as an isolation forest does.", low=0, level="critical", gridable=True),
        shared("seed"),
        Param("disable_training_metrics", "boolean", True, "Measure the model only once, when it is done.", level="critical"),
    ),
)  # fmt: skip
