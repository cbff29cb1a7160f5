"""What a worker keeps while trees grow by value: rows as numbers, targets, predictions, terms.

It is made of the frame's blocks and the trees so far, so that it can be made again anywhere.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.columns import ColumnTable
from dh2o.estimators.trees.adaptive.value_tree import ValueTree, walk_values
from dh2o.estimators.trees.arrays import F32, F64, I32, I64, PAD, writable
from dh2o.estimators.trees.shards import ShardedRows, Tile

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.models.forest import Forest
    from dh2o.mrtask import WorkerContext

__all__ = ["ValueSpec", "ValueState", "build_values", "fill_values"]

_TILE = 16_384


@dataclass(frozen=True, slots=True)
class ValueSpec:
    """What a worker needs to make its part of the state, besides the blocks.

    `trees` are (class, tree) in the order in which they were built, after those of the forest
    `before`.  `dim` is the number of terms a row; 0 in the state of a validation frame, which
    only follows the predictions.  `as_float`: predictions are cut to float32, as H2O's GBM does.
    """

    columns: ColumnTable
    response: str
    weights: str | None
    offset: str | None
    init: tuple[float, ...]
    trees: tuple[tuple[int, ValueTree], ...] = ()
    dim: int = 3
    before: Forest | None = None
    as_float: bool = True
    n_given: int = 0


class ValueState(ShardedRows):
    """One worker's rows; its names are those of `dh2o.estimators.trees.state.TreeState`.

    `f` are scores with the offset, `sums` without it.
    """

    def __init__(self, n_rows: int, spec: ValueSpec, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker, np.float64)
        self.spec = spec
        self.width = spec.columns.n_columns
        self.x: F64 = np.zeros(n_rows * self.width + PAD, np.float64)
        self.offset: F64 | None = None if spec.offset is None else np.zeros(n_rows)
        self.sums: F64 = np.zeros((len(spec.init), n_rows), np.float64)
        self.f: F64 = self.sums if self.offset is None else np.zeros_like(self.sums)
        self.aux: F64 = np.zeros(n_rows if len(spec.init) > 1 else 1, np.float64)
        self.given: F64 = np.zeros(3 * n_rows if spec.n_given else 0, np.float64)
        self.bounds: I64 = np.zeros((len(self.shards), 1, 2), np.int64)
        n = n_rows + PAD if spec.dim else 0
        self.rows: tuple[I32, I32] = (np.zeros(n, np.int32), np.zeros(n, np.int32))
        self.z: F32 = np.zeros(n, np.float32)
        self.row_terms: I64 = np.zeros(n_rows * spec.dim, np.int64)

    def leaf_table(self, shard: int, tree: ValueTree) -> I64:
        """Return (start, stop, depth parity) of each leaf of the tree just grown."""
        leaves = tree.leaves
        bounds = np.zeros((len(leaves), 2), np.int64)
        known = leaves < self.bounds.shape[1]
        bounds[known] = self.bounds[shard, leaves[known]]
        return np.column_stack([bounds, tree.depths[leaves] % 2]).astype(np.int64)

    def rows_of_leaves(self, shard: int, tree: ValueTree | None) -> tuple[I64, I64]:
        """Return numbers of rows, and (start, stop) in them of each leaf; no tree: of all rows."""
        first, last = self.shards[shard]
        if tree is None:
            return np.arange(first, last), np.array([[0, last - first]], np.int64)
        table = self.leaf_table(shard, tree)
        rows = [self.rows[parity][start:stop] for start, stop, parity in table.tolist()]
        ends = np.cumsum(table[:, 1] - table[:, 0])
        starts = ends - (table[:, 1] - table[:, 0])
        return np.concatenate(rows).astype(np.int64), np.column_stack([starts, ends])

    def apply(self, k: int, tree: ValueTree) -> None:
        """Add the values of the tree just grown to class k's predictions, of rows left out too."""
        values = np.ascontiguousarray(tree.added_values[tree.leaves])

        def add(shard: int, start: int, stop: int) -> None:
            _add_leaves(
                *self.rows, self.leaf_table(shard, tree), values, self.spec.as_float, self.sums[k]
            )
            self.walk_left_out(k, tree, shard)
            self.refresh(k, start, stop)

        self.each_shard(add)

    def rows_left_out(self, shard: int) -> I32:
        """Return the shard's rows that the last tree was not grown on."""
        stop = self.shards[shard][1]
        return self.rows[0][stop - int(self.n_in_tree[shard, 1]) : stop]

    def walk_left_out(self, k: int, tree: ValueTree, shard: int) -> None:
        """Add a tree's values to class k's predictions of the rows it was not grown on."""
        stop = self.shards[shard][1]
        self._walk(k, tree, self.rows[0], stop - int(self.n_in_tree[shard, 1]), stop)

    def walk(self, k: int, tree: ValueTree) -> None:
        """Add the values of any tree to class k's predictions of all rows."""
        none = np.zeros(0, np.int32)

        def add(_shard: int, start: int, stop: int) -> None:
            self._walk(k, tree, none, start, stop)
            self.refresh(k, start, stop)

        self.each_shard(add)

    def _walk(self, k: int, tree: ValueTree, rows: I32, start: int, stop: int) -> None:
        if stop > start:
            values = tree.added_values if self.spec.dim else tree.values
            arrays = (tree.nodes, tree.thresholds, tree.na_sides, tree.goes_left, values)
            walk_values(
                self.x, self.width, rows, start, stop,
                *map(writable, arrays), self.spec.as_float,
                self.sums[k],
            )  # fmt: skip

    def refresh(self, k: int, start: int, stop: int) -> None:
        """Make class k's scores of some rows from their sums and offsets."""
        if self.offset is not None:
            self.f[k, start:stop] = self.sums[k, start:stop] + self.offset[start:stop]


@njit(nogil=True, cache=True)
def _add_leaves(even: I32, odd: I32, leaves: I64, values: F32, as_float: bool, f: F64) -> None:
    """f[r] += values[k] for the rows r of leaf k: (start, stop, 0 in `even` or 1 in `odd`)."""
    for k in range(leaves.shape[0]):
        rows = even if leaves[k, 2] == 0 else odd
        value = np.float64(values[k])
        for i in range(leaves[k, 0], leaves[k, 1]):
            total = f[rows[i]] + value
            f[rows[i]] = np.float64(np.float32(total)) if as_float else total


def build_values(blocks: list[Block], spec: ValueSpec, worker: WorkerContext) -> ValueState:
    """Return the state of the rows of `blocks`, with the predictions of the trees so far."""
    state = ValueState(sum(block.n_rows for block in blocks), spec, worker)
    fill_values(state, blocks)
    for k, tree in spec.trees:
        state.walk(k, tree)
    return state


def fill_values(state: ValueState, blocks: list[Block]) -> None:
    """Take the values of `blocks`, their targets, weights and first predictions."""
    state.fill(blocks, _TILE, functools.partial(_fill, state))


def _fill(state: ValueState, tile: Tile) -> None:
    spec, to = state.spec, tile.to
    state.take(tile)
    x = state.x[: state.n_rows * state.width].reshape(state.n_rows, state.width)[to]
    for c, name in enumerate(spec.columns.names):
        x[:, c] = tile.floats(name)
    for k, init in enumerate(spec.init):
        state.sums[k, to] = init
    if spec.before is not None:
        padded = np.concatenate([x, np.zeros((len(x), 1))], axis=1)
        for t in range(spec.before.n_trees):
            sums = state.sums[:, to] + spec.before.sums(padded, t, t + 1).T
            state.sums[:, to] = sums.astype(np.float32) if spec.as_float else sums
    if state.offset is not None:
        offset = tile.floats(str(spec.offset))
        unknown = np.isnan(offset)
        state.offset[to] = np.where(unknown, 0.0, offset)
        state.f[:, to] = state.sums[:, to] + state.offset[to]
        state.weights[to][unknown] = 0.0
