"""Groups found by ranges of keys: what the groups of blocks say meets, range by range.

Every block's groups are stored where the block lies. Where they are few, they come together in this
process; else those of a range of keys go to one worker and merge there along the same tree of
blocks, so that sums have the same bits. Aggregates that need the values of a group side by side get
the rows of the range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, Kind, encode_floats, encode_ints
from dh2o.frame.physical import physical
from dh2o.mrtask import Blocks, current_engine
from dh2o.mrtask.folding import Fold
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.exchange.pieces import (
    Cutting,
    cut_slices,
    joined_words,
    over_ranges,
    row_pieces,
    spans_between,
    taken,
)
from dh2o.rapids.exchange.runs import Runs, key_words, make_runs, word_chunks
from dh2o.rapids.exchange.side_by_side import side_by_side
from dh2o.rapids.exchange.size import n_ranges_of
from dh2o.rapids.exchange.splits import cuts_between_keys, splitting_keys
from dh2o.rapids.groups import Grouped, GroupStats, GroupTask, Partial
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64, KeyLayout, key_layout
from dh2o.rapids.ordering import ordered
from dh2o.rapids.passes import carrier_of, store
from dh2o.rapids.program import compile_exprs

__all__ = ["InOrder", "grouped_by_ranges"]

FEW_NBYTES = 32 << 20  # groups of all blocks that may come to this process


@dataclass(frozen=True, slots=True)
class InOrder:
    """A median or mode of a column: the number of the aggregate, the function and the NA rule."""

    number: int
    column: Column
    function: str
    na: str


Answers = Callable[[Grouped, Mapping[int, F64]], list[F64]]
"""Gives the values of all aggregates from the groups and, by number, those found in order."""


def grouped_by_ranges(
    table: Table,
    keys: Sequence[Column],
    columns: Sequence[Column],
    wanted: Sequence[frozenset[str]],
    in_order: Sequence[InOrder],
    answers: Answers,
    kinds: Sequence[Kind],
) -> Blocks | Grouped:
    """Return blocks of keys (of these chunk kinds) and answers; or the groups, if they are few."""
    layout = key_layout([(table, keys)])
    compiled = compile_exprs([c.expr for c in (*keys, *columns)])
    task = GroupTask(compiled.program, layout, tuple(wanted), 0)
    carrier = carrier_of(compiled.sources, table)
    blocks = current_engine().map_blocks(_partial_block, [carrier], task, name="groups")
    n_numbers = layout.n_words + 1 + sum(_width(w) for w in wanted)
    if blocks.n_rows * n_numbers * 8 <= FEW_NBYTES and not in_order:
        parts = current_engine().gather(blocks)
        return task.finish(_folded(task, range(len(parts)), parts, len(parts)))
    ranges = _Ranges(task, len(blocks), tuple(kinds), tuple(_Rule.of(o) for o in in_order), answers)
    partials = Runs(blocks, layout.n_words)
    n_bytes = max(blocks.n_rows * n_numbers, table.n_rows * len(in_order)) * 8
    splits = splitting_keys([partials], n_ranges_of(n_bytes))
    spans = spans_between(cuts_between_keys(partials, splits), blocks.layout)
    pieces = [Cutting((blocks,), spans, cut_slices)]
    args = [(np.flatnonzero(low < high).tolist(),) for low, high in zip(*spans, strict=True)]
    if in_order:
        pieces += [_rows_of_ranges(table, keys, [o.column for o in in_order], layout, splits)]
    return over_ranges(ranges, args, pieces, None)


def _rows_of_ranges(
    table: Table, keys: Sequence[Column], columns: Sequence[Column], layout: KeyLayout, splits: Any
) -> Cutting:
    """Return the values of columns, with their keys, of each range."""
    held = store(table.like([str(i) for i in range(len(columns))], columns))
    if held.frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    runs = make_runs(table, keys, layout)
    spans = spans_between(cuts_between_keys(runs, splits), runs.blocks.layout)
    return row_pieces(physical(held.frame), runs, spans)


# ---- groups of blocks as blocks


def _width(wanted: frozenset[str]) -> int:
    """Return how many numbers a group keeps of a column."""
    none = GroupStats.none(0, wanted)
    return sum(part.shape[1] for part in (none.sums, none.ranges) if part is not None)


def _partial_block(block: Block, task: GroupTask) -> Block:
    """Return the groups of a block: key words, rows, then the numbers kept of each column."""
    partial = task.map(block)
    if partial.keys is None:  # pragma: no cover - the task has no table of slots
        raise AssertionError
    numbers = [
        encode_floats(np.ascontiguousarray(column))
        for stats in partial.stats
        for part in (stats.sums, stats.ranges)
        if part is not None
        for column in part.T
    ]
    keys = word_chunks(partial.keys)
    return Block(len(partial.n_rows), (*keys, encode_ints(partial.n_rows), *numbers))


def _partial_of(block: Block, task: GroupTask) -> Partial:
    """Return the groups that `_partial_block` has put into a block."""
    n_words = task.layout.n_words
    stats = [GroupStats.none(block.n_rows, w) for w in task.wanted]
    numbers = iter(block.chunks[n_words + 1 :])
    for part in (part for one in stats for part in (one.sums, one.ranges)):
        if part is not None:
            for k in range(part.shape[1]):
                part[:, k] = next(numbers).floats()
    keys = np.stack(key_words(block, n_words))
    return Partial(keys, block.chunks[n_words].ints(), stats)


def _folded(
    task: GroupTask, owners: Sequence[int], parts: Sequence[Block], n_blocks: int
) -> Partial | None:
    """Return the groups of all blocks, of which only `owners` have any, merged as a pass does."""

    def combine(a: Partial | None, b: Partial | None) -> Partial | None:
        return (b if a is None else a) if a is None or b is None else task.combine(a, b)

    fold = Fold(combine, n_blocks)
    found = dict(zip(owners, parts, strict=True))
    for b in range(n_blocks):
        fold.add(0, b, _partial_of(found.pop(b), task) if b in found else None)
    total: Partial | None = fold.total()
    return total


# ---- a range


@dataclass(frozen=True, slots=True)
class _Rule:
    """What of an `InOrder` travels."""

    number: int
    function: str
    na: str

    @classmethod
    def of(cls, wanted: InOrder) -> _Rule:
        return cls(wanted.number, wanted.function, wanted.na)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The groups of a range of keys, with their answers, as a block."""

    task: GroupTask
    n_blocks: int
    kinds: tuple[Kind, ...]
    rules: tuple[_Rule, ...]
    answers: Answers

    def __call__(self, owners: list[int], pieces: list[Block]) -> Block:
        partial = _folded(self.task, owners, pieces[: len(owners)], self.n_blocks)
        partial = self.task.begin() if partial is None else partial
        if partial.keys is None:  # pragma: no cover - the task has no table of slots
            raise AssertionError
        words = partial.keys
        found = self._in_order(pieces[len(owners) :], len(partial.n_rows))
        values = self.answers(self.task.finish(partial), found)
        fields = zip(self.task.layout.fields, self.kinds, strict=True)
        keys = [field.chunk(words, kind) for field, kind in fields]
        return Block(len(partial.n_rows), (*keys, *(encode_floats(v) for v in values)))

    def _in_order(self, pieces: list[Block], n_groups: int) -> dict[int, F64]:
        """Return what the rules ask for, from rows with their keys."""
        if not pieces:
            return {rule.number: np.empty(n_groups) for rule in self.rules}
        bits = self.task.layout.word_bits
        first = pieces[0].n_cols - len(bits)
        order = ordered(joined_words(pieces, len(bits), first), bits)
        starts: I64 = np.append(order.starts(), len(order.rows))
        columns = taken(pieces, len(self.rules), order.rows)
        return {
            rule.number: side_by_side(rule.function, rule.na, column.floats(), starts)
            for rule, column in zip(self.rules, columns, strict=True)
        }
