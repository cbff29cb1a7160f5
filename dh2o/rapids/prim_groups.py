"""Primitives: group-by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import Frame, Vec, VecType
from dh2o.frame.layout import layout_for
from dh2o.frame.physical import CHUNK_KINDS
from dh2o.mrtask import Blocks
from dh2o.rapids.columns import (
    Column,
    Table,
    local_table,
    unique_names,
)
from dh2o.rapids.evaluator import Env
from dh2o.rapids.exchange.grouping import InOrder, grouped_by_ranges
from dh2o.rapids.exchange.size import exceeds_one_process
from dh2o.rapids.group_order import medians_by_group, modes_by_group
from dh2o.rapids.groups import (
    MOMENTS,
    RANGE,
    SUMS,
    Grouped,
    GroupStats,
    exact_where_possible,
    grouped,
)
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import TEXT_NBYTES_A_CELL
from dh2o.rapids.prim_types import to_enum
from dh2o.rapids.selectors import columns_r
from dh2o.rapids.table import primitive
from dh2o.rapids.tree import Id, Node, Str
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStr, ValStrs

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
    for i, key in zip(by, keys, strict=True):
        if key.type is VecType.UUID:
            raise RapidsError(f"Rows cannot be grouped by {table.names[i]!r}: it is of type UUID.")
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
    wants = exact_where_possible(table, columns, [wanted[i] for i in used])
    answers = Answers(tuple(aggregates), tuple(used))
    names = unique_names([table.names[i] for i in by] + [_named(table, a) for a in aggregates])
    types = [key.type for key in keys] + [VecType.NUMERIC] * len(aggregates)
    domains = [key.domain for key in keys] + [None] * len(aggregates)
    if keys and exceeds_one_process([table]):
        in_order = [
            InOrder(i, table.columns[a.column], a.function, a.na) for i, a in _ordered(aggregates)
        ]
        kinds = [CHUNK_KINDS[key.type] for key in keys]
        found = grouped_by_ranges(table, keys, columns, wants, in_order, answers, kinds)
        if not isinstance(found, Grouped):
            return _stored_groups(names, types, domains, found)
        groups = found
    else:
        groups = grouped(table, keys, columns, wants)
    held = {i: _in_order(table, keys, groups, a) for i, a in _ordered(aggregates)}
    values = [*groups.keys, *answers(groups, held)]
    if not table.n_rows:  # without keys, a group of no rows
        values = [of_groups[:0] for of_groups in values]
    return local_table(names, values, types, domains)


def _named(table: Table, aggregate: Aggregate) -> str:
    suffix = "" if aggregate.function == "nrow" else f"_{table.names[aggregate.column]}"
    return aggregate.function + suffix


def _ordered(aggregates: Sequence[Aggregate]) -> list[tuple[int, Aggregate]]:
    """Return those that need the values of a group side by side, with their numbers."""
    return [(i, a) for i, a in enumerate(aggregates) if a.function in ("median", "mode")]


def _in_order(table: Table, keys: Sequence[Column], groups: Grouped, wanted: Aggregate) -> F64:
    column = table.columns[wanted.column]
    if wanted.function == "mode":
        return modes_by_group(table, keys, column, groups)
    return medians_by_group(table, keys, column, wanted.na)


def _stored_groups(
    names: Sequence[str],
    types: Sequence[VecType],
    domains: Sequence[tuple[str, ...] | None],
    blocks: Blocks,
) -> Table:
    """Return the groups that lie in blocks in the layout that they would have from here."""
    vecs = tuple(
        Vec(type_, (blocks, i), domain)
        for i, (type_, domain) in enumerate(zip(types, domains, strict=True))
    )
    n_bytes = blocks.n_rows * len(names) * TEXT_NBYTES_A_CELL
    frame = Frame(tuple(names), vecs, blocks.layout)
    return Table.of(frame.rebalance(layout_for(blocks.n_rows, n_bytes)))


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


@dataclass(frozen=True, slots=True)
class Answers:
    """Gives the values of aggregates from groups, whose statistics are of the columns `used`."""

    aggregates: tuple[Aggregate, ...]
    used: tuple[int, ...]

    def __call__(self, groups: Grouped, in_order: Mapping[int, F64]) -> list[F64]:
        """Return the values of each aggregate; medians and modes come by their number."""
        stats = dict(zip(self.used, groups.stats, strict=True))
        return [
            in_order[i] if i in in_order else _answer(groups, stats.get(a.column), a)
            for i, a in enumerate(self.aggregates)
        ]


def _answer(groups: Grouped, stats: GroupStats | None, wanted: Aggregate) -> F64:
    if stats is None or (wanted.function == "nrow" and wanted.na == "all"):
        return groups.n_rows
    if wanted.function == "nrow":
        return stats.count.copy()
    n = stats.count if wanted.na == "rm" else groups.n_rows
    values = _moment(stats, wanted, n)
    if wanted.na == "all":
        values = np.where(stats.count < groups.n_rows, np.nan, values)
    return values


def _moment(stats: GroupStats, wanted: Aggregate, n: F64) -> F64:
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
