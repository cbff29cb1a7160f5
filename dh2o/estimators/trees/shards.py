"""Rows of one worker, cut into shards: what the states of all kinds of trees have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from dh2o.estimators.trees.arrays import BOOL, F64, I64, U32

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask import WorkerContext

__all__ = ["RowSpec", "ShardedRows", "Tile"]

T = TypeVar("T")

_MIN_SHARD = 8_192  # rows below which a second thread costs more than it brings


class RowSpec(Protocol):
    """The columns that say what a row is for."""

    @property
    def response(self) -> str:
        """Column of the targets; a row without one does not learn."""

    @property
    def weights(self) -> str | None:
        """Column of the weights."""


class Tile(NamedTuple):
    """Rows ``start..stop - 1`` of a block, which are the state's from `at` on."""

    block: Block
    start: int
    stop: int
    at: int

    @property
    def to(self) -> slice:
        """The state's rows."""
        return slice(self.at, self.at + self.stop - self.start)

    def floats(self, name: str) -> F64:
        """Return the tile's values of a column."""
        return self.block.chunk(name).floats(None, self.start, self.stop)


class ShardedRows:
    """Targets, weights and numbers of one worker's rows; a shard is one thread's, never crossed.

    `weights` has one value if all rows weigh 1.
    """

    def __init__(
        self, n_rows: int, spec: RowSpec, worker: WorkerContext, weight_type: npt.DTypeLike
    ) -> None:
        self.worker = worker
        self.n_rows = n_rows
        self.y: F64 = np.zeros(n_rows, np.float64)
        self.weights: Any = np.ones(n_rows, weight_type)
        self.row_ids: U32 = np.zeros(n_rows, np.uint32)
        self.shards = _cut(n_rows, worker.n_threads)
        self.n_in_tree: I64 = np.zeros((len(self.shards), 2), np.int64)
        self._columns = spec
        self._all_weigh_one = False

    def each_shard(self, fn: Callable[[int, int, int], T]) -> list[T]:
        """Return ``[fn(number, start, stop)]`` of all shards, run on the worker's threads."""
        items = [(i, lo, hi) for i, (lo, hi) in enumerate(self.shards)]
        return self.worker.map(lambda item: fn(*item), items)

    def weights_of(self, rows: slice | I64) -> F64 | None:
        """Return the weights of some rows, None if all of the state's rows weigh 1."""
        return None if self._all_weigh_one else self.weights[rows].astype(np.float64)

    def fill(self, blocks: list[Block], tile_rows: int, fill: Callable[[Tile], None]) -> None:
        """Call `fill` with all rows, tile by tile, on the worker's threads."""
        tiles: list[Tile] = []
        at = 0
        for block in blocks:
            tiles.extend(
                Tile(block, start, min(start + tile_rows, block.n_rows), at + start)
                for start in range(0, block.n_rows, tile_rows)
            )
            at += block.n_rows
        self.worker.map(fill, tiles)
        self._all_weigh_one = bool((self.weights == 1.0).all())
        if self._all_weigh_one:
            self.weights = np.ones(1, self.weights.dtype)

    def take(self, tile: Tile) -> BOOL:
        """Take targets, weights and numbers of the tile's rows; returns which have no target.

        Those weigh 0, as rows of unknown or negative weight do.
        """
        y = tile.floats(self._columns.response)
        unknown = np.isnan(y)
        first = tile.block.row_start
        self.y[tile.to] = np.where(unknown, 0.0, y)
        self.row_ids[tile.to] = np.arange(first + tile.start, first + tile.stop) & 0xFFFFFFFF
        if self._columns.weights is not None:
            w = tile.floats(self._columns.weights)
            self.weights[tile.to] = np.where(np.isnan(w) | (w < 0), 0.0, w)
        self.weights[tile.to][unknown] = 0.0
        return unknown


def _cut(n_rows: int, n_threads: int) -> list[tuple[int, int]]:
    n = max(min(n_threads, n_rows // _MIN_SHARD), 1)
    ends = [n_rows * i // n for i in range(n + 1)]
    return list(itertools.pairwise(ends))
