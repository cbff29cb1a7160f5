"""Primitives: sorting, joining, duplicates, long and wide forms, ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import java_double
from dh2o.rapids.blockwise import Shape
from dh2o.rapids.columns import (
    Column,
    Table,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.exchange.duplicates import distinct_by_ranges
from dh2o.rapids.exchange.size import exceeds_one_process
from dh2o.rapids.exchange.sorting import sorted_by_ranges
from dh2o.rapids.filling import fill_across, fill_down
from dh2o.rapids.groups import group_rows, grouped
from dh2o.rapids.melting import melted
from dh2o.rapids.passes import MAX_GATHERED_CELLS, gather, values_of
from dh2o.rapids.pivoting import pivoted_blocks
from dh2o.rapids.prim_groups import key_columns
from dh2o.rapids.prim_matrix import MAX_COLUMNS
from dh2o.rapids.ranking import Ranking
from dh2o.rapids.rearrange import join_rows, ordered_rows, reordered
from dh2o.rapids.selectors import columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNums, ValStrs

__all__ = ["sorted_rows"]


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
    return ValFrame(sorted_rows(table, key_columns(table, idx), ups))


def sorted_rows(table: Table, keys: Sequence[Column], ups: Sequence[bool]) -> Table:
    """Return the rows in the stable order of columns; NA first in both directions."""
    if exceeds_one_process([table]):
        return sorted_by_ranges(table, keys, ups)
    return reordered(table, ordered_rows(table, keys, ups).rows)


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
    return ValFrame(_distinct(table, key_columns(table, idx), last=keep.lower() == "last"))


def _distinct(table: Table, keys: Sequence[Column], *, last: bool) -> Table:
    if exceeds_one_process([table]):
        return distinct_by_ranges(table, keys, last=last)
    order = ordered_rows(table, keys, [True] * len(keys))
    starts = order.starts()
    ends = np.append(starts[1:], table.n_rows) - 1
    kept = order.rows[ends if last and len(starts) else starts]
    return reordered(table, np.sort(kept))


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
    made = melted(table, id_idx, value_idx, (var_name, value_name), skip_na == 1)
    return ValFrame(made)


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
    return ValFrame(_pivoted(table.select(idx)))


def _pivoted(table: Table) -> Table:
    """Return index by column of a table of index, column and value."""
    indices, across, cells = table.columns
    levels = across.domain
    column_keys = grouped(table, [across], []).keys[0]
    if np.isnan(column_keys).any():
        raise RapidsError(f"The column {table.names[1]!r} to pivot by has NA; remove them first.")
    n_index = grouped(table, [indices], []).n_groups
    if len(column_keys) > MAX_COLUMNS:
        raise RapidsError(
            f"pivot would make {len(column_keys)} columns; at most {MAX_COLUMNS} are possible. "
            f"Is {table.names[1]!r} the column you mean?"
        )
    names = [levels[int(k)] if levels else _label(float(k)) for k in column_keys]
    shape = Shape(
        unique_names([table.names[0], *names]),
        [indices.type, *([cells.type] * len(names))],
        [indices.domain, *([cells.domain] * len(names))],
    )
    n_cells = max(table.n_rows * 3, n_index * len(names))
    if n_cells > MAX_GATHERED_CELLS:
        distinct = _distinct(table, [indices, across], last=False)
        by_index = sorted_rows(distinct, [distinct.columns[0]], [True])
        return pivoted_blocks(by_index, column_keys, n_index, shape)
    rows, columns, values = (values_of(c) for c in gather(table, "pivot").columns)
    row_of, (row_keys,) = group_rows([rows])
    wide = np.full((len(names), n_index), np.nan)
    cell_of = np.searchsorted(column_keys, columns) * n_index + row_of
    backward = slice(None, None, -1)  # the first of several stays, as in H2O; NumPy keeps the last,
    wide.ravel()[cell_of[backward].copy()] = values[backward].copy()  # unless strides are negative
    return local_table(shape.names, [row_keys, *wide], shape.types, shape.domains)


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
    ups = [bool(a == 1) for a in ascending]
    sorts = columns_r(table, sort_by)
    if len(ups) != len(sorts):
        raise RapidsError(
            f"rank_within_groupby got {len(sorts)} sort columns and {len(ups)} directions."
        )
    ranking = Ranking(columns_r(table, by), sorts, ups, name)
    return ValFrame(ranking.rows(table, by_sorts=sort_too == 1))


@primitive(
    "h2o.fillna",
    "ary:frame method:str axis:num limit:int",
    "NA filled from the value before (forward) or after, down the columns (0) or along the rows.",
)
def fillna(_env: Env, table: Table, method: str, axis: float, limit: int) -> Val:
    if method.lower() not in ("forward", "backward"):
        raise RapidsError("Method must be forward or backward")
    if axis not in (0.0, 1.0):
        raise RapidsError("Axis must be 0 for columnar 1 for row")
    if limit < 0:
        raise RapidsError("The maxlen/limit parameter should be >= 0.")
    if limit == 0:
        return ValFrame(table)
    for name, column in zip(table.names, table.columns, strict=True):
        if not (column.is_numberlike or column.is_enum):
            raise RapidsError(f"h2o.fillna cannot fill {column.type} column '{name}'.")
    fill = fill_down if axis == 0 else fill_across
    return ValFrame(fill(table, limit, backward=method.lower() == "backward"))
