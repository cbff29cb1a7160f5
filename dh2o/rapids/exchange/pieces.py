"""Pieces: what each range of keys needs of each block, cut where the block lies.

The pieces of a block are one shard: a file from which the workers read their parts. So a block and
its pieces are in memory only while it is cut, and a range while it is worked on. What is lost with
a worker is cut again, by Dask's lineage; an exchange that was under way then begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.chunks.bank import bank_of
from dh2o.errors import WorkerLostError
from dh2o.frame.layout import Layout
from dh2o.frame.physical import Physical
from dh2o.mrtask import Blocks, FromShards, IntoShard, ShardLostError, current_engine
from dh2o.rapids.exchange.runs import Runs, key_words, run_rows, word_chunks
from dh2o.rapids.keys import I64, U64

__all__ = [
    "Cutting",
    "cut_slices",
    "joined_words",
    "over_ranges",
    "row_pieces",
    "spans_between",
    "taken",
]

MAX_ATTEMPTS = 20
"""An exchange begins so often when workers are lost in its middle."""

Cutter = Callable[..., Iterable[tuple[int, Block]]]


@dataclass(frozen=True, slots=True)
class Cutting:
    """How blocks are cut: where (from and to, x ranges x blocks), of what inputs, and by what.

    ``cutter(spans of the block, *args, [its block of each input])`` gives range and piece. A row
    may lie in several pieces, or in none.
    """

    inputs: tuple[Any, ...]
    spans: I64
    cutter: Cutter
    args: tuple[Any, ...] = ()

    @property
    def n_ranges(self) -> int:
        return self.spans.shape[1]

    @property
    def n_pieces(self) -> list[int]:
        """How many pieces each range gets."""
        found: list[int] = self._there.sum(axis=1).tolist()
        return found

    @property
    def _there(self) -> Any:
        return self.spans[0] < self.spans[1]

    def start(self) -> list[list[Any]]:
        """Start cutting; return for each range the shards that have a piece of it, in order."""
        blocks = np.flatnonzero(self._there.any(axis=0)).tolist()
        made = current_engine().submit(
            IntoShard(self.cutter),
            [(self.spans[:, :, b], *self.args) for b in blocks],
            deps=[[(source, b) for source in self.inputs] for b in blocks],
        )
        shards = dict(zip(blocks, made, strict=True))
        return [[shards[b] for b in np.flatnonzero(there).tolist()] for there in self._there]


def over_ranges(
    fn: Callable[..., Any],
    args: Sequence[tuple[Any, ...]],
    cuttings: Sequence[Cutting],
    layout: Layout | None,
    whole: Physical | None = None,
) -> Blocks:
    """Return the blocks ``fn(*args[r], pieces of range r)``, once they are made.

    Pieces come in the order of cuttings, then of blocks; before them block r of `whole`, if given.
    """
    engine = current_engine()
    for _ in range(MAX_ATTEMPTS):
        ranges: list[list[Any]] = [[] if whole is None else [(whole, r)] for r in range(len(args))]
        for cutting in cuttings:
            for inputs, shards in zip(ranges, cutting.start(), strict=True):
                inputs += shards
        numbered = [(r, *a) for r, a in enumerate(args)]
        try:
            made = engine.submit_blocks(FromShards(fn), numbered, deps=ranges, layout=layout)
            engine.wait(made)
        except ShardLostError:
            continue
        return made
    raise WorkerLostError(
        "Workers kept leaving while rows were exchanged. Check their memory and logs, then run it "
        "again."
    )


def spans_between(inner: I64, sizes: Sequence[int]) -> I64:
    """Return from where to where each range goes in blocks that are cut (cuts x blocks)."""
    first = np.zeros((1, len(sizes)), dtype=np.int64)
    last = np.asarray(sizes, dtype=np.int64)[None, :]
    return np.stack([np.concatenate([first, inner]), np.concatenate([inner, last])])


def cut_slices(spans: I64, inputs: list[Block]) -> Iterator[tuple[int, Block]]:
    """Give the rows of a block as they lie."""
    for part, lo, hi in _filled(spans):
        yield part, inputs[0].slice(lo, hi)


def _cut_rows(spans: I64, n_words: int, inputs: list[Block]) -> Iterator[tuple[int, Block]]:
    """Give rows in the order of keys: the columns of a block, then the words of its run."""
    *blocks, run = inputs
    rows = run_rows(run, n_words)
    words = np.stack(key_words(run, n_words))
    columns = [_in_order(chunk, rows) for block in blocks for chunk in block.chunks]
    for part, lo, hi in _filled(spans):
        chunks = [column(lo, hi) for column in columns]
        yield part, Block(hi - lo, (*chunks, *word_chunks(words[:, lo:hi])))


def _in_order(chunk: Chunk, rows: I64) -> Callable[[int, int], Chunk]:
    """Return what gives a span of the rows in this order.

    Numbers are put in order and encoded once, then sliced; a slice of texts would keep all texts.
    """
    bank = bank_of([chunk])
    if chunk.kind == "string":
        return lambda lo, hi: bank.take(rows[lo:hi])
    return bank.take(rows).slice


def _filled(spans: I64) -> list[tuple[int, int, int]]:
    """Return number, start and end of the spans that have rows."""
    return [(k, lo, hi) for k, (lo, hi) in enumerate(spans.T.tolist()) if lo < hi]


def row_pieces(source: Physical | None, runs: Runs, spans: I64) -> Cutting:
    """Return how rows are cut, which come with their keys, in their order within each piece.

    Without a source these are the keys alone.
    """
    inputs = (runs.blocks,) if source is None else (source, runs.blocks)
    return Cutting(inputs, spans, _cut_rows, (runs.n_words,))


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
