"""The parameters of isolation forests, in H2O's order and with its defaults."""

# ruff: noqa: E501  (one parameter, one line: the table reads as a table)
from __future__ import annotations

from dh2o.estimators.building.shared_params import STOPPING_METRICS, shared, shared_group
from dh2o.estimators.params import Param, ParamTable

__all__ = ["PARAMS"]

_STOPPING = tuple(m for m in STOPPING_METRICS if m not in ("AUUC", "ATE", "ATT", "ATC", "qini"))

PARAMS = ParamTable(
    "isolationforest",
    (
        *shared_group("model_id", "training_frame", "score_each_iteration"),
        Param("score_tree_interval", "int", 0, "Measure the model after every so many trees; 0 for a cadence by time.", low=0),
        *shared_group("ignored_columns", "ignore_const_cols"),
        Param("ntrees", "int", 50, "Number of trees.", low=1, high=100_000, level="critical", gridable=True),
        Param("max_depth", "int", 8, "Largest depth of a tree; 0 for no limit.", low=0, level="critical", gridable=True),
        Param("min_rows", "double", 1.0, "Fewest rows in a leaf.", low=0, open_low=True, level="critical", gridable=True),
        *shared_group("max_runtime_secs", "seed"),
        Param("build_tree_one_node", "boolean", False, "Accepted for compatibility: trees do not depend on the workers.", level="expert"),
        Param("mtries", "int", -1, "Columns tried at each split; -1: a third of them; -2: all.", low=-2, gridable=True),
        Param("sample_size", "long", 256, "Rows that each tree is grown on.", low=1, gridable=True),
        Param("sample_rate", "double", -1.0, "Part of the rows that each tree is grown on, instead of sample_size; -1 for sample_size.", low=-1, high=1, gridable=True),
        Param("col_sample_rate_change_per_level", "double", 1.0, "Factor of mtries at each deeper level.", low=0, high=2, open_low=True, level="expert", gridable=True),
        Param("col_sample_rate_per_tree", "double", 1.0, "Part of the columns that each tree may use.", low=0, high=1, open_low=True, gridable=True),
        shared("categorical_encoding"),
        shared("stopping_rounds"),
        shared("stopping_metric", values=_STOPPING),
        shared("stopping_tolerance", default=0.01),
        shared("export_checkpoints_dir"),
        Param("contamination", "double", -1.0, "Part of the training rows that are anomalies: the score's quantile from which rows are flagged; -1: no flag.", low=-1, high=0.5),
        shared("validation_frame"),
        Param("validation_response_column", "VecSpecifier", None, "Column of the validation frame that says which rows are anomalies (two levels)."),
    ),
)  # fmt: skip
