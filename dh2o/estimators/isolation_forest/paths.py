"""What workers keep while isolation trees grow: how long the path of each row is, summed up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.isolation_forest.samples import Sampling, rows_of_block
from dh2o.estimators.trees.arrays import F64, I32, I64
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalTask, WorkerContext

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = [
    "AddTrees",
    "CountPaths",
    "PathSpec",
    "PathState",
    "ScorePaths",
    "build_paths",
    "path_extremes",
]

_TILE = 32_768


@dataclass(frozen=True, slots=True)
class PathSpec:
    """What a worker needs besides the blocks: columns, trees so far, and who knows which rows.

    `sampling` is None for a validation frame, of which no tree knows a row; `label` names its
    response.
    """

    names: tuple[str, ...]
    trees: Forest
    sampling: Sampling | None
    label: str | None = None


class PathState:
    """One worker's rows: path lengths over all trees, and over those grown on the row."""

    def __init__(self, blocks: list[Block], spec: PathSpec, worker: WorkerContext) -> None:
        self.blocks = blocks
        self.spec = spec
        self.worker = worker
        self.total: list[F64] = [np.zeros(block.n_rows) for block in blocks]
        self.own: list[F64] = [np.zeros(block.n_rows) for block in blocks]
        self.n_own: list[I32] = [np.zeros(block.n_rows, np.int32) for block in blocks]
        self.n_trees = 0

    def add(self, trees: Forest) -> None:
        """Add the path lengths of further trees."""
        sampling, first = self.spec.sampling, self.n_trees
        samples = (
            [] if sampling is None else [sampling.rows(first + t) for t in range(trees.n_trees)]
        )
        self.worker.map(lambda i: self._add(i, trees, samples), list(range(len(self.blocks))))
        self.n_trees += trees.n_trees

    def _add(self, i: int, trees: Forest, samples: list[I64]) -> None:
        block, total = self.blocks[i], self.total[i]
        for start, stop, x in _tiles(block, self.spec.names):
            total[start:stop] += trees.sums(x)[:, 0]
        for t, sample in enumerate(samples):
            rows = rows_of_block(sample, block)
            if len(rows):
                x = _matrix(block.take(rows), self.spec.names, 0, len(rows))
                self.own[i][rows] += trees.sums(x, t, t + 1)[:, 0]
                self.n_own[i][rows] += 1


def _tiles(block: Block, names: tuple[str, ...]) -> Iterator[tuple[int, int, F64]]:
    for start in range(0, block.n_rows, _TILE):
        stop = min(start + _TILE, block.n_rows)
        yield start, stop, _matrix(block, names, start, stop)


def _matrix(block: Block, names: tuple[str, ...], start: int, stop: int) -> F64:
    x = np.zeros((stop - start, len(names) + 1))
    for k, name in enumerate(names):
        x[:, k] = block.chunk(name).floats(None, start, stop)
    return x


def build_paths(blocks: list[Block], spec: PathSpec, worker: WorkerContext) -> PathState:
    """Return the state of the rows of `blocks` after the trees so far."""
    state = PathState(blocks, spec, worker)
    if spec.trees.n_trees:
        state.add(spec.trees)
    return state


@dataclass(frozen=True, slots=True)
class AddTrees(LocalTask[int, int]):
    """Add the path lengths of further trees."""

    trees: Forest

    def map(self, state: PathState, _worker: WorkerContext) -> int:
        state.add(self.trees)
        return state.n_trees

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class CountPaths(LocalTask[I64, I64]):
    """counts[k] = rows whose path lengths sum up to k."""

    most: int

    def map(self, state: PathState, _worker: WorkerContext) -> I64:
        counts = np.zeros(self.most + 1, np.int64)
        for total in state.total:
            counts += np.bincount(total.astype(np.int64), minlength=self.most + 1)
        return counts

    def combine(self, a: I64, b: I64) -> I64:
        return a + b


def path_extremes(counts: I64) -> tuple[int, int]:
    """Return the shortest and the longest path of any row; 0, 0 if there is no row."""
    there = np.flatnonzero(counts)
    return (int(there[0]), int(there[-1])) if len(there) else (0, 0)


@dataclass(frozen=True, slots=True)
class ScorePaths(LocalTask[Any, Any]):
    """Metrics of rows by the trees that do not know them; `link` makes scores of mean paths."""

    builder: Any
    link: Any

    def map(self, state: PathState, _worker: WorkerContext) -> Any:
        total = None
        for i, block in enumerate(state.blocks):
            out = state.n_trees - state.n_own[i]
            rows = np.flatnonzero(out > 0)
            mean = (state.total[i][rows] - state.own[i][rows]) / out[rows]
            label = state.spec.label
            y = np.full(len(rows), np.nan) if label is None else block.floats(label)[rows]
            part = self.builder.map(self.link(mean), y, None)
            total = part if total is None else self.builder.combine(total, part)
        return total

    def combine(self, a: Any, b: Any) -> Any:
        if a is None or b is None:
            return b if a is None else a
        return self.builder.combine(a, b)

    def finish(self, total: Any) -> Any:
        return self.builder.finish(total)
