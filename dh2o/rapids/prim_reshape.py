"""Primitives: sorting, joining, duplicates, long and wide forms, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import java_double
from dh2o.rapids.columns import (
    Column,
    Local,
    Table,
    default_names,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.exchange.duplicates import distinct_by_ranges
from dh2o.rapids.exchange.size import exceeds_one_process
from dh2o.rapids.exchange.sorting import sorted_by_ranges
from dh2o.rapids.groups import group_rows
from dh2o.rapids.keys import KeyField, KeyLayout, key_layout
from dh2o.rapids.ordering import collected_keys, order_of, ordered
from dh2o.rapids.passes import MAX_GATHERED_CELLS, gather
from dh2o.rapids.prim_groups import key_columns
from dh2o.rapids.rearrange import join_rows, ordered_rows, reordered
from dh2o.rapids.row_selection import take_local
from dh2o.rapids.running import fill_gaps
from dh2o.rapids.selectors import columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNums, ValStrs

__all__: list[str] = []


@primitive(
    "sort",
    "ary:frame cols:cols ascending:nums?",
    "Rows by columns, 1 up or -1 down; NA first; stable.",
)
def sort(_env: Env, table: Table, by: ValNums | ValStrs, ascending: np.ndarray | None) -> Val:
    idx = columns_r(table, by)
    if not idx:
        return ValFrame(table)
    ups = [True] * len(idx) if ascending is None else [bool(a == 1) for a in ascending]
    if len(ups) != len(idx):
        raise RapidsError(f"sort got {len(idx)} columns and {len(ups)} directions.")
    for i in idx:
        if table.columns[i].type is VecType.UUID:
            raise RapidsError(f"sort: column {table.names[i]!r} holds ids; ids have no order.")
    keys = key_columns(table, idx)
    if exceeds_one_process([table]):
        return ValFrame(sorted_by_ranges(table, keys, ups))
    return ValFrame(reordered(table, ordered_rows(table, keys, ups).rows))


@primitive(
    "merge",
    "left:frame right:frame all_left:num all_right:num by_left:cols by_right:cols method:str?",
    "The joined rows sorted by key: keys, rest of the left, rest of the right.",
)
def merge(
    _env: Env,
    left: Table,
    right: Table,
    all_left: float,
    all_right: float,
    by_left: ValNums | ValStrs,
    by_right: ValNums | ValStrs,
    method: str | None,
) -> Val:
    if method not in (None, "auto", "radix", "hash"):
        raise RapidsError(f"Unknown merge method {method!r}. Expected auto, radix or hash.")
    lefts, rights = columns_r(left, by_left), columns_r(right, by_right)
    if not lefts and not rights:
        common = [n for n in left.names if n in right.names]
        lefts, rights = [left.index(n) for n in common], [right.index(n) for n in common]
        if not common:
            raise RapidsError("No join columns specified and there are no common names")
    if len(lefts) != len(rights):
        raise RapidsError("byLeft and byRight are not the same length")
    return ValFrame(join_rows(left, right, (lefts, rights), (all_left == 1, all_right == 1)))


@primitive(
    "dropdup",
    "ary:frame cols:cols keep:str",
    "One row, the first or last, of those with equal keys; the order stays.",
)
def dropdup(_env: Env, table: Table, by: ValNums | ValStrs, keep: str) -> Val:
    idx = columns_r(table, by)
    if not idx:
        raise RapidsError("dropdup needs columns to compare.")
    if keep.lower() not in ("first", "last"):
        raise RapidsError(f"Unknown drop order: '{keep}'. Known types: [first, last]")
    keys, last = key_columns(table, idx), keep.lower() == "last"
    if exceeds_one_process([table]):
        return ValFrame(distinct_by_ranges(table, keys, last=last))
    order = ordered_rows(table, keys, [True] * len(idx))
    starts = order.starts()
    ends = np.append(starts[1:], table.n_rows) - 1
    kept = order.rows[ends if last and len(starts) else starts]
    return ValFrame(reordered(table, np.sort(kept)))


@primitive(
    "melt",
    "ary:frame id_vars:cols value_vars:cols? var_name:str value_name:str skip_na:num?",
    "One row for each row and value column: ids, the column's name, the value.",
)
def melt(
    _env: Env,
    table: Table,
    ids: ValNums | ValStrs,
    values: ValNums | ValStrs | None,
    var_name: str,
    value_name: str,
    skip_na: float | None,
) -> Val:
    id_idx = columns_r(table, ids)
    value_idx = [] if values is None else columns_r(table, values)
    if not value_idx:
        value_idx = [i for i in range(table.n_cols) if i not in id_idx]
    for i in value_idx:
        if not table.columns[i].is_numberlike:
            raise RapidsError(
                "You can only use `melt` with numerical columns. Column "
                f"'{table.names[i]}' is {table.columns[i].type}."
            )
    held = gather(table, "melt")
    wide = np.stack([_values(held.columns[i]) for i in value_idx])
    n_vars = len(value_idx)
    rows = np.repeat(np.arange(held.n_rows), n_vars)
    flat = wide.T.ravel()
    codes = np.tile(np.arange(n_vars, dtype=np.float64), held.n_rows)
    if skip_na == 1:
        there = ~np.isnan(flat)
        rows, flat, codes = rows[there], flat[there], codes[there]
    names = [table.names[i] for i in value_idx]
    part = take_local(held.select(id_idx), rows) if id_idx else Table((), (), len(rows), None)
    order = sorted(names)
    place = np.array([order.index(n) for n in names], dtype=np.float64)
    variable = Column(VecType.ENUM, Local(place[codes.astype(np.int64)]), tuple(order))
    value = Column(VecType.NUMERIC, Local(flat))
    made = Table(
        tuple(unique_names([*part.names, var_name, value_name])),
        (*part.columns, variable, value),
        len(rows),
        None,
    )
    return ValFrame(made)


def _values(column: Column) -> np.ndarray:
    return column.expr.values if isinstance(column.expr, Local) else np.empty(0)


@primitive(
    "pivot",
    "ary:frame index:str column:str value:str",
    "One row for each value of index, one column for each of column; NA where there is none.",
)
def pivot(_env: Env, table: Table, index: str, column: str, value: str) -> Val:
    idx = [table.index(name) for name in (index, column, value)]
    for i in idx[:2]:
        if table.columns[i].is_string:
            raise RapidsError(
                f"pivot needs an index and a column that are no strings; {table.names[i]!r} is one."
            )
    if not table.columns[idx[2]].is_numberlike and not table.columns[idx[2]].is_enum:
        raise RapidsError(f"pivot needs a value column of numbers; {value!r} is not.")
    held = gather(table.select(idx), "pivot")
    rows, across, cells = (_values(c) for c in held.columns)
    if np.isnan(across).any():
        raise RapidsError(f"The column {column!r} to pivot by has NA; remove them first.")
    row_of, (row_keys,) = group_rows([rows])
    levels = held.columns[1].domain
    column_of, (column_keys,) = group_rows([across])
    if len(column_keys) * len(row_keys) > MAX_GATHERED_CELLS:
        raise RapidsError(
            f"pivot would make {len(row_keys)} rows x {len(column_keys)} columns; at most "
            f"{MAX_GATHERED_CELLS} cells are possible. Is {column!r} the column you mean?"
        )
    wide = np.full((len(column_keys), len(row_keys)), np.nan)
    wide[column_of[::-1], row_of[::-1]] = cells[::-1]  # the first of several stays, as in H2O
    names = [levels[int(k)] if levels else _label(float(k)) for k in column_keys]
    first = held.columns[0]
    kinds = [first.type, *([held.columns[2].type] * len(names))]
    domains = [first.domain, *([held.columns[2].domain] * len(names))]
    return ValFrame(local_table(unique_names([index, *names]), [row_keys, *wide], kinds, domains))


def _label(value: float) -> str:
    return str(int(value)) if value == int(value) else java_double(value)


@primitive(
    "rank_within_groupby",
    "ary:frame by:cols sort:cols ascending:nums name:str sort_too:num?",
    "The rows sorted by group and sort columns, with the rank in the group; no rank with NA.",
)
def rank_within_groupby(
    _env: Env,
    table: Table,
    by: ValNums | ValStrs,
    sort_by: ValNums | ValStrs,
    ascending: np.ndarray,
    name: str,
    sort_too: float | None,
) -> Val:
    groups, sorts = columns_r(table, by), columns_r(table, sort_by)
    ups = [True] * len(groups) + [bool(a == 1) for a in ascending]
    columns = key_columns(table, [*groups, *sorts])
    layout = key_layout([(table, columns)], [not up for up in ups])
    order = ordered(collected_keys(table, columns, layout), layout.word_bits, spread=True)
    ranks = _ranks(order.keys, layout, len(groups))
    made = reordered(table, order.rows)
    if sort_too == 1:
        again = _by_fields(order.keys, layout.fields[len(groups) :])
        made, ranks = reordered(made, again), ranks[again]
    from dh2o.rapids.prim_assign import with_column

    return ValFrame(with_column(made, name, ValFrame(local_table([name], [ranks]))))


def _ranks(keys: np.ndarray, layout: KeyLayout, n_groups: int) -> np.ndarray:
    """Return 1, 2, ... within each run of equal groups, counting only rows without NA to sort by.

    `keys` are the packed keys of rows in order, of which the first fields are the group.
    """
    groups, sorts = layout.fields[:n_groups], layout.fields[n_groups:]
    n_rows = keys.shape[1]
    starts = np.zeros(n_rows, dtype=np.bool_)
    starts[:1] = True
    for field in groups:
        codes = field.codes(keys)
        starts[1:] |= codes[1:] != codes[:-1]
    ranked = np.ones(n_rows, dtype=np.bool_)
    for field in sorts:
        ranked &= field.codes(keys) != 0
    counted = np.cumsum(ranked)
    before = np.where(starts, counted - ranked, 0)
    base = np.maximum.accumulate(before) if n_rows else before
    return np.where(ranked, counted - base, np.nan).astype(np.float64)


def _by_fields(keys: np.ndarray, fields: Sequence[KeyField]) -> np.ndarray:
    """Return the stable order of packed keys by some of their fields."""
    words = np.stack([field.codes(keys) for field in fields])
    return order_of(words, [field.n_bits for field in fields])


@primitive(
    "h2o.fillna",
    "ary:frame method:str axis:num limit:num",
    "NA filled from the value before (forward) or after, down the columns (0) or along the rows.",
)
def fillna(_env: Env, table: Table, method: str, axis: float, limit: float) -> Val:
    if method.lower() not in ("forward", "backward"):
        raise RapidsError("Method must be forward or backward")
    if axis not in (0.0, 1.0):
        raise RapidsError("Axis must be 0 for columnar 1 for row")
    if limit < 0:
        raise RapidsError("The maxlen/limit parameter should be >= 0.")
    if limit == 0:
        return ValFrame(table)
    held = gather(table, "h2o.fillna")
    backward = method.lower() == "backward"
    arrays = [_numbers_of(held, i) for i in range(held.n_cols)]
    if axis == 0:
        filled = [fill_gaps(a, int(limit), backward=backward) for a in arrays]
    else:
        filled = _fill_across(arrays, int(limit), backward=backward)
    kinds = [c.type for c in held.columns]
    domains = [c.domain for c in held.columns]
    return ValFrame(local_table(default_names(held.n_cols), filled, kinds, domains))


def _numbers_of(table: Table, i: int) -> np.ndarray:
    column = table.columns[i]
    if not (column.is_numberlike or column.is_enum):
        raise RapidsError(f"h2o.fillna cannot fill {column.type} column '{table.names[i]}'.")
    return _values(column)


def _fill_across(arrays: Sequence[np.ndarray], limit: int, *, backward: bool) -> list[np.ndarray]:
    order = list(range(len(arrays)))[:: -1 if backward else 1]
    out = [a.copy() for a in arrays]
    n_filled = np.zeros(len(arrays[0]) if arrays else 0, dtype=np.int64)
    for before, here in pairwise(order):
        missing = np.isnan(arrays[here])
        usable = missing & ~np.isnan(out[before]) & (n_filled < limit)
        out[here][usable] = out[before][usable]
        n_filled = np.where(missing, n_filled + usable, 0)
    return out


@primitive("t", "ary:frame", "Rows and columns exchanged; number columns only.")
def transpose(_env: Env, table: Table) -> Val:
    matrix = number_matrix(table, "t")
    if table.n_rows > 100_000:
        raise RapidsError(f"t would make {table.n_rows} columns; at most 100000 are possible.")
    return ValFrame(local_table(default_names(table.n_rows), list(matrix)))


def number_matrix(table: Table, what: str) -> np.ndarray:
    """Return number columns as a matrix (rows x columns) in this process."""
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_numberlike:
            raise RapidsError(f"{what} needs number columns; {name!r} is {column.type}.")
    held = gather(table, what)
    if not held.n_cols:
        return np.empty((held.n_rows, 0))
    return np.stack([_values(c) for c in held.columns], axis=1)


@primitive("x", "left:frame right:frame", "The matrix product.")
def matrix_product(_env: Env, left: Table, right: Table) -> Val:
    if left.n_cols != right.n_rows:
        raise RapidsError(
            f"Matrices do not match: {left.n_rows} x {left.n_cols} and "
            f"{right.n_rows} x {right.n_cols}."
        )
    product = number_matrix(left, "x") @ number_matrix(right, "x")
    return ValFrame(local_table(default_names(product.shape[1]), list(product.T)))
