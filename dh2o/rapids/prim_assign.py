"""Primitives: names for results, assignment to columns and rectangles, the session."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import (
    Column,
    Const,
    Expr,
    Local,
    Op,
    Table,
    constant,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.passes import gather, together
from dh2o.rapids.selectors import columns_r, row_numbers
from dh2o.rapids.table import primitive
from dh2o.rapids.tree import NumList
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStr, ValStrs

__all__: list[str] = []

#: What H2O calls types where it refuses a value.
_TYPES = dict.fromkeys(VecType, "Numeric") | {
    VecType.ENUM: "Enum",
    VecType.STRING: "String",
    VecType.TIME: "Time",
    VecType.UUID: "UUID",
}


@primitive("tmp=", "id:id frame:frame", "A new temporary of the session under a name.")
def tmp_assign(env: Env, name: str, table: Table) -> Val:
    return ValFrame(env.session.set_temp(env.session.expand(name), table))


@primitive("assign", "id:id frame:frame", "A global frame under a name, replacing one there.")
def assign(env: Env, name: str, table: Table) -> Val:
    return ValFrame(env.session.assign(env.session.expand(name), table))


@primitive("rm", "id:id", "Removes a frame, model or other key; 1 when it was there, else 0.")
def rm(env: Env, name: str) -> Val:
    return ValNum(float(env.session.remove(env.session.expand(name))))


@primitive("ls", "", "One column `key` with all keys that are visible.")
def ls(env: Env) -> Val:
    keys = env.session.keys()
    codes = np.arange(len(keys), dtype=np.float64)
    return ValFrame(local_table(["key"], [codes], [VecType.ENUM], [keys]))


@primitive(",", "exprs:any*", "Evaluates all, gives the last.")
def comma(_env: Env, *values: Val) -> Val:
    return values[-1] if values else ValNum(0.0)


@primitive(
    "setproperty", "name:str value:str", "Sets a property of the session; gives old and new."
)
def setproperty(env: Env, name: str, value: str) -> Val:
    old = env.session.properties.get(name)
    env.session.properties[name] = value
    return ValStr(f"Old values of {name} (per node): {old or 'null'}")


@primitive(
    "testing.setreadforbidden",
    "patterns:strs",
    "Refuses to read keys that contain one of the texts, in this session; an empty list ends it.",
)
def set_read_forbidden(env: Env, patterns: tuple[str, ...]) -> Val:
    env.session.forbidden = tuple(patterns)
    return ValNum(0.0)


@primitive("rename", "old:str new:str", "Moves what is stored under one key to another key.")
def rename(env: Env, old: str, new: str) -> Val:
    value = env.session.find(old)
    if value is None:
        raise RapidsError(f"Cannot rename {old!r}: no such key.")
    if isinstance(value, ValFrame):
        moved = replace(value.table, key=None)
        env.session.remove(old)
        env.session.assign(new, moved)
    else:
        env.session.move(old, new)
    return ValNum(math.nan)


@primitive(
    "append", "dst:frame pairs:any*", "The frame with columns added: (append dst src name ...)."
)
def append(_env: Env, dst: Table, *pairs: Val) -> Val:
    if not pairs or len(pairs) % 2:
        raise RapidsError("append needs pairs of a source and a column name.")
    for source, name in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, ValStr):
            raise RapidsError(f"append needs a column name, found a {name.kind}.")
        dst = with_column(dst, name.value, source)
    return ValFrame(dst)


def with_column(table: Table, name: str, source: Val) -> Table:
    """Return the table with a column added, under another name when that one is taken."""
    if isinstance(source, ValFrame):
        if source.n_cols != 1:
            raise RapidsError("Can only append one column")
        if table.n_cols and source.n_rows != table.n_rows:
            raise RapidsError(
                f"Cannot append a column of {source.n_rows} rows to a frame of {table.n_rows} rows."
            )
        if not table.n_cols:
            return source.table.like([name], source.table.columns)
        table, other = together([table, source.table])
        column = other.columns[0]
    elif isinstance(source, (ValNum, ValStr)):
        column = constant(source.value)
    else:
        raise RapidsError(f"Source must be a Frame or Number, but found a {source.kind}.")
    return table.like(unique_names([*table.names, name]), (*table.columns, column))


@primitive(
    ":=",
    "dst:frame src:any col_expr:cols row_expr:any",
    "The frame with a rectangle replaced: columns (empty list: all), rows (empty list: all, "
    "numbers, or a 0/1 frame). The source is a number, string or frame; the frame given stays.",
)
def rectangle_assign(_env: Env, dst: Table, src: Val, columns: ValNums | ValStrs, rows: Val) -> Val:
    idx = columns_r(dst, columns) if len(_selected(columns)) else list(range(dst.n_cols))
    if isinstance(rows, ValFrame):
        return ValFrame(_assign_where(dst, idx, src, rows.table))
    if isinstance(rows, ValNum):
        rows = ValNums.of([rows.value])
    if not isinstance(rows, ValNums):
        raise RapidsError(f"Rows must be numbers or a 0/1 frame, found a {rows.kind}.")
    return ValFrame(_assign_rows(dst, idx, src, rows.node))


def _selected(columns: ValNums | ValStrs) -> ValNums | tuple[str, ...]:
    return columns if isinstance(columns, ValNums) else columns.values


def _is_whole(node: NumList, n_rows: int) -> bool:
    """Whether all rows are meant, so that columns may change their type; one row is a cell."""
    if not node.spans:
        return True
    return len(node) == n_rows > 1 and len(node.spans) == 1 and node.spans[0][0] == 0


def _assign_rows(dst: Table, idx: list[int], src: Val, node: NumList) -> Table:
    n_assigned = len(node) if node.spans else dst.n_rows
    if isinstance(src, ValFrame):
        if src.n_cols != len(idx):
            raise RapidsError("Source and destination frames must have the same count of columns")
        if src.n_rows != n_assigned:
            raise RapidsError(
                f"Requires same count of rows in the number-list ({n_assigned}) as in the source "
                f"({src.n_rows})"
            )
    if _is_whole(node, dst.n_rows):
        return _assign_whole(dst, idx, src)
    where = row_numbers(dst.n_rows, node)
    rows = np.arange(*where) if isinstance(where, tuple) else where
    if isinstance(src, ValFrame):
        given = node.expand().astype(np.int64)
        return _assign_frame(dst, idx, src.table, given)
    flags = np.zeros(dst.n_rows)
    flags[rows] = 1.0
    return _assign_where(dst, idx, src, local_table(["rows"], [flags]))


def _replaced(dst: Table, idx: list[int], columns: list[Column]) -> Table:
    out = list(dst.columns)
    for i, column in zip(idx, columns, strict=True):
        out[i] = column
    return dst.like(dst.names, out)


def _assign_whole(dst: Table, idx: list[int], src: Val) -> Table:
    if isinstance(src, ValFrame):
        dst, other = together([dst, src.table])
        return _replaced(dst, idx, list(other.columns))
    if isinstance(src, ValNum) and math.isnan(src.value):
        return _replaced(dst, idx, [_all_na(dst.columns[i]) for i in idx])
    if isinstance(src, ValNum):
        return _replaced(dst, idx, [constant(src.value)] * len(idx))
    everywhere = local_table(["rows"], [np.ones(dst.n_rows)])
    return _assign_where(dst, idx, src, everywhere)


def _all_na(column: Column) -> Column:
    """Return a column of NA of the same type and levels."""
    if column.is_string:
        return Column(VecType.STRING, Op("string_set", (column.expr, Const(1.0)), (None,)))
    if column.is_enum or column.type is VecType.TIME:
        return replace(column, expr=Const(math.nan), vec=None)
    return constant(math.nan)


def _assign_where(dst: Table, idx: list[int], src: Val, condition: Table) -> Table:
    """Replace the values in rows where a condition is 1 by one number or string."""
    if isinstance(src, ValFrame):
        raise RapidsError(
            "A frame cannot be assigned to rows chosen by a condition; give a scalar."
        )
    if condition.n_cols != 1:
        raise RapidsError(f"Rows are chosen by one column, found {condition.n_cols}.")
    if condition.n_rows != dst.n_rows:
        raise RapidsError(
            f"Frame {dst.key} has different number of rows than frame {condition.key} "
            f"({dst.n_rows} vs {condition.n_rows})."
        )
    dst, condition = together([dst, condition])
    test = condition.columns[0]
    columns = [_set_scalar(dst.names[i], dst.columns[i], src, test.expr) for i in idx]
    return _replaced(dst, idx, columns)


def _set_scalar(name: str, column: Column, src: Val, test: Expr) -> Column:
    if isinstance(src, ValNum):
        is_na = math.isnan(src.value) and column.type is not VecType.UUID
        if not (is_na or column.is_numberlike):
            raise _incompatible(src.value, name, column)
        if column.is_string:
            return Column(VecType.STRING, Op("string_set", (column.expr, test), (None,)))
        value = Const(src.value)
    elif isinstance(src, ValStr):
        if column.is_string:
            return Column(VecType.STRING, Op("string_set", (column.expr, test), (src.value,)))
        if not column.is_enum or src.value not in (column.domain or ()):
            raise _incompatible(src.value, name, column)
        value = Const(float((column.domain or ()).index(src.value)))
    else:
        raise RapidsError(f"Source must be a Frame or Number, but found a {src.kind}.")
    return replace(column, expr=Op("where_set", (column.expr, test, value)), vec=None)


def _incompatible(value: object, name: str, column: Column) -> RapidsError:
    told = f"Cannot assign value {value} into a vector of type {_TYPES[column.type]}."
    levels = f" Its levels: {list(column.domain or ())[:8]}." if column.is_enum else ""
    return RapidsError(f"{told} The column is {name!r}.{levels}").of_h2o(told)


def _assign_frame(dst: Table, idx: list[int], src: Table, rows: np.ndarray) -> Table:
    """Replace single rows by the rows of a frame; the types must agree."""
    for j, i in enumerate(idx):
        old, new = dst.columns[i], src.columns[j]
        if old.type is not new.type:
            raise RapidsError(
                f"Columns must be the same type; column {j}, '{dst.names[i]}', is of type "
                f"{old.type} and the source is {new.type}"
            )
        if old.is_enum and old.domain != new.domain:
            raise RapidsError(
                "Cannot assign to a categorical column with a different domain; "
                f"source column {src.names[j]}, target column {dst.names[i]}"
            )
    if len(rows) and not (rows.min() >= 0 and rows.max() < dst.n_rows):
        raise RapidsError(f"Row must be an integer from 0 to {dst.n_rows - 1}")
    held = gather(src, "Assigning a frame to chosen rows")
    picks = np.full(dst.n_rows, np.nan)
    picks[rows] = np.arange(len(rows))
    dst, where = together([dst, local_table(["pick"], [picks])])
    pick = where.columns[0].expr
    columns = []
    for j, i in enumerate(idx):
        old, new = dst.columns[i], held.columns[j]
        values = new.expr.values if isinstance(new.expr, Local) else None
        name = "string_put" if old.is_string else "put"
        columns.append(replace(old, expr=Op(name, (old.expr, pick), (values,)), vec=None))
    return _replaced(dst, idx, columns)
