"""Frames one below the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Column, Local, Table
from dh2o.rapids.passes import gather, store

__all__ = ["stack_rows"]


def stack_rows(tables: Sequence[Table]) -> Table:
    """Return the rows of all tables, in order; they must agree in names and types."""
    first = tables[0]
    for other in tables[1:]:
        _check(first, other)
    if len(tables) == 1:
        return first
    if all(table.is_local for table in tables):
        return _stack_local([gather(table) for table in tables])
    frames = [frame for table in tables if (frame := store(table).frame) is not None]
    return Table.of(frames[0].rbind(*frames[1:]))


def _check(first: Table, other: Table) -> None:
    if first.n_cols != other.n_cols:
        raise RapidsError(
            "rbind frames must have all the same columns, found "
            f"{first.n_cols} and {other.n_cols} columns."
        )
    if first.names != other.names:
        raise RapidsError(
            "rbind frames must have all the same column names, found "
            f"{list(first.names)} and {list(other.names)}"
        )
    for name, a, b in zip(first.names, first.columns, other.columns, strict=True):
        if a.type is not b.type and VecType.NUMERIC not in (a.type, b.type):
            raise RapidsError(
                f"rbind frames must have all the same column types, found {a.type} and {b.type} "
                f"in column {name!r}. Convert one of them first."
            )


def _stack_local(tables: Sequence[Table]) -> Table:
    columns = [_stack_column(parts) for parts in zip(*(t.columns for t in tables), strict=True)]
    n_rows = sum(table.n_rows for table in tables)
    return Table(tables[0].names, tuple(columns), n_rows, None)


def _stack_column(columns: Sequence[Column]) -> Column:
    values = [c.expr.values for c in columns if isinstance(c.expr, Local)]
    kinds = {c.type for c in columns} - {VecType.NUMERIC} or {VecType.NUMERIC}
    kind = kinds.pop()
    if kind in (VecType.STRING, VecType.UUID):
        import pyarrow as pa

        arrays = [
            v if not isinstance(v, np.ndarray) else pa.nulls(len(v), pa.large_string())
            for v in values
        ]
        return Column(kind, Local(pa.concat_arrays(arrays)))
    if kind is not VecType.ENUM:
        return Column(kind, Local(np.concatenate(values)))
    domain = tuple(dict.fromkeys(level for c in columns for level in c.domain or ()))
    place = {level: float(i) for i, level in enumerate(domain)}
    coded = []
    for column, codes in zip(columns, values, strict=True):
        table = np.array([place[level] for level in column.domain or ()] + [np.nan])
        coded.append(table[np.where(np.isnan(codes), len(table) - 1, codes).astype(np.int64)])
    return Column(kind, Local(np.concatenate(coded)), domain)
