"""Chosen rows: by a condition (where the blocks lie), or few by number (in this process)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks import Block
from dh2o.frame import Frame, Vec, VecType
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Local, Stored, Table
from dh2o.rapids.passes import (
    BlockTiles,
    ColumnsOf,
    carrier_of,
    encode_columns,
    gather,
    local_like,
    local_tiles,
    row_blocks,
    run_program,
    values_of,
)
from dh2o.rapids.program import Program, compile_exprs

if TYPE_CHECKING:
    from dh2o.mrtask import ColumnRef

__all__ = ["fetch_rows", "filter_rows", "take_local"]


@dataclass(frozen=True, slots=True)
class _PickRows:
    """The program's outputs for chosen rows of each block; `rows` are numbers within the block."""

    program: Program
    rows: dict[int, Any]

    def __call__(self, block: Block) -> list[Any]:
        rows = self.rows[block.index]
        start, stop = int(rows[0]), int(rows[-1]) + 1
        part = block.slice(start, stop).placed(block.index, block.row_start + start)
        picked = rows - start
        values = run_program(self.program, BlockTiles(part))
        return [v[picked] if isinstance(v, np.ndarray) else v.take(_arrow(picked)) for v in values]


def fetch_rows(table: Table, rows: Any) -> Table:
    """Return rows (ascending numbers) as values in this process; only their blocks are read."""
    if table.layout is None:
        return take_local(table, rows)
    compiled = compile_exprs([column.expr for column in table.columns])
    if local_tiles(compiled.sources, table) is not None:
        return take_local(table, rows)
    starts = np.concatenate([[0], np.cumsum(table.layout)])
    where = np.searchsorted(starts, rows, side="right") - 1
    wanted = {int(b): rows[where == b] - starts[b] for b in np.unique(where)}
    source = carrier_of(compiled.sources, table)
    pick = _PickRows(compiled.program, wanted)
    parts = current_engine().collect(source, pick, sorted(wanted)) if wanted else []
    return local_like(replace(table, n_rows=len(rows)), parts)


def _keep_block(block: Block, program: Program, n_kept: int, types: tuple[VecType, ...]) -> Block:
    """Keep the rows where the program's last output holds: stored chunks, then computed columns."""
    tiles = BlockTiles(block, first=n_kept)
    outputs = run_program(program, tiles)
    rows = np.flatnonzero((outputs[-1] != 0) & ~np.isnan(outputs[-1]))
    kept = Block(block.n_rows, block.chunks[:n_kept]).take(rows)
    picked = [
        values[rows] if isinstance(values, np.ndarray) else values.take(_arrow(rows))
        for values in outputs[:-1]
    ]
    return Block(len(rows), (*kept.chunks, *encode_columns(types, picked, len(rows))))


def _arrow(rows: Any) -> Any:
    import pyarrow as pa

    return pa.array(rows, type=pa.int64())


def filter_rows(table: Table, condition: Column) -> Table:
    """Return the rows where `condition` is neither 0 nor NA."""
    if table.layout is None:
        held = gather(table)
        keep = gather(held.like(["keep"], [condition])).columns[0]
        flags = values_of(keep)
        return take_local(held, np.flatnonzero((flags != 0) & ~np.isnan(flags)))
    stored = [i for i, c in enumerate(table.columns) if c.vec is not None]
    fresh = [i for i, c in enumerate(table.columns) if c.vec is None]
    refs, places = _stored_refs([table.columns[i].vec for i in stored])
    exprs = [table.columns[i].expr for i in fresh]
    compiled = compile_exprs([*exprs, condition.expr])
    sources = [s.ref for s in compiled.sources if isinstance(s, Stored)]
    types = tuple(table.columns[i].type for i in fresh)
    all_refs = refs + sources or [row_blocks(table)]
    blocks = current_engine().map_blocks(
        _keep_block,
        [ColumnsOf.of(all_refs, table.layout)],
        compiled.program,
        len(refs),
        types,
    )
    vecs: dict[int, Vec] = {}
    for i, (at, sub_at) in zip(stored, places, strict=True):
        vec = table.columns[i].vec
        if vec is not None:
            vecs[i] = vec.moved((blocks, at), None if sub_at is None else (blocks, sub_at))
    for j, i in enumerate(fresh):
        vecs[i] = Vec(types[j], (blocks, len(refs) + j), table.columns[i].domain)
    ordered = tuple(vecs[i] for i in range(table.n_cols))
    return Table.of(Frame(table.names, ordered, tuple(blocks.layout)))


def _stored_refs(
    vecs: Iterable[Vec | None],
) -> tuple[list[ColumnRef], list[tuple[int, int | None]]]:
    """Return the columns to carry, and for each Vec the positions of its values and sub-ms part."""
    refs: list[ColumnRef] = []
    places: list[tuple[int, int | None]] = []
    for vec in vecs:
        if vec is None:
            continue
        refs.append(vec.ref)
        at = len(refs) - 1
        if vec.sub_ms is not None:
            refs.append(vec.sub_ms)
        places.append((at, len(refs) - 1 if vec.sub_ms is not None else None))
    return refs, places


def take_local(table: Table, rows: Any) -> Table:
    """Return rows of a table in this process, in this order; -1 gives a row of NA."""
    held = gather(table)
    rows = np.asarray(rows, dtype=np.int64)
    gaps = bool((rows < 0).any())
    columns = []
    for column in held.columns:
        values = values_of(column)
        if isinstance(values, np.ndarray):
            source = np.append(values, np.nan) if gaps else values
            taken: Any = source[rows]
        else:
            import pyarrow as pa

            taken = values.take(pa.array(rows, type=pa.int64(), mask=rows < 0))
        columns.append(Column(column.type, Local(taken), column.domain))
    return Table(held.names, tuple(columns), len(rows), None)
