"""Duplicate rows found by ranges of keys; only keys and row numbers travel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dh2o.chunks import Block, encode_ints
from dh2o.frame.align import empty_like
from dh2o.frame.layout import even_layout, row_starts
from dh2o.frame.physical import physical, rebuilt
from dh2o.mrtask import Blocks, current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.exchange.pieces import (
    Cutting,
    cut_slices,
    joined_words,
    over_ranges,
    spans_between,
)
from dh2o.rapids.exchange.runs import Runs, key_words, make_runs, run_rows, word_chunks
from dh2o.rapids.exchange.size import n_ranges_of
from dh2o.rapids.exchange.splits import cuts_between_keys, splitting_keys
from dh2o.rapids.keys import I64, key_layout
from dh2o.rapids.ordering import Ordered, ordered
from dh2o.rapids.passes import store

__all__ = ["distinct_by_ranges"]


def distinct_by_ranges(table: Table, columns: Sequence[Column], *, last: bool) -> Table:
    """Return the first (or last) row of those with equal keys, in the order of rows."""
    stored = store(table)
    frame = stored.frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    kept = _kept_rows(table, columns, last=last)
    spans = spans_between(_rows_below(kept, frame.layout), kept.layout)
    empty = empty_like(frame)
    args = [(start, empty) for start in row_starts(frame.layout)[:-1]]
    rows = Cutting((kept,), spans, cut_slices)
    made = over_ranges(_only, args, [rows], None, whole=physical(frame))
    out = rebuilt(frame.names, frame.vecs, made, "other")
    n_blocks = -(-out.n_rows // max(1, max(frame.layout, default=0)))
    return Table.of(out.rebalance(even_layout(out.n_rows, max(1, n_blocks))))


def _kept_rows(table: Table, columns: Sequence[Column], *, last: bool) -> Blocks:
    """Return the numbers of the rows to keep, ascending within each range of keys."""
    layout = key_layout([(table, columns)])
    n_words = layout.n_words
    runs = make_runs(table, columns, layout)
    single = current_engine().map_blocks(_one_of_each, [runs.blocks], n_words, last)
    distinct = Runs(single, n_words)
    n_bytes = distinct.n_rows * 8 * (n_words + 1)
    inner = cuts_between_keys(distinct, splitting_keys([distinct], n_ranges_of(n_bytes)))
    pieces = Cutting((single,), spans_between(inner, single.layout), cut_slices)
    return over_ranges(_kept, [(layout.word_bits, last)] * pieces.n_ranges, [pieces], None)


def _of_each(order: Ordered, *, last: bool) -> I64:
    """Return the place of the first (or last) of each group of equal keys."""
    starts = order.starts()
    return np.append(starts[1:], len(order.rows)) - 1 if last and len(starts) else starts


def _one_of_each(run: Block, n_words: int, last: bool) -> Block:
    """Return one key of each kind, and the number of its row in the table."""
    keys = np.stack(key_words(run, n_words))
    rows = run_rows(run, n_words) + run.row_start
    kept = _of_each(Ordered(rows, keys), last=last)
    return Block(len(kept), (*word_chunks(keys[:, kept]), encode_ints(rows[kept])))


def _kept(word_bits: Sequence[int], last: bool, pieces: list[Block]) -> Block:
    n_words = len(word_bits)
    rows = np.concatenate([np.empty(0, np.int64), *(run_rows(p, n_words) for p in pieces)])
    order = ordered(joined_words(pieces, n_words, 0), word_bits)
    kept = np.sort(rows[order.rows[_of_each(order, last=last)]])
    return Block(len(kept), (encode_ints(kept),))


def _rows_below(kept: Blocks, layout: Sequence[int]) -> I64:
    """Return how many rows of each block of `kept` come before each block of the table."""
    starts = np.asarray(row_starts(layout)[1:-1], dtype=np.int64)
    found = current_engine().collect(kept, lambda block: np.searchsorted(block.ints(0), starts))
    return np.stack(found, axis=1).astype(np.int64)


def _only(row_start: int, empty: Block, inputs: list[Block]) -> Block:
    block, *pieces = inputs
    if not pieces:
        return empty
    rows = np.sort(np.concatenate([piece.ints(0) for piece in pieces])) - row_start
    return block if len(rows) == block.n_rows else Block(block.n_rows, block.chunks).take(rows)
