"""Primitives: rows and columns exchanged, matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.chunks.wide import encode_float_columns
from dh2o.errors import RapidsError
from dh2o.frame import Frame, VecType, layout_for
from dh2o.frame.exchange import matrix_of
from dh2o.frame.layout import row_starts
from dh2o.mrtask import current_engine
from dh2o.rapids.blockwise import BlockFunction, Shape, is_small, map_values
from dh2o.rapids.columns import Table, default_names, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import gather, store, values_of
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame

__all__ = ["check_numbers", "made_of_rows", "number_matrix"]

MAX_COLUMNS = 100_000


def check_numbers(table: Table, what: str) -> None:
    """Raise unless all columns are numbers or times."""
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_numberlike:
            raise RapidsError(f"{what} needs number columns; {name!r} is {column.type}.")


def number_matrix(table: Table, what: str) -> F64:
    """Return number columns as a matrix (rows x columns) in this process."""
    check_numbers(table, what)
    held = gather(table, what)
    if not held.n_cols:
        return np.empty((held.n_rows, 0))
    return np.stack([values_of(c) for c in held.columns], axis=1)


@primitive("t", "ary:frame", "Rows and columns exchanged; number columns only.")
def transpose(_env: Env, table: Table) -> Val:
    check_numbers(table, "t")
    if table.n_rows > MAX_COLUMNS:
        raise RapidsError(
            f"t would make {table.n_rows} columns; at most {MAX_COLUMNS} are possible."
        )
    if not is_small(table):
        return ValFrame(_exchanged(table))
    return ValFrame(local_table(default_names(table.n_rows), list(number_matrix(table, "t"))))


def _exchanged(table: Table) -> Table:
    """Return a stored table whose blocks are columns of the given one, each made by one task."""
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    layout = layout_for(frame.n_cols, frame.n_cols * frame.n_rows * 8, frame.n_rows)
    starts = row_starts(layout)
    parts = [frame.select(list(range(a, a + n))) for a, n in zip(starts, layout, strict=False)]
    wanted = [b for b, n_rows in enumerate(frame.layout) if n_rows]
    blocks = current_engine().submit_blocks(
        _columns_as_rows,
        [()] * len(parts),
        deps=[[(part, b) for b in wanted] for part in parts],
        layout=layout,
    )
    kinds = [VecType.NUMERIC] * frame.n_rows
    return Table.of(Frame.of(default_names(frame.n_rows), blocks, kinds))


def _columns_as_rows(inputs: list[Block]) -> Block:
    """Return the rows of these blocks as columns."""
    n_columns = inputs[0].n_cols
    chunks: list[Chunk] = []
    for block in inputs:
        chunks += encode_float_columns(matrix_of(block))
    return Block(n_columns, tuple(chunks))


@primitive("x", "left:frame right:frame", "The matrix product.")
def matrix_product(_env: Env, left: Table, right: Table) -> Val:
    if left.n_cols != right.n_rows:
        raise RapidsError(
            f"Matrices do not match: {left.n_rows} x {left.n_cols} and "
            f"{right.n_rows} x {right.n_cols}."
        )
    check_numbers(left, "x")
    if right.n_cols > MAX_COLUMNS:
        raise RapidsError(
            f"x would make {right.n_cols} columns; at most {MAX_COLUMNS} are possible."
        )
    return ValFrame(made_of_rows(left, _Times(number_matrix(right, "x")), right.n_cols))


def made_of_rows(table: Table, fn: BlockFunction, n_cols: int) -> Table:
    """Return the `n_cols` number columns that `fn` makes of the rows of a table."""
    # a local table has no layout: its rows become as many
    return map_values(
        table, fn, Shape.numbers(default_names(n_cols)), table.layout or (table.n_rows,)
    )


@dataclass(frozen=True, slots=True)
class _Times:
    """The product of the rows of a block and a matrix."""

    matrix: F64

    def __call__(self, values: list[Any], _number: int, n_rows: int) -> list[Any]:
        rows = np.stack(values, axis=1) if values else np.empty((n_rows, 0))
        return list((rows @ self.matrix).T)
