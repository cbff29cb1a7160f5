"""``balance_classes``: each row counts as often as H2O's sampling with replacement would draw it.

How often is a function of (seed, row number) and the row's class: the whole part of the class's
ratio, and once more with the probability of the rest. No row is copied: the counts are weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.estimators.crossval.folds import hash_rows
from dh2o.frame import Frame, VecType
from dh2o.models.output import ModelOutput
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

__all__ = ["WEIGHTS", "balanced", "sampling_ratios", "with_prior", "without_column"]

WEIGHTS = "__internal_balance_weights__"
_MAX_TRIES = 10
F64 = NDArray[np.float64]


class ClassWeights(MRTask[F64, F64]):
    """The weight of each class."""

    def __init__(self, response: str, weights: str | None, n_classes: int) -> None:
        self.response = response
        self.weights = weights
        self.n_classes = n_classes

    def map(self, block: Block) -> F64:
        codes = block.floats(self.response)
        w = np.ones(len(codes)) if self.weights is None else block.floats(self.weights)
        used = ~np.isnan(codes) & (w > 0)
        counts = np.bincount(codes[used].astype(np.int64), w[used], self.n_classes)
        return counts.astype(np.float64)

    def combine(self, a: F64, b: F64) -> F64:
        return np.asarray(a + b)

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(self.n_classes) if total is None else total


def class_weights(spec: TrainSpec) -> F64:
    """Return the weight of each class in the training frame."""
    columns = [str(spec.response), *([spec.weights] if spec.weights else [])]
    task = ClassWeights(columns[0], spec.weights, spec.n_classes)
    return task.do_all(spec.train.select(columns))


def shares(counts: F64) -> tuple[float, ...]:
    """Return the counts divided by their sum; as they are if that is 0."""
    total = float(counts.sum())
    return tuple(float(c) / total if total else float(c) for c in counts)


def with_prior(spec: TrainSpec) -> TrainSpec:
    """Return the spec with the share of each class, where there are classes."""
    if not spec.category.is_classifier or spec.train.vec(str(spec.response)).domain is None:
        return spec
    return spec.replace(prior_class_distrib=shares(class_weights(spec)))


def sampling_ratios(counts: F64, n_rows: int, given: Sequence[float] | None, most: float) -> F64:
    """Return how often a row of each class is drawn on average.

    Without `given` ratios the largest class is left as it is and the others are drawn as often as
    makes them equal. More than `most` times the rows are cut down by one factor for all.
    """
    ratios = np.zeros(len(counts)) if given is None else np.array(given, dtype=np.float64)
    if not ratios.any():
        with np.errstate(divide="ignore"):
            ratios = n_rows / len(counts) / counts
        ratios = np.where(counts > 0, ratios / ratios.min(), 0.0)
    wanted = float((ratios * counts).sum())
    allowed = min(max(int(most * n_rows), len(counts)), round(wanted))
    return ratios * (allowed / wanted) if wanted > 0 and allowed != wanted else ratios


def balanced(spec: TrainSpec) -> TrainSpec:
    """Return the spec with a column of weights that balances the classes, if that is asked for."""
    params = spec.params
    if not params.get("balance_classes") or spec.prior_class_distrib is None:
        return spec
    counts = class_weights(spec)
    most = params.get("max_after_balance_size", 5.0)
    given = params.get("class_sampling_factors")
    ratios = sampling_ratios(counts, spec.train.n_rows, given, most)
    response = str(spec.response)
    for attempt in range(_MAX_TRIES):
        task = DrawRows(ratios, spec.seed + attempt, response, spec.weights)
        column = task.new_frame(spec.train, [WEIGHTS], [VecType.NUMERIC])
        balanced_spec = _with_weights(spec, column)
        drawn = class_weights(balanced_spec)
        if (drawn[(counts > 0) & (ratios > 0)] > 0).all():  # unlucky if a class is lost
            break
    return balanced_spec.replace(model_class_distrib=shares(drawn))


def _with_weights(spec: TrainSpec, column: Frame) -> TrainSpec:
    """Return the spec whose rows learn with the weights of `column`; judged as before."""
    valid, own = spec.valid, spec.valid_weights or spec.weights
    if valid is not None:
        vec = valid.vec(own) if own is not None else _ones(valid)
        valid = _with_column(valid, vec, spec.response)
    train = _with_column(spec.train, column.vec(WEIGHTS), spec.response)
    return spec.replace(train=train, valid=valid, weights=WEIGHTS, valid_weights=None)


def _ones(frame: Frame) -> Any:
    return Ones().new_frame(frame, [WEIGHTS], [VecType.NUMERIC]).vec(WEIGHTS)


def _with_column(frame: Frame, vec: Any, response: str | None) -> Frame:
    """Return the frame with one more column, the response last."""
    names = [name for name in frame.names if name not in (response, WEIGHTS)]
    wide = frame.with_columns({WEIGHTS: vec})
    return wide.select([*names, WEIGHTS, *([response] if response else [])])


class DrawRows(MRTask[None, None]):
    """How often each row is drawn, times its own weight; 0 without a response."""

    def __init__(self, ratios: F64, seed: int, response: str, weights: str | None) -> None:
        self.ratios = ratios
        self.seed = seed
        self.response = response
        self.weights = weights

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        rows = np.arange(block.row_start, block.row_start + block.n_rows).astype(np.uint64)
        uniform = (hash_rows(rows, self.seed) >> np.uint64(11)) * 2.0**-53
        codes = block.floats(self.response)
        known = ~np.isnan(codes)
        ratio = np.zeros(len(codes))
        ratio[known] = self.ratios[codes[known].astype(np.int64)]
        times = np.floor(ratio) + (uniform < ratio - np.floor(ratio))
        if self.weights is not None:
            times *= block.floats(self.weights)
        return (encode_floats(times),)


class Ones(MRTask[None, None]):
    """A column of ones."""

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        return (encode_floats(np.ones(block.n_rows)),)


def without_column(output: ModelOutput, internal: str, weights: str | None) -> ModelOutput:
    """Return the output in which the column `internal` is the user's weights, or gone."""
    if internal not in output.names:
        return output
    columns = zip(output.names, output.domains, output.column_types, strict=True)
    others = [column for column in columns if column[0] not in (internal, weights)]
    if weights is not None:
        at = len(others) - (output.response in output.names)
        others.insert(at, (weights, None, "Numeric"))
    names, domains, kinds = zip(*others, strict=True)
    return output.replace(names=names, domains=domains, column_types=kinds, weights=weights)
