"""Sorting by ranges of keys: each new block is a range, merged on the worker that will hold it."""

from __future__ import annotations

from collections.abc import Sequence

from dh2o.chunks import Block
from dh2o.frame.align import empty_like
from dh2o.frame.layout import even_layout, row_starts
from dh2o.frame.physical import physical, rebuilt
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.exchange.pieces import joined_words, over_ranges, row_pieces, spans_between, taken
from dh2o.rapids.exchange.runs import make_runs
from dh2o.rapids.exchange.splits import cuts_at_ranks
from dh2o.rapids.keys import key_layout
from dh2o.rapids.ordering import ordered
from dh2o.rapids.passes import store

__all__ = ["sorted_by_ranges"]


def sorted_by_ranges(table: Table, columns: Sequence[Column], ups: Sequence[bool]) -> Table:
    """Return the rows in the stable order of columns; NA first in both directions."""
    stored = store(table)
    frame = stored.frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    keys = key_layout([(table, columns)], [not up for up in ups])
    runs = make_runs(table, columns, keys)
    largest = max(frame.layout, default=0)
    layout = even_layout(frame.n_rows, max(1, -(-frame.n_rows // max(1, largest))))
    inner = cuts_at_ranks(runs, row_starts(layout)[1:-1])
    pieces = row_pieces(physical(frame), runs, spans_between(inner, frame.layout))
    empty = empty_like(frame)
    args = [(keys.word_bits, empty)] * len(layout)
    blocks = over_ranges(_merged, args, [pieces], layout)
    return Table.of(rebuilt(frame.names, frame.vecs, blocks, "other"))


def _merged(word_bits: Sequence[int], empty: Block, pieces: list[Block]) -> Block:
    """Return the rows of sorted pieces in the order of their keys, earlier pieces first."""
    if not pieces:
        return empty
    n_columns = empty.n_cols
    order = ordered(joined_words(pieces, len(word_bits), n_columns), word_bits, keys=False)
    return Block(len(order.rows), taken(pieces, n_columns, order.rows))
