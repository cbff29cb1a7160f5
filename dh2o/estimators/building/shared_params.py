"""Parameters that many algorithms share, declared once."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.params import Param

STOPPING_METRICS = (
    "AUTO", "deviance", "logloss", "MSE", "RMSE", "MAE", "RMSLE", "AUC", "AUCPR",
    "lift_top_group", "misclassification", "mean_per_class_error", "anomaly_score", "AUUC", "ATE",
    "ATT", "ATC", "qini", "custom", "custom_increasing",
)  # fmt: skip
DISTRIBUTIONS = (
    "AUTO", "bernoulli", "quasibinomial", "ordinal", "multinomial", "gaussian", "poisson",
    "gamma", "tweedie", "laplace", "quantile", "huber", "custom",
)  # fmt: skip
ENCODINGS = (
    "AUTO", "OneHotInternal", "OneHotExplicit", "Enum", "Binary", "Eigen", "LabelEncoder",
    "SortByResponse", "EnumLimited",
)  # fmt: skip
AUC_TYPES = ("AUTO", "NONE", "MACRO_OVR", "WEIGHTED_OVR", "MACRO_OVO", "WEIGHTED_OVO")
_FRAMES = ("training_frame", "validation_frame")


def _column(name: str, doc: str, excludes: tuple[str, ...], **more: Any) -> Param:
    return Param(
        name, "VecSpecifier", None, doc,
        member_of_frames=_FRAMES, mutually_exclusive_with=excludes, gridable=True, **more,
    )  # fmt: skip


_SHARED: tuple[Param, ...] = (
    Param(
        "model_id", "Key<Model>", None, "Key of the model; made up if not given.", level="critical"
    ),
    Param("training_frame", "Key<Frame>", None, "Frame to learn from.", level="critical"),
    Param(
        "validation_frame",
        "Key<Frame>",
        None,
        "Frame to judge the model on while it is built.",
        level="critical",
        gridable=True,
    ),
    Param(
        "nfolds",
        "int",
        0,
        "Number of cross-validation folds; 0 for none, else at least 2.",
        low=0,
        level="critical",
    ),
    Param(
        "keep_cross_validation_models",
        "boolean",
        True,
        "Keep the models of the folds.",
        level="expert",
    ),
    Param(
        "keep_cross_validation_predictions",
        "boolean",
        False,
        "Keep each fold model's predictions.",
        level="expert",
    ),
    Param(
        "keep_cross_validation_fold_assignment",
        "boolean",
        False,
        "Keep the frame that says which row was in which fold.",
        level="expert",
    ),
    Param(
        "parallelize_cross_validation",
        "boolean",
        True,
        "Accepted for compatibility; folds share the cluster anyway.",
        level="expert",
    ),
    Param(
        "distribution",
        "enum",
        "AUTO",
        "Distribution of the response.",
        values=DISTRIBUTIONS,
        gridable=True,
    ),
    Param(
        "tweedie_power",
        "double",
        1.5,
        "Variance power of Tweedie, between 1 and 2.",
        low=1,
        high=2,
        open_low=True,
        open_high=True,
        gridable=True,
    ),
    Param(
        "quantile_alpha",
        "double",
        0.5,
        "Quantile to predict with the quantile distribution.",
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        gridable=True,
    ),
    Param(
        "huber_alpha",
        "double",
        0.9,
        "Quantile of absolute errors where the Huber loss turns linear.",
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        gridable=True,
    ),
    _column("response_column", "Column to predict.", ("ignored_columns",), level="critical"),
    _column(
        "weights_column",
        "Column of observation weights; 0 leaves a row out.",
        ("ignored_columns", "response_column"),
    ),
    _column(
        "offset_column",
        "Column added to the link-scale prediction.",
        ("ignored_columns", "response_column", "weights_column"),
    ),
    _column(
        "fold_column",
        "Column that says which fold each row is in.",
        ("ignored_columns", "response_column", "weights_column", "offset_column"),
    ),
    Param(
        "fold_assignment",
        "enum",
        "AUTO",
        "How rows are dealt to folds.",
        values=("AUTO", "Random", "Modulo", "Stratified"),
        gridable=True,
    ),
    Param(
        "categorical_encoding",
        "enum",
        "AUTO",
        "How categorical columns become numbers.",
        values=ENCODINGS,
        gridable=True,
    ),
    Param(
        "max_categorical_levels",
        "int",
        10,
        "Levels that EnumLimited keeps.",
        low=2,
        level="expert",
        gridable=True,
    ),
    Param(
        "ignored_columns",
        "string[]",
        None,
        "Columns to leave out.",
        level="critical",
        member_of_frames=_FRAMES,
        mutually_exclusive_with=("response_column",),
    ),
    Param("ignore_const_cols", "boolean", True, "Leave out columns that have one value only."),
    Param("score_each_iteration", "boolean", False, "Measure the model after every iteration."),
    Param("checkpoint", "Key<Model>", None, "Model to continue training from."),
    Param(
        "stopping_rounds",
        "int",
        0,
        "Scoring events in the moving averages of early stopping; 0 never stops.",
        low=0,
        gridable=True,
    ),
    Param(
        "max_runtime_secs",
        "double",
        0.0,
        "Stop after so many seconds; 0 for no limit.",
        low=0,
        gridable=True,
    ),
    Param(
        "stopping_metric",
        "enum",
        "AUTO",
        "Metric of early stopping; AUTO is logloss or deviance.",
        values=STOPPING_METRICS,
        gridable=True,
    ),
    Param(
        "stopping_tolerance",
        "double",
        0.001,
        "Relative improvement that early stopping asks for.",
        low=0,
        gridable=True,
    ),
    Param(
        "gainslift_bins",
        "int",
        -1,
        "Groups of the gains/lift table; -1 for the default 16, 0 for none.",
        low=-1,
    ),
    Param(
        "custom_metric_func",
        "string",
        None,
        "A metric of one's own: a class with map, reduce and metric, or what upload_custom_metric "
        "gave; in Python only.",
    ),
    Param(
        "custom_distribution_func",
        "string",
        None,
        "A distribution of one's own: a class with link, init, gradient and gamma, or what "
        "upload_custom_distribution gave; in Python only.",
    ),
    Param("export_checkpoints_dir", "string", None, "Folder to which finished models are saved."),
    Param(
        "auc_type",
        "enum",
        "AUTO",
        "Which average AUC a multinomial model computes.",
        values=AUC_TYPES,
        gridable=True,
    ),
    Param(
        "seed",
        "long",
        -1,
        "Seed of all random choices; -1 for one made from the clock.",
        gridable=True,
    ),
    Param("balance_classes", "boolean", False, "Weigh classes to equal sizes.", gridable=True),
    Param(
        "class_sampling_factors",
        "float[]",
        None,
        "Sampling ratio of each class, in the order of its levels.",
        low=0,
        level="expert",
        gridable=True,
    ),
    Param(
        "max_after_balance_size",
        "float",
        5.0,
        "Largest relative size of the data after balancing.",
        low=0,
        open_low=True,
        level="expert",
        gridable=True,
    ),
    Param(
        "calibrate_model",
        "boolean",
        False,
        "Add calibrated class probabilities (cal_…) to predictions.",
        level="expert",
    ),
    Param(
        "calibration_frame",
        "Key<Frame>",
        None,
        "Frame to calibrate on; no part of the training frame.",
        level="expert",
    ),
    Param(
        "calibration_method",
        "enum",
        "AUTO",
        "How to calibrate; AUTO is PlattScaling.",
        values=("AUTO", "PlattScaling", "IsotonicRegression"),
        level="expert",
    ),
    Param("max_confusion_matrix_size", "int", 20, "Accepted for compatibility.", low=0),
    Param(
        "standardize",
        "boolean",
        True,
        "Scale numeric columns to mean 0 and standard deviation 1.",
        gridable=True,
    ),
    Param("max_iterations", "int", 0, "Largest number of iterations.", gridable=True),
)

_BY_NAME = {param.name: param for param in _SHARED}


def shared(name: str, **changes: Any) -> Param:
    """Return the shared parameter `name`, with an algorithm's own `changes` if any."""
    param = _BY_NAME[name]
    return param.but(**changes) if changes else param


def shared_group(*names: str) -> tuple[Param, ...]:
    """Return several shared parameters as they are."""
    return tuple(_BY_NAME[name] for name in names)
