"""Primitives: numbers of whole frames, columns or rows; running totals."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import (
    Column,
    Const,
    Op,
    Table,
    default_names,
    local_table,
    numeric,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.levels import level_counts
from dh2o.rapids.order_statistics import quantiles_of
from dh2o.rapids.passes import store
from dh2o.rapids.reducers import Facts, facts_of, na_counts, power_sums
from dh2o.rapids.running import running
from dh2o.rapids.table import primitive, register
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValRow

__all__: list[str] = []

_FOLDS = {
    "sum": "The sum of all values; NaN with any NA.",
    "max": "The largest of all values; NaN with any NA.",
    "min": "The smallest of all values; NaN with any NA.",
    "prod": "The product of all values; NaN with any NA.",
}


def _total(facts: Facts, how: str) -> float:
    if how == "sum":
        return float(np.add.reduce(facts.sums))
    if how == "prod":
        return float(np.multiply.reduce(facts.products))
    bounds = facts.maxs if how == "max" else facts.mins
    value = float(bounds.max() if how == "max" else bounds.min())
    return math.nan if math.isinf(value) and not facts.counts.any() else value


_NEEDS = {"sum": (), "prod": ("product",), "max": ("range",), "min": ("range",)}


def _folded(row: ValRow, how: str, *, skip_na: bool) -> ValRow:
    """Return one number a row."""
    if not row.table.n_cols:
        raise RapidsError(f"{how} of a row needs columns.")
    for name, column in zip(row.table.names, row.table.columns, strict=True):
        if column.is_string:
            raise RapidsError(f"{how} of a row needs numbers; {name!r} is {column.type}.")
    folded = Op("row_fold", tuple(c.expr for c in row.table.columns), (how, skip_na))
    return ValRow(row.table.like(["C1"], [numeric(folded)]))


def _reduce_value(how: str, value: Val, *, skip_na: bool) -> Val:
    if isinstance(value, ValRow):
        return _folded(value, how, skip_na=skip_na)
    if not isinstance(value, ValFrame):
        raise RapidsError(f"{how} needs a frame, found a {value.kind}.")
    table = value.table
    if not table.n_cols:
        return ValNum(math.nan)
    for name, column in zip(table.names, table.columns, strict=True):
        if column.is_string or column.type is VecType.UUID:
            return ValNum(math.nan)
        if how == "sum" and not (column.is_numberlike or _is_binary(column)):
            return ValNum(math.nan)
        if how == "prod" and not column.is_number:
            raise RapidsError(f"Numeric columns only: prod met {column.type} column '{name}'.")
    facts = facts_of(table, table.columns, *_NEEDS[how])
    if not skip_na and facts.n_na.any():
        return ValNum(math.nan)
    return ValNum(_total(facts, how))


def _fold_scalars(how: str, values: tuple[Val, ...], *, skip_na: bool) -> Val:
    if not values:
        raise RapidsError(f"{how} needs a frame.")
    return _reduce_value(how, values[0], skip_na=skip_na)


def _register_folds() -> None:
    for how, doc in _FOLDS.items():
        for skip_na in (False, True):
            symbol = (how + (".na" if how == "prod" else "NA")) if skip_na else how

            def function(_env: Env, *values: Val, _h: str = how, _s: bool = skip_na) -> Val:
                return _fold_scalars(_h, values, skip_na=_s)

            function.__module__ = __name__
            text = doc.replace("; NaN with any NA", ", NA left out") if skip_na else doc
            register(symbol, "ary:any more:any*", text, function)


_register_folds()


@primitive("all", "ary:any", "1 when no value is 0 or false (NA do not count), else 0.")
def all_(_env: Env, value: Val) -> Val:
    if isinstance(value, ValNum):
        return ValNum(float(value.value != 0))
    for n_false in _truths(_frame(value, "all")):
        if n_false:
            return ValNum(0.0)
    return ValNum(1.0)


@primitive(
    "any", "ary:any", "1 when some value is not 0 and not false (NA count, as in H2O), else 0."
)
def any_(_env: Env, value: Val) -> Val:
    if isinstance(value, ValNum):
        return ValNum(float(value.value != 0))
    table = _frame(value, "any")
    for column, n_false in zip(table.columns, _truths(table), strict=True):
        if column.is_enum and not _is_boolean(column):
            return ValNum(0.0)
        if n_false < table.n_rows:
            return ValNum(1.0)
    return ValNum(0.0)


def _truths(table: Table) -> Iterator[float]:
    """Yield for each column the number of values that are 0 or false."""
    for column in table.columns:
        if column.is_enum and not _is_boolean(column):
            yield float(table.n_rows or 1)
        elif column.is_enum:
            counts = level_counts(table, column)[:-1]
            levels = [level.lower() for level in column.domain or ()]
            yield float(counts[levels.index("false")] if "false" in levels else 0)
        elif column.is_numberlike:
            yield float(facts_of(table, [column], "zeros").n_zero[0])
        else:
            yield 0.0


def _is_boolean(column: Column) -> bool:
    levels = {level.lower() for level in column.domain or ()}
    return bool(levels) and levels <= {"true", "false"}


def _frame(value: Val, symbol: str) -> Table:
    if isinstance(value, ValFrame | ValRow):
        return value.table
    raise RapidsError(f"{symbol} needs a frame or number, found a {value.kind}.")


@primitive("any.na", "ary:frame", "1 when some value is neither 0 nor NA, else 0.")
def any_na(_env: Env, table: Table) -> Val:
    for i, column in enumerate(table.columns):
        if column.is_enum:
            found = level_counts(table, column)[1:-1].any()
        elif column.is_numberlike:
            facts = facts_of(table, [column], "zeros")
            found = facts.n_zero[0] < facts.counts[0]
        else:
            found = na_counts(table.select([i]))[0] < table.n_rows
        if found:
            return ValNum(1.0)
    return ValNum(0.0)


@primitive("naCnt", "ary:frame", "The number of NA in each column.")
def na_cnt(_env: Env, table: Table) -> Val:
    return ValNums.of([float(n) for n in na_counts(table)])


def _axis(symbol: str, value: ValFrame | ValRow, skip_na: float | None, axis: float | None) -> Val:
    how = "mean" if symbol == "mean" else "sum"
    skip = skip_na == 1
    if isinstance(value, ValRow):
        return _folded(value, how, skip_na=skip)
    if axis == 1:
        return ValFrame(_by_row(value.table, how, skip=skip))
    return ValFrame(_by_column(value.table, how, skip=skip))


def _by_column(table: Table, how: str, *, skip: bool) -> Table:
    usable = [i for i, c in enumerate(table.columns) if c.is_numberlike or _is_binary(c)]
    facts = facts_of(table, [table.columns[i] for i in usable])
    values = [math.nan] * table.n_cols
    for j, i in enumerate(usable):
        if facts.n_rows and (skip or not facts.n_na[j]):
            values[i] = facts.mean(j) if how == "mean" else float(facts.sums[j])
    types = [VecType.TIME if c.type is VecType.TIME else VecType.NUMERIC for c in table.columns]
    return local_table(table.names, [np.array([v]) for v in values], types)


def _is_binary(column: Column) -> bool:
    """Whether a column is categorical with at most two levels: H2O takes it for a number."""
    return column.is_enum and len(column.domain or ()) <= 2


def _by_row(table: Table, how: str, *, skip: bool) -> Table:
    numbers = [c for c in table.columns if c.is_number]
    times = [c for c in table.columns if c.type is VecType.TIME]
    used = numbers or times
    kind = VecType.NUMERIC if numbers or not times else VecType.TIME
    if not used or (not skip and len(used) < table.n_cols):
        return table.like([how], [numeric(Const(math.nan))])
    folded = Op("row_fold", tuple(c.expr for c in used), (how, skip))
    if how == "sum" and skip:  # a row of NA only has no sum
        n_na = Op("row_fold", tuple(c.expr for c in used), ("nacnt", True))
        whole = Op("<", (n_na, Const(float(len(used)))))
        folded = Op("ifelse", (whole, folded, Const(math.nan)))
    return table.like([how], [Column(kind, folded)])


@primitive(
    "mean",
    "ary:frame|row na_rm:num axis:num?",
    "Axis 0: a row with the mean of each column; axis 1: a column with the mean of each row.",
)
def mean(_env: Env, value: ValFrame | ValRow, na_rm: float, axis: float | None) -> Val:
    return _axis("mean", value, na_rm, axis)


@primitive(
    "sumaxis",
    "ary:frame|row na_rm:num axis:num?",
    "Axis 0: a row with the sum of each column; axis 1: a column with the sum of each row.",
)
def sumaxis(_env: Env, value: ValFrame | ValRow, na_rm: float, axis: float | None) -> Val:
    return _axis("sum", value, na_rm, axis)


@primitive("sd", "ary:frame|row na_rm:num?", "The sample standard deviation of each column.")
def sd(_env: Env, value: ValFrame | ValRow, na_rm: float | None) -> Val:
    if isinstance(value, ValRow):
        return _folded(value, "sd", skip_na=na_rm == 1)
    table = value.table
    usable = [i for i, c in enumerate(table.columns) if c.is_number]
    facts = facts_of(table, [table.columns[i] for i in usable], "m2")
    values = [math.nan] * table.n_cols
    spreads = np.sqrt(facts.variances)
    for j, i in enumerate(usable):
        if na_rm == 1 or not facts.n_na[j]:  # one value has no spread, as in H2O
            values[i] = float(spreads[j]) if facts.count(j) != 1 else 0.0
    return ValNums.of(values)


@primitive("median", "ary:frame|row na_rm:num?", "The median of each column; exact.")
def median(_env: Env, value: ValFrame | ValRow, na_rm: float | None) -> Val:
    if isinstance(value, ValRow):
        return _folded(value, "median", skip_na=na_rm == 1)
    table = value.table
    usable = [i for i, c in enumerate(table.columns) if c.is_number]
    values = [math.nan] * table.n_cols
    if usable:
        found, n_na = quantiles_of(table, [table.columns[i] for i in usable], [0.5])
        for j, i in enumerate(usable):
            if na_rm == 1 or not n_na[j]:
                values[i] = float(found[j][0])
    return ValNums.of(values)


@primitive("h2o.mad", "ary:frame combine_method:str const:num?", "const * median(|x - median(x)|).")
def mad(_env: Env, table: Table, combine: str, const: float | None) -> Val:
    column = table.only("h2o.mad")
    if not column.is_numberlike:
        raise RapidsError(f"h2o.mad needs numbers; {table.names[0]!r} is {column.type}.")
    found, n_na = quantiles_of(table, [column], [0.5], combine)
    if n_na[0]:
        return ValNum(math.nan)
    apart = numeric(Op("abs", (Op("-", (column.expr, Const(float(found[0][0])))),)))
    spread, _ = quantiles_of(table, [apart], [0.5], combine)
    return ValNum((1.4826 if const is None else const) * float(spread[0][0]))


def _moments(table: Table, na_rm: float | None, order: int) -> Val:
    usable = [i for i, c in enumerate(table.columns) if c.is_number]
    columns = [table.columns[i] for i in usable]
    facts = facts_of(table, columns)
    values = [math.nan] * table.n_cols
    if usable:
        means = np.array([facts.mean(j) for j in range(len(usable))])
        sums = power_sums(table, columns, means)
        for j, i in enumerate(usable):
            if na_rm == 1 or not facts.n_na[j]:
                values[i] = _standardised(sums[j], float(facts.count(j)), order)
    return ValNums.of(values)


def _standardised(sums: np.ndarray, n: float, order: int) -> float:
    """(sum d^k / n) / (sum d^2 / n)^(k/2)."""
    if not n or not sums[0]:
        return math.nan
    return float((sums[order - 2] / n) / (sums[0] / n) ** (order / 2))


@primitive("skewness", "ary:frame na_rm:num?", "The skewness of each column (moments over n).")
def skewness(_env: Env, table: Table, na_rm: float | None) -> Val:
    return _moments(table, na_rm, 3)


@primitive("kurtosis", "ary:frame na_rm:num?", "The kurtosis of each column; 3 for a normal one.")
def kurtosis(_env: Env, table: Table, na_rm: float | None) -> Val:
    return _moments(table, na_rm, 4)


def _cumulative(symbol: str, table: Table, axis: float | None) -> Val:
    axis = 0.0 if axis is None else axis
    if axis not in (0.0, 1.0):
        raise RapidsError("Axis must be 0 or 1")
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_numberlike:
            raise RapidsError(
                "Cumulative functions not applicable to enum, string, or UUID values "
                f"(column {name!r})."
            )
    if not table.n_cols:
        return ValFrame(table)
    names = default_names(1) if table.n_cols == 1 else list(table.names)
    if axis == 1.0:
        return ValFrame(table if table.n_cols == 1 else _across(symbol, table))
    return ValFrame(running(table, symbol, names))


def _across(symbol: str, table: Table) -> Table:
    op = {"cumsum": "+", "cumprod": "*"}.get(symbol, symbol)
    columns = [table.columns[0]]
    for column in table.columns[1:]:
        columns.append(numeric(Op(op, (columns[-1].expr, column.expr))))
    return table.like(table.names, columns)


def _register_running() -> None:
    words = {"cumsum": "sums", "cumprod": "products", "cummin": "minima", "cummax": "maxima"}
    for symbol, word in words.items():

        def function(_env: Env, table: Table, axis: float | None, _s: str = symbol) -> Val:
            return _cumulative(_s, table, axis)

        function.__module__ = __name__
        register(
            symbol,
            "ary:frame axis:num?",
            f"Running {word} down the columns (axis 0) or along the rows; NA from the first NA on.",
            function,
        )


_register_running()


def _which(largest: bool, table: Table, na_rm: float | None, axis: float | None) -> Val:
    name = "which.max" if largest else "which.min"
    usable = [c for c in table.columns if c.is_numberlike]
    if not usable:
        raise RapidsError(f"{name} needs number columns.")
    if axis == 1:
        found = Op("row_extreme", tuple(c.expr for c in usable), (largest, na_rm == 1))
        return ValFrame(table.like([name], [numeric(found)]))
    at = [i for i, column in enumerate(table.columns) if column.is_numberlike]
    stored = store(table.select(at))
    facts = facts_of(stored, stored.columns, "range")
    values = np.full(table.n_cols, np.nan)
    for j, column in enumerate(stored.columns):
        target = facts.maxs[j] if largest else facts.mins[j]
        if facts.count(j) and (na_rm == 1 or not facts.n_na[j]):
            values[at[j]] = first_row_equal(stored, column, float(target))
    return ValFrame(local_table(table.names, list(values.reshape(-1, 1))))


def first_row_equal(table: Table, column: Column, target: float) -> float:
    """Return the number of the first row with this value."""
    from dh2o.rapids.row_numbers import row_number_column

    row = row_number_column(table)
    hit = Op("ifelse", (Op("==", (column.expr, Const(target))), row.expr, Const(math.inf)))
    found = facts_of(table, [numeric(hit)], "range").mins[0]
    return float(found)


def _register_which() -> None:
    for symbol, largest in (("which.max", True), ("which.min", False)):

        def function(
            _env: Env,
            table: Table,
            na_rm: float | None,
            axis: float | None,
            _l: bool = largest,
        ) -> Val:
            return _which(_l, table, na_rm, axis)

        function.__module__ = __name__
        register(
            symbol,
            "ary:frame na_rm:num? axis:num?",
            "Position of the extreme value of each column (axis 0) or row (axis 1).",
            function,
        )


_register_which()
