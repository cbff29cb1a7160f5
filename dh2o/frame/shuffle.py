"""Rows in any order: every new block takes its rows from the blocks that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks import Block
from dh2o.frame.layout import Layout, row_starts
from dh2o.frame.physical import Physical, engine_for
from dh2o.mrtask import Blocks

I64 = npt.NDArray[np.int64]

MAX_WHOLE_INPUTS = 16
"""A task may take so many whole blocks as input; for more, they are cut into parts first."""


class Wanted:
    """The rows of one new block: which blocks it needs and, for each row, which and where in it."""

    def __init__(self, rows: I64, starts: I64) -> None:
        block_of = np.searchsorted(starts, rows, side="right") - 1
        self.needed = np.unique(block_of)
        self.source = np.searchsorted(self.needed, block_of)
        self.local = rows - starts[block_of]

    def of_source(self, k: int) -> I64:
        """Return the rows wanted of the k-th needed block, in the order wanted."""
        return self.local[self.source == k]

    def back(self) -> I64 | None:
        """Return where each row is once the parts lie one after the other; None if in order."""
        if (np.diff(self.source) >= 0).all():
            return None
        order = np.argsort(self.source, kind="stable")
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return places


def gather_rows(source: Physical, rows: I64, layout: Layout, empty: Block) -> Blocks:
    """Return blocks of the `rows` (numbers in the source), in order, in `layout`."""
    starts = np.asarray(row_starts(source.layout), np.int64)
    cuts = row_starts(layout)
    wanted = [Wanted(rows[cuts[i] : cuts[i + 1]], starts) for i in range(len(layout))]
    if max((len(w.needed) for w in wanted), default=0) <= MAX_WHOLE_INPUTS:
        return _from_whole_blocks(source, wanted, layout, empty)
    return _from_parts(source, wanted, layout, empty)


def _from_whole_blocks(
    source: Physical, wanted: Sequence[Wanted], layout: Layout, empty: Block
) -> Blocks:
    args = [([w.of_source(k) for k in range(len(w.needed))], w.back(), empty) for w in wanted]
    deps = [[(source, int(block_idx)) for block_idx in w.needed] for w in wanted]
    return engine_for(source).submit_blocks(_take_and_join, args, deps=deps, layout=layout)


def _take_and_join(
    rows: Sequence[I64], back: I64 | None, empty: Block, blocks: list[Block]
) -> Block:
    return _join(back, empty, [b.take(some) for b, some in zip(blocks, rows, strict=True)])


def _join(back: I64 | None, empty: Block, parts: list[Block]) -> Block:
    if not parts:
        return empty
    together = parts[0] if len(parts) == 1 else Block.concat(parts)
    return together if back is None else together.take(back)


def _from_parts(source: Physical, wanted: Sequence[Wanted], layout: Layout, empty: Block) -> Blocks:
    """Return the blocks by way of parts: only rows that a block needs travel to it.

    Every source block is cut once, where it lies, into the parts for all new blocks.
    """
    engine = engine_for(source)
    for_block: dict[int, list[tuple[int, I64]]] = {}
    for i, w in enumerate(wanted):
        for k, block_idx in enumerate(w.needed.tolist()):
            for_block.setdefault(block_idx, []).append((i, w.of_source(k)))
    cutting = sorted(for_block)
    cut = engine.submit(
        _cut,
        [([rows for _, rows in for_block[block_idx]],) for block_idx in cutting],
        deps=[[(source, block_idx)] for block_idx in cutting],
    )
    picks: list[tuple[int]] = []
    picked_from: list[list[Any]] = []
    place: dict[tuple[int, int], int] = {}
    for block_idx, future in zip(cutting, cut, strict=True):
        for k, (i, _) in enumerate(for_block[block_idx]):
            place[i, block_idx] = len(picks)
            picks.append((k,))
            picked_from.append([future])
    parts = engine.submit(_pick, picks, deps=picked_from)
    deps = [[parts[place[i, b]] for b in w.needed.tolist()] for i, w in enumerate(wanted)]
    args = [(w.back(), empty) for w in wanted]
    blocks = engine.submit_blocks(_join, args, deps=deps, layout=layout)
    engine.wait(blocks)
    return blocks


def _cut(rows: Sequence[I64], blocks: list[Block]) -> list[Block]:
    return [blocks[0].take(some) for some in rows]


def _pick(k: int, inputs: list[list[Block]]) -> Block:
    return inputs[0][k]
