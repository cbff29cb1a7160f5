"""Second moments of expanded rows: one pass, numbers by BLAS, levels by counting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.errors import ModelError
from dh2o.estimators.building.finite import finite_rollups
from dh2o.estimators.building.lying import LyingColumns
from dh2o.estimators.kmeans.plan import LevelCounts
from dh2o.estimators.pca import kernels
from dh2o.frame import Frame
from dh2o.models.expansion import Expansion
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_TILE_DOUBLES = 1 << 17  # a tile stays in the second-level cache
_MAX_GRAM_NBYTES = 1 << 30
_FEW = 64  # columns up to which BLAS is slower


def expansion_of(
    frame: Frame, x: tuple[str, ...], transform: str, *, all_levels: bool, imputes: bool
) -> Expansion:
    """Return how rows of the columns `x` are expanded, by the statistics of the whole frame."""
    cats = sorted((n for n in x if frame.vec(n).is_enum), key=lambda n: -frame.vec(n).n_levels)
    numerics = tuple(n for n in x if not frame.vec(n).is_enum)
    levels = tuple(tuple(frame.vec(n).domain or ()) for n in cats)
    counts = (
        LevelCounts(tuple(cats), tuple(map(len, levels))).do_all(frame.select(cats)) if cats else []
    )
    stats = finite_rollups(frame, numerics, "no principal components")
    means = np.nan_to_num(np.array([s.mean for s in stats], dtype=np.float64))
    shift = means if transform in ("STANDARDIZE", "NORMALIZE", "DEMEAN") else np.zeros(len(means))
    spread = np.ones(len(means))
    if transform in ("STANDARDIZE", "DESCALE"):
        spread = np.array([s.sigma for s in stats], dtype=np.float64)
    elif transform == "NORMALIZE":
        spread = np.array([s.max - s.min for s in stats], dtype=np.float64)
    scale = np.divide(1.0, spread, out=np.ones(len(means)), where=spread > 0)
    modes = tuple(int(np.argmax(c)) if len(c) else 0 for c in counts)
    return Expansion(tuple(cats), levels, numerics, modes, means, shift, scale, all_levels, imputes)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Used rows: level codes by column (-1: a level without a coordinate), transformed numbers."""

    codes: list[I64]
    numbers: F64

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.codes[0]) if self.codes else self.numbers.shape[1]


def tiles(block: Block, expansion: Expansion, *, is_complete: bool = False) -> Iterator[Tile]:
    """Yield the used rows of `block`: all of them if NA is filled in, else those without NA.

    Numbers that are known to be complete are not looked at for NA. A tile's numbers last until
    the next one.
    """
    n = len(expansion.numerics)
    step = min(int(np.clip(_TILE_DOUBLES // max(n, 1), 512, 1 << 14)), block.n_rows)
    buffer = np.empty(n * step)
    columns = LyingColumns.of(block, expansion.numerics, step)
    for start in range(0, block.n_rows, max(step, 1)):
        stop = min(start + step, block.n_rows)
        numbers = buffer[: n * (stop - start)].reshape(n, stop - start)
        kernels.fill(columns.at(start, stop), expansion.shift, expansion.scale, numbers)
        yield _tile(block, expansion, start, numbers, is_complete)


def _tile(block: Block, expansion: Expansion, start: int, numbers: F64, is_complete: bool) -> Tile:
    stop = start + numbers.shape[1]
    used = np.ones(stop - start, np.bool_)
    codes = []
    for name, mode in zip(expansion.categoricals, expansion.modes, strict=True):
        found = block.chunk(name).codes(start=start, stop=stop).astype(np.int64)
        na = found < 0
        if expansion.imputes:
            found[na] = mode
        else:
            used &= ~na
        codes.append(found - expansion.first_level)
    for idx, out in enumerate(() if is_complete else numbers):
        if np.isnan(out.sum()):  # cheaper than looking at each
            na = np.isnan(out)
            out[na] = (expansion.fills[idx] - expansion.shift[idx]) * expansion.scale[idx]
            if not expansion.imputes:
                used &= ~na
    if used.all():
        return Tile(codes, numbers)
    return Tile([c[used] for c in codes], np.ascontiguousarray(numbers[:, used]))


@dataclass(slots=True, eq=False)
class Gram:
    """X'X of expanded rows, and how many rows there were."""

    xx: F64
    n_rows: int


@dataclass(frozen=True, eq=False)
class GramTask(MRTask[Gram, Gram]):
    """The Gram matrix; blocks are added up in one fixed order."""

    expansion: Expansion
    is_complete: bool = False

    def map(self, block: Block) -> Gram:
        total = Gram(np.zeros((self.expansion.size,) * 2), 0)
        for tile in tiles(block, self.expansion, is_complete=self.is_complete):
            self._add(tile, total)
        return total

    def _add(self, tile: Tile, total: Gram) -> None:
        starts, xx, numbers = self.expansion.starts, total.xx, tile.numbers
        total.n_rows += tile.n_rows
        first = starts[-1]
        if len(numbers):
            few = len(numbers) <= _FEW
            xx[first:, first:] += kernels.products(numbers) if few else numbers @ numbers.T
        for i, codes in enumerate(tile.codes):
            own, has = slice(starts[i], starts[i + 1]), codes >= 0
            size, known = starts[i + 1] - starts[i], codes[has]
            counts = np.bincount(known, minlength=size)
            xx[own, own] += np.diag(counts.astype(np.float64))
            for j, values in enumerate(numbers):
                sums = np.bincount(known, values[has], size)
                xx[own, first + j] += sums
                xx[first + j, own] += sums
            for h in range(i):
                both = has & (tile.codes[h] >= 0)
                other = slice(starts[h], starts[h + 1])
                n_other = starts[h + 1] - starts[h]
                pairs = np.bincount(
                    tile.codes[h][both] * size + codes[both], minlength=n_other * size
                ).reshape(n_other, size)
                xx[other, own] += pairs
                xx[own, other] += pairs.T

    def combine(self, a: Gram, b: Gram) -> Gram:
        a.xx += b.xx
        a.n_rows += b.n_rows
        return a

    def finish(self, total: Gram | None) -> Gram:
        return Gram(np.zeros((self.expansion.size,) * 2), 0) if total is None else total


@dataclass(frozen=True, eq=False)
class ExpandedRows(MRTask[list[F64], F64]):
    """The expanded rows themselves, for frames of few rows and very many columns."""

    expansion: Expansion

    def map(self, block: Block) -> list[F64]:
        return [self._dense(tile) for tile in tiles(block, self.expansion)]

    def _dense(self, tile: Tile) -> F64:
        rows = np.zeros((tile.n_rows, self.expansion.size))
        every = np.arange(tile.n_rows)
        for (start, _), codes in zip(pairwise(self.expansion.starts), tile.codes, strict=True):
            has = codes >= 0
            rows[every[has], start + codes[has]] = 1.0
        rows[:, self.expansion.starts[-1] :] = tile.numbers.T
        return rows

    def combine(self, a: list[F64], b: list[F64]) -> list[F64]:
        return a + b

    def finish(self, total: list[F64] | None) -> F64:
        return np.concatenate(total or [np.zeros((0, self.expansion.size))])


def is_complete(frame: Frame, expansion: Expansion) -> bool:
    """Return whether no number of `frame` is missing."""
    stats = frame.select(expansion.numerics).rollups() if expansion.numerics else []
    return all(found.n_na == 0 for found in stats)


def is_wide(expansion: Expansion, n_rows: int) -> bool:
    """Return whether the rows are to be fetched instead of their Gram matrix."""
    return expansion.size > max(n_rows, 1000)


def check_size(expansion: Expansion, n_rows: int) -> None:
    """Raise if neither the Gram matrix nor the rows fit into memory."""
    size = expansion.size
    nbytes = 8 * size * (n_rows if is_wide(expansion, n_rows) else size)
    if nbytes > _MAX_GRAM_NBYTES:
        raise ModelError(
            f"The columns expand to {size}, and their Gram matrix needs {nbytes:,} bytes on every "
            "worker. Leave out columns with very many levels."
        )
