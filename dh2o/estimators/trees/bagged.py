"""Workers' states of forests: predictions of a row come from the trees that did not see it.

``f[k]`` sums the leaves of those trees and `votes` counts them, so that ``f / votes`` is the
out-of-bag prediction.  Which rows a tree saw is a function of (key of its round, row number): a
state that is made again finds it out anew.  A state that does not learn (a validation frame's)
counts every tree for every row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64, PAD
from dh2o.estimators.trees.histogram import add_rows
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.state import StateSpec, TreeState, fill_state
from dh2o.estimators.trees.steps import LevelSums
from dh2o.estimators.trees.votes import fill_targets, rows_left_out
from dh2o.mrtask import LocalTask, WorkerContext

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.models.forest import Forest

__all__ = [
    "BagSpec",
    "BaggedState",
    "CountTrees",
    "FollowTrees",
    "ScoreBag",
    "StartBag",
    "build_bagged_state",
]


@dataclass(frozen=True, slots=True)
class BagSpec(StateSpec):
    """`keys[r]` draws the rows of round r, those of the model before first; `rates` how many."""

    keys: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    rates: F64 = field(default_factory=lambda: np.ones(1))


class BaggedState(TreeState):
    """One worker's rows, with the sum and the number of the trees that count for each."""

    spec: BagSpec

    def __init__(self, n_rows: int, spec: BagSpec, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker)
        self.votes: I32 = np.zeros(n_rows, np.int32)

    def apply(self, k: int, tree: RawTree) -> None:
        """Add the tree just grown to the predictions of the rows that it did not see."""
        rows = self.rows[0]

        def add(shard: int, _start: int, stop: int) -> None:
            first = stop - int(self.n_in_tree[shard, 1])
            self._count(k, tree, rows, first, stop)

        self.each_shard(add)

    def replay(self, number: int, k: int, tree: RawTree) -> None:
        """Add a tree of round `number` to the predictions of the rows that it does not know."""
        if not self.spec.learns:
            self.walk(k, tree)
            if k == 0:
                self.votes += 1
            return
        key, rows = int(self.spec.keys[number]), self.rows[0]

        def add(_shard: int, start: int, stop: int) -> None:
            n = self._left_out(key, start, stop, rows)
            self._count(k, tree, rows, start, start + n)

        self.each_shard(add)

    def _left_out(self, key: int, start: int, stop: int, rows: I32) -> int:
        rates = np.require(self.spec.rates, requirements="W")
        return rows_left_out(self.y, self.weights, self.row_ids, start, stop, key, rates, rows)

    def _count(self, k: int, tree: RawTree, rows: I32, start: int, stop: int) -> None:
        self._walk(k, tree, rows, start, stop)
        if k == 0:
            self.votes[rows[start:stop]] += 1

    def start_from(self, before: Forest, x: F64, to: slice) -> None:
        """Add the trees of the model before to the predictions of the rows that they do not know.

        A row's weight is known by now, so rows that do not learn are told from others.
        """
        if not self.spec.learns:
            super().start_from(before, x, to)
            self.votes[to] += before.n_trees
            return
        out = np.zeros(to.stop + PAD, np.int32)
        for number in range(before.n_trees):
            n = self._left_out(int(self.spec.keys[number]), to.start, to.stop, out)
            rows = out[to.start : to.start + n]
            own = np.ascontiguousarray(x[rows - to.start])
            self.f[:, rows] += before.sums(own, number, number + 1).T
            self.votes[rows] += 1


def build_bagged_state(blocks: list[Block], spec: BagSpec, worker: WorkerContext) -> BaggedState:
    """Return the state of the rows of `blocks`, with the votes of the trees so far."""
    state = BaggedState(sum(block.n_rows for block in blocks), spec, worker)
    fill_state(state, blocks)
    n_before = 0 if spec.before is None else spec.before.n_trees
    for i, (k, tree) in enumerate(spec.trees):
        state.replay(n_before + i // len(spec.init), k, tree)
    return state


@dataclass(frozen=True, slots=True)
class StartBag(LocalTask[LevelSums, LevelSums]):
    """Count the votes of the trees before, draw the rows, and build the root's histogram.

    `pending`: (class, tree) grown last and not yet counted.  counts = (rows in the tree, rows
    left out, sum of words, coarse squares).
    """

    pending: tuple[tuple[int, RawTree], ...]
    klass: int
    center: float
    scales: F64
    shift: int
    keys: I64
    rates: F64

    def map(self, state: BaggedState, _worker: WorkerContext) -> LevelSums:
        for k, tree in self.pending:
            state.apply(k, tree)
        state.bounds = np.zeros((len(state.shards), 1, 2), np.int64)
        bin_map = state.spec.bin_map
        scales, keys, rates = (
            np.require(a, requirements="W") for a in (self.scales, self.keys, self.rates)
        )

        def start(shard: int, lo: int, hi: int) -> tuple[I64, I64]:
            out = np.zeros(4, np.int64)
            fill_targets(
                self.klass, self.center, state.y, state.weights, state.row_ids, lo, hi, scales,
                self.shift, keys, rates, state.rows[0], state.words[0], out,
            )  # fmt: skip
            state.n_in_tree[shard] = out[:2]
            state.bounds[shard, 0] = lo, lo + out[0]
            hist = state.histograms(shard, 1)
            add_rows(
                state.bins, bin_map.width, state.wide_bins, bin_map.wide_start, state.rows[0],
                state.words[0], lo, lo + int(out[0]), bin_map.stretch, hist[0],
            )  # fmt: skip
            return hist, out

        parts = state.each_shard(start)
        counts = np.sum([out for _, out in parts], axis=0)
        return LevelSums(state.add_up([hist for hist, _ in parts]), counts)

    def combine(self, a: LevelSums, b: LevelSums) -> LevelSums:
        a += b
        return a


@dataclass(frozen=True, slots=True)
class CountTrees(LocalTask[int, int]):
    """Count the votes of the trees just grown."""

    pending: tuple[tuple[int, RawTree], ...]

    def map(self, state: BaggedState, _worker: WorkerContext) -> int:
        for k, tree in self.pending:
            state.apply(k, tree)
        return len(self.pending)

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class FollowTrees(LocalTask[int, int]):
    """Count the votes of trees (round, class, tree) in a state that did not grow them."""

    trees: tuple[tuple[int, int, RawTree], ...]

    def map(self, state: BaggedState, _worker: WorkerContext) -> int:
        for number, k, tree in self.trees:
            state.replay(number, k, tree)
        return len(self.trees)

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class ScoreBag(LocalTask[Any, Any]):
    """Metrics of the rows that have votes; `link` makes predictions of (sums, votes)."""

    builder: Any
    link: Any

    def map(self, state: BaggedState, _worker: WorkerContext) -> Any:
        def score(_shard: int, lo: int, hi: int) -> Any:
            rows = lo + np.flatnonzero(state.votes[lo:hi] > 0)
            predictions = self.link(state.f[:, rows], state.votes[rows])
            w = state.weights[rows].astype(np.float64) if state.weights.size > 1 else None
            return self.builder.map(predictions, state.y[rows], w)

        total, *others = state.each_shard(score)
        for other in others:
            total = self.builder.combine(total, other)
        return total

    def combine(self, a: Any, b: Any) -> Any:
        return self.builder.combine(a, b)

    def finish(self, total: Any) -> Any:
        return self.builder.finish(total)
