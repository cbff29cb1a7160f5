"""Primitives: quantiles, covariance, tables, histograms, scaling, distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Local, Table, default_names, local_table, unique_names
from dh2o.rapids.evaluator import Env
from dh2o.rapids.kernels import F64
from dh2o.rapids.levels import level_counts
from dh2o.rapids.missing import ImputeCall, impute_table
from dh2o.rapids.order_statistics import quantiles_of, weighted_quantiles
from dh2o.rapids.passes import gather, together
from dh2o.rapids.prim_matrix import (
    MAX_COLUMNS,
    check_numbers,
    made_of_rows,
    number_matrix,
)
from dh2o.rapids.reducers import complete_cross, facts_of
from dh2o.rapids.running import difference
from dh2o.rapids.selectors import column_at, columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStrs

__all__: list[str] = []

USES = ("everything", "all.obs", "complete.obs")


@primitive(
    "quantile",
    "ary:frame probs:nums combine:str weights:str?",
    "Columns Probs and <name>Quantiles: interpolate (type 7), average, low or high.",
)
def quantile(_env: Env, table: Table, probs: F64, combine: str, weights: str | None) -> Val:
    for p in probs:
        if not 0 <= p <= 1:
            raise RapidsError(f"Probability must be between 0 and 1: {p:g}")
    weight = None if weights is None else table.columns[table.index(weights)]
    names, values = ["Probs"], [np.asarray(probs, dtype=np.float64)]
    usable = [
        c for n, c in zip(table.names, table.columns, strict=True) if c.is_number and n != weights
    ]
    if weight is None:
        found, _ = quantiles_of(table, usable, probs.tolist(), combine) if usable else ([], [])
    else:
        found = [weighted_quantiles(table, c, weight, probs.tolist(), combine) for c in usable]
    rest = iter(found)
    for name, column in zip(table.names, table.columns, strict=True):
        if name == weights:
            continue
        names.append(f"{name}Quantiles")
        known = next(rest) if column.is_number else [math.nan] * len(probs)
        values.append(np.array(known, dtype=np.float64))
    return ValFrame(local_table(names, values))


def _check_pair(x: Table, y: Table, use: str) -> None:
    if x.n_rows != y.n_rows:
        raise RapidsError(
            f"Frames must have the same number of rows, found {x.n_rows} and {y.n_rows}"
        )
    if use not in USES:
        raise RapidsError(f"unknown use mode: {use}. Expected one of: {', '.join(USES)}.")
    for table in (x, y):
        for name, column in zip(table.names, table.columns, strict=True):
            if column.is_string or column.type is VecType.UUID:
                raise RapidsError(f"Column {name!r} is {column.type}; numbers are needed.")


def _covariances(x: Table, y: Table, use: str) -> tuple[F64, F64, F64]:
    """Return sums of squares of x and of y, and the products (y by x), over n - 1."""
    x, y = together([x, y])
    columns = [*x.columns, *y.columns]
    if use == "all.obs" and facts_of(x, columns).n_na.any():
        raise RapidsError("Mode is 'all.obs' but NAs are present")
    if use == "complete.obs":
        n, cross = complete_cross(x, columns, complete=True)
    else:
        n, cross = complete_cross(x, columns, complete=False)
    with np.errstate(all="ignore"):
        cov = cross / (n - 1) if n > 1 else np.full_like(cross, np.nan)
    k = x.n_cols
    return np.diag(cov)[:k], np.diag(cov)[k:], cov[k:, :k]


def _one_row_vectors(x: Table, y: Table, use: str) -> tuple[F64, F64] | None:
    """Return two rows as vectors for frames of one row; None when NA make the result NaN."""
    if x.n_cols != y.n_cols:
        raise RapidsError(
            f"Single rows must have the same number of columns, found {x.n_cols} and {y.n_cols}"
        )
    a, b = number_matrix(x, "var")[0], number_matrix(y, "var")[0]
    there = ~(np.isnan(a) | np.isnan(b))
    if not there.all():
        if use == "all.obs":
            raise RapidsError("Mode is 'all.obs' but NAs are present")
        if use == "everything":
            return None
    return a[there], b[there]


def _covariance(a: F64, b: F64) -> float:
    if len(a) < 2:
        return math.nan
    return float((a - a.mean()) @ (b - b.mean()) / (len(a) - 1))


def _correlation(a: F64, b: F64) -> float:
    spread = math.sqrt(_covariance(a, a) * _covariance(b, b)) if len(a) > 1 else 0.0
    return _covariance(a, b) / spread if spread else math.nan


@primitive(
    "var", "x:frame y:frame use:str symmetric:num?", "Covariance of two columns, or the matrix."
)
def var(_env: Env, x: Table, y: Table, use: str, _symmetric: float | None) -> Val:
    _check_pair(x, y, use)
    if y.n_rows == 1:
        rows = _one_row_vectors(x, y, use)
        return ValNum(math.nan if rows is None else _covariance(*rows))
    _, _, cov = _covariances(x, y, use)
    if x.n_cols == 1 and y.n_cols == 1:
        return ValNum(float(cov[0, 0]))
    return ValFrame(local_table(y.names, list(cov)))


@primitive(
    "cor", "x:frame y:frame use:str method:str?", "Correlation of two columns, or the matrix."
)
def cor(_env: Env, x: Table, y: Table, use: str, method: str | None) -> Val:
    _check_pair(x, y, use)
    how = (method or "Pearson").lower()
    if how not in ("pearson", "spearman"):
        raise RapidsError(
            f"Unknown correlation method '{method}'. Available options are: [Pearson, Spearman]"
        )
    if how == "spearman":
        return _matrix(default_names(x.n_cols), _spearman(x, y, use).T)
    if y.n_rows == 1:
        rows = _one_row_vectors(x, y, use)
        return ValNum(math.nan if rows is None else _correlation(*rows))
    of_x, of_y, cov = _covariances(x, y, use)
    if use == "complete.obs":  # H2O puts x and y into one frame, whose names have to differ
        names = unique_names([*x.names, *y.names])[x.n_cols :]
        y = y.like(names, y.columns)
    with np.errstate(all="ignore"):
        return _matrix(y.names, cov / np.sqrt(np.outer(of_y, of_x)))


def _matrix(names: Sequence[str], columns: F64) -> Val:
    if columns.shape == (1, 1):
        return ValNum(float(columns[0, 0]))
    return ValFrame(local_table(names, list(columns)))


def _spearman(x: Table, y: Table, use: str) -> F64:
    """Return Pearson's correlation of the ranks, y by x; equal values share the lowest rank."""
    x, y = together([x, y])
    held = gather(x.like(default_names(x.n_cols + y.n_cols), [*x.columns, *y.columns]), "cor")
    data = np.stack([c.expr.values for c in held.columns if isinstance(c.expr, Local)])
    missing = np.isnan(data)
    if missing.any() and use == "all.obs":
        raise RapidsError("Mode is 'AllObs' but NAs are present")
    if use == "complete.obs":
        data = data[:, ~missing.any(axis=0)]
        missing = np.isnan(data)
    ranks = np.stack([np.searchsorted(np.sort(row), row).astype(np.float64) for row in data])
    ranks[missing.any(axis=1)] = np.nan
    k = x.n_cols
    if data.shape[1] < 2:
        return np.full((y.n_cols, k), np.nan)
    with np.errstate(all="ignore"):
        return np.atleast_2d(np.corrcoef(ranks))[k:, :k]


@primitive(
    "scale",
    "ary:frame center:any scale:any",
    "(x - center) / scale of number columns: TRUE, FALSE or lists.",
)
def scale(_env: Env, table: Table, center: Val, spread: Val) -> Val:
    return ValFrame(_scaled(table, center, spread))


@primitive(
    "scale_inplace", "ary:frame center:any scale:any", "The same, and the stored frame is replaced."
)
def scale_inplace(env: Env, table: Table, center: Val, spread: Val) -> Val:
    made = _scaled(table, center, spread)
    return ValFrame(made if table.key is None else env.session.replace(table.key, made))


def _scaled(table: Table, center: Val, spread: Val) -> Table:
    usable = [i for i, c in enumerate(table.columns) if c.is_number]
    if not usable:
        return table
    facts = facts_of(table, [table.columns[i] for i in usable], "m2")
    means = _given(table, usable, center, [facts.mean(j) for j in range(len(usable))], 0.0)
    spreads = np.sqrt(facts.variances)  # a column without spread is not divided, as in H2O
    factors = [1.0 / s if s > 0 else 1.0 for s in spreads.tolist()]
    factors = _given(table, usable, spread, factors, 1.0)
    columns = list(table.columns)
    for j, i in enumerate(usable):
        columns[i] = columns[i].then("affine", means[j], factors[j])
    return table.like(table.names, columns)


def _given(
    table: Table, usable: Sequence[int], value: Val, computed: Sequence[float], nothing: float
) -> list[float]:
    if isinstance(value, ValNums) and len(value) > 0:
        given = value.values.tolist()
    elif isinstance(value, ValFrame):
        given = number_matrix(value.table, "scale")[:, 0].tolist()
    elif isinstance(value, ValNum) and value.value in (0.0, 1.0):
        return list(computed) if value.value == 1 else [nothing] * len(usable)
    else:
        raise RapidsError("Only true or false allowed, or one number for each column.")
    if len(given) == len(usable):
        return [float(g) for g in given]
    if len(given) != table.n_cols:
        raise RapidsError(
            "Values must be the same length as is the number of columns of the Frame to scale "
            "(fill 0 for non-numeric columns)."
        )
    return [float(given[i]) for i in usable]


@primitive("mode", "ary:frame", "The most frequent level (its code) of a categorical column.")
def mode(_env: Env, table: Table) -> Val:
    column = table.only("mode")
    if not column.is_enum:
        raise RapidsError("mode only works on a single categorical column")
    counts = level_counts(table, column)[:-1]
    return ValNum(float(counts.argmax()) if len(counts) else math.nan)


@primitive(
    "topn",
    "ary:frame column:int percent:num top:num",
    "The top (1) or bottom (-1) share of a column with the row numbers.",
)
def topn(_env: Env, table: Table, column: int, percent: float, top: float) -> Val:
    name = table.names[column_at(table, column, "topn")]
    if not 0 <= percent <= 100:
        raise RapidsError(f"topn: the percentage must be from 0 to 100, got {percent:g}.")
    held = gather(table.select([column]), "topn").columns[0]
    if not held.is_numberlike or not isinstance(held.expr, Local):
        raise RapidsError(f"topn needs a number column; {name!r} is {held.type}.")
    values = held.expr.values
    rows = np.flatnonzero(~np.isnan(values))
    n_rows = min(len(rows), math.floor(percent * 0.01 * table.n_rows + 0.5))
    ranked = rows[np.argsort(-values[rows] if top == 1 else values[rows], kind="stable")][:n_rows]
    names = ["Original_Row_Indices", name]
    return ValFrame(local_table(names, [ranked.astype(np.float64), values[ranked]]))


@primitive("difflag1", "ary:frame", "Each value minus the one in the row before; the first is NA.")
def difflag1(_env: Env, table: Table) -> Val:
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_numberlike:
            raise RapidsError(f"difflag1 needs number columns; {name!r} is {column.type}.")
    return ValFrame(difference(table, table.names) if table.n_cols else table)


@primitive(
    "distance",
    "x:frame y:frame measure:str",
    "Distances between all rows of x and of y: l1, l2, cosine or cosine_sq.",
)
def distance(_env: Env, x: Table, y: Table, measure: str) -> Val:
    if x.n_cols != y.n_cols:
        raise RapidsError(
            f"Frames must have the same number of columns, found {x.n_cols} and {y.n_cols}"
        )
    how = measure.lower()
    if how not in ("l1", "l2", "cosine", "cosine_sq"):
        raise RapidsError(
            f"Invalid distance measure provided: {measure}. Expected l1, l2, cosine or cosine_sq."
        )
    for side, table in (("References", x), ("Queries", y)):
        check_numbers(table, "distance")
        facts = facts_of(table, table.columns)
        for name, n_na in zip(table.names, facts.n_na, strict=True):
            if n_na:
                raise RapidsError(f"{side} column {name} contains missing values.")
    if y.n_rows > MAX_COLUMNS:
        raise RapidsError(
            f"distance would make {y.n_rows} columns; at most {MAX_COLUMNS} are possible."
        )
    apart = _Distances(how, number_matrix(y, "distance"))
    return ValFrame(made_of_rows(x, apart, y.n_rows))


@dataclass(frozen=True, slots=True)
class _Distances:
    """The distances of the rows of a block from all of a matrix."""

    how: str
    others: F64

    def __call__(self, values: list[Any], _number: int, n_rows: int) -> list[Any]:
        if self.how.startswith("cosine"):
            return list(self._cosines(np.stack(values, axis=1)).T)
        total = np.zeros((len(self.others), n_rows))
        for mine, theirs in zip(values, self.others.T, strict=True):
            step = np.abs(theirs[:, None] - mine[None, :])
            total += step if self.how == "l1" else step**2
        return list(total if self.how == "l1" else np.sqrt(total))

    def _cosines(self, rows: F64) -> F64:
        lengths = np.outer(np.linalg.norm(rows, axis=1), np.linalg.norm(self.others, axis=1))
        with np.errstate(all="ignore"):
            found: F64 = (rows @ self.others.T) / lengths
        return found**2 if self.how == "cosine_sq" else found


@primitive(
    "h2o.impute",
    "ary:frame column:int method:str combine:str? by:cols? groups:frame? values:nums?",
    "Fills NA of one column (or all, -1) in the stored frame; gives the values or the groups used.",
)
def impute(
    env: Env,
    table: Table,
    column: int,
    method: str,
    combine: str | None,
    by: ValNums | ValStrs | None,
    groups: Table | None,
    values: F64 | None,
) -> Val:
    call = ImputeCall(
        column,
        method,
        combine or "interpolate",
        [] if by is None else columns_r(table, by),
        groups,
        None if values is None or not len(values) else values.tolist(),
    )
    changed, used = impute_table(table, call)
    if table.key is not None:
        env.session.replace(table.key, changed)
    return ValFrame(used) if isinstance(used, Table) else ValNums.of(used)
