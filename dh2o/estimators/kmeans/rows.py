"""What a worker keeps while clusters form: prepared rows in tiles, and the label of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.building.lying import LyingColumns
from dh2o.estimators.kmeans.kernels import prepare
from dh2o.estimators.kmeans.plan import Plan

if TYPE_CHECKING:
    from dh2o.mrtask import WorkerContext

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_TILE_NUMBERS = 1 << 17
_NO_ROWS = np.zeros(0, np.int64)


@dataclass(slots=True, eq=False)
class Points:
    """Prepared rows, column by column: numbers ``hi + lo``, level codes; and squared norms."""

    hi: F32
    lo: F32
    codes: I32
    norms: F32

    def take(self, rows: Any) -> tuple[F64, I32]:
        """Return coordinates and codes of some rows."""
        numbers = self.hi[:, rows].astype(np.float64) + self.lo[:, rows]
        return numbers.T, self.codes[:, rows].T


@dataclass(slots=True, eq=False)
class Tile:
    """Rows `start` to `stop` of a block that count; `rows` are their numbers if some do not."""

    block: Block
    start: int
    stop: int
    rows: I64
    first_row: int
    labels: I32
    least: F64
    held: Points | None = None

    def row_number(self, at: int) -> int:
        """Return the number in the frame of row `at` of the tile."""
        return int(self.rows[at]) if len(self.rows) else self.first_row + at

    def points(self, plan: Plan) -> Points:
        """Return the prepared rows, decoded anew if they are not held."""
        return self.held if self.held is not None else _prepared(self, plan)


@dataclass(slots=True, eq=False)
class RowState:
    """One worker's rows."""

    plan: Plan
    tiles: list[Tile]
    worker: WorkerContext

    def each(self, fn: Callable[[Sequence[Tile]], Any]) -> list[Any]:
        """Return ``[fn(tiles)]`` of groups of tiles, run on the worker's threads."""
        n = min(len(self.tiles), 4 * self.worker.n_threads if self.worker.n_threads > 1 else 1)
        ends = [len(self.tiles) * i // max(n, 1) for i in range(n + 1)]
        groups = [self.tiles[a:b] for a, b in itertools.pairwise(ends)]
        return self.worker.map(fn, groups)


def build_rows(blocks: list[Block], plan: Plan, worker: WorkerContext) -> RowState:
    """Return the rows of `blocks`, none of them labelled yet."""
    step = tile_rows(plan)
    spans = [
        (block, start, min(start + step, block.n_rows))
        for block in blocks
        for start in range(0, block.n_rows, step)
    ]
    tiles = worker.map(lambda span: _tile(plan, *span), spans)
    return RowState(plan, [tile for tile in tiles if len(tile.labels)], worker)


def tile_rows(plan: Plan) -> int:
    """Return how many rows a tile has: their numbers stay in the second-level cache."""
    return int(np.clip(_TILE_NUMBERS // max(len(plan.numbers), 1), 256, 8192))


def _tile(plan: Plan, block: Block, start: int, stop: int) -> Tile:
    rows, n = _NO_ROWS, stop - start
    if plan.weights is not None:
        kept = block.chunk(plan.weights).floats(start=start, stop=stop) > 0
        if not kept.all():
            rows = np.flatnonzero(kept) + (block.row_start + start)
            n = len(rows)
    tile = Tile(
        block, start, stop, rows, block.row_start + start, np.full(n, -1, np.int32),
        np.full(n, np.inf),
    )  # fmt: skip
    if plan.is_held:
        tile.held = _prepared(tile, plan)
    return tile


def _prepared(tile: Tile, plan: Plan) -> Points:
    n, is_whole = len(tile.labels), len(tile.rows) == 0
    rows = _NO_ROWS if is_whole else tile.rows - tile.first_row
    hi, lo = np.empty((2, len(plan.numbers), n), np.float32)
    norms = np.empty(n)
    numbers = LyingColumns.of(tile.block, plan.numbers, tile.stop - tile.start)
    prepare(numbers.at(tile.start, tile.stop), rows, plan.means, plan.mults, hi, lo, norms)
    codes = np.empty((len(plan.categoricals), n), np.int32)
    modes = plan.space.modes[plan.space.is_level]
    for q, name in enumerate(plan.categoricals):
        found = tile.block.chunk(name).codes(start=tile.start, stop=tile.stop)
        found = found if is_whole else found[rows]
        codes[q] = np.where(found < 0, modes[q], found)
    return Points(hi, lo, codes, norms.astype(np.float32))
