"""Many groups in one process: all keys are put in order once, sums are made where the rows lie.

A *cell* is what a block holds of a group. Rows are added to cells block by block, each block by one
thread; then the cells of a group are folded along the tree of the block numbers, as partial results
of blocks are (`dh2o.mrtask.folding`), so that sums have the same bits on any cluster.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dh2o.chunks import Block
from dh2o.chunks.codec import read_only
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.groups import ColumnStats, Grouped
from dh2o.rapids.keys import I64, KeyLayout
from dh2o.rapids.ordering import collected_keys, ordered, parallel
from dh2o.rapids.passes import BlockTiles, carrier_of
from dh2o.rapids.program import compile_exprs

__all__ = ["grouped_here"]


def grouped_here(
    table: Table,
    keys: tuple[Sequence[Column], KeyLayout],
    columns: Sequence[Column],
    wanted: Sequence[frozenset[str]],
) -> Grouped:
    """Return the groups of a stored table by key columns, with what is wanted of columns."""
    key_columns, layout = keys
    words = collected_keys(table, key_columns, layout)
    order = ordered(words, layout.word_bits, spread=True)
    del words
    starts = order.starts()
    n_rows = np.diff(np.append(starts, len(order.rows)))
    distinct = np.ascontiguousarray(order.keys[:, starts])
    found_keys = parallel(lambda field: field.unpack(distinct), layout.fields)
    stats: list[ColumnStats] = []
    if columns:
        slots, cells = _cells(order.rows, starts, table.layout or ())
        stats = _folded(_added(table, columns, wanted, slots, len(cells)), cells)
    return Grouped(found_keys, n_rows.astype(np.float64), stats)


class _Cells:
    """The block of each cell, and the first cell of each group (and the end of the last)."""

    __slots__ = ("block", "group_starts")

    def __init__(self, block: I64, group_starts: I64) -> None:
        self.block = block
        self.group_starts = group_starts

    def __len__(self) -> int:
        return len(self.block)


def _cells(rows: I64, starts: I64, layout: Sequence[int]) -> tuple[I64, _Cells]:
    """Return the cell of each row, and the cells; `rows` are sorted by group, then by number."""
    from dh2o.rapids import key_kernels

    ends = read_only(np.cumsum(np.asarray(layout, dtype=np.int64)))
    slots = np.empty(len(rows), dtype=np.int64)
    blocks = np.empty(len(rows), dtype=np.int64)
    firsts = np.empty(len(starts) + 1, dtype=np.int64)
    n = key_kernels.number_cells(read_only(rows), read_only(starts), ends, slots, blocks, firsts)
    return slots, _Cells(blocks[:n], firsts)


def _added(
    table: Table,
    columns: Sequence[Column],
    wanted: Sequence[frozenset[str]],
    slots: I64,
    n_cells: int,
) -> list[ColumnStats]:
    """Return the statistics of each cell: a row's cell is one of its block only."""
    compiled = compile_exprs([c.expr for c in columns])
    made = [ColumnStats.none(n_cells, want) for want in wanted]

    def add(block: Block) -> None:
        first = block.row_start
        for start, stop, values in compiled.program.tiles(BlockTiles(block)):
            part = read_only(slots[first + start : first + stop])
            for stats, column in zip(made, values, strict=True):
                stats.add(part, column)

    current_engine().collect(carrier_of(compiled.sources, table), add)
    return made


def _folded(columns: list[ColumnStats], cells: _Cells) -> list[ColumnStats]:
    """Return the statistics of groups from those of their cells, merged level by level."""
    n_groups = len(cells.group_starts) - 1
    groups = np.repeat(np.arange(n_groups), np.diff(cells.group_starts))
    nodes = cells.block
    while len(nodes) > n_groups:
        nodes = nodes >> 1
        second = (groups[1:] == groups[:-1]) & (nodes[1:] == nodes[:-1])  # of two siblings
        first = np.append(True, ~second)
        places = (np.cumsum(first) - 1)[1:][second]
        rights = np.flatnonzero(second) + 1
        for k, stats in enumerate(columns):
            kept = stats.of(first)
            kept.merge(stats.of(rights), places)
            columns[k] = kept
        groups, nodes = groups[first], nodes[first]
    return columns
