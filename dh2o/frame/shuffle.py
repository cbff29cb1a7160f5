"""Rows in any order: every new block takes its rows from the blocks that hold them.

-1 for a row's number gives a row of NA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks import Block, Chunk
from dh2o.chunks.bank import Bank, bank_of, short_rows
from dh2o.chunks.many import worth_batching
from dh2o.chunks.short import gather_each
from dh2o.frame.layout import Layout, row_starts
from dh2o.frame.physical import Physical, engine_for
from dh2o.mrtask import Blocks, Engine, HasColumns

I64 = npt.NDArray[np.int64]

MAX_OPEN_CELLS = 32_000_000
"""Columns of so many cells are open at a time."""

MAX_WHOLE_INPUTS = 16
"""A task may take so many whole blocks as input; for more, they are cut into parts first."""


def gather_rows(source: Physical, rows: I64, layout: Layout, empty: Block) -> Blocks:
    """Return blocks of the `rows` (numbers in the source), in order, in `layout`."""
    engine = engine_for(source)
    if engine.scheduler_here is not None and source.layout:
        return _gathered_here(engine, source, rows, layout)
    starts = np.asarray(row_starts(source.layout), np.int64)
    cuts = row_starts(layout)
    wanted = [Wanted(rows[cuts[i] : cuts[i + 1]], starts) for i in range(len(layout))]
    if max((len(w.needed) for w in wanted), default=0) <= MAX_WHOLE_INPUTS:
        return _from_whole_blocks(source, wanted, layout, empty)
    return _from_parts(source, wanted, layout, empty)


# ---- one worker, in this process: columns are opened whole


def opened_here(source: HasColumns) -> list[tuple[Chunk, ...]]:
    """Return of each column the chunks of all blocks, held by the worker in this process."""
    if not source.columns:
        return []
    blocks = engine_for(source).gather(source)
    return list(zip(*(block.chunks for block in blocks), strict=True))


def gathered_here(source: Physical, rows: I64, layout: Layout) -> list[list[Chunk]]:
    """Return of each column the chunks, in a layout, of these rows, made in this process."""
    if not source.columns:
        return []
    threads = engine_for(source).here().threads
    cuts, n_rows = row_starts(layout), sum(source.layout)
    if worth_batching(len(source.columns), n_rows):
        wanted = [rows[cuts[i] : cuts[i + 1]] for i in range(len(layout))]
        return gather_each(opened_here(source), wanted, threads.map)
    short = short_rows(rows, n_rows)
    parts = [short[cuts[i] : cuts[i + 1]] for i in range(len(layout))]
    at_once = max(1, MAX_OPEN_CELLS // max(1, n_rows))
    made: list[list[Chunk]] = []
    for first in range(0, len(source.columns), at_once):
        some = slice(first, first + at_once)
        part = Physical(source.names[some], source.columns[some], source.layout)
        banks = threads.map(bank_of, opened_here(part))
        each = [(bank, rows) for bank in banks for rows in parts]  # one bank fills the cache
        taken = threads.map(lambda one: one[0].take(one[1]), each)
        made += [taken[i : i + len(parts)] for i in range(0, len(taken), len(parts))]
    return made


def _gathered_here(engine: Engine, source: Physical, rows: I64, layout: Layout) -> Blocks:
    """Return the blocks without a graph."""
    made = gathered_here(source, rows, layout)
    by_block = zip(layout, zip(*made, strict=True), strict=True)
    return engine.keep_blocks([Block(n_rows, chunks) for n_rows, chunks in by_block])


# ---- workers elsewhere: tasks


class Wanted:
    """The rows of one new block: which blocks it needs and, for each row, which and where in it.

    Rows of NA count as rows of the first block needed.
    """

    def __init__(self, rows: I64, starts: I64) -> None:
        block_of = np.searchsorted(starts, rows, side="right") - 1
        missing = block_of < 0
        if missing.any():
            known = block_of[~missing]
            block_of[missing] = known[0] if len(known) else 0
        self.needed = np.unique(block_of)
        self.source = np.searchsorted(self.needed, block_of)
        self.local = np.where(missing, -1, rows - starts[block_of])

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


def _from_whole_blocks(
    source: Physical, wanted: Sequence[Wanted], layout: Layout, empty: Block
) -> Blocks:
    args = [([w.of_source(k) for k in range(len(w.needed))], w.back(), empty) for w in wanted]
    deps = [[(source, int(block_idx)) for block_idx in w.needed] for w in wanted]
    return engine_for(source).submit_blocks(_take_and_join, args, deps=deps, layout=layout)


def _take_and_join(
    rows: Sequence[I64], back: I64 | None, empty: Block, blocks: list[Block]
) -> Block:
    parts = [_taken(_banks(b), some) for b, some in zip(blocks, rows, strict=True)]
    return _join(back, empty, parts)


def _banks(block: Block) -> list[Bank]:
    return [bank_of([chunk]) for chunk in block.chunks]


def _taken(banks: Sequence[Bank], rows: I64) -> Block:
    return Block(len(rows), tuple(bank.take(rows) for bank in banks))


def _join(back: I64 | None, empty: Block, parts: list[Block]) -> Block:
    if not parts:
        return empty
    if back is None:
        return parts[0] if len(parts) == 1 else Block.concat(parts)
    columns = zip(*(part.chunks for part in parts), strict=True)
    return Block(len(back), tuple(bank_of(column).take(back) for column in columns))


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
    banks = _banks(blocks[0])
    return [_taken(banks, some) for some in rows]


def _pick(k: int, inputs: list[list[Block]]) -> Block:
    return inputs[0][k]
