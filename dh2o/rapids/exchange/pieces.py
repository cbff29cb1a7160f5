"""Pieces: what each range of keys needs of each block, cut where the block lies.

Blocks are cut a few at a time: a block and its pieces are in memory together, all other pieces may
be spilled. A piece goes to the worker that works on its range, and goes away after that. What is
lost with a worker is cut again, by Dask's lineage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.chunks.bank import bank_of
from dh2o.frame.layout import Layout
from dh2o.frame.physical import Physical
from dh2o.mrtask import Blocks, Engine, current_engine
from dh2o.rapids.exchange.runs import Runs, key_words, run_rows, word_chunks
from dh2o.rapids.keys import I64, U64

__all__ = [
    "Piece",
    "cut_pieces",
    "cut_slices",
    "joined_words",
    "over_ranges",
    "range_cuts",
    "row_pieces",
    "taken",
]

Piece = tuple[Blocks, int]
"""A piece by the blocks it is one of, and its number: an input of a task."""

Cutter = Callable[..., list[Block]]


def range_cuts(inner: I64, sizes: Sequence[int]) -> I64:
    """Return where each range begins and ends in each block (ranges + 1 x blocks)."""
    first = np.zeros((1, len(sizes)), dtype=np.int64)
    return np.concatenate([first, inner, np.asarray(sizes, dtype=np.int64)[None, :]])


def cut_pieces(
    inputs: Sequence[Any], cuts: I64, cutter: Cutter, args: tuple[Any, ...] = ()
) -> list[list[Piece]]:
    """Return the pieces of each range, in the order of blocks; empty ones are left out.

    ``cutter(cuts of the block, *args, [its block of each input])`` gives the pieces of a block that
    are not empty.
    """
    engine = current_engine()
    n_blocks = cuts.shape[1]
    pieces: list[list[Piece]] = [[] for _ in range(len(cuts) - 1)]
    step = max(2, sum(n for _, n in engine.workers()) * 2)
    for start in range(0, n_blocks, step):
        some = range(start, min(start + step, n_blocks))
        made, owners = _cut_some(engine, inputs, cuts, some, cutter, args)
        engine.wait(made)
        for number, owner in enumerate(owners):
            pieces[owner].append((made, number))
    return pieces


def _cut_some(
    engine: Engine,
    inputs: Sequence[Any],
    cuts: I64,
    some: Sequence[int],
    cutter: Cutter,
    args: tuple[Any, ...],
) -> tuple[Blocks, list[int]]:
    """Return the pieces of some blocks, and which range each belongs to."""
    cut = engine.submit(
        cutter,
        [(cuts[:, b], *args) for b in some],
        deps=[[(source, b) for source in inputs] for b in some],
    )
    picks: list[tuple[int]] = []
    picked_from: list[list[Any]] = []
    layout: list[int] = []
    owners: list[int] = []
    for b, future in zip(some, cut, strict=True):
        sizes = np.diff(cuts[:, b])
        for k, owner in enumerate(np.flatnonzero(sizes).tolist()):
            picks.append((k,))
            picked_from.append([future])
            layout.append(int(sizes[owner]))
            owners.append(owner)
    return engine.submit_blocks(_pick, picks, deps=picked_from, layout=layout), owners


def _pick(k: int, inputs: list[list[Block]]) -> Block:
    return inputs[0][k]


def cut_slices(cuts: I64, inputs: list[Block]) -> list[Block]:
    """Return the rows of a block as they lie."""
    return [inputs[0].slice(lo, hi) for lo, hi in _spans(cuts)]


def cut_rows(cuts: I64, n_words: int, inputs: list[Block]) -> list[Block]:
    """Return rows in the order of keys: the columns of a block, then the words of its run."""
    block, run = inputs
    spans = _spans(cuts)
    rows = run_rows(run, n_words)
    words = np.stack(key_words(run, n_words))
    columns: list[list[Chunk]] = []
    for chunk in block.chunks:
        bank = bank_of([chunk])
        columns.append([bank.take(rows[lo:hi]) for lo, hi in spans])
    keys = [word_chunks(words[:, lo:hi].copy()) for lo, hi in spans]
    return [
        Block(hi - lo, (*(column[k] for column in columns), *keys[k]))
        for k, (lo, hi) in enumerate(spans)
    ]


def _spans(cuts: I64) -> list[tuple[int, int]]:
    """Return the parts between cuts that are not empty."""
    return [(lo, hi) for lo, hi in pairwise(cuts.tolist()) if lo < hi]


def row_pieces(source: Physical, runs: Runs, cuts: I64) -> list[list[Piece]]:
    """Return the rows of each range with their keys, in the order of keys within each piece."""
    return cut_pieces([source, runs.blocks], cuts, cut_rows, (runs.n_words,))


def joined_words(pieces: Sequence[Block], n_words: int, first: int) -> U64:
    """Return the keys of pieces one after the other (words x rows)."""
    if not pieces:
        return np.zeros((n_words, 0), dtype=np.uint64)
    parts = [key_words(piece, n_words, first) for piece in pieces]
    return np.stack([np.concatenate(word) for word in zip(*parts, strict=True)])


def taken(pieces: Sequence[Block], n_columns: int, rows: I64) -> tuple[Chunk, ...]:
    """Return the first columns of rows by their number in all `pieces` (NA for -1)."""
    columns = zip(*(piece.chunks[:n_columns] for piece in pieces), strict=True)
    return tuple(bank_of(column).take(rows) for column in columns)


def over_ranges(
    fn: Callable[..., Any],
    args: Sequence[tuple[Any, ...]],
    pieces: Sequence[Sequence[Piece]],
    layout: Layout | None,
) -> Blocks:
    """Return the blocks ``fn(*args[r], pieces of range r)``."""
    return current_engine().submit_blocks(fn, args, deps=pieces, layout=layout)
