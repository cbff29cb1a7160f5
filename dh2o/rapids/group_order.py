"""Aggregates that need the values of a group side by side: its median, its commonest level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks.codec import read_only
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.groups import Grouped, group_rows, grouped, numbered, table_slots
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64, KeyLayout, KeyTiles, key_layout
from dh2o.rapids.medians import group_medians, placed_values
from dh2o.rapids.ordering import collected_keys, ordered, parallel
from dh2o.rapids.passes import carrier_of, local_tiles
from dh2o.rapids.program import Program, Tiles, compile_exprs

__all__ = ["commonest", "medians_by_group", "modes_by_group"]


@dataclass(frozen=True, slots=True)
class _SlotsAndValues:
    """The slot of each row of a block (in a table of all keys) and its value."""

    program: Program
    layout: KeyLayout

    def __call__(self, block: Any) -> tuple[I64, F64]:
        return self.of(KeyTiles(block, self.program, len(self.layout.fields)))

    def of(self, tiles: Tiles) -> tuple[I64, F64]:
        n_keys = len(self.layout.fields)
        slots = np.zeros((max(1, self.layout.n_words), tiles.n_rows), dtype=np.uint64)
        out = np.empty(tiles.n_rows)
        for start, stop, values in self.program.tiles(tiles):
            self.layout.pack(values[:n_keys], slots[:, start:stop])
            out[start:stop] = values[n_keys]
        return slots[0].view(np.int64), out


def medians_by_group(table: Table, keys: Sequence[Column], column: Column, na: str) -> F64:
    """Return the median of each group, with NA by the rule."""
    parts, slot_rows = _slots_and_values(table, keys, column)
    there = np.flatnonzero(slot_rows) if keys else np.zeros(1, dtype=np.int64)
    found: F64 = group_medians(*_side_by_side(parts, len(slot_rows), na), na, parallel)
    return found[there]


def _slots_and_values(
    table: Table, keys: Sequence[Column], column: Column
) -> tuple[list[tuple[I64, F64]], I64]:
    """Return each row's slot and value, by block, and the rows of each slot."""
    layout = key_layout([(table, keys)])
    n_slots = table_slots(table, layout)
    compiled = compile_exprs([*(k.expr for k in keys), column.expr])
    pick = _SlotsAndValues(compiled.program, layout)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        parts = [pick.of(tiles)]
    else:
        parts = current_engine().collect(carrier_of(compiled.sources, table), pick)
    if not n_slots:
        order = ordered(collected_keys(table, keys, layout), layout.word_bits, spread=True)
        starts = order.starts()
        slots = numbered(order.rows, starts)
        cuts = np.cumsum([0, *(len(v) for _, v in parts)])
        parts = [(slots[a:b], v) for a, b, (_, v) in zip(cuts, cuts[1:], parts, strict=False)]
        n_slots = len(starts)
    slot_rows = np.zeros(n_slots, dtype=np.int64)
    for slots, _ in parts:
        slot_rows += np.bincount(slots, minlength=n_slots)
    return parts, slot_rows


def _side_by_side(parts: Sequence[tuple[I64, F64]], n_slots: int, na: str) -> tuple[F64, I64, I64]:
    """Return values by slot, where each slot starts (and the last ends), and its number of NA."""
    from dh2o.rapids import group_kernels

    n_na, sizes = np.zeros((2, n_slots), dtype=np.int64)
    filled = []
    for slots, values in parts:
        placed, counts, missing = placed_values(values, na)
        if missing.any():
            n_na += np.bincount(slots[missing], minlength=n_slots)
            slots, placed = slots[counts], placed[counts]
        sizes += np.bincount(slots, minlength=n_slots)
        filled.append((slots, placed))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    out = np.empty(int(starts[-1]))
    next_place = starts[:-1].copy()
    for slots, values in filled:
        group_kernels.fill_by_group(read_only(slots), read_only(values), next_place, out)
    return out, starts, n_na


def modes_by_group(table: Table, keys: Sequence[Column], column: Column, groups: Grouped) -> F64:
    """Return the commonest level of each group, the first of several; 0 where all are NA."""
    pairs = grouped(table, [*keys, column], [])
    levels = pairs.keys[-1]
    known = ~np.isnan(levels)
    of_pair = group_rows(pairs.keys[:-1])[0] if keys else np.zeros(len(levels), dtype=np.int64)
    return commonest(of_pair[known], levels[known], pairs.n_rows[known], groups.n_groups)


def commonest(of_pair: I64, levels: F64 | I64, counts: F64 | I64, n_groups: int) -> F64:
    """Return the level of each group with the highest count, the first of several; 0 without any.

    Level ``levels[i]`` stands in group ``of_pair[i]`` ``counts[i]`` times.
    """
    order = np.lexsort((levels, -counts, of_pair))
    of_pair, levels = of_pair[order], levels[order]
    first = np.append(True, of_pair[1:] != of_pair[:-1])[: len(of_pair)]
    out = np.zeros(n_groups)
    out[of_pair[first]] = levels[first]
    return out
