"""Rows in another order: sort, join, duplicates. Keys come to one process, rows move in blocks.

The keys of 50 million rows take 400 MB here; the rows themselves are exchanged through the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Column, Local, Table, local_table, unique_names
from dh2o.rapids.kernels import F64
from dh2o.rapids.levels import recoded
from dh2o.rapids.passes import gather, store, together
from dh2o.rapids.prim_types import to_enum
from dh2o.rapids.row_selection import take_local
from dh2o.rapids.stack import stack_rows

__all__ = ["join_rows", "key_values", "reordered", "sort_order"]

I64 = NDArray[np.int64]
SMALL_CELLS = 2_000_000  # below, the rows themselves come to this process


def key_values(table: Table, columns: Sequence[Column], what: str) -> list[F64]:
    """Return the values of key columns as float64 in this process."""
    names = [str(i) for i in range(len(columns))]
    held = gather(table.like(names, columns), what)
    return [c.expr.values for c in held.columns if isinstance(c.expr, Local)]


def sort_order(keys: Sequence[F64], ascending: Sequence[bool]) -> I64:
    """Return the stable order of rows by keys; NA first in both directions."""
    order = np.arange(len(keys[0]))
    for key, up in reversed(list(zip(keys, ascending, strict=True))):
        values = np.where(np.isnan(key), -np.inf, key if up else -key)
        order = order[np.argsort(values[order], kind="stable")]
    return order


def reordered(table: Table, order: I64) -> Table:
    """Return the rows of these numbers, in this order; -1 gives a row of NA."""
    if table.is_local or table.n_rows * table.n_cols <= SMALL_CELLS >= len(order) * table.n_cols:
        return take_local(table, order)
    source = store(table)
    if len(order) and order.min() < 0:
        source = store(stack_rows([source, _na_row(source)]))
        order = np.where(order < 0, table.n_rows, order)
    if source.frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return Table.of(source.frame.take(order))


def _na_row(table: Table) -> Table:
    import pyarrow as pa

    values = []
    for column in table.columns:
        if column.is_string:
            values.append(pa.nulls(1, pa.large_string()))
        elif column.type is VecType.UUID:
            values.append(pa.nulls(1, pa.binary(16)))
        else:
            values.append(np.array([np.nan]))
    types = [c.type for c in table.columns]
    return local_table(table.names, values, types, [c.domain for c in table.columns])


def _common_keys(
    left: Table, right: Table, by: tuple[Sequence[int], Sequence[int]], left_rules: bool
) -> tuple[list[Column], list[Column]]:
    """Return the key columns of both tables with equal domains."""
    lefts, rights = [], []
    for i, j in zip(*by, strict=True):
        a, b = left.columns[i], right.columns[j]
        if a.is_string or b.is_string:
            a, b = to_enum(left, left.names[i], a), to_enum(right, right.names[j], b)
        if a.type is not b.type:
            raise RapidsError(
                f"Merging columns must be the same type, column {left.names[i]} found types "
                f"{a.type} and {b.type}"
            )
        if a.is_enum:
            first, second = (a, b) if left_rules else (b, a)
            domain = tuple(dict.fromkeys((*(first.domain or ()), *(second.domain or ()))))
            a, b = _in_domain(a, domain), _in_domain(b, domain)
        lefts.append(a)
        rights.append(b)
    return lefts, rights


def _in_domain(column: Column, domain: tuple[str, ...]) -> Column:
    if column.domain == domain:
        return column
    place = {level: float(i) for i, level in enumerate(domain)}
    return recoded(column, [place[level] for level in column.domain or ()], domain)


def join_rows(
    left: Table,
    right: Table,
    by: tuple[Sequence[int], Sequence[int]],
    keep: tuple[bool, bool],
) -> Table:
    """Return the joined rows, sorted by key: keys, the rest of the left, the rest of the right.

    `keep` says whether rows of the left and right that have no partner stay.
    """
    all_left, all_right = keep
    lefts, rights = _common_keys(left, right, by, all_left or not all_right)
    left_keys = key_values(left, lefts, "merge")
    right_keys = key_values(right, rights, "merge")
    rows_left, rows_right = _pairs(left_keys, right_keys, all_left, all_right)
    left_rest = [i for i in range(left.n_cols) if i not in set(by[0])]
    right_rest = [j for j in range(right.n_cols) if j not in set(by[1])]
    keys = _joined_keys(left, by[0], lefts, (left_keys, right_keys), (rows_left, rows_right))
    parts = [
        keys,
        reordered(left.select(left_rest), rows_left),
        reordered(right.select(right_rest), rows_right),
    ]
    filled = together([part for part in parts if part.n_cols])
    names = unique_names([name for part in filled for name in part.names])
    return filled[0].like(names, [c for part in filled for c in part.columns])


def _joined_keys(
    left: Table,
    by: Sequence[int],
    columns: Sequence[Column],
    keys: tuple[list[F64], list[F64]],
    rows: tuple[I64, I64],
) -> Table:
    """Return the key columns of the joined rows, from the right where there is no left."""
    values = []
    for of_left, of_right in zip(*keys, strict=True):
        picked = np.append(of_left, np.nan)[rows[0]]
        alone = rows[0] < 0
        picked[alone] = of_right[rows[1][alone]]
        values.append(picked)
    names = [left.names[i] for i in by]
    texts = [left.columns[i].is_string for i in by]
    made = local_table(names, values, [c.type for c in columns], [c.domain for c in columns])
    from dh2o.rapids.arithmetic import as_string

    kept = [as_string(c) if text else c for c, text in zip(made.columns, texts, strict=True)]
    return gather(made.like(names, kept))


def _pairs(
    left: Sequence[F64], right: Sequence[F64], all_left: bool, all_right: bool
) -> tuple[I64, I64]:
    """Return the rows of both sides of the join, ordered by key, then by row; -1 for none."""
    n_left = len(left[0])
    groups, n_groups = _group_both(left, right)
    of_left, of_right = groups[:n_left], groups[n_left:]
    count_left = np.bincount(of_left, minlength=n_groups)
    count_right = np.bincount(of_right, minlength=n_groups)
    order_left = np.argsort(of_left, kind="stable")
    order_right = np.argsort(of_right, kind="stable")
    blank = np.asarray(np.isnan(np.stack(left)).any(axis=0))  # NA keys have no partner
    partners = np.where(blank, 0, count_right[of_left])[order_left]
    reps = np.maximum(partners, 1) if all_left else partners
    rows_left = np.repeat(order_left, reps)
    start_right = np.cumsum(count_right) - count_right
    within = np.arange(len(rows_left)) - np.repeat(np.cumsum(reps) - reps, reps)
    where = start_right[of_left[rows_left]] + within
    has = (count_right[of_left[rows_left]] > 0) & ~blank[rows_left]
    rows_right = np.where(has, order_right[np.where(has, where, 0)] if len(order_right) else -1, -1)
    if not all_right:
        return rows_left, rows_right
    unknown = np.asarray(np.isnan(np.stack(right)).any(axis=0))
    no_partner = (count_left[of_right] == 0) | unknown
    alone = order_right[no_partner[order_right]]
    group = np.append(of_left[rows_left], of_right[alone])
    merged = np.argsort(group, kind="stable")
    none = np.full(len(alone), -1)
    return np.append(rows_left, none)[merged], np.append(rows_right, alone)[merged]


def _group_both(left: Sequence[F64], right: Sequence[F64]) -> tuple[I64, int]:
    from dh2o.rapids.groups import group_rows

    groups, keys = group_rows([np.append(a, b) for a, b in zip(left, right, strict=True)])
    return groups, keys.shape[1]
