"""Runs: the packed keys of each block in order, stored where the block lies.

A run takes 8 bytes a word and row, and up to 4 for the row's number in its block. It is spilled as
any block; whoever looks for the place of a key reads runs, not the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.chunks import Block, Chunk, encode_ints
from dh2o.chunks.codec import Stored, frozen
from dh2o.chunks.integer import Int64Codec
from dh2o.mrtask import Blocks, current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.keys import I64, U64, KeyLayout
from dh2o.rapids.ordering import KeysOf, ordered
from dh2o.rapids.passes import carrier_of
from dh2o.rapids.program import compile_exprs

__all__ = ["Runs", "key_words", "make_runs", "run_rows", "word_chunks"]


@dataclass(frozen=True, slots=True)
class Runs:
    """Sorted keys, a run for each block: chunks of words, then the rows of the block."""

    blocks: Blocks
    n_words: int

    @property
    def n_rows(self) -> int:
        return self.blocks.n_rows

    def __len__(self) -> int:
        return len(self.blocks)


def make_runs(table: Table, columns: Sequence[Column], layout: KeyLayout) -> Runs:
    """Return the runs of a stored table by key columns, equal keys in the order of rows."""
    compiled = compile_exprs([c.expr for c in columns])
    keys = KeysOf(compiled.program, layout)
    blocks = current_engine().map_blocks(
        _run_of, [carrier_of(compiled.sources, table)], keys, layout=table.layout, name="sort-run"
    )
    return Runs(blocks, layout.n_words)


def _run_of(block: Block, keys: KeysOf) -> Block:
    order = ordered(keys(block), keys.layout.word_bits)
    return Block(block.n_rows, (*word_chunks(order.keys), encode_ints(order.rows)))


def word_chunks(words: U64) -> tuple[Chunk, ...]:
    """Return the words of keys (words x rows) as chunks, bit by bit."""
    held = [frozen(np.ascontiguousarray(word).view(np.int64)) for word in words]
    return tuple(Chunk(Int64Codec(), len(w), "number", Stored((w,))) for w in held)


def key_words(block: Block, n_words: int, first: int = 0) -> list[U64]:
    """Return the words that lie in chunks from `first` on, as they lie."""
    chunks = block.chunks[first : first + n_words]
    return [chunk.stored.buffers[0].view(np.uint64) for chunk in chunks]


def run_rows(block: Block, n_words: int) -> I64:
    """Return the rows that the keys of a run are of."""
    return block.chunks[n_words].ints()
