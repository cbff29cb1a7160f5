"""Who finishes small nodes: the worker that holds all their rows, else whoever asked.

Batches of small nodes are offered to all workers.  One that has all rows of a batch grows its
subtrees; the others answer with the records of theirs, and the driver grows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64, U8, U32, writable
from dh2o.estimators.trees.leaves import sum_leaf_terms
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.records import RecordLayout, Records
from dh2o.estimators.trees.state import TreeState
from dh2o.estimators.trees.subtrees import (
    copy_segments,
    grow_subtrees,
    settle_rows,
)
from dh2o.mrtask import LocalTask, WorkerContext

__all__ = ["FinishSubtrees", "RowBatch", "SettleRows", "SubtreeRules", "Subtrees", "grow_batch"]

_LEAST_BIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SubtreeRules:
    """How `grow_subtrees` splits: its arguments of these names."""

    features: I32
    allowed: U8
    tries: I64
    cells: I64
    shifts_cells: bool
    edges: F64
    limits: F64
    shift: int
    square_shift: int


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Records of the rows of some nodes, node after node from `starts` on."""

    starts: I64
    layout: RecordLayout
    records: U8

    @classmethod
    def joined(cls, parts: list[RowBatch]) -> RowBatch:
        """Return the rows of all parts, those of one node together."""
        layout, size = parts[0].layout, parts[0].layout.nbytes
        starts = np.sum([part.starts for part in parts], axis=0)
        whole, places = cls(starts, layout, np.empty(int(starts[-1]) * size, np.uint8)), starts[:-1]
        for part in parts:
            lengths = np.diff(part.starts)
            segments = np.column_stack([part.starts[:-1], lengths, places])
            copy_segments(part.words, size // 4, segments, whole.words)
            places = places + lengths
        return whole

    @property
    def words(self) -> U32:
        """The records as kernels copy them, four bytes at a time."""
        return writable(self.records).view(np.uint32)


@dataclass(frozen=True, slots=True)
class Subtrees:
    """Nodes below a batch of nodes, the node itself first: see `grow_subtrees`."""

    nodes: I32
    sums: I64
    gains: F64
    bits: U8
    ends: I64


def grow_batch(rules: SubtreeRules, roots: I64, rows: RowBatch) -> Subtrees:
    """Return the subtrees of the nodes `roots`, whose rows these are."""
    n, starts = int(rows.starts[-1]), writable(rows.starts)
    records, size = Records(rows.layout, writable(rows.records)), rows.layout.nbytes
    words = records.full_words(n)
    largest = int(np.diff(starts).max(initial=0))
    n_bins = int(rules.features[:, 1].max(initial=0)) + 1
    most_bits = int(((rules.features[:, 1] + 7) // 8)[rules.features[:, 2] == 1].max(initial=0))
    nodes = np.zeros((2 * n, 6), np.int32)
    sums, gains = np.zeros((2 * n, 2), np.int64), np.zeros(2 * n)
    bits = np.zeros(max(largest * most_bits, min(n * most_bits, _LEAST_BIT_BYTES)), np.uint8)
    used = np.zeros(2 + len(roots), np.int64)
    features, limits = writable(rules.features), writable(rules.limits)
    allowed, tries = writable(rules.allowed), writable(rules.tries)
    cells, edges = writable(rules.cells), writable(rules.edges)
    first, kept = 0, []
    while True:
        first = grow_subtrees(
            first, starts, writable(roots), records.bytes, size, records.pairs,
            size // 2, words, np.zeros(n, np.int32), np.zeros(n, np.int64),
            np.zeros(n, np.int32), features, allowed, tries, cells, rules.shifts_cells,
            edges, limits, rules.shift, rules.square_shift,
            np.zeros(len(features), np.int32), np.zeros(n_bins, np.int64),
            np.zeros((n_bins >> 6) + 1, np.uint64), np.zeros((5, n_bins + 1), np.int64),
            np.zeros(n_bins + 1), np.zeros(n_bins + 1, np.uint8), nodes, sums, gains, bits, used,
        )  # fmt: skip
        kept.append(bits[: used[1]].copy())
        if first == len(roots):
            break
        bits[:] = 0
        used[1] = 0
    m = int(used[0])
    whole = np.concatenate(kept)
    if len(kept) > 1:
        _shift_bits(nodes[:m], [len(part) for part in kept])
    return Subtrees(nodes[:m].copy(), sums[:m].copy(), gains[:m].copy(), whole, used[2:].copy())


def _shift_bits(nodes: I32, sizes: list[int]) -> None:
    """Count first bytes from the start of all parts: within a part they rise."""
    coded = np.flatnonzero(nodes[:, 4] >= 0)
    at = nodes[coded, 4].astype(np.int64)
    part = np.concatenate([[0], np.cumsum(np.diff(at) < 0)])
    nodes[coded, 4] = at + np.concatenate([[0], np.cumsum(sizes)])[part]


@dataclass(frozen=True, slots=True)
class FinishSubtrees(LocalTask[dict[int, Any], dict[int, Any]]):
    """Subtrees below small nodes, or the rows to grow them from, by number of the batch.

    ``roots`` as for `grow_subtrees`; a state keeps the rows of root p at places[p].
    Batch b is of the roots ``ends[b]:ends[b + 1]``.
    """

    roots: I64
    places: I32
    ends: I64
    rules: SubtreeRules

    def map(self, state: TreeState, worker: WorkerContext) -> dict[int, Any]:
        batches = list(range(len(self.ends) - 1))
        return dict(zip(batches, worker.map(lambda b: self._batch(state, b), batches), strict=True))

    def _batch(self, state: TreeState, b: int) -> Subtrees | list[RowBatch]:
        chosen = slice(int(self.ends[b]), int(self.ends[b + 1]))
        roots = self.roots[chosen]
        bounds = state.bounds[:, self.places[chosen]]
        lengths = bounds[:, :, 1] - bounds[:, :, 0]
        sizes = lengths.sum(axis=0)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        layout, records = state.records.layout, state.records.bytes
        rows = RowBatch(starts, layout, np.empty(int(starts[-1]) * layout.nbytes, np.uint8))
        places = starts[:-1] + np.cumsum(lengths, axis=0) - lengths
        segments = np.stack([bounds[:, :, 0], lengths, places], axis=2).reshape(-1, 3)
        copy_segments(records.view(np.uint32), layout.nbytes // 4, segments, rows.words)
        if (sizes == roots[:, 1]).all():
            return grow_batch(self.rules, roots, rows)
        return [rows]

    def combine(self, a: dict[int, Any], b: dict[int, Any]) -> dict[int, Any]:
        return {batch: _either(a[batch], b[batch]) for batch in a}


def _either(a: Any, b: Any) -> Any:
    if isinstance(a, Subtrees):
        return a
    return b if isinstance(b, Subtrees) else a + b


@dataclass(frozen=True, slots=True)
class SettleRows(LocalTask[I64, I64]):
    """Sort the rows of finished nodes into their leaves, where `leaf_table` finds them.

    Node ``nodes[p]`` was finished; below it are the nodes ``first[p]`` to ``last[p] - 1``, which
    have places `offset` above their numbers.  Returns the sum of the leaf terms of each of the
    tree's leaves, if it `sums_terms`.
    """

    tree: RawTree
    nodes: I64
    first: I64
    last: I64
    offset: int
    sums_terms: bool

    def map(self, state: TreeState, _worker: WorkerContext) -> I64:
        tree, records = self.tree, state.records
        bounds = state.bounds_of(int(tree.places.max()) + 1)
        table = writable(tree.nodes), writable(tree.bits), writable(tree.na_left)

        def settle(shard: int, _lo: int, _hi: int) -> I64:
            stretch = bounds[shard, tree.places[self.nodes]]
            segments = np.column_stack([stretch, self.nodes, self.first, self.last])
            most = int((stretch[:, 1] - stretch[:, 0]).max(initial=0))
            size = records.layout.nbytes
            settle_rows(
                records.bytes, records.pairs, size, state.tags, segments, *table,
                np.empty(most * size, np.uint8), np.empty(most, np.int64),
                np.empty(most, np.int32), bounds[shard, self.offset :],
            )  # fmt: skip
            terms = np.zeros(len(tree.leaves) if self.sums_terms else 0, np.int64)
            if self.sums_terms:
                sum_leaf_terms(state.tags, state.leaf_table(shard, tree), terms)
            return terms

        return np.sum(state.each_shard(settle), axis=0)

    def combine(self, a: I64, b: I64) -> I64:
        return a + b
