"""Many groups in one process: all keys are put in order once, then each group takes its rows.

What a block has of a group is added up first, and folded along the tree of the block numbers, as
partial results of blocks are (`dh2o.mrtask.folding`), so that sums have the same bits on any
cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dh2o.chunks import Block
from dh2o.chunks.bank import codes_of
from dh2o.chunks.codec import read_only
from dh2o.chunks.integer import EXACT
from dh2o.frame.shuffle import opened_here
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.groups import Grouped, GroupStats
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64, KeyLayout
from dh2o.rapids.medians import row_shares
from dh2o.rapids.ordering import collected_keys, ordered, parallel
from dh2o.rapids.passes import BlockTiles, ColumnsOf, carrier_of
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
    all_differ = len(starts) == len(order.rows)
    distinct = order.keys if all_differ else np.ascontiguousarray(order.keys[:, starts])
    starts = np.append(starts, len(order.rows))
    found_keys = parallel(lambda field: field.unpack(distinct), layout.fields)
    groups = _Groups(read_only(order.rows), read_only(starts), table.layout or ())
    stats = [
        groups.stats(_numbers(table, column), want)
        for column, want in zip(columns, wanted, strict=True)
    ]
    return Grouped(found_keys, np.diff(starts).astype(np.float64), stats)


class _Numbers(NamedTuple):
    """A column in this process: the value of a row is (code + bias) / power."""

    codes: Any
    grid: tuple[float, float, float]  # code of NA, bias and power

    @classmethod
    def plain(cls, values: F64) -> _Numbers:
        """Return doubles, which are their own codes; adding -0.0 changes none."""
        return cls(values, (np.nan, -0.0, 1.0))


def _numbers(table: Table, column: Column) -> _Numbers:
    """Return a column: as codes of a byte or a few where it lies so, which fit the cache better."""
    if column.vec is not None:
        (chunks,) = opened_here(ColumnsOf.of([column.vec.ref], table.layout or ()))
        found = codes_of(chunks, parallel)
        if found is not None:
            codes, grid = found
            if abs(grid.bias) + (1 << grid.width) < EXACT:
                return _Numbers(codes, (float(grid.na_code), float(grid.bias), 10.0**grid.decimals))
    return _Numbers.plain(_decoded(table, column))


def _decoded(table: Table, column: Column) -> F64:
    """Return the values of a column in this process."""
    compiled = compile_exprs([column.expr])
    out = np.empty(table.n_rows)

    def fill(block: Block) -> None:
        first = block.row_start
        for start, stop, values in compiled.program.tiles(BlockTiles(block)):
            out[first + start : first + stop] = values[0]

    current_engine().collect(carrier_of(compiled.sources, table), fill)
    return out


class _Groups:
    """Rows by group, those of group g from ``starts[g]`` to ``starts[g + 1]``."""

    __slots__ = ("_block_ends", "_rows", "_shares", "_starts")

    def __init__(self, rows: I64, starts: I64, layout: Sequence[int]) -> None:
        self._rows = rows
        self._starts = starts
        self._block_ends = read_only(np.cumsum(np.asarray(layout, dtype=np.int64)))
        self._shares = row_shares(starts)

    def stats(self, numbers: _Numbers, wanted: frozenset[str]) -> GroupStats:
        """Return what is wanted of a column of each group."""
        from dh2o.rapids import group_kernels

        made = GroupStats.none(len(self._starts) - 1, wanted)
        codes, grid = read_only(numbers.codes), numbers.grid

        def some(share: tuple[int, int]) -> None:
            low, high = share
            starts = self._starts[low : high + 1]
            if made.sums is not None:
                sums = made.sums[low:high]
                group_kernels.fold_sums(self._rows, starts, self._block_ends, codes, grid, sums)
            if made.ranges is not None:
                group_kernels.fold_ranges(self._rows, starts, codes, grid, made.ranges[low:high])

        parallel(some, self._shares)
        return made
