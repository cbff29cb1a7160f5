"""Which row is held out by which model of a cross-validation, by row number alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_floats, encode_ints
from dh2o.frame import Frame, VecType
from dh2o.frame.random_folds import random_folds
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
ASSIGNMENT = "fold_assignment"


@dataclass(frozen=True, slots=True)
class Folds:
    """``assignment`` is a frame of one column, the fold 0 … n_folds-1 of each row."""

    n_folds: int
    assignment: Frame


def make_folds(spec: TrainSpec) -> Folds:
    """Return the folds that the parameters of `spec` ask for."""
    if spec.fold is not None:
        return _folds_of_column(spec, spec.fold)
    n_folds = spec.params["nfolds"]
    scheme = spec.params.get("fold_assignment", "AUTO")
    offsets: dict[int, I64] = {}
    if scheme == "Stratified":
        offsets = _class_offsets(spec)
    task = AssignFolds(n_folds, scheme, spec.seed, spec.response, offsets)
    source = spec.train.select([spec.response or spec.train.names[0]])
    return Folds(n_folds, task.new_frame(source, [ASSIGNMENT], [VecType.NUMERIC]))


def _folds_of_column(spec: TrainSpec, column: str) -> Folds:
    """Folds are the different values of a column, in ascending order."""
    source = spec.train.select([column])
    values = DistinctValues(column).do_all(source)
    frame = FoldOfValue(column, values).new_frame(source, [ASSIGNMENT], [VecType.NUMERIC])
    return Folds(len(values), frame)


class AssignFolds(MRTask[None, None]):
    """The fold of each row, by its number: random, modulo n, or its rank in its class."""

    def __init__(
        self,
        n_folds: int,
        scheme: str,
        seed: int,
        response: str | None,
        offsets: dict[int, I64],
    ) -> None:
        self.n_folds = n_folds
        self.scheme = scheme
        self.seed = seed
        self.response = response
        self.offsets = offsets

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        rows = np.arange(block.row_start, block.row_start + block.n_rows, dtype=np.int64)
        if self.scheme == "Modulo":
            folds = rows % self.n_folds
        elif self.scheme == "Stratified" and self.response is not None:
            folds = self._stratified(block, rows)
        else:
            folds = random_folds(rows, self.n_folds, self.seed)
        return (encode_ints(folds, None),)

    def _stratified(self, block: Block, rows: I64) -> I64:
        """Deal each class's rows in rounds of n; each round is one shuffle of the folds."""
        codes = block.codes(self.response or "")
        folds = rows % self.n_folds  # rows without a class
        for code, start in enumerate(self.offsets[block.index]):
            mine = np.flatnonzero(codes == code)
            rank = start + np.arange(len(mine), dtype=np.int64)
            folds[mine] = shuffled_rounds(rank, self.n_folds, self.seed + code)
        return folds


def shuffled_rounds(rank: I64, n: int, seed: int) -> I64:
    """Return a fold for each rank: every n ranks hold all n folds, in random order."""
    rounds, place = np.divmod(rank, n)
    numbers = rounds[:, None] * n + np.arange(n)
    keys = hash_rows(numbers.astype(np.uint64), seed)
    order: I64 = np.argsort(keys, axis=1, kind="stable")
    picked: I64 = order[np.arange(len(rank)), place]
    return picked


def hash_rows(rows: U64, seed: int) -> U64:
    """Return well-mixed bits of (seed, row number): splitmix64's finaliser."""
    with np.errstate(over="ignore"):
        x = (rows + np.uint64(seed & (2**64 - 1))) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


class ClassCounts(MRTask[list[tuple[int, I64]], dict[int, I64]]):
    """How many rows of each class lie before each block."""

    def __init__(self, response: str, n_classes: int) -> None:
        self.response = response
        self.n_classes = n_classes

    def map(self, block: Block) -> list[tuple[int, I64]]:
        codes = block.codes(self.response)
        counts = np.bincount(codes[codes >= 0], minlength=self.n_classes).astype(np.int64)
        return [(block.index, counts)]

    def combine(self, a: list[tuple[int, I64]], b: list[tuple[int, I64]]) -> list[tuple[int, I64]]:
        return a + b

    def finish(self, total: list[tuple[int, I64]] | None) -> dict[int, I64]:
        before = np.zeros(self.n_classes, dtype=np.int64)
        offsets = {}
        for index, counts in sorted(total or [], key=lambda item: item[0]):
            offsets[index] = before
            before = before + counts
        return offsets


def _class_offsets(spec: TrainSpec) -> dict[int, I64]:
    response = spec.response or ""
    return ClassCounts(response, spec.n_classes).do_all(spec.train.select([response]))


class DistinctValues(MRTask[NDArray[Any], NDArray[Any]]):
    """The different values of a column, ascending, NA left out."""

    def __init__(self, column: str) -> None:
        self.column = column

    def map(self, block: Block) -> NDArray[Any]:
        values = np.unique(block.floats(self.column))
        return values[~np.isnan(values)]

    def combine(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return np.union1d(a, b)

    def finish(self, total: NDArray[Any] | None) -> NDArray[Any]:
        return np.empty(0) if total is None else total


class FoldOfValue(MRTask[None, None]):
    """The position of each row's value among the different ones."""

    def __init__(self, column: str, values: NDArray[Any]) -> None:
        self.column = column
        self.values = values

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        folds = np.searchsorted(self.values, block.floats(self.column))
        return (encode_ints(folds.astype(np.int64), None),)


class FoldWeights(MRTask[None, None]):
    """Two weights for each row: to train on (0 if held out), and to judge on (0 if not)."""

    def __init__(self, fold: int, weights: str | None) -> None:
        self.fold = fold
        self.weights = weights

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        held_out = block.floats(ASSIGNMENT) == self.fold
        w = np.ones(block.n_rows) if self.weights is None else block.floats(self.weights)
        return encode_floats(np.where(held_out, 0.0, w)), encode_floats(np.where(held_out, w, 0.0))


def fold_weights(spec: TrainSpec, folds: Folds, fold: int) -> tuple[Frame, Frame]:
    """Return one-column frames: the weights to train fold `fold` with, and to judge it with."""
    source = folds.assignment
    if spec.weights is not None:
        source = source.with_columns({spec.weights: spec.train.vec(spec.weights)})
    made = FoldWeights(fold, spec.weights).new_frame(
        source, ["train", "holdout"], [VecType.NUMERIC, VecType.NUMERIC]
    )
    return made.select(["train"]), made.select(["holdout"])
