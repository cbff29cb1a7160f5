"""Primitives: finding values and rows, repeating, sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.rapids.arithmetic import is_truth
from dh2o.rapids.columns import Column, Const, Local, Op, Table, default_names, local_table, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather
from dh2o.rapids.reducers import facts_of
from dh2o.rapids.row_numbers import row_number_column
from dh2o.rapids.row_selection import filter_rows, take_local
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStr, ValStrs

__all__ = ["rows_where"]


MOST_ROWS = 100_000_000  # that a number alone can ask for


def rows_where(table: Table, condition: Column) -> Table:
    """Return one column C1 with the numbers of the rows where the condition holds."""
    row = row_number_column(table)
    return filter_rows(table.like(["C1"], [row]), condition)


def _is_whole(table: Table, column: Column) -> bool:
    if is_truth(column):
        return True
    broken = numeric(Op("!=", (column.expr, Op("trunc", (column.expr,)))))
    return not facts_of(table, [broken]).sums[0]


@primitive("which", "ary:frame", "The numbers (from 0) of the rows that are not 0 and not NA.")
def which(_env: Env, table: Table) -> Val:
    if table.n_rows == 1 and table.n_cols > 1:
        held = gather(table)
        hits = [
            float(j)
            for j, c in enumerate(held.columns)
            if isinstance(c.expr, Local)
            and c.is_number
            and c.expr.values[0] not in (0.0,)
            and not math.isnan(c.expr.values[0])
        ]
        return ValFrame(local_table(["C1"], [np.array(hits)]))
    column = table.only("which")
    if not column.is_number or not _is_whole(table, column):
        raise RapidsError("which requires a single integer column")
    return ValFrame(rows_where(table, column))


@primitive(
    "match",
    "ary:frame table:any nomatch:any? start_index:num?",
    "The position of each value in a list, counted from start_index (1).",
)
def match(_env: Env, ary: Table, table: Val, nomatch: Val | None, start: float | None) -> Val:
    column = ary.only("match")
    otherwise = nomatch.value if isinstance(nomatch, ValNum) else math.nan
    first = 1.0 if start is None else float(start)
    found: dict[str, float] = {}
    if isinstance(table, ValStr | ValStrs):
        texts = (table.value,) if isinstance(table, ValStr) else table.values
        for i, text in enumerate(texts):
            found.setdefault(text, first + i)
        matched = _match_texts(column, found, otherwise)
    elif isinstance(table, ValNum | ValNums):
        values = [table.value] if isinstance(table, ValNum) else table.values.tolist()
        matched = _match_numbers(column, values, (otherwise, first))
    else:
        raise RapidsError("match needs a list of strings or numbers to look in.")
    return ValFrame(ary.like(["C1"], [matched]))


def _match_texts(column: Column, found: dict[str, float], otherwise: float) -> Column:
    if column.is_enum:
        codes = np.array([found.get(level, otherwise) for level in column.domain or ()])
        picked: Any = Op("lookup", (column.expr,), (codes,))
        return numeric(Op("ifelse", (Op("isna", (column.expr,)), Const(otherwise), picked)))
    if column.is_string:
        levels = tuple(found)
        code = Op("text_code", (column.expr,), (levels,))
        places = np.array([found[t] for t in levels], dtype=np.float64)
        hit = Op("lookup", (code,), (places,))
        return numeric(Op("ifelse", (Op("isna", (code,)), Const(otherwise), hit)))
    raise RapidsError(
        "Input must be numeric, categorical or string, and the list of the same kind."
    )


def _match_numbers(column: Column, values: list[float], rule: tuple[float, float]) -> Column:
    if not column.is_number:
        raise RapidsError("A list of numbers can only be matched with a number column.")
    otherwise, first = rule
    places: dict[float, float] = {}
    for i, value in enumerate(values):
        if not math.isnan(value):  # equal to nothing
            places.setdefault(value, first + i)
    ordered = np.array(sorted(places))
    code = Op("code_of", (column.expr,), (ordered,))
    hit = Op("lookup", (code,), (np.array([places[v] for v in ordered.tolist()]),))
    return numeric(Op("ifelse", (Op("isna", (code,)), Const(otherwise), hit)))


@primitive(
    "rep_len", "x:any length:int", "The value, or the rows of a frame, repeated to a length."
)
def rep_len(_env: Env, value: Val, length: int) -> Val:
    n_rows = length
    if not 0 <= n_rows <= MOST_ROWS:
        raise RapidsError(f"rep_len needs a length of 0 to {MOST_ROWS}, got {n_rows}.")
    if isinstance(value, ValNum):
        return ValFrame(local_table(["C1"], [np.full(n_rows, value.value)]))
    if not isinstance(value, ValFrame):
        raise RapidsError(f"rep_len repeats a number or a frame, found a {value.kind}.")
    table = value.table
    if table.n_cols > 1:  # H2O repeats the columns of a wide frame
        idx = [i % table.n_cols for i in range(n_rows)]
        return ValFrame(table.like(default_names(n_rows), [table.columns[i] for i in idx]))
    if not table.n_rows:
        raise RapidsError("rep_len cannot repeat a frame without rows.")
    if n_rows <= table.n_rows:
        from dh2o.rapids.prim_columns import slice_table

        return ValFrame(_named(slice_table(table, 0, n_rows)))
    held = gather(table, "rep_len")
    return ValFrame(_named(take_local(held, np.arange(n_rows) % table.n_rows)))


def _named(table: Table) -> Table:
    return table.like(["C1"], table.columns)


@primitive("seq", "from:num to:num by:num", "from, from + by, ... up to and including to.")
def seq(_env: Env, start: float, stop: float, step: float) -> Val:
    if not all(math.isfinite(value) for value in (start, stop, step)):
        raise RapidsError("seq needs finite numbers.")
    if start == stop:
        step = 1.0  # whatever it was
    if step == 0 or (stop - start) / step < 0:
        raise RapidsError("wrong sign in 'by' argument")
    n_rows = math.floor((stop - start) / step + 1e-10) + 1
    if n_rows > MOST_ROWS:
        raise RapidsError(f"seq would make {n_rows} rows.")
    return ValFrame(local_table(["C1"], [start + step * np.arange(n_rows, dtype=np.float64)]))


@primitive("seq_len", "n:int", "1, 2, ..., n.")
def seq_len(_env: Env, n: int) -> Val:
    if not 1 <= n <= MOST_ROWS:
        raise RapidsError("Error in seq_len(0): argument must be coercible to positive integer")
    return ValFrame(local_table(["C1"], [np.arange(1, n + 1, dtype=np.float64)]))
