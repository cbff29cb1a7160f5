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
from dh2o.estimators.trees.leaves import add_leaf_values, walk_bins
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.records import RecordLayout, Records
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

    `rows[d % 2]` holds the row numbers of the nodes of depth d, node after node;
    ``bounds[shard, node]`` says from where to where.
    """

    def __init__(self, n_rows: int, spec: StateSpec, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker, np.float32)
        self.spec = spec
        bin_map = spec.bin_map
        self.records = Records.empty(RecordLayout.of(bin_map, spec.fixed), n_rows)
        self.f: F64 = np.zeros((len(spec.init), n_rows), np.float64)
        self.aux: F64 = np.zeros(n_rows if len(spec.init) > 1 else 1, np.float64)
        self.bounds: I64 = np.zeros((len(self.shards), 1, 2), np.int64)
        n = n_rows + PAD if spec.fixed is not None else 0
        self.rows: tuple[I32, I32] = (np.zeros(n, np.int32), np.zeros(n, np.int32))
        self.chosen: I32 = np.zeros(0, np.int32)  # features of the tree's histograms: see `BinMap`
        self.terms: I32 = np.zeros(n, np.int32)
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

    def leaf_table(self, shard: int, tree: RawTree) -> I64:
        """Return (start, stop, which of `rows`) of each leaf of the tree just grown."""
        leaves = tree.leaves
        bounds = self.bounds[shard, tree.places[leaves]]
        return np.column_stack([bounds, tree.parity[leaves]]).astype(np.int64)

    def apply(self, k: int, tree: RawTree) -> None:
        """Add the values of the tree just grown to class k's predictions, of rows left out too."""
        self.each_shard(self.applier(k, tree))

    def applier(self, k: int, tree: RawTree) -> Callable[[int, int, int], None]:
        """Return what applies a tree to the rows of a shard."""
        values = tree.values[tree.leaves]
        rows = self.rows

        def add(shard: int, _start: int, stop: int) -> None:
            add_leaf_values(*rows, self.leaf_table(shard, tree), values, self.f[k])
            out = int(self.n_in_tree[shard, 1])
            self._walk(k, tree, rows[0], stop - out, stop)

        return add

    def start_from(self, before: Forest, x: F64, to: slice) -> None:
        """Add the trees of the model before to the predictions of the rows `to`, which hold `x`."""
        self.f[:, to] += before.sums(x).T

    def walk(self, k: int, tree: RawTree) -> None:
        """Add the values of any tree to class k's predictions of all rows."""
        none = np.zeros(0, np.int32)
        self.each_shard(lambda _, start, stop: self._walk(k, tree, none, start, stop))

    def _walk(self, k: int, tree: RawTree, rows: I32, start: int, stop: int) -> None:
        if stop > start:
            walk_bins(
                *self.bin_arrays, rows, start, stop, *map(writable, tree.walk_arrays), self.f[k],
            )  # fmt: skip


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
    return state


def fill_state(state: TreeState, blocks: list[Block]) -> None:
    """Bin the rows of `blocks` and take their targets, weights and first predictions."""
    cuts = [_padded_cuts(feature) for feature in state.spec.bin_map.features]
    state.fill(blocks, _TILE, functools.partial(_fill, state, cuts))


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
