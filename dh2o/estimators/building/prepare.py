"""From raw parameters and stored frames to a TrainSpec, with every finding on the way."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.estimators.adapt_frame import adapt_frame
from dh2o.estimators.building.continued import continued_model, with_levels_of
from dh2o.estimators.building.custom_metric import custom_metric_messages, stored_metric
from dh2o.estimators.messages import Message, raise_errors
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame, VecType
from dh2o.models import ModelCategory, ModelError, ModelParameters

if TYPE_CHECKING:
    from dh2o.estimators.builder import ModelBuilder
    from dh2o.frame.rollups import Rollups

MAX_CLASSES = 1000
_NO_LIMIT_S = 1e10  # clients send the largest double for “no limit”
_FOLDERS = {
    "export_checkpoints_dir": "Checkpoints",
    "in_training_checkpoints_dir": "In training checkpoints",
}
_UNUSABLE = (VecType.STRING, VecType.UUID)


@dataclass
class _Findings:
    """Messages in the order found."""

    messages: list[Message] = field(default_factory=list)

    def error(self, name: str, text: str) -> None:
        self.messages.append(Message.error(name, text))

    def warn(self, name: str, text: str) -> None:
        self.messages.append(Message.warn(name, text))


def prepare(
    builder: ModelBuilder, params: ModelParameters, model_key: str, found: tuple[Message, ...] = ()
) -> TrainSpec:
    """Return the spec of a model, or raise `BuilderError` with all findings.

    Costs one pass if the training frame has columns whose rollups are not known yet.
    """
    findings = _Findings(list(found))
    train = _stored_frame(params, "training_frame", findings)
    if train is None:
        findings.error("training_frame", "Missing training frame")
        raise_errors(builder.algo, findings.messages, model_key)
        raise AssertionError("unreachable")
    if train.n_rows == 0:
        findings.error("training_frame", "Training frame must have > 0 rows.")
    roles = _roles(builder, params, train, findings)
    _check_folds(params, train, roles, findings)
    raise_errors(builder.algo, findings.messages, model_key)
    key = train.key
    train = builder.learned_from(params, train)
    before = continued_model(params)
    if before is not None:
        train = with_levels_of(before, train)
    rollups = dict(zip(train.names, train.rollups(), strict=True))
    _check_special(params, train, roles, rollups, findings)
    ignored = set(params.get("ignored_columns") or ())
    usable = [n for n in train.names if n not in ignored and n not in roles.values()]
    if before is None:
        x = _predictors(builder, params, train, usable, rollups, findings)
    else:  # the new rows may be few: a column that is constant among them stays
        known = set(usable)
        x = [name for name in before.output.input_names if name in known]
    response = roles.get("response_column")
    category = builder.category_of(params, train.vec(response) if response else None)
    if response:
        _check_response(builder, params, train, category, rollups, findings)
    if not x:
        findings.error("training_frame", "There are no usable columns to generate model")
    _check_stopping(params, category, findings)
    findings.messages += custom_metric_messages(params)
    _check_folders(params, findings)
    raise_errors(builder.algo, findings.messages, model_key)
    order = [roles[r] for r in ("weights_column", "offset_column", "fold_column") if r in roles]
    train_used = train.select([*x, *order, *([response] if response else [])])
    now = int(time.time() * 1000)
    seconds = params.get("max_runtime_secs") or 0.0
    limited = 0 < seconds < _NO_LIMIT_S
    seed = params.get("seed", -1)
    if seed == -1:
        seed = secrets.randbits(62)
    spec = TrainSpec(
        algo=builder.algo,
        params=_with_known(params, seed=seed, model_id=model_key, **_folds_meant(params)),
        model_key=model_key,
        train=train_used,
        valid=None,
        x=tuple(x),
        response=response,
        weights=roles.get("weights_column"),
        offset=roles.get("offset_column"),
        fold=roles.get("fold_column"),
        category=category,
        seed=seed,
        training_frame=key,
        validation_frame=params.get("validation_frame"),
        custom_metric=stored_metric(params),
        start_time_ms=now,
        deadline_ms=now + int(seconds * 1000) if limited else None,
    )
    valid = _validation(spec, params, findings)
    spec = builder.resolve(spec.replace(valid=valid, messages=tuple(findings.messages)))
    findings.messages = [*spec.messages, *builder.check(spec)]
    raise_errors(builder.algo, findings.messages, model_key)
    return spec.replace(messages=tuple(findings.messages))


def _folds_meant(params: ModelParameters) -> dict[str, str | None]:
    """Return the fold assignment that AUTO stands for: none where there are no folds to assign."""
    if params.get("fold_assignment") != "AUTO":
        return {}
    return {"fold_assignment": "Random" if params.get("nfolds", 0) > 1 else None}


def _with_known(params: ModelParameters, **values: object) -> ModelParameters:
    return params.with_actual(**{k: v for k, v in values.items() if k in params})


def _stored_frame(params: ModelParameters, name: str, findings: _Findings) -> Frame | None:
    from dh2o.errors import KeyNotFoundError

    key = params.get(name)
    if key is None:
        return None
    try:
        return Frame.get(key)
    except KeyNotFoundError:
        findings.error(name, f"Object '{key}' not found for argument: {name}")
        return None


_ROLE_WORDS = {
    "weights_column": "Weights",
    "offset_column": "Offset",
    "fold_column": "Fold",
    "response_column": "Response",
}


def _roles(
    builder: ModelBuilder, params: ModelParameters, train: Frame, findings: _Findings
) -> dict[str, str]:
    """Return the special columns by parameter, checked for existence and for double use."""
    roles: dict[str, str] = {}
    for role, word in _ROLE_WORDS.items():
        name = params.get(role)
        if name is None or (role == "response_column" and not builder.needs_response(params)):
            continue
        if name not in train.names:
            findings.error(role, f"{word} column '{name}' not found in the training frame")
            continue
        for other, used in roles.items():
            if used == name:
                findings.error(role, f"{word} column must be different from {other}")
        roles[role] = name
    if builder.needs_response(params) and params.get("response_column") is None:
        findings.error("response_column", "Response column parameter not set.")
    known = set(train.names)
    unknown = [n for n in params.get("ignored_columns") or () if n not in known]
    if unknown:
        findings.error("ignored_columns", f"Ignored columns not in the training frame: {unknown}")
    return roles


def _check_folds(
    params: ModelParameters, train: Frame, roles: dict[str, str], findings: _Findings
) -> None:
    nfolds = params.get("nfolds", 0)
    assigned = params.get("fold_assignment", "AUTO") != "AUTO"
    if nfolds == 1:
        findings.error("nfolds", "nfolds must be either 0 or >1.")
    if nfolds > max(train.n_rows, 1):
        findings.error(
            "nfolds", f"nfolds cannot be larger than the number of rows ({train.n_rows})."
        )
    if "fold_column" in roles:
        if nfolds > 1:
            findings.error(
                "nfolds", "nfolds cannot be specified at the same time as a fold column."
            )
        if assigned:
            findings.error(
                "fold_assignment",
                "Fold assignment is not allowed in conjunction with a fold column.",
            )
    elif assigned and nfolds == 0:
        findings.error("fold_assignment", "Fold assignment is only allowed for cross-validation.")


def _check_special(
    params: ModelParameters,
    train: Frame,
    roles: dict[str, str],
    rollups: dict[str, Rollups],
    findings: _Findings,
) -> None:
    for role in ("weights_column", "offset_column"):
        if role not in roles:
            continue
        word, stats = _ROLE_WORDS[role], rollups[roles[role]]
        if not train.vec(roles[role]).is_numeric:
            findings.error(
                role,
                f"Invalid {word.lower()} column '{roles[role]}', {word.lower()} must be numeric",
            )
            continue
        if stats.n_na:
            findings.error(role, f"{word} cannot have missing values.")
        if role == "weights_column" and stats.n_na < stats.n_rows:
            if stats.min < 0:
                findings.error(role, "Weights must be >= 0")
            if stats.max == 0:
                findings.error(role, "Max. weight must be > 0")
    if "fold_column" in roles:
        _check_fold_column(train, roles["fold_column"], rollups, findings)
    if params.get("balance_classes") and "weights_column" in roles:
        stats = rollups[roles["weights_column"]]
        is_binary = stats.is_int and stats.n_na == 0 and stats.min >= 0 and stats.max <= 1
        if not is_binary:
            findings.error(
                "balance_classes",
                "Balance classes and observation weights are not currently supported together.",
            )


def _check_fold_column(
    train: Frame, name: str, rollups: dict[str, Rollups], findings: _Findings
) -> None:
    vec, stats = train.vec(name), rollups[name]
    start = f"Invalid fold column '{name}', fold "
    if not (vec.is_enum or (vec.is_numeric and stats.is_int)):
        findings.error("fold_column", start + "must be integer or categorical")
    elif stats.n_na:
        findings.error("fold_column", "Fold cannot have missing values.")
    elif stats.min < 0:
        findings.error("fold_column", start + "must be non-negative")
    elif stats.min == stats.max:
        findings.error("fold_column", start + "cannot be constant")


def _predictors(
    builder: ModelBuilder,
    params: ModelParameters,
    train: Frame,
    usable: list[str],
    rollups: dict[str, Rollups],
    findings: _Findings,
) -> list[str]:
    """Return the columns to learn from, with one warning for those that were left out."""
    drop_constant = params.get("ignore_const_cols", True)
    types = {name: vec.type for name, vec in zip(train.names, train.vecs, strict=True)}

    def is_bad(name: str) -> bool:
        if types[name] in _UNUSABLE:
            return True
        stats = rollups[name]
        if not drop_constant:
            return False
        one_value = stats.min == stats.max and stats.n_pinf + stats.n_ninf == 0
        tells = builder.learns_from_na and stats.n_na > 0
        return stats.n_na == stats.n_rows or (one_value and not tells)

    dropped = [name for name in usable if is_bad(name)]
    if dropped:
        findings.warn(
            "training_frame", f"Dropping bad and constant columns: [{', '.join(dropped)}]"
        )
    left_out = set(dropped)
    return [name for name in usable if name not in left_out]


def _check_response(
    builder: ModelBuilder,
    params: ModelParameters,
    train: Frame,
    category: ModelCategory,
    rollups: dict[str, Rollups],
    findings: _Findings,
) -> None:
    name = params["response_column"]
    vec, stats = train.vec(name), rollups[name]
    if vec.type in _UNUSABLE:
        findings.error(
            "response_column",
            "Use numerical, categorical or time variable. "
            f"Currently used {vec.type.value.capitalize()}",
        )
        return
    if stats.n_na == stats.n_rows:
        findings.error("response_column", f"Response column '{name}' has only missing values.")
        return
    if params.get("check_constant_response", True) and stats.min == stats.max:
        findings.error("response", "Response cannot be constant.")
    factors = params.get("class_sampling_factors")
    balances = params.get("balance_classes") and category.is_classifier
    if balances and factors and len(factors) != vec.n_levels:
        findings.error(
            "class_sampling_factors", f"class_sampling_factors must have {vec.n_levels} elements"
        )
    if category.is_classifier and vec.n_levels > MAX_CLASSES:
        findings.error(
            "response_column",
            f"Too many levels in response column: {vec.n_levels}, "
            f"maximum supported number of classes is {MAX_CLASSES}.",
        )
    elif (
        builder.warns_of_numeric_binary
        and category is ModelCategory.REGRESSION
        and _is_binary(stats)
    ):
        findings.warn(
            "response",
            "We have detected that your response column has only 2 unique values (0/1). If you "
            "wish to train a binary model instead of a regression model, convert your target "
            "column to categorical before training.",
        )


def _is_binary(stats: Rollups) -> bool:
    """Whether a numeric column holds two values only: 0 and 1, or -1 and 1."""
    from_zero = stats.min == 0
    without_zero = stats.min == -1 and stats.n_zero == 0
    return stats.is_int and stats.max == 1 and (from_zero or without_zero)


def _check_stopping(params: ModelParameters, category: ModelCategory, findings: _Findings) -> None:
    metric = params.get("stopping_metric", "AUTO")
    if params.get("stopping_tolerance", 0.0) >= 1:
        findings.error("stopping_tolerance", "Stopping tolerance must be < 1.")
    if params.get("stopping_rounds", 0) == 0:
        if metric != "AUTO":
            findings.warn("stopping_metric", "Stopping metric is ignored for _stopping_rounds=0.")
        if params.get("stopping_tolerance", 0.0) != _default(params, "stopping_tolerance"):
            findings.warn(
                "stopping_tolerance", "Stopping tolerance is ignored for _stopping_rounds=0."
            )
        return
    by_clock = params.get("score_tree_interval") == 0 and not params.get("score_each_iteration")
    if by_clock:
        findings.warn(
            "stopping_rounds",
            "early stopping is enabled but neither score_tree_interval or score_each_iteration "
            "are defined. Early stopping will not be reproducible!",
        )
    if category.is_classifier and metric == "deviance":
        findings.error("stopping_metric", "Stopping metric cannot be deviance for classification.")
    of_classes = ("logloss", "AUC", "AUCPR", "misclassification", "mean_per_class_error")
    if category is ModelCategory.REGRESSION and metric in (*of_classes, "lift_top_group"):
        findings.error("stopping_metric", f"Stopping metric cannot be {metric} for regression.")


def _default(params: ModelParameters, name: str) -> Any:
    return params.default(name) if name in params else 0.0


def _check_folders(params: ModelParameters, findings: _Findings) -> None:
    """Find out before the work is done that its models could not be written."""
    for name, words in _FOLDERS.items():
        folder = params.get(name)
        if not folder:
            continue
        path = Path(folder).expanduser()
        there = next((p for p in (path, *path.parents) if p.exists()), None)
        if there is None or not there.is_dir() or not os.access(there, os.W_OK):
            findings.error(name, f"{words} directory path must point to a writable path.")


def _validation(spec: TrainSpec, params: ModelParameters, findings: _Findings) -> Frame | None:
    valid = _stored_frame(params, "validation_frame", findings)
    if valid is None:
        return None
    if valid.n_rows == 0:
        findings.error("validation_frame", "Validation frame must have > 0 rows.")
        return None
    if spec.response is not None and spec.response not in valid.names:
        findings.error(
            "validation_frame",
            f"Validation frame must have a response column '{spec.response}'.",
        )
        return None
    try:
        adapted, warnings = adapt_frame(valid, spec)
    except ModelError as problem:
        findings.error("validation_frame", str(problem))
        return None
    for text in warnings:
        findings.warn("validation_frame", text)
    return adapted
