"""Primitives: functions applied to columns, rows and groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import (
    Column,
    Local,
    Table,
    constant,
    default_names,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.groups import grouped, sorted_groups
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import MAX_GATHERED_CELLS, gather, store, together, values_of
from dh2o.rapids.prim_groups import key_columns
from dh2o.rapids.prim_reshape import sorted_rows
from dh2o.rapids.row_selection import take_local
from dh2o.rapids.selectors import columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValFun, ValNum, ValNums, ValRow, ValStr, ValStrs

__all__: list[str] = []


@primitive(
    "apply",
    "ary:frame margin:num fun:fun",
    "A function of each column (margin 2, results side by side) or of each row (margin 1).",
)
def apply_(env: Env, table: Table, margin: float, function: ValFun) -> Val:
    if margin == 1:
        return ValFrame(_apply_rows(env, table, function))
    if margin == 2:
        return ValFrame(_apply_columns(env, table, function))
    raise RapidsError("Only row (1) or column (2) margin is allowed")


def _apply_rows(env: Env, table: Table, function: ValFun) -> Table:
    value = env.call(function, [ValRow(table)])
    if isinstance(value, ValRow):
        made = value.table
        return made.like(default_names(made.n_cols), made.columns)
    if isinstance(value, ValNum):
        return table.like(["C1"], [constant(value.value)])
    raise RapidsError(f"The function of a row must give a number or a row, it gave a {value.kind}.")


def _apply_columns(env: Env, table: Table, function: ValFun) -> Table:
    names: list[str] = []
    columns: list[Column] = []
    base: Table | None = None
    for name, column in zip(table.names, table.columns, strict=True):
        value = env.call(function, [ValFrame(table.like([name], [column]))])
        part = _as_table(name, value)
        if base is not None:
            if part.n_rows != base.n_rows:
                raise RapidsError("The function gave different numbers of rows for the columns.")
            base, part = together([base, part])
        base = part if base is None else base
        names.append(name)
        columns.append(part.columns[0])
    if base is None:
        return table
    return base.like(names, columns)


def _as_table(name: str, value: Val) -> Table:
    if isinstance(value, ValFrame):
        if value.n_cols != 1:
            raise RapidsError("apply must return a scalar or a single column")
        return value.table
    if isinstance(value, ValNum):
        return local_table([name], [np.array([value.value])])
    if isinstance(value, ValNums):
        return local_table([name], [np.array(value.values)])
    if isinstance(value, ValStr):
        return local_table([name], [np.zeros(1)], [VecType.ENUM], [(value.value,)])
    raise RapidsError(f"apply must return a scalar or a column, it gave a {value.kind}.")


@primitive(
    "ddply",
    "ary:frame by:cols fun:fun",
    "A function of the rows of each group; columns: the keys, then ddply_C1, ...",
)
def ddply(env: Env, table: Table, by: ValNums | ValStrs, function: ValFun) -> Val:
    idx = columns_r(table, by)
    if not idx:
        raise RapidsError("ddply needs columns to group by.")
    groups = _Rows.of(table.like(table.names, _with_keys(table, idx)), idx)
    rows = [_row_of(env.call(function, [ValFrame(part)])) for part in groups.parts()]
    width = max((len(row) for row in rows), default=0)
    if any(len(row) != width for row in rows):
        raise RapidsError("The function gave rows of different lengths for the groups.")
    values = groups.keys + [np.array(c) for c in zip(*rows, strict=True)]
    keys = [groups.table.columns[i] for i in idx]
    names = [table.names[i] for i in idx] + [f"ddply_C{j + 1}" for j in range(width)]
    kinds = [k.type for k in keys] + [VecType.NUMERIC] * width
    domains = [k.domain for k in keys] + [None] * width
    return ValFrame(local_table(unique_names(names), values, kinds, domains))


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table whose rows lie group by group, the keys of the groups and their sizes."""

    table: Table
    keys: list[F64]
    sizes: np.ndarray

    @classmethod
    def of(cls, table: Table, idx: Sequence[int]) -> _Rows:
        """Return the rows of a table by groups: in this process, or stored where they are many."""
        if table.n_rows * table.n_cols <= MAX_GATHERED_CELLS:
            held = gather(table, "ddply")
            arrays = [values_of(held.columns[i]) for i in idx]
            order, starts, sizes = sorted_groups(arrays)
            return cls(take_local(held, order), [a[order[starts]] for a in arrays], sizes)
        groups = grouped(table, [table.columns[i] for i in idx], [])
        by_key = store(sorted_rows(table, [table.columns[i] for i in idx], [True] * len(idx)))
        return cls(by_key, groups.keys, groups.n_rows.astype(np.int64))

    def parts(self) -> Iterator[Table]:
        """Give the rows of each group."""
        ends = np.cumsum(self.sizes)
        for start, end in zip(ends - self.sizes, ends, strict=True):
            if self.table.frame is not None:
                yield Table.of(self.table.frame.slice_rows(int(start), int(end)))
            else:
                yield take_local(self.table, np.arange(start, end))


def _with_keys(table: Table, idx: Sequence[int]) -> list[Column]:
    columns = list(table.columns)
    for i, key in zip(idx, key_columns(table, idx), strict=True):
        columns[i] = key
    return columns


def _row_of(value: Val) -> list[float]:
    if isinstance(value, ValNum):
        return [value.value]
    if isinstance(value, ValNums):
        return [float(v) for v in value.values]
    if isinstance(value, ValFrame) and value.n_rows == 1:
        held = gather(value.table)
        return [
            float(c.expr.values[0]) if c.is_numberlike and isinstance(c.expr, Local) else math.nan
            for c in held.columns
        ]
    raise RapidsError("The function of a group must give a number or a frame of one row.")
