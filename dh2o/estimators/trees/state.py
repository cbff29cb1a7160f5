"""What a worker keeps while trees grow: binned rows, targets, predictions, rows by node.

It is made of the frame's blocks and the trees so far, so that it can be made again anywhere.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64, PAD, U8, U16, writable
from dh2o.estimators.trees.binning import BinMap, FeatureBins, bin_codes, bin_numbers
from dh2o.estimators.trees.histogram import add_chosen, add_rows
from dh2o.estimators.trees.leaves import add_leaf_values, walk_bins
from dh2o.estimators.trees.partition import mark_weightless, sort_out
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.records import ROW_MASK, RecordLayout, Records
from dh2o.estimators.trees.shards import ShardedRows, Tile

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.estimators.trees.fixed_point import FixedPoint
    from dh2o.models.forest import Forest
    from dh2o.mrtask import WorkerContext

__all__ = ["StateSpec", "ThreadHistograms", "TreeState", "build_state", "fill_state"]

_PARTS_A_SHARD = 4  # parts of a shard's nodes that threads take one by one
_TILE = 32_768  # rows binned at once: their bins stay in the second-level cache


@dataclass(frozen=True, slots=True)
class StateSpec:
    """What a worker needs to make its part of the state, besides the blocks.

    `trees` are (class, tree) in the order in which they were built, after those of the forest
    `before` that this training goes on from.  `fixed` are the scales that rows learn by, None in
    the state of a validation frame, which only follows the predictions.
    """

    bin_map: BinMap
    response: str
    weights: str | None
    offset: str | None
    init: tuple[float, ...]
    trees: tuple[tuple[int, RawTree], ...] = ()
    fixed: FixedPoint | None = None
    before: Forest | None = None


class TreeState(ShardedRows):
    """One worker's rows, binned.

    Records lie node after node, ``bounds[shard, node]`` says from where to where; `tags` say whose
    they are. All else is in the order of the rows.  Behind ``ends[shard]`` are the records of a
    shard's rows that weigh nothing: no tree ever asks for them.
    """

    def __init__(self, n_rows: int, spec: StateSpec, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker, np.float32)
        self.spec = spec
        bin_map = spec.bin_map
        self.records = Records.empty(RecordLayout.of(bin_map, spec.fixed), n_rows)
        n_facts = len(spec.init) + 1
        self.facts: F64 = np.zeros((n_rows, n_facts))  # of a row: scores, target
        self.f: F64 = self.facts[:, :-1].T
        self.y = self.facts[:, -1]
        self.aux: F64 = np.zeros(n_rows if len(spec.init) > 1 else 1, np.float64)
        self.bounds: I64 = np.zeros((len(self.shards), 1, 2), np.int64)
        self.ends = [stop for _, stop in self.shards]
        self.chosen: I32 = np.zeros(0, np.int32)  # features of the tree's histograms: see `BinMap`
        self.tags: I64 = np.zeros(0, np.int64)
        if spec.fixed is not None:
            self.tags = np.zeros(n_rows + PAD, np.int64)
            self.tags[:n_rows] = np.arange(n_rows)
        none = np.zeros((0, bin_map.n_slots), np.int64)
        self.pool: list[I64] = [none] * worker.n_threads  # histograms, a thread

    @property
    def bin_arrays(self) -> tuple[U8, int, U16, int]:
        """The records as kernels take them that look at bins only."""
        size = self.records.layout.nbytes
        return self.records.bytes, size, self.records.pairs, size // 2

    def histograms(self, thread: int, n: int) -> I64:
        """Return `n` histograms of zeros for one thread to fill; valid until the next call."""
        pool = self.pool[thread]
        if len(pool) < n:
            pool = self.pool[thread] = np.zeros((max(n, 2 * len(pool)), pool.shape[1]), np.int64)
        else:
            pool[:n] = 0
        return pool[:n]

    def bounds_of(self, n_places: int) -> I64:
        """Return the bounds of all nodes, with room for so many."""
        known = self.bounds.shape[1]
        if known < n_places:
            bounds = np.zeros((len(self.shards), max(n_places, 2 * known), 2), np.int64)
            bounds[:, :known] = self.bounds
            self.bounds = bounds
        return self.bounds

    def parts_of(self, n: int) -> list[tuple[int, int, int]]:
        """Return (shard, first, last) of parts of n nodes: who is done first takes the next one."""
        n_parts = min(n, _PARTS_A_SHARD) if self.worker.n_threads > 1 else 1
        ends = [n * i // n_parts for i in range(n_parts + 1)]
        shards = range(len(self.shards))
        return [(k, lo, hi) for lo, hi in itertools.pairwise(ends) for k in shards]

    def add_up(self, hists: Sequence[I64]) -> I64:
        """Return the sum of the threads' histograms (in the first one's place)."""
        if len(hists) > 1:
            flat = [h.reshape(-1) for h in hists]
            step = max(-(-flat[0].size // self.worker.n_threads), 1 << 14)
            spans = range(0, flat[0].size, step)

            def add(at: int) -> None:
                for other in flat[1:]:
                    flat[0][at : at + step] += other[at : at + step]

            self.worker.map(add, list(spans))
        return hists[0]

    def add_rows(self, start: int, stop: int, hist: I64) -> None:
        """Add the records start..stop-1 to a histogram of the chosen features."""
        records, bin_map = self.records, self.spec.bin_map
        facts = records.bytes, records.layout.place, bin_map.wide_start
        if len(self.chosen):
            add_chosen(*facts, self.chosen, start, stop, bin_map.stretch, hist)
        else:
            add_rows(*facts, start, stop, bin_map.stretch, hist)

    def rows_of_leaves(self, shard: int, tree: RawTree | None) -> tuple[I64, I64]:
        """Return tags of rows, and (start, stop) in them of each leaf; no tree: of all rows."""
        if tree is None:
            return self.tags, np.array([self.shards[shard]], np.int64)
        return self.tags, self.leaf_table(shard, tree)

    def leaf_table(self, shard: int, tree: RawTree) -> I64:
        """Return (start, stop) of the records of each leaf of the tree just grown."""
        return np.ascontiguousarray(self.bounds[shard, tree.places[tree.leaves]])

    def leaf_ends(self, shard: int, tree: RawTree) -> tuple[I64, F64]:
        """Return where leaves end and their values, in the order of the records."""
        table = self.leaf_table(shard, tree)
        used = np.flatnonzero(table[:, 0] < table[:, 1])
        used = used[np.argsort(table[used, 1])]
        return table[used, 1], tree.values[tree.leaves[used]].astype(np.float64)

    def apply(self, k: int, tree: RawTree) -> None:
        """Add the values of the tree just grown to class k's predictions, of rows left out too."""
        self.each_shard(self.applier(k, tree))

    def applier(self, k: int, tree: RawTree) -> Callable[[int, int, int], None]:
        """Return what applies a tree to the rows of a shard."""
        values = tree.values[tree.leaves]

        def add(shard: int, _start: int, _stop: int) -> None:
            add_leaf_values(self.tags, self.leaf_table(shard, tree), values, self.f[k])
            self.walk_left_out(k, tree, shard)

        return add

    def _left_out(self, shard: int) -> tuple[int, int]:
        """Return from where to where the records lie that the last tree was not grown on."""
        first = self.shards[shard][0] + int(self.n_in_tree[shard, 0])
        return first, first + int(self.n_in_tree[shard, 1])

    def rows_left_out(self, shard: int) -> I64:
        """Return the shard's rows that the last tree was not grown on."""
        first, stop = self._left_out(shard)
        return self.tags[first:stop] & ROW_MASK

    def walk_left_out(self, k: int, tree: RawTree, shard: int) -> None:
        """Add a tree's values to class k's predictions of the rows it was not grown on."""
        self._walk(k, tree, np.zeros(0, np.int32), *self._left_out(shard))

    def start_from(self, before: Forest, x: F64, to: slice) -> None:
        """Add the trees of the model before to the predictions of the rows `to`, which hold `x`."""
        self.f[:, to] += before.sums(x).T

    def walk(self, k: int, tree: RawTree) -> None:
        """Add the values of any tree to class k's predictions of all rows."""
        none = np.zeros(0, np.int32)
        self.each_shard(lambda _, start, stop: self._walk(k, tree, none, start, stop))

    def _walk(self, k: int, tree: RawTree, places: I32, start: int, stop: int) -> None:
        if stop > start:
            walk_bins(
                *self.bin_arrays, places, self.tags, start, stop,
                *map(writable, tree.walk_arrays), self.f[k],
            )  # fmt: skip

    def forget_row_numbers(self) -> None:
        """Keep the first row's number alone if those of the others follow from it."""
        ids = self.row_ids
        if self.n_rows > 1 and bool((ids[1:] - ids[:-1] == 1).all()):
            self.row_ids = ids[:1].copy()

    def put_weightless_last(self) -> None:
        """Put the records of rows that weigh nothing behind the others of their shard."""
        if self.spec.fixed is None or self.weights.size < self.n_rows:
            return
        place, memory = self.records.layout.place, self.records.bytes

        def sort(shard: int, start: int, stop: int) -> None:
            if mark_weightless(memory, place, self.weights, start, stop):
                self.ends[shard] = sort_out(memory, self.tags, place, start, stop)

        self.each_shard(sort)


class ThreadHistograms:
    """`n` histograms for each thread that asks for its own."""

    def __init__(self, state: TreeState, n: int) -> None:
        self._state = state
        self._n = n
        self._numbers = itertools.count()
        self._of_thread: dict[int, I64] = {}

    def own(self) -> I64:
        """Return those of the calling thread, zeros at first."""
        thread = threading.get_ident()
        if thread not in self._of_thread:
            self._of_thread[thread] = self._state.histograms(next(self._numbers), self._n)
        return self._of_thread[thread]

    @property
    def all(self) -> list[I64]:
        """The histograms of all threads that asked."""
        return list(self._of_thread.values())


def build_state(blocks: list[Block], spec: StateSpec, worker: WorkerContext) -> TreeState:
    """Return the state of the rows of `blocks`, with the predictions of the trees so far."""
    state = TreeState(sum(block.n_rows for block in blocks), spec, worker)
    fill_state(state, blocks)
    for k, tree in spec.trees:
        state.walk(k, tree)
    state.put_weightless_last()
    return state


def fill_state(state: TreeState, blocks: list[Block]) -> None:
    """Bin the rows of `blocks` and take their targets, weights and first predictions."""
    cuts = [_padded_cuts(feature) for feature in state.spec.bin_map.features]
    state.fill(blocks, _TILE, functools.partial(_fill, state, cuts))
    state.forget_row_numbers()


def _padded_cuts(feature: FeatureBins) -> Any:
    """Return what the binning kernel searches: cuts as doubles padded to 255, or bins of levels."""
    if feature.is_coded:
        return feature.levels_of_bins().astype(np.uint16 if feature.is_wide else np.uint8)
    cuts = np.full(255, np.nan)
    cuts[: len(feature.cuts)] = feature.cuts
    return cuts


def _fill(state: TreeState, cuts: list[Any], tile: Tile) -> None:
    spec, to = state.spec, tile.to
    state.take(tile)
    for k, init in enumerate(spec.init):
        state.f[k, to] = init
    if spec.offset is not None:
        offset = tile.floats(spec.offset)
        state.f[:, to] += offset
        lost = np.isnan(offset)
        state.weights[to][lost] = 0.0
        state.f[:, to][:, lost] = 0.0
    if spec.before is not None:
        x = np.zeros((tile.stop - tile.start, len(spec.bin_map.features) + 1))
        for k, feature in enumerate(spec.bin_map.features):
            x[:, k] = tile.floats(feature.name)
        state.start_from(spec.before, x, to)
    fill_bins(spec.bin_map, cuts, tile, state.records)


def fill_bins(bin_map: BinMap, cuts: list[Any], tile: Tile, records: Records) -> None:
    """Write the bins of a tile's rows into their records."""
    size = records.layout.nbytes
    for feature, column, cut in zip(bin_map.features, bin_map.columns, cuts, strict=True):
        chunk = tile.block.chunk(feature.name)
        first = tile.at * size + int(column)
        if not feature.is_coded:
            values = chunk.floats(None, tile.start, tile.stop)
            bin_numbers(values, cut, feature.n_bins, records.bytes, first, size)
            continue
        codes = chunk.codes(None, tile.start, tile.stop)
        if feature.is_wide:
            first = tile.at * (size // 2) - int(column) - 1
            bin_codes(codes, cut, feature.n_bins, records.pairs, first, size // 2)
        else:
            bin_codes(codes, cut, feature.n_bins, records.bytes, first, size)
