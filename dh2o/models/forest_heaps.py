"""The first levels of trees as heaps of bytes, which 64 rows descend side by side.

A step looks up two bytes of the node that each row is at, its column's number on that level and
its rank, then goes once over the few columns that the level asks for.  No row needs an address of
its own, so that a processor that can look 64 bytes up at once takes about a tenth of the time of
64 walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.models._lanes import (
    HAS_LOOKUP,
    blended,
    doubled,
    load,
    looked_up,
    looked_up_in_two,
    plus,
    splat,
    store,
)
from dh2o.models.forest_ranks import LANES

if TYPE_CHECKING:
    from dh2o.models.forest import Forest

__all__ = ["HEAP", "Heaps", "descend", "descend_one_by_one"]

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

_MOST_LEVELS = 8
HEAP = 1 << _MOST_LEVELS
_TO_THE_LEFT = 255  # a rank that no code is above


@njit(nogil=True, cache=True)
def descend_one_by_one(  # noqa: PLR0913, PLR0917
    codes: U8, at: int, group: int, tree: int, n_levels: int, slots: U8, ranks: U8, shifts: U8,
    columns: I32, starts: I64, out: U8,
) -> None:  # fmt: skip
    """out[i] = which node of the heap's last level row i of two groups ends at.

    IN: `codes`, those of the groups from codes[at] on, `group` codes each; `slots`, `ranks`,
    `shifts`, `columns` and `starts` as in `Heaps`.
    """
    heap = tree * HEAP
    for i in range(2 * LANES):
        first = at + (i >> 6) * group + (i & 63)
        k = np.int64(1)
        for level in range(n_levels):
            node = heap + k
            column = columns[starts[tree * _MOST_LEVELS + level] + slots[node]]
            code = (np.int64(codes[first + column]) + shifts[node]) & 255
            k = 2 * k + np.int64(code > ranks[node])
        out[i] = k - (1 << n_levels)


@njit(nogil=True, cache=True)
def _descend_together(  # noqa: PLR0913, PLR0917
    codes: U8, at: int, group: int, tree: int, n_levels: int, slots: U8, ranks: U8, shifts: U8,
    columns: I32, starts: I64, out: U8,
) -> None:  # fmt: skip
    """As `descend_one_by_one`, all rows at a time."""
    a, b, lanes = np.uint64(at), np.uint64(at + group), np.uint64(LANES)
    one = splat(np.uint8(1))
    k = m = splat(np.uint8(0))
    for level in range(n_levels):
        here = np.uint64(tree * HEAP + (1 << level))
        slot, rank, shift = load(slots, here), load(ranks, here), load(shifts, here)
        if level < _MOST_LEVELS - 1:
            slot_k, slot_m = looked_up(k, slot), looked_up(m, slot)
            rank_k, rank_m = looked_up(k, rank), looked_up(m, rank)
            shift_k, shift_m = looked_up(k, shift), looked_up(m, shift)
        else:
            more = load(slots, here + lanes)
            slot_k, slot_m = looked_up_in_two(k, slot, more), looked_up_in_two(m, slot, more)
            more = load(ranks, here + lanes)
            rank_k, rank_m = looked_up_in_two(k, rank, more), looked_up_in_two(m, rank, more)
            more = load(shifts, here + lanes)
            shift_k, shift_m = looked_up_in_two(k, shift, more), looked_up_in_two(m, shift, more)
        begin = np.uint64(tree * _MOST_LEVELS + level)
        start, stop = np.uint64(starts[begin]), np.uint64(starts[begin + np.uint64(1)])
        column = np.uint64(columns[start])
        code_k, code_m = load(codes, a + column), load(codes, b + column)
        number = one
        for j in range(start + np.uint64(1), stop):
            column = np.uint64(columns[j])
            code_k = blended(slot_k, number, load(codes, a + column), code_k)
            code_m = blended(slot_m, number, load(codes, b + column), code_m)
            number = plus(number, one)
        k = doubled(k, plus(code_k, shift_k), rank_k)
        m = doubled(m, plus(code_m, shift_m), rank_m)
    store(k, out, np.uint64(0))
    store(m, out, lanes)


descend = _descend_together if HAS_LOOKUP else descend_one_by_one


@dataclass(frozen=True, slots=True)
class Heaps:
    """Node k of level n of tree t is at ``t * 256 + 2**n + k``; its children are 2k and 2k + 1.

    A row goes right where its code, ``shifts[node]`` added to the byte, is above ``ranks[node]``;
    that of the column ``columns[starts[t * 8 + n] + slots[node]]``, given as 64 times the column's
    number.  Below a leaf all go left.  ``exits[t * 256 + k]`` is the forest's node where the heap
    ends at its k-th node, ``values`` its value if it is a leaf; `depths` are the levels of each
    heap, `is_whole` says which of them are the whole tree.
    """

    slots: U8
    ranks: U8
    shifts: U8
    columns: I32
    starts: I64
    exits: I32
    values: F32
    depths: I64
    is_whole: Bools

    @classmethod
    def of(cls, forest: Forest, trees: slice, columns: I64, ranks: I64, shifts: I64) -> Heaps:
        """Return the first levels of `trees`, whose nodes ask for these columns and ranks."""
        firsts = forest.starts[trees.start : trees.stop + 1]
        begin, n_trees = int(firsts[0]), len(firsts) - 1
        span = slice(begin, int(firsts[-1]))
        depth_of, is_leaf = forest.depths[span], forest.is_leaf[span]
        deepest = np.maximum.reduceat(depth_of, firsts[:-1] - begin)
        depths = np.minimum(deepest, _MOST_LEVELS)
        tree = np.repeat(np.arange(n_trees), np.diff(firsts))
        at = np.ones(len(tree), np.int64)
        for depth in range(int(depths.max(initial=0))):
            here = np.flatnonzero((depth_of == depth) & ~is_leaf)
            left = forest.left_or_self[begin + here] - begin
            at[left], at[left + 1] = 2 * at[here], 2 * at[here] + 1
        exits = np.zeros(n_trees * HEAP, np.int32)
        ends = np.flatnonzero((depth_of == depths[tree]) | (is_leaf & (depth_of < depths[tree])))
        rest = depths[tree[ends]] - depth_of[ends]
        at_end = (at[ends] << rest) - np.left_shift(1, depths[tree[ends]])
        exits[tree[ends] * HEAP + at_end] = begin + ends
        inner = np.flatnonzero(~is_leaf & (depth_of < depths[tree]))
        level = tree[inner] * _MOST_LEVELS + depth_of[inner]
        n_columns = int(columns.max(initial=0)) + 1
        asked, slot_of = np.unique(level * n_columns + columns[inner], return_inverse=True)
        levels = np.arange(n_trees * _MOST_LEVELS + 1)
        starts = np.searchsorted(asked, levels * n_columns)
        place = tree[inner] * HEAP + at[inner]
        size = n_trees * HEAP + LANES  # whole vectors are read
        slots, own_shifts = np.zeros((2, size), np.uint8)
        own_ranks = np.full(size, _TO_THE_LEFT, np.uint8)
        slots[place], own_shifts[place] = slot_of - starts[level], shifts[inner]
        own_ranks[place] = ranks[inner] + shifts[inner]
        return cls(
            slots, own_ranks, own_shifts, (asked % n_columns * LANES).astype(np.int32),
            starts.astype(np.int64), exits, forest.values[exits], depths.astype(np.int64),
            deepest <= _MOST_LEVELS,
        )  # fmt: skip
