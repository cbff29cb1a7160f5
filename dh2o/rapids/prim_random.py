"""Primitives: random numbers, folds and splits, the same for a seed whatever the cluster."""

from __future__ import annotations

import random

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Column, Const, Local, Op, Table, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather, together
from dh2o.rapids.prim_types import to_enum
from dh2o.rapids.reducers import na_counts
from dh2o.rapids.row_numbers import row_number_column, uniform, uniform_column
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame

__all__: list[str] = []


def _seed(seed: int | None) -> int:
    """Return a given seed, or for -1 and none a new one."""
    if seed is None or seed == -1:
        return random.SystemRandom().getrandbits(63)
    return seed


@primitive(
    "h2o.runif", "ary:frame seed:int?", "A column `rnd` of numbers of [0, 1), by seed and row."
)
def runif(_env: Env, table: Table, seed: int | None) -> Val:
    return ValFrame(table.like(["rnd"], [uniform_column(table, _seed(seed))]))


def _n_folds(n_folds: int) -> int:
    if n_folds < 2:
        raise RapidsError(f"The number of folds must be an integer of at least 2, got {n_folds}.")
    return n_folds


@primitive(
    "kfold_column",
    "ary:frame n_folds:int seed:int?",
    "A random fold 0 .. n-1 for each row, the one that H2O deals for the seed.",
)
def kfold_column(_env: Env, table: Table, n_folds: int, seed: int | None) -> Val:
    row = row_number_column(table).expr
    folds = Op("random_fold", (row,), (_n_folds(n_folds), _seed(seed)))
    return ValFrame(table.like(["C1"], [numeric(folds)]))


@primitive("modulo_kfold_column", "ary:frame n_folds:int", "The row number modulo n.")
def modulo_kfold_column(_env: Env, table: Table, n_folds: int) -> Val:
    row = row_number_column(table).expr
    folds = numeric(Op("%", (row, Const(float(_n_folds(n_folds))))))
    return ValFrame(table.like(["C1"], [folds]))


@primitive(
    "stratified_kfold_column",
    "ary:frame n_folds:int seed:int?",
    "A fold for each row such that every class is spread evenly.",
)
def stratified_kfold_column(_env: Env, table: Table, n_folds: int, seed: int | None) -> Val:
    codes = _class_codes(table, "stratified_kfold_column")
    k = _n_folds(n_folds)
    ranks = _ranks_in_class(codes, _seed(seed))
    shift = uniform(np.arange(int(codes.max(initial=-1)) + 2, dtype=np.uint64), _seed(seed), 7)
    first = np.floor(shift * k)[codes.astype(np.int64)]
    return _aligned(table, "C1", Column(VecType.NUMERIC, Local((ranks + first) % k)))


def _class_codes(table: Table, symbol: str) -> np.ndarray:
    column = table.only(symbol)
    enum = to_enum(table, table.names[0], column)
    expr = gather(table.like(["y"], [enum]), symbol).columns[0].expr
    codes = expr.values if isinstance(expr, Local) else np.empty(0)
    return np.where(np.isnan(codes), len(enum.domain or ()), codes)


def _ranks_in_class(codes: np.ndarray, seed: int) -> np.ndarray:
    """Return the rank of each row's random number among the rows of its class."""
    draws = uniform(np.arange(len(codes), dtype=np.uint64), seed)
    order = np.lexsort((draws, codes))
    sorted_codes = codes[order]
    starts = np.flatnonzero(np.append(True, sorted_codes[1:] != sorted_codes[:-1]))
    sizes = np.diff(np.append(starts, len(codes)))
    ranks = np.empty(len(codes))
    ranks[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return ranks


def _aligned(table: Table, name: str, column: Column) -> Val:
    made = Table((name,), (column,), table.n_rows, None)
    return ValFrame(together([table, made])[1])


@primitive(
    "h2o.random_stratified_split",
    "ary:frame test_frac:num seed:int?",
    "A column test_train_split of train and test, the same share of every class.",
)
def random_stratified_split(_env: Env, table: Table, share: float, seed: int | None) -> Val:
    column = table.only("Stratification")
    if not (column.is_enum or column.is_number):
        raise RapidsError("stratification only applies to integer and categorical columns.")
    if na_counts(table)[0]:
        raise RapidsError("NAs not allowed in the column to stratify by; remove or impute them.")
    if not 0 <= share <= 1:
        raise RapidsError(f"test_frac must be between 0 and 1, got {share:g}.")
    codes = _class_codes(table, "h2o.random_stratified_split")
    ranks = _ranks_in_class(codes, _seed(seed))
    sizes = np.bincount(codes.astype(np.int64))
    n_test = np.maximum(np.floor(sizes * share), np.minimum(sizes, 1) if share > 0 else 0)
    test = (ranks < n_test[codes.astype(np.int64)]).astype(np.float64)
    made = Column(VecType.ENUM, Local(test), ("train", "test"))
    return _aligned(table, "test_train_split", made)
