"""The steps of growing a tree, as passes over the workers' states: exact integer sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8, writable
from dh2o.estimators.trees.gradients import fill_words, log_sum_exp, max_terms
from dh2o.estimators.trees.leaves import sum_leaf_terms
from dh2o.estimators.trees.partition import route_and_add, sort_out
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.state import ThreadHistograms, TreeState
from dh2o.mrtask import LocalTask, WorkerContext

__all__ = [
    "ApplyTrees",
    "LeafTerms",
    "LevelSums",
    "MaxTerms",
    "RouteLevel",
    "ScoreRows",
    "ShiftScores",
    "StartTree",
    "WalkTrees",
    "start_root",
]


_FIRST_PLACES = 1024  # nodes that a tree has room for when it begins
_SCORED_ROWS = 1 << 18  # rows measured at once, which bounds the memory that takes
_FILLED_ROWS = 16_384  # rows whose words are written before they are added up: in the cache then


@dataclass(slots=True)
class LevelSums:
    """What a pass over a level counts: histograms of the built nodes, and sums a split or tree."""

    hists: I64
    counts: I64

    def __iadd__(self, other: LevelSums) -> LevelSums:
        self.hists += other.hists  # this worker's own: what another sent is on the right
        self.counts += other.counts
        return self


def start_root(
    state: TreeState, pending: tuple[tuple[int, RawTree], ...], features: U8,
    fill: Callable[[int, int, I64, F64, I64], None], raises: bool = False,
    prepare: Callable[[int, int], None] | None = None,
) -> LevelSums:  # fmt: skip
    """Return the root's histogram of the flagged features, after the trees before are applied.

    ``fill(start, stop, leaves, values, out)`` writes the words of records and adds to `out`, the
    counts: (rows in the tree, rows left out, sum of words, coarse squares).  If it `raises` scores
    by the values of leaves, the one tree before is applied so.  ``prepare(lo, hi)`` comes first.
    """
    bounds = np.zeros((len(state.shards), _FIRST_PLACES, 2), np.int64)
    raising = pending[0][1] if raises and len(pending) == 1 else None
    before = [] if raising else [state.applier(k, tree) for k, tree in pending]
    state.chosen = state.spec.bin_map.chosen(features)
    none = np.zeros(0, np.int64), np.zeros(0)

    def start(shard: int, lo: int, hi: int) -> tuple[I64, I64]:
        for apply in before:
            apply(shard, lo, hi)
        leaves = none
        if raising:
            leaves = state.leaf_ends(shard, raising)
            state.walk_left_out(0, raising, shard)
        if prepare is not None:
            prepare(lo, hi)
        out, hist = np.zeros(4, np.int64), state.histograms(shard, 1)
        end, n_added = state.ends[shard], 0
        for at in range(lo, end, _FILLED_ROWS):
            stop = min(at + _FILLED_ROWS, end)
            fill(at, stop, *leaves, out)
            if out[1] == 0:  # these rows are in the cache, and where they stay
                state.add_rows(at, stop, hist[0])
                n_added = stop - lo
        if out[1] > 0:
            place = state.records.layout.place
            first = lo + n_added
            sort_out(state.records.bytes, state.tags, place, first, end)
            state.add_rows(first, lo + int(out[0]), hist[0])
        state.n_in_tree[shard] = out[:2]
        bounds[shard, 0] = lo, lo + out[0]
        return hist, out

    parts = state.each_shard(start)
    state.bounds = bounds
    counts = np.sum([out for _, out in parts], axis=0)
    return LevelSums(state.add_up([hist for hist, _ in parts]), counts)


@dataclass(frozen=True, slots=True)
class StartTree(LocalTask[LevelSums, LevelSums]):
    """Finish the trees before, compute gradients, and build the root's histogram.

    `pending`: (class, tree) grown last and not yet applied.  Sums as of `start_root`.
    """

    pending: tuple[tuple[int, RawTree], ...]
    loss: int
    param: float
    klass: int
    refresh: bool
    scales: F64
    shift: int
    keys: I64
    rates: F64
    features: U8

    def map(self, state: TreeState, _worker: WorkerContext) -> LevelSums:
        scales, keys, rates = writable(self.scales), writable(self.keys), writable(self.rates)
        records, facts = state.records, state.facts.reshape(-1)

        def fill(lo: int, hi: int, leaves: I64, values: F64, out: I64) -> None:
            fill_words(
                self.loss, self.param, self.klass, facts, state.facts.shape[1], state.aux,
                state.weights, state.row_ids, lo, hi, scales, self.shift, keys, rates,
                records.layout.place, records.bytes, state.tags, leaves, values, out,
            )  # fmt: skip

        def refresh(lo: int, hi: int) -> None:
            if self.refresh and self.klass >= 0:
                log_sum_exp(state.f, lo, hi, state.aux)

        return start_root(state, self.pending, self.features, fill, self.klass < 0, refresh)

    def combine(self, a: LevelSums, b: LevelSums) -> LevelSums:
        a += b
        return a


@dataclass(frozen=True, slots=True)
class RouteLevel(LocalTask[LevelSums, LevelSums]):
    """Send the rows of the split nodes to their children and build the histograms that are asked.

    Split s divides node ``nodes[s]`` into ``first_child + 2 s`` and the next one.
    counts = (rows, coarse squares) of the left children.
    """

    nodes: I64
    first_child: int
    columns: I32
    starts: I64
    goes_left: U8
    builds: I8
    hist_idx: I32
    n_built: int
    square_shift: int
    weight_mask: int

    def map(self, state: TreeState, _worker: WorkerContext) -> LevelSums:
        bin_map, records = state.spec.bin_map, state.records
        n = len(self.nodes)
        bounds = state.bounds_of(self.first_child + 2 * n)
        given = self.columns, self.goes_left, self.starts, self.builds, self.hist_idx
        nodes, *tables = [writable(a) for a in (self.nodes, *given)]
        left = np.zeros((len(state.shards), 2, n), np.int64)
        hists = ThreadHistograms(state, self.n_built)

        def route(part: tuple[int, int, int]) -> None:
            shard, first, last = part
            route_and_add(
                records.bytes, state.tags, records.layout.place, bin_map.wide_start, state.chosen,
                bounds[shard], nodes, self.first_child, first, last, *tables, bin_map.stretch,
                hists.own(), self.square_shift, self.weight_mask, left[shard, 0], left[shard, 1],
            )  # fmt: skip

        state.worker.map(route, state.parts_of(n))
        return LevelSums(state.add_up(hists.all), left.sum(axis=0))

    def combine(self, a: LevelSums, b: LevelSums) -> LevelSums:
        a += b
        return a


@dataclass(frozen=True, slots=True)
class LeafTerms(LocalTask[I64, I64]):
    """Sum of the leaf terms of each leaf of the tree just grown."""

    tree: RawTree

    def map(self, state: TreeState, _worker: WorkerContext) -> I64:
        def add(shard: int, _lo: int, _hi: int) -> I64:
            out = np.zeros(len(self.tree.leaves), np.int64)
            sum_leaf_terms(state.tags, state.leaf_table(shard, self.tree), out)
            return out

        return np.sum(state.each_shard(add), axis=0)

    def combine(self, a: I64, b: I64) -> I64:
        return a + b


@dataclass(frozen=True, slots=True)
class MaxTerms(LocalTask[F64, F64]):
    """Finish the trees before; largest |w z| and w d over all rows (of losses without bounds)."""

    pending: tuple[tuple[int, RawTree], ...]
    loss: int
    param: float

    def map(self, state: TreeState, _worker: WorkerContext) -> F64:
        for k, tree in self.pending:
            state.apply(k, tree)

        def largest(_shard: int, lo: int, hi: int) -> F64:
            out = np.zeros(2)
            max_terms(self.loss, self.param, state.y, state.f[0], state.weights, lo, hi, out)
            return out

        return np.max(state.each_shard(largest), axis=0)

    def combine(self, a: F64, b: F64) -> F64:
        return np.maximum(a, b)


@dataclass(frozen=True, slots=True)
class ApplyTrees(LocalTask[int, int]):
    """Add the values of the trees just grown to the predictions."""

    pending: tuple[tuple[int, RawTree], ...]

    def map(self, state: TreeState, _worker: WorkerContext) -> int:
        for k, tree in self.pending:
            state.apply(k, tree)
        return len(self.pending)

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class ShiftScores(LocalTask[int, int]):
    """Add a constant to all predictions."""

    value: float

    def map(self, state: TreeState, _worker: WorkerContext) -> int:
        state.f += self.value
        return 1

    def combine(self, a: int, b: int) -> int:
        return a + b


@dataclass(frozen=True, slots=True)
class WalkTrees(LocalTask[int, int]):
    """Add the values of trees to the predictions of a state that did not grow them."""

    trees: tuple[tuple[int, RawTree], ...]

    def map(self, state: TreeState, _worker: WorkerContext) -> int:
        for k, tree in self.trees:
            state.walk(k, tree)
        return len(self.trees)

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class ScoreRows(LocalTask[Any, Any]):
    """Metrics of the running predictions, which `link` makes of scores."""

    builder: Any
    link: Any

    def map(self, state: Any, _worker: WorkerContext) -> Any:
        def score(_shard: int, lo: int, hi: int) -> Any:
            total = None
            for at in range(lo, max(hi, lo + 1), _SCORED_ROWS):
                rows, predictions = self._predicted(state, at, min(at + _SCORED_ROWS, hi))
                part = self.builder.map(predictions, state.y[rows], state.weights_of(rows))
                total = part if total is None else self.builder.combine(total, part)
            return total

        total, *others = state.each_shard(score)
        for other in others:
            total = self.builder.combine(total, other)
        return total

    def _predicted(self, state: Any, lo: int, hi: int) -> tuple[Any, Any]:
        """Return the rows to measure of lo..hi-1, and their predictions."""
        rows = slice(lo, hi)
        return rows, self.link(state.f[:, rows])

    def combine(self, a: Any, b: Any) -> Any:
        return self.builder.combine(a, b)

    def finish(self, total: Any) -> Any:
        return self.builder.finish(total)
