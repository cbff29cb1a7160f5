"""NA filled in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Column, Const, Expr, Op, Table
from dh2o.rapids.group_places import GroupPlaces
from dh2o.rapids.groups import grouped
from dh2o.rapids.levels import level_counts
from dh2o.rapids.order_statistics import quantiles_of
from dh2o.rapids.reducers import facts_of

__all__ = ["ImputeCall", "impute_table"]

METHODS = ("mean", "median", "mode")


@dataclass(frozen=True, slots=True)
class ImputeCall:
    """What to impute: one column or all (-1), how, by which groups, or with which values."""

    column: int
    method: str
    combine: str
    by: Sequence[int] = ()
    groups: Table | None = None
    values: Sequence[float] | None = None


def impute_table(table: Table, call: ImputeCall) -> tuple[Table, Table | list[float]]:
    """Return the table with NA filled, and what was used: a number a column or a row a group."""
    if call.method.lower() not in METHODS:
        raise RapidsError("Method must be one of mean, median or mode")
    if not -1 <= call.column < table.n_cols:
        raise RapidsError(f"Column not -1 or in range 0 to {table.n_cols}")
    if call.by or call.groups is not None:
        return _by_group(table, call)
    values = list(call.values) if call.values is not None else _values(table, call)
    if len(values) != table.n_cols:
        raise RapidsError(f"{len(values)} values to impute for {table.n_cols} columns.")
    columns = [
        c if math.isnan(v) or not (c.is_numberlike or c.is_enum) else _filled(c, Const(v))
        for c, v in zip(table.columns, values, strict=True)
    ]
    return table.like(table.names, columns), values


def _filled(column: Column, value: Expr) -> Column:
    missing = Op("isna", (column.expr,))
    return replace(column, expr=Op("ifelse", (missing, value, column.expr)), vec=None)


def _values(table: Table, call: ImputeCall) -> list[float]:
    wanted = range(table.n_cols) if call.column == -1 else [call.column]
    values = [math.nan] * table.n_cols
    for i in wanted:
        column = table.columns[i]
        if column.is_number or column.is_enum:
            values[i] = _value(table, column, call)
    return values


def _value(table: Table, column: Column, call: ImputeCall) -> float:
    method = call.method.lower()
    if column.is_enum:
        counts = level_counts(table, column)[:-1]
        if method != "mode" and call.column != -1:
            raise RapidsError(f"Cannot impute a categorical column with its {method}; use mode.")
        return float(counts.argmax()) if len(counts) else math.nan
    if method == "median":
        return quantiles_of(table, [column], [0.5], call.combine)[0][0][0]
    if method == "mode":
        groups = grouped(table, [column], [])
        counts = np.where(np.isnan(groups.keys[0]), 0, groups.n_rows)
        return float(groups.keys[0][counts.argmax()]) if counts.any() else math.nan
    return facts_of(table, [column]).mean(0)


def _by_group(table: Table, call: ImputeCall) -> tuple[Table, Table]:
    from dh2o.rapids.prim_groups import Aggregate, group_by

    by = list(call.by)
    groups = call.groups
    if groups is None:
        wanted = (
            [i for i in range(table.n_cols) if i not in by] if call.column == -1 else [call.column]
        )
        chosen = [i for i in wanted if table.columns[i].is_number or table.columns[i].is_enum]
        aggregates = [Aggregate(_method(table.columns[i], call), i, "rm") for i in chosen]
        groups = group_by(table, by, aggregates)
    else:
        if not by:
            if groups.n_cols > 2:
                raise RapidsError("Ambiguous group-by frame. Supply the `by` columns to proceed.")
            by = [table.index(groups.names[0])]
        chosen = [call.column] if call.column != -1 else _imputed_columns(table, groups, len(by))
        if groups.n_cols < len(by) + len(chosen):
            raise RapidsError(
                f"The group-by frame has {groups.n_cols} columns; {len(by)} keys and "
                f"{len(chosen)} values are needed."
            )
    return _fill_groups(table, by, chosen, groups), groups


def _imputed_columns(table: Table, groups: Table, n_keys: int) -> list[int]:
    return [table.index(name.split("_", 1)[-1]) for name in groups.names[n_keys:]]


def _method(column: Column, call: ImputeCall) -> str:
    if column.is_enum:
        return "mode"
    return call.method.lower()


def _fill_groups(table: Table, by: Sequence[int], chosen: Sequence[int], groups: Table) -> Table:
    """Fill each row's NA with the value of its group, whose number is a formula of the keys."""
    from dh2o.rapids.passes import gather
    from dh2o.rapids.prim_groups import key_columns

    held = gather(groups)
    keys = key_columns(table, by)
    n_keys = len(by)
    key_values = [held.columns[j].expr.values for j in range(n_keys)]  # type: ignore[union-attr]
    place = Op("group_number", tuple(k.expr for k in keys), (GroupPlaces.of(key_values),))
    columns = list(table.columns)
    for j, i in enumerate(chosen):
        values = held.columns[n_keys + j].expr.values  # type: ignore[union-attr]
        columns[i] = _filled(columns[i], Op("lookup", (place,), (np.asarray(values, float),)))
    return table.like(table.names, columns)
