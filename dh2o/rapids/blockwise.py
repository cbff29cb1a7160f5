"""Functions of whole blocks: new columns of every block from its values, where the block lies.

For what is no formula of one row of one column: a row made into several, a row filled along its
columns, a product with a matrix. Small tables are done in this process, without tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dh2o.chunks import Block
from dh2o.frame import Frame, Vec, VecType, layout_for
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Table, local_table
from dh2o.rapids.passes import (
    BlockTiles,
    carrier_of,
    encode_columns,
    gather,
    in_layout,
    run_program,
    values_of,
)
from dh2o.rapids.program import Program, compile_exprs

__all__ = ["SMALL_CELLS", "Shape", "collect_values", "is_small", "map_values"]

SMALL_CELLS = 500_000  # below, the values come to this process
#: The values of the columns of a block, its number, and its row count, to new columns.
BlockFunction = Callable[[list[Any], int, int], list[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns that a function makes."""

    names: Sequence[str]
    types: Sequence[VecType]
    domains: Sequence[tuple[str, ...] | None]

    @classmethod
    def numbers(cls, names: Sequence[str]) -> Shape:
        """Return the shape of number columns."""
        return cls(names, [VecType.NUMERIC] * len(names), [None] * len(names))


def is_small(table: Table, n_cols: int = 1) -> bool:
    """Return whether a table, and `n_cols` columns made of it, are best in this process."""
    if table.is_local and n_cols <= table.n_cols:
        return True
    return table.n_rows * max(n_cols, table.n_cols) <= SMALL_CELLS


def map_values(
    table: Table, fn: BlockFunction, shape: Shape, layout: Sequence[int] | None = None
) -> Table:
    """Return ``fn(values, number, n_rows)`` of every block, with the row counts `layout` if known.

    `fn` travels to the workers; a table small enough is one block, number 0, in this process.
    """
    n_cols = len(shape.names)
    if layout is not None and n_cols > table.n_cols:  # else a block might fill the memory
        table = _with_room(table, n_cols)
        layout = table.layout
    if table.is_local or is_small(table, n_cols):
        held = gather(table)
        made = fn([values_of(c) for c in held.columns], 0, held.n_rows)
        return local_table(shape.names, made, shape.types, shape.domains)
    compiled = compile_exprs([column.expr for column in table.columns])
    mapped = _MapBlock(compiled.program, fn, tuple(shape.types))
    source = carrier_of(compiled.sources, table)
    blocks = current_engine().map_blocks(mapped, [source], layout=layout)
    vecs = tuple(
        Vec(kind, (blocks, i), domain)
        for i, (kind, domain) in enumerate(zip(shape.types, shape.domains, strict=True))
    )
    return Table.of(Frame(tuple(shape.names), vecs, tuple(blocks.layout)))


def _with_room(table: Table, n_cols: int) -> Table:
    """Return the table in blocks of which each has room for `n_cols` columns of its rows."""
    layout = layout_for(table.n_rows, table.n_rows * n_cols * 8)
    if is_small(table, n_cols) or (table.layout and len(layout) <= len(table.layout)):
        return table
    return in_layout(table, layout)


def collect_values(table: Table, fn: BlockFunction) -> list[Any]:
    """Return ``fn(values, number, n_rows)`` of every block of a table that lies in blocks."""
    compiled = compile_exprs([column.expr for column in table.columns])
    source = carrier_of(compiled.sources, table)
    return current_engine().collect(source, _OfBlock(compiled.program, fn))


@dataclass(frozen=True, slots=True)
class _OfBlock:
    program: Program
    fn: BlockFunction

    def __call__(self, block: Block) -> list[Any]:
        return self.fn(run_program(self.program, BlockTiles(block)), block.index, block.n_rows)


@dataclass(frozen=True, slots=True)
class _MapBlock:
    program: Program
    fn: BlockFunction
    types: tuple[VecType, ...]

    def __call__(self, block: Block) -> Block:
        values = self.fn(run_program(self.program, BlockTiles(block)), block.index, block.n_rows)
        n_rows = len(values[0]) if values else 0
        return Block(n_rows, tuple(encode_columns(self.types, values, n_rows)))
