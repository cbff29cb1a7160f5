"""Rows by group and other columns, numbered within each group: here, or where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.chunks.codec import read_only
from dh2o.chunks.places import places_chunk
from dh2o.errors import RapidsError
from dh2o.frame import Frame, Vec, VecType
from dh2o.frame.layout import row_starts
from dh2o.mrtask import Blocks, current_engine
from dh2o.rapids.columns import Column, Table, local_table, unique_names
from dh2o.rapids.exchange.size import exceeds_one_process
from dh2o.rapids.exchange.sorting import sorted_by_ranges
from dh2o.rapids.keys import I64, U64, KeyField, KeyLayout, key_layout
from dh2o.rapids.ordering import KeysOf, collected_keys, order_of, ordered, parallel, row_parts
from dh2o.rapids.passes import carrier_of, store, together
from dh2o.rapids.prim_groups import key_columns
from dh2o.rapids.program import compile_exprs
from dh2o.rapids.rearrange import reordered

__all__ = ["Ranking"]

_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class Ranking:
    """Group columns, columns to sort by in each group and whether ascending; the rank's name."""

    groups: Sequence[int]
    sorts: Sequence[int]
    ups: Sequence[bool]
    name: str

    def rows(self, table: Table, *, by_sorts: bool) -> Table:
        """Return the rows with their rank, by group and then, or only, by the sort columns."""
        if exceeds_one_process([table]):
            return self._where_they_lie(table, by_sorts)
        layout = self._layout(table)
        order = ordered(
            collected_keys(table, self._keys(table), layout), layout.word_bits, spread=True
        )
        ranks = Ranks.of(layout, len(self.groups)).all(np.ascontiguousarray(order.keys))
        rows: I64 = order.rows
        if by_sorts:
            again = _by_fields(order.keys, layout.fields[len(self.groups) :])
            rows, ranks = rows[again], ranks[again]
        return _with_ranks(reordered(table, rows), self.name, ranks)

    def _keys(self, table: Table) -> list[Column]:
        return key_columns(table, [*self.groups, *self.sorts])

    def _layout(self, table: Table) -> KeyLayout:
        downs = [False] * len(self.groups) + [not up for up in self.ups]
        return key_layout([(table, self._keys(table))], downs)

    def _where_they_lie(self, table: Table, by_sorts: bool) -> Table:
        """Return the rows sorted by exchange; a block's first group may have begun before it."""
        ups = [True] * len(self.groups) + list(self.ups)
        made = sorted_by_ranges(table, self._keys(table), ups)
        layout = self._layout(made)
        compiled = compile_exprs([c.expr for c in self._keys(made)])
        work = _RankBlock(KeysOf(compiled.program, layout), Ranks.of(layout, len(self.groups)))
        source, engine = carrier_of(compiled.sources, made), current_engine()
        before = _before(engine.collect(source, work.edges))
        blocks = engine.map_blocks(work, [source], before, layout=made.layout, name="rank")
        ranked = _with_column(made, self.name, blocks)
        if not by_sorts:
            return ranked
        return sorted_by_ranges(ranked, key_columns(ranked, self.sorts), self.ups)


def _by_fields(keys: U64, fields: Sequence[KeyField]) -> I64:
    """Return the stable order of packed keys by some of their fields."""
    words = np.stack([field.codes(keys) for field in fields])
    return order_of(words, [field.n_bits for field in fields])


# ---- ranks of packed keys


@dataclass(frozen=True, slots=True)
class Ranks:
    """Gives the ranks of packed keys in order: which bits are the group's, which fields count."""

    group_masks: U64
    fields: U64

    @classmethod
    def of(cls, layout: KeyLayout, n_groups: int) -> Ranks:
        """Return what gives ranks within the groups of the first `n_groups` fields."""
        masks = np.zeros(layout.n_words, dtype=np.uint64)
        for field in layout.fields[:n_groups]:
            masks[field.word] |= np.uint64(((1 << field.n_bits) - 1) << field.shift)
        rest = [(f.word, f.shift, (1 << f.n_bits) - 1) for f in layout.fields[n_groups:]]
        return cls(masks, np.array(rest, dtype=np.uint64).reshape(-1, 3))

    def into(self, keys: U64, before: int, out: U64) -> int:
        """Write ranks, 0 for none; `before` are those of the first group. Return the last one."""
        from dh2o.rapids import group_kernels

        masks, fields = read_only(self.group_masks), read_only(self.fields)
        return int(group_kernels.ranks(read_only(keys), masks, fields, before, out))

    def all(self, keys: U64) -> U64:
        """Return the ranks of all keys (words x rows); every thread takes some groups."""
        out = np.empty(keys.shape[1], dtype=np.uint64)
        cuts = [self._group_start(keys, at) for at in row_parts(len(out), parallel)]

        def some(k: int) -> None:
            part = np.ascontiguousarray(keys[:, cuts[k] : cuts[k + 1]])
            self.into(part, 0, out[cuts[k] : cuts[k + 1]])

        parallel(some, range(len(cuts) - 1))
        return out

    def _group_start(self, keys: U64, at: int) -> int:
        """Return the first place, from `at` on, at which a group starts or the keys end."""
        n_rows = keys.shape[1]
        while 0 < at < n_rows:
            part = keys[:, at - 1 : at + _STEP] & self.group_masks[:, None]
            starts = np.flatnonzero((part[:, 1:] != part[:, :-1]).any(axis=0))
            if len(starts):
                return at + int(starts[0])
            at += part.shape[1] - 1
        return at


def _rank_chunk(ranks: U64) -> Chunk:
    made = places_chunk(ranks, 1, 0, "number")
    if made is None:  # pragma: no cover - more than 2**32 rows in a block's reach
        raise RapidsError("A group has more than 4 billion rows.")
    return made


# ---- ranks as a column


def _with_ranks(table: Table, name: str, ranks: U64) -> Table:
    """Return a table with ranks, which lie in this process, as its last column."""
    engine = current_engine()
    if table.layout is not None and engine.scheduler_here is not None:
        cuts = row_starts(table.layout)
        chunks = parallel(lambda k: _rank_chunk(ranks[cuts[k] : cuts[k + 1]]), range(len(cuts) - 1))
        kept = engine.keep_blocks([Block(chunk.n_rows, (chunk,)) for chunk in chunks])
        return _with_column(table, name, kept)
    values = np.where(ranks == 0, np.nan, ranks)
    table, other = together([table, local_table([name], [values])])
    return table.like(unique_names([*table.names, name]), (*table.columns, other.columns[0]))


def _with_column(table: Table, name: str, blocks: Blocks) -> Table:
    """Return a table with the only column of some blocks of its layout as its last one."""
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    names = tuple(unique_names([*frame.names, name]))
    return Table.of(Frame(names, (*frame.vecs, Vec(VecType.NUMERIC, (blocks, 0))), frame.layout))


# ---- where the rows lie


@dataclass(frozen=True, slots=True)
class _RankBlock:
    """The ranks of a sorted block's rows, as a chunk."""

    keys: KeysOf
    ranks: Ranks

    def __call__(self, block: Block, before: Sequence[int]) -> tuple[Chunk]:
        words = self.keys(block)
        out = np.empty(words.shape[1], dtype=np.uint64)
        self.ranks.into(words, before[block.index], out)
        return (_rank_chunk(out),)

    def edges(self, block: Block) -> tuple[Any, Any, int] | None:
        """Return the first and the last group, and the last rank in it; None without rows."""
        words = self.keys(block)
        if not words.shape[1]:
            return None
        last = self.ranks.into(words, 0, np.empty(words.shape[1], dtype=np.uint64))
        first, end = (words[:, at] & self.ranks.group_masks for at in (0, -1))
        return tuple(first.tolist()), tuple(end.tolist()), last


def _before(edges: Sequence[tuple[Any, Any, int] | None]) -> list[int]:
    """Return how many rows of each block's first group have a rank before it."""
    out = []
    group, count = None, 0
    for edge in edges:
        if edge is None:
            out.append(0)
            continue
        first, last, n = edge
        out.append(count if first == group else 0)
        count = n + (out[-1] if first == last else 0)
        group = last
    return out
