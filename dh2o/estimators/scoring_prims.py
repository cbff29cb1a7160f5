"""Rapids primitives about predictions, and those that only models of other kinds answer."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import MissingExtraError, RapidsError
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.rapids.columns import Column, Local, Table, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather, store, together
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValStr

__all__ = ["exact_auc"]

F64 = NDArray[np.float64]


def _number(value: float) -> Val:
    return ValFrame(local_table(["C1"], [np.array([value])]))


def _model(value: object, what: str) -> Model:
    if not isinstance(value, Model):
        raise RapidsError(f"{what}: expected a model.")
    return value


def _values(column: Column) -> F64:
    return column.expr.values if isinstance(column.expr, Local) else np.empty(0)


def exact_auc(scores: F64, positive: F64) -> float:
    """Return the share of pairs of a 1 and a 0 in which the 1 has the higher score, ties half."""
    from scipy.stats import rankdata

    n_positive = float(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return math.nan
    ranks = float(rankdata(scores)[positive == 1].sum())
    return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


@primitive(
    "perfectAUC",
    "probs:frame acts:frame",
    "The exact AUC of a column of probabilities against one of 0 and 1, in a frame.",
)
def perfect_auc(_env: Env, probs: Table, acts: Table) -> Val:
    for table, what in ((probs, "probabilities"), (acts, "actuals")):
        if table.n_cols != 1 or table.columns[0].is_string:
            raise RapidsError(f"Expected a frame containing a single vector of {what}.")
    if probs.n_rows != acts.n_rows:
        raise RapidsError(f"There are {probs.n_rows} probabilities and {acts.n_rows} actuals.")
    probs, acts = together([probs, acts])
    both = probs.like(["p", "a"], [probs.columns[0], acts.columns[0]])
    scores, actual = (_values(c) for c in gather(both, "perfectAUC").columns)
    if np.isnan(scores).any() or np.isnan(actual).any():
        raise RapidsError("perfectAUC: probabilities and actuals must not have NA.")
    if ((scores < 0) | (scores > 1)).any():
        raise RapidsError("perfectAUC: probabilities must lie between 0 and 1.")
    if not np.isin(actual, (0.0, 1.0)).all():
        raise RapidsError("perfectAUC: actuals must be 0 and 1.")
    return _number(exact_auc(scores, actual))


@primitive(
    "predicted.vs.actual.by.var",
    "model:model frame:frame variable:str predicted:frame",
    "Mean prediction and mean response for each level of a categorical column; NA, if any, last.",
)
def predicted_vs_actual(
    _env: Env, given: object, frame: Table, variable: str, predicted: Table
) -> Val:
    import pyarrow as pa

    what = "predicted.vs.actual.by.var"
    output = _model(given, what).output
    if output.response is None:
        raise RapidsError("Only supervised models are supported for calculating predicted v actual")
    if output.n_classes > 2:
        raise RapidsError("Multinomial classification models are not supported")
    column = frame.columns[frame.index(variable)]
    if not column.is_enum:
        raise RapidsError(f"{what}: column {variable!r} is {column.type}; give a categorical one.")
    if frame.n_rows != predicted.n_rows or not predicted.n_cols:
        raise RapidsError(f"{what}: the predictions have other rows than the frame.")
    frame, predicted = together([frame, predicted])
    actual = frame.columns[frame.index(output.response)]
    if actual.domain != predicted.columns[0].domain:
        raise RapidsError("Actual and predicted need to have identical domain.")
    weighted = output.weights is not None and output.weights in frame.names
    used = [column, predicted.columns[0], actual]
    if weighted:
        used.append(frame.columns[frame.index(str(output.weights))])
    names = [variable, predicted.names[0], "actual", "weight"]
    held = gather(frame.like(names[: len(used)], used), what)
    arrays = [_values(c) for c in held.columns]
    levels = column.domain or ()
    shown = [*levels, None] if np.isnan(arrays[0]).any() else list(levels)
    means = [m[: len(shown)] for m in _means_by_level(arrays, len(levels))]
    texts = pa.array(shown, pa.large_string())  # a string column, as in H2O
    kinds = [VecType.STRING, VecType.NUMERIC, VecType.NUMERIC]
    return ValFrame(local_table(names[:3], [texts, *means], kinds))


def _means_by_level(arrays: list[F64], n_levels: int) -> list[F64]:
    """Return the weighted mean of predictions and responses by level; 0 where there is no row."""
    codes, predicted, actual = arrays[:3]
    weights = arrays[3] if len(arrays) > 3 else np.ones(len(codes))
    used = ~np.isnan(actual) & (weights != 0)
    place = np.where(np.isnan(codes), n_levels, codes).astype(np.int64)[used]
    total = np.bincount(place, weights[used], minlength=n_levels + 1)
    out = []
    for values in (predicted, actual):
        sums = np.bincount(place, (weights * values)[used], minlength=n_levels + 1)
        out.append(np.divide(sums, total, out=np.zeros(n_levels + 1), where=total != 0))
    return out


@primitive(
    "model.testJavaScoring",
    "model:model frame:frame predictions:frame epsilon:num",
    "1 when the model's MOJO, read back, gives the same predictions to epsilon, else 0.",
)
def java_scoring_agrees(
    _env: Env, given: object, frame: Table, predictions: Table, epsilon: float
) -> Val:
    from dh2o.models.mojo import mojo_bytes
    from dh2o.scorer import Scorer

    scorer = Scorer.of_bytes(mojo_bytes(_model(given, "model.testJavaScoring")))
    found = scorer.predict_table(_frame(frame).to_arrow())
    expected = gather(predictions, "model.testJavaScoring")
    return _number(float(_agree(found, expected, epsilon)))


def _agree(found: dict[str, NDArray[np.generic]], expected: Table, epsilon: float) -> bool:
    for name, column in zip(expected.names, expected.columns, strict=True):
        values = _values(column)
        if name not in found or len(found[name]) != len(values):
            return False
        if column.domain is not None:
            levels = [None if math.isnan(v) else column.domain[int(v)] for v in values]
            if [str(v) for v in found[name]] != [str(v) for v in levels]:
                return False
        elif not np.allclose(found[name].astype(np.float64), values, epsilon, epsilon, True):
            return False
    return True


def _frame(table: Table) -> Frame:
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return frame


_OTHERS = {
    "transform": ("model:model frame:frame", "transforms frames"),
    "result": ("model:model", "has a frame as its result"),
    "word2vec.to.frame": ("model:model", "has words and vectors"),
    "rulefit.predict.rules": ("model:model frame:frame rules:strs", "has rules"),
    "mojo.pipeline.transform": ("pipeline:model frame:frame timestamps:num?", "is a pipeline"),
}


def _register_others() -> None:
    """Register what only kinds of models answer that have a method for it."""
    for symbol, (signature, ability) in _OTHERS.items():
        method = "rapids_" + symbol.replace(".", "_")

        def function(_env: Env, given: object, *args: object, _s: str = symbol) -> Val:
            answer = getattr(given, "rapids_" + _s.replace(".", "_"), None)
            if answer is None:
                raise RapidsError(
                    f"{_s}: models of type {getattr(given, 'algo', type(given).__name__)} cannot "
                    f"answer; it takes one that {_OTHERS[_s][1]}."
                )
            made = answer(*(_frame(a) if isinstance(a, Table) else a for a in args))
            return ValFrame(Table.of(made))

        primitive(symbol, signature, f"A frame, of a model that {ability} ({method}).")(function)


_register_others()


@primitive("run_tool", "tool:str args:strs?", "Refused: H2O's tools are Java classes.")
def run_tool(_env: Env, tool: str, _args: tuple[str, ...] | None) -> Val:
    raise RapidsError(
        f"run_tool: {tool!r} is a class of H2O's Java code; dh2o has none. MOJOs are read by "
        "dh2o.import_mojo and dh2o.scorer."
    )


@primitive(
    "s3.generate.presigned.URL",
    "path:str millis:num",
    "A URL under which anybody can read an object of S3 for some milliseconds.",
)
def presigned_url(_env: Env, path: str, millis: float) -> Val:
    if not path.startswith("s3://"):
        raise RapidsError(f"s3.generate.presigned.URL: {path!r} is no path of S3 (s3://...).")
    try:
        s3fs = import_module("s3fs")
    except ImportError:
        raise MissingExtraError.of("s3fs", "s3", "Signing URLs of S3") from None
    return ValStr(str(s3fs.S3FileSystem().sign(path, expiration=max(1, int(millis // 1000)))))
