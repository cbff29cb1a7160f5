"""The parameters of isotonic regression, in H2O's order and with its defaults."""

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared_group
from dh2o.estimators.params import Param, ParamTable

__all__ = ["PARAMS"]

PARAMS = ParamTable(
    "isotonicregression",
    (
        *shared_group(
            "model_id", "training_frame", "validation_frame", "response_column",
            "ignored_columns", "weights_column",
        ),
        Param(
            "out_of_bounds", "enum", "NA",
            "What is predicted beyond the predictor's range: NA, or the nearest end's value.",
            values=("NA", "Clip"),
        ),
        *shared_group(
            "custom_metric_func", "nfolds", "keep_cross_validation_models",
            "keep_cross_validation_predictions", "keep_cross_validation_fold_assignment",
            "fold_assignment", "fold_column", "seed",
        ),
    ),
)  # fmt: skip
