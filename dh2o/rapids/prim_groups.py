"""Primitives: group-by, functions applied to columns, rows and groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import (
    Column,
    Local,
    Table,
    default_names,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.group_order import medians_by_group, modes_by_group
from dh2o.rapids.groups import (
    MOMENTS,
    RANGE,
    SUMS,
    ColumnStats,
    Grouped,
    grouped,
    sorted_groups,
)
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import gather
from dh2o.rapids.prim_types import to_enum
from dh2o.rapids.row_selection import take_local
from dh2o.rapids.selectors import columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.tree import Id, Node, Str
from dh2o.rapids.values import Val, ValFrame, ValFun, ValNum, ValNums, ValRow, ValStr, ValStrs

__all__ = ["Aggregate", "group_by"]

FUNCTIONS = ("nrow", "mean", "sum", "sumSquares", "var", "sdev", "min", "max", "median", "mode")
NA_RULES = ("all", "rm", "ignore")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A function of a column in each group, and what NA do."""

    function: str
    column: int
    na: str


def _aggregates(env: Env, table: Table, args: Sequence[Node]) -> list[Aggregate]:
    if len(args) % 3:
        raise RapidsError("GB takes aggregates as triples: function, column, na rule.")
    out = []
    for function, column, na in zip(args[::3], args[1::3], args[2::3], strict=True):
        name = _name(env, function)
        if name not in FUNCTIONS:
            raise RapidsError(
                f"No enum constant for the aggregate {name!r}. Expected one of: "
                f"{', '.join(FUNCTIONS)}."
            )
        value = env.evaluate(column)
        where = _selected(table, value)
        if len(where) != 1:
            raise RapidsError("Group-By functions take only a single column")
        rule = _name(env, na).lower()
        if rule not in NA_RULES:
            raise RapidsError(f"Unknown NA rule {rule!r}. Expected one of: {', '.join(NA_RULES)}.")
        picked = table.columns[where[0]]
        if name == "mode" and not picked.is_enum:
            raise RapidsError("Mode only allowed on categorical columns")
        if not picked.is_string:
            out.append(Aggregate(name, where[0], rule))
    return out


def _name(env: Env, node: Node) -> str:
    if isinstance(node, Id):
        return node.name
    if isinstance(node, Str):
        return node.value
    value = env.evaluate(node)
    if isinstance(value, ValStr):
        return value.value
    raise RapidsError("Expected the name of an aggregate function.")


def _selected(table: Table, value: Val) -> list[int]:
    if isinstance(value, ValNum):
        value = ValNums.of([value.value])
    if isinstance(value, ValStr):
        value = ValStrs((value.value,))
    if not isinstance(value, ValNums | ValStrs):
        raise RapidsError(f"Expected columns, found a {value.kind}.")
    return columns_r(table, value)


@primitive(
    "GB",
    "ary:frame by:cols aggregates:node*",
    "One row for each group of equal keys, NA first: keys and aggregates (function column na)...; "
    "functions nrow mean sum sumSquares var sdev min max median mode; na all, rm or ignore.",
)
def gb(env: Env, table: Table, by: ValNums | ValStrs, *aggregates: Node) -> Val:
    return ValFrame(group_by(table, columns_r(table, by), _aggregates(env, table, aggregates)))


def key_columns(table: Table, by: Sequence[int]) -> list[Column]:
    """Return the key columns, strings as categories."""
    keys = [table.columns[i] for i in by]
    return [
        to_enum(table, table.names[i], c) if c.is_string else c
        for i, c in zip(by, keys, strict=True)
    ]


def group_by(table: Table, by: Sequence[int], aggregates: Sequence[Aggregate]) -> Table:
    """Return one row for each group: the keys and the aggregates."""
    if not by and not aggregates:
        raise RapidsError("Group by needs at least one column.")
    keys = key_columns(table, by)
    wanted = _wanted(aggregates)
    used = sorted(wanted)
    columns = [table.columns[i] for i in used]
    if not keys and not columns:  # a count of all rows reads some column
        columns, wanted = [table.columns[aggregates[0].column]], {aggregates[0].column: frozenset()}
        used = sorted(wanted)
    groups = grouped(table, keys, columns, [wanted[i] for i in used])
    names = [table.names[i] for i in by]
    values: list[F64] = list(groups.keys)
    types = [key.type for key in keys]
    domains = [key.domain for key in keys]
    stats = dict(zip(used, groups.stats, strict=True))
    for aggregate in aggregates:
        suffix = "" if aggregate.function == "nrow" else f"_{table.names[aggregate.column]}"
        names.append(aggregate.function + suffix)
        values.append(_aggregate(table, keys, groups, stats, aggregate))
        types.append(VecType.NUMERIC)
        domains.append(None)
    return local_table(unique_names(names), values, types, domains)


NEEDS = {
    "sumSquares": MOMENTS,
    "var": MOMENTS,
    "sdev": MOMENTS,
    "min": RANGE,
    "max": RANGE,
}


def _wanted(aggregates: Sequence[Aggregate]) -> dict[int, frozenset[str]]:
    """Return what the pass has to find out of each column."""
    wanted: dict[int, frozenset[str]] = {}
    for a in aggregates:
        if a.function == "mode" or (a.function == "nrow" and a.na == "all"):
            continue
        wanted[a.column] = wanted.get(a.column, frozenset()) | {NEEDS.get(a.function, SUMS)}
    return wanted


def _aggregate(
    table: Table,
    keys: Sequence[Column],
    groups: Grouped,
    found: dict[int, ColumnStats],
    wanted: Aggregate,
) -> F64:
    if wanted.function == "nrow" and wanted.na == "all":
        return groups.n_rows
    if wanted.function == "mode":
        return modes_by_group(table, keys, table.columns[wanted.column], groups)
    stats = found[wanted.column]
    if wanted.function == "nrow":
        return stats.count.copy()
    if wanted.function == "median":
        return medians_by_group(table, keys, table.columns[wanted.column], wanted.na)
    n = stats.count if wanted.na == "rm" else groups.n_rows
    values = _moment(stats, wanted, n)
    if wanted.na == "all":
        values = np.where(stats.count < groups.n_rows, np.nan, values)
    return values


def _moment(stats: ColumnStats, wanted: Aggregate, n: F64) -> F64:
    """Return a sum, mean, variance or extreme of `n` rows in each group."""
    function = wanted.function
    with np.errstate(all="ignore"):
        if function == "sum":
            return stats.total.copy()
        if function == "mean":
            return np.where(n > 0, stats.total / n, np.nan)
        if function in ("min", "max"):
            return np.where(stats.count > 0, stats.low if function == "min" else stats.high, np.nan)
        if function == "sumSquares":
            return stats.squares.copy()
        spread = stats.spread
        if wanted.na == "ignore":
            spread = np.maximum(stats.squares - stats.total**2 / n, 0.0)
        variance = np.where(n > 1, spread / (n - 1), np.nan)
        return variance if function == "var" else np.sqrt(variance)


# ---- functions applied


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
        from dh2o.rapids.columns import constant

        return table.like(["C1"], [constant(value.value)])
    raise RapidsError(f"The function of a row must give a number or a row, it gave a {value.kind}.")


def _apply_columns(env: Env, table: Table, function: ValFun) -> Table:
    names: list[str] = []
    columns: list[Column] = []
    base: Table | None = None
    from dh2o.rapids.passes import together

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
    held = gather(table.like(table.names, _with_keys(table, idx)), "ddply")
    keys = [held.columns[i] for i in idx]
    arrays = [k.expr.values for k in keys if isinstance(k.expr, Local)]
    order, starts, sizes = sorted_groups(arrays)
    rows = []
    for start, size in zip(starts, sizes, strict=True):
        part = take_local(held, order[start : start + size])
        rows.append(_row_of(env.call(function, [ValFrame(part)])))
    width = max((len(row) for row in rows), default=0)
    if any(len(row) != width for row in rows):
        raise RapidsError("The function gave rows of different lengths for the groups.")
    firsts = order[starts]
    values = [a[firsts] for a in arrays] + [np.array(c) for c in zip(*rows, strict=True)]
    names = [held.names[i] for i in idx] + [f"ddply_C{j + 1}" for j in range(width)]
    kinds = [k.type for k in keys] + [VecType.NUMERIC] * width
    domains = [k.domain for k in keys] + [None] * width
    return ValFrame(local_table(unique_names(names), values, kinds, domains))


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
