"""Joins by ranges of keys: the rows of both sides that may be partners meet on one worker.

Without rows of a side that have no partner and stay, the ranges are cut within the other side,
which leads, also between rows of equal keys: a key that most rows have is spread over the workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.chunks import Block, Chunk, Kind
from dh2o.frame import Frame, Vec
from dh2o.frame.align import empty_like
from dh2o.frame.layout import layout_for
from dh2o.frame.physical import CHUNK_KINDS, physical, rebuilt
from dh2o.rapids.columns import Column, Table, unique_names
from dh2o.rapids.exchange.pieces import (
    joined_words,
    over_ranges,
    row_pieces,
    spans_between,
    taken,
)
from dh2o.rapids.exchange.runs import Runs, make_runs
from dh2o.rapids.exchange.size import n_ranges_of, rows_nbytes
from dh2o.rapids.exchange.splits import (
    bounds_of_keys,
    cuts_at_ranks,
    cuts_between_keys,
    keys_after,
    splitting_keys,
)
from dh2o.rapids.joining import Joined, pairs_of
from dh2o.rapids.keys import I64, KeyLayout, key_layout
from dh2o.rapids.passes import TEXT_NBYTES_A_CELL, store

__all__ = ["JoinSide", "joined_by_ranges"]


@dataclass(frozen=True, slots=True)
class JoinSide:
    """One side of a join: a stored table, its key columns, and the others, which go along."""

    table: Table
    keys: Sequence[Column]
    others: Sequence[int]

    def frame(self) -> Frame | None:
        """Return the other columns as a stored frame, None if there are none."""
        return store(self.table.select(self.others)).frame if self.others else None


def joined_by_ranges(
    names: Sequence[str], left: JoinSide, right: JoinSide, keep: tuple[bool, bool]
) -> Table:
    """Return the joined rows by key, left row and right row: keys, rest of the left, of the right.

    `names` are those of the keys. If only rows of the right stay, its rows lead.
    """
    layout = key_layout([(left.table, left.keys), (right.table, right.keys)])
    sides = (left, right)
    runs = [make_runs(side.table, side.keys, layout) for side in sides]
    frames = [side.frame() for side in sides]
    n_ranges = n_ranges_of(sum(rows_nbytes(side.table) for side in sides))
    spans = _spans(runs, keep, n_ranges)
    cuttings = [
        row_pieces(None if frame is None else physical(frame), run, span)
        for frame, run, span in zip(frames, runs, spans, strict=True)
    ]
    kinds = tuple(CHUNK_KINDS[key.type] for key in left.keys)
    empty = tuple(Block(0, ()) if frame is None else empty_like(frame) for frame in frames)
    seen = tuple(0 if frame is None else frame.n_cols for frame in frames)
    args = [(_Join(layout, kinds, keep, empty, seen), n) for n in cuttings[0].n_pieces]
    blocks = over_ranges(_joined, args, cuttings, None)
    vecs = [Vec(c.type, (blocks, i), c.domain) for i, c in enumerate(left.keys)]
    all_names = list(names)
    for frame in frames:
        if frame is not None:
            vecs += frame.vecs
            all_names += frame.names
    out = rebuilt(unique_names(all_names), vecs, blocks, "other")
    n_bytes = out.n_rows * out.n_cols * TEXT_NBYTES_A_CELL
    return Table.of(out.rebalance(layout_for(out.n_rows, n_bytes)))


def _spans(runs: Sequence[Runs], keep: tuple[bool, bool], n_ranges: int) -> list[I64]:
    """Return which rows of either side's runs each range gets."""
    if all(keep):
        splits = splitting_keys(runs, n_ranges)
        return [spans_between(cuts_between_keys(run, splits), run.blocks.layout) for run in runs]
    leads = 1 if keep == (False, True) else 0
    leader, follower = runs[leads], runs[1 - leads]
    ranks = [leader.n_rows * k // n_ranges for k in range(1, n_ranges)]
    cuts = cuts_at_ranks(leader, ranks)
    spans = spans_between(cuts, leader.blocks.layout)
    low, high = bounds_of_keys(follower, keys_after(leader, cuts))
    sizes = np.asarray(follower.blocks.layout, dtype=np.int64)[None, :]
    first = np.zeros_like(sizes)
    follows = np.stack([np.concatenate([first, low]), np.concatenate([high, sizes])])
    return [spans, follows] if leads == 0 else [follows, spans]


@dataclass(frozen=True, slots=True)
class _Join:
    """What every range has to know of the join."""

    layout: KeyLayout
    kinds: tuple[Kind, ...]
    keep: tuple[bool, bool]
    empty: tuple[Block, ...]
    seen: tuple[int, ...]  # columns of either side that users see; the others come last


def _joined(join: _Join, n_left: int, pieces: list[Block]) -> Block:
    """Return the joined rows of a range, whose first pieces are those of the left."""
    halves = (pieces[:n_left], pieces[n_left:])
    counts = [empty.n_cols for empty in join.empty]
    n_words = join.layout.n_words
    words = [joined_words(half, n_words, n) for half, n in zip(halves, counts, strict=True)]
    if join.keep == (False, True):
        swapped = pairs_of(words[::-1], join.layout, (True, False))
        found = Joined(swapped.keys, join.layout, swapped.right, swapped.left)
    else:
        found = pairs_of(words, join.layout, join.keep)
    fields = zip(join.layout.fields, join.kinds, strict=True)
    visible: list[Chunk] = [field.chunk(found.keys, kind) for field, kind in fields]
    hidden: list[Chunk] = []
    for k, rows in enumerate((found.left, found.right)):
        chunks = taken(halves[k] or [join.empty[k]], counts[k], rows)
        visible += chunks[: join.seen[k]]
        hidden += chunks[join.seen[k] :]
    return Block(len(found.left), (*visible, *hidden))
