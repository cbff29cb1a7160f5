"""Primitives: choosing, naming, joining and asking about columns and rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import is_truth, java_double
from dh2o.rapids.columns import Column, Const, Local, Op, Table, na_flag, numeric, unique_names
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather, store, together
from dh2o.rapids.reducers import na_counts
from dh2o.rapids.row_selection import fetch_rows, filter_rows, take_local
from dh2o.rapids.selectors import columns_py, columns_r, row_numbers
from dh2o.rapids.stack import stack_rows
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValRow, ValStr, ValStrs

__all__: list[str] = []

FEW_CELLS = 50_000  # as few come to this process instead of becoming blocks


@primitive(
    "cols", "ary:frame|row cols:cols", "Columns by name or number; negative numbers exclude."
)
def cols(_env: Env, ary: ValFrame | ValRow, selector: ValNums | ValStrs) -> Val:
    chosen = columns_r(ary.table, selector, past_end_ignored=True)
    return type(ary)(ary.table.select(chosen))


@primitive(
    "cols_py",
    "ary:frame|row cols:cols",
    "Columns by name or number; negative ones count from the end.",
)
def cols_py(_env: Env, ary: ValFrame | ValRow, selector: ValNums | ValStrs) -> Val:
    return type(ary)(ary.table.select(columns_py(ary.table, selector)))


@primitive(
    "rows",
    "ary:frame rows:any",
    "Rows by number (negative numbers exclude) or where a one-column frame is 1.",
)
def rows(_env: Env, table: Table, selector: Val) -> Val:
    if isinstance(selector, ValFrame):
        return ValFrame(_where(table, selector.table))
    if isinstance(selector, ValNum):
        if not 0 <= selector.value < table.n_rows:
            if selector.value < 0:
                return rows(_env, table, ValNums.of([selector.value]))
            # a row beyond the end is a row of NA, as in H2O
            return ValFrame(take_local(slice_table(table, 0, 0), np.array([-1])))
        return ValFrame(slice_table(table, int(selector.value), int(selector.value) + 1))
    if not isinstance(selector, ValNums):
        raise RapidsError(f"Row slicing requires numbers or a 0/1 frame, found a {selector.kind}.")
    bases = [span[0] for span in selector.node.spans]
    if bases and bases[0] >= 0 and bases != sorted(bases):
        raise RapidsError(
            "H2O does not currently reorder rows, please sort your row selection first"
        )
    where = row_numbers(table.n_rows, selector.node)
    if isinstance(where, tuple):
        return ValFrame(slice_table(table, *where))
    return ValFrame(take_table(table, where))


def _where(table: Table, condition: Table) -> Table:
    if condition.n_cols != 1:
        raise RapidsError(
            f"Conditional Row Slicing Expression evaluated to {condition.n_cols} columns.  "
            "Must be a boolean Vec."
        )
    if condition.n_rows != table.n_rows:
        if condition.columns[0].is_number and condition.n_rows < table.n_rows:
            return _by_row_column(table, condition)
        raise RapidsError(f"The condition has {condition.n_rows} rows, the frame {table.n_rows}.")
    if not condition.columns[0].is_number:
        raise RapidsError("The condition must be a column of 0 and 1.")
    table, condition = together([table, condition])
    chosen = condition.columns[0]
    if not is_truth(chosen):  # only exactly 1 is true, as in H2O
        chosen = numeric(Op("==", (chosen.expr, Const(1.0))))
    return filter_rows(table, chosen)


def _by_row_column(table: Table, numbers: Table) -> Table:
    """Return the rows whose numbers a shorter column lists (what `which` gives)."""
    expr = gather(numbers).columns[0].expr
    wanted = expr.values if isinstance(expr, Local) else np.empty(0)
    if np.isnan(wanted).any() or (len(wanted) and not 0 <= wanted.max() < table.n_rows):
        raise RapidsError(f"Row must be an integer from 0 to {table.n_rows - 1}")
    return take_table(table, np.sort(wanted.astype(np.int64)))


def slice_table(table: Table, start: int, stop: int) -> Table:
    """Return a range of rows."""
    if (start, stop) == (0, table.n_rows):
        return table
    if table.is_local or (stop - start) * table.n_cols <= FEW_CELLS:
        return fetch_rows(table, np.arange(start, stop))
    stored = store(table).frame
    if stored is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return Table.of(stored.slice_rows(start, stop))


def take_table(table: Table, where: np.ndarray) -> Table:
    """Return the rows of these numbers."""
    if table.is_local or len(where) * table.n_cols <= FEW_CELLS:
        return fetch_rows(table, where)
    stored = store(table).frame
    if stored is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return Table.of(stored.take(where))


@primitive("cbind", "frames:any*", "Columns side by side; a number becomes a constant column.")
def cbind(_env: Env, *values: Val) -> Val:
    tables = [v.table for v in values if isinstance(v, ValFrame) and v.n_cols]
    n_rows = {table.n_rows for table in tables}
    if len(n_rows) > 1:
        counts = " and ".join(map(str, dict.fromkeys(t.n_rows for t in tables)))
        raise RapidsError(f"cbind frames must have all the same rows, found {counts} rows.")
    tables = together(tables)
    base = tables[0] if tables else Table((), (), 1, None)
    rest = iter(tables)
    names: list[str] = []
    columns: list[Column] = []
    for value in values:
        if isinstance(value, ValFrame):
            if value.n_cols:
                part = next(rest)
                names += part.names
                columns += part.columns
        elif isinstance(value, ValNum):
            names.append(java_double(value.value))
            columns.append(numeric(Const(value.value)))
        else:
            raise RapidsError(f"cbind takes frames and numbers, found a {value.kind}.")
    return ValFrame(base.like(unique_names(names), columns))


@primitive("rbind", "frames:any*", "Rows one under the other; domains are merged by text.")
def rbind(_env: Env, *values: Val) -> Val:
    tables = [v.table for v in values if isinstance(v, ValFrame)]
    like = tables[-1] if tables else Table(("C1",), (numeric(Const(0.0)),), 0, None)
    parts = []
    for value in values:
        if isinstance(value, ValFrame):
            parts.append(value.table)
        elif isinstance(value, ValNum):
            columns = [numeric(Const(value.value))] * like.n_cols
            parts.append(Table(like.names, tuple(columns), 1, None))
        else:
            raise RapidsError(f"rbind takes frames and numbers, found a {value.kind}.")
    return ValFrame(stack_rows(parts) if parts else like)


@primitive("nrow", "ary:frame", "Number of rows.")
def nrow(_env: Env, table: Table) -> Val:
    return ValNum(float(table.n_rows))


@primitive("ncol", "ary:frame", "Number of columns.")
def ncol(_env: Env, table: Table) -> Val:
    return ValNum(float(table.n_cols))


@primitive("colnames=", "ary:frame cols:cols names:strs", "The frame with other names for columns.")
def set_colnames(_env: Env, table: Table, selector: ValNums | ValStrs, new: tuple[str, ...]) -> Val:
    idx = columns_r(table, selector)
    if len(idx) != len(new):
        raise RapidsError("Must have the same number of column choices as names")
    names = list(table.names)
    for i, name in zip(idx, new, strict=True):
        names[i] = name
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise RapidsError(f"Found duplicate column name {twice!r}; names must differ.")
    return ValFrame(table.like(names, table.columns))


@primitive("getrow", "frame:frame", "The numbers of a one-row frame; NaN for what is no number.")
def getrow(_env: Env, table: Table) -> Val:
    if table.n_rows != 1:
        raise RapidsError(f"The frame should have only 1 row; found {table.n_rows} rows.")
    held = gather(table)
    values = [
        float(c.expr.values[0]) if isinstance(c.expr, Local) and c.is_numberlike else math.nan
        for c in held.columns
    ]
    return ValNums.of(values)


@primitive("flatten", "frame:frame", "The value of a frame of one row and column; else the frame.")
def flatten(_env: Env, table: Table) -> Val:
    if (table.n_rows, table.n_cols) != (1, 1):
        return ValFrame(table)
    column = gather(table).columns[0]
    value: Any = column.expr.values[0] if isinstance(column.expr, Local) else math.nan
    if column.is_enum:
        return ValStr("NA" if math.isnan(value) else (column.domain or ())[int(value)])
    if column.is_string:
        text = value.as_py()
        return ValStr("NA" if text is None else text)
    if column.type is VecType.UUID:
        raise RapidsError("The type of vector: UUID is not supported by flatten")
    return ValNum(float(value))


@primitive("is.na", "ary:any", "1 where NA, else 0; columns named isNA(name).")
def is_na(_env: Env, value: Val) -> Val:
    if isinstance(value, ValNum):
        return ValNum(float(math.isnan(value.value)))
    if isinstance(value, ValStr):
        return ValNum(0.0)
    if not isinstance(value, ValFrame | ValRow):
        raise RapidsError(f"is.na cannot be applied to a {value.kind}.")
    table = value.table
    names = [f"isNA({name})" for name in table.names]
    columns = [
        c.then("isna") if c.is_numberlike or c.is_enum else c.then("is_na") for c in table.columns
    ]
    return type(value)(table.like(names, columns))


@primitive("na.omit", "ary:frame", "The rows without any NA.")
def na_omit(_env: Env, table: Table) -> Val:
    if not table.n_cols:
        return ValFrame(table)
    whole = Op("none_of", tuple(map(na_flag, table.columns)))
    return ValFrame(filter_rows(table, numeric(whole)))


@primitive("filterNACols", "ary:frame fraction:num", "Positions of columns with few enough NA.")
def filter_na_cols(_env: Env, table: Table, fraction: float) -> Val:
    counts = na_counts(table)
    limit = fraction * table.n_rows  # a column with just this share is left out, as in H2O
    return ValNums.of([float(i) for i, n in enumerate(counts) if n < limit])


_TYPE_NAMES = {
    "numeric": {VecType.NUMERIC},
    "categorical": {VecType.ENUM},
    "string": {VecType.STRING},
    "time": {VecType.TIME},
    "uuid": {VecType.UUID},
    "bad": set(),
}


@primitive("columnsByType", "ary:frame type:str", "Positions of the columns of a type.")
def columns_by_type(_env: Env, table: Table, kind: str) -> Val:
    wanted = _TYPE_NAMES.get(kind.lower())
    if wanted is None:
        raise RapidsError(f"Unknown type {kind!r}. Expected one of: {', '.join(_TYPE_NAMES)}.")
    if kind.lower() == "bad":  # no value at all, whatever the type
        return ValNums.of([float(i) for i, n in enumerate(na_counts(table)) if n == table.n_rows])
    return ValNums.of([float(i) for i, c in enumerate(table.columns) if c.type in wanted])


def _flags(table: Table, wanted: VecType) -> Val:
    return ValNums.of([float(c.type is wanted) for c in table.columns])


@primitive("is.factor", "ary:frame", "1 for each categorical column, else 0.")
def is_factor(_env: Env, table: Table) -> Val:
    return _flags(table, VecType.ENUM)


@primitive("is.numeric", "ary:frame", "1 for each number column, else 0.")
def is_numeric(_env: Env, table: Table) -> Val:
    return _flags(table, VecType.NUMERIC)


@primitive("is.character", "ary:frame", "1 for each string column, else 0.")
def is_character(_env: Env, table: Table) -> Val:
    return _flags(table, VecType.STRING)


@primitive("any.factor", "ary:frame", "1 when some column is categorical, else 0.")
def any_factor(_env: Env, table: Table) -> Val:
    return ValNum(float(any(c.is_enum for c in table.columns)))
