"""What workers need to prepare rows for clustering, and the scales of exact sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.errors import ModelError
from dh2o.estimators.building.finite import finite_rollups
from dh2o.models.kmeans import Space
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.frame.rollups import Rollups

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The columns and how they become coordinates.

    A number's coordinate is (x - mean) * mult * ``unit``; the power of two ``unit`` brings all of
    them into -1..1. ``scales`` turn coordinates (and, last, squared norms) into integers whose
    sums over all rows fit into 64 bits. Points are rows of coordinates and level codes.
    """

    space: Space
    numbers: tuple[str, ...]
    categoricals: tuple[str, ...]
    n_levels: tuple[int, ...]
    unit: float
    scales: F64
    weights: str | None
    n_rows: int
    is_held: bool = True

    @property
    def starts(self) -> I64:
        """Where each categorical's levels begin in counts by level."""
        return np.concatenate([[0], np.cumsum(self.n_levels)]).astype(np.int64)

    @property
    def mults(self) -> F64:
        """Factors of the numbers, the unit included."""
        level = self.space.is_level
        own = np.ones(len(level)) if self.space.mults is None else self.space.mults
        return own[~level] * self.unit

    @property
    def means(self) -> F64:
        """Means of the numbers."""
        return self.space.means[~self.space.is_level]

    def to_points(self, centers: F64) -> tuple[F64, NDArray[np.int32]]:
        """Return coordinates and level codes of points of the space; -1 for what is no level."""
        level = self.space.is_level
        numbers = centers[:, ~level]
        if self.space.mults is None:
            numbers = numbers - self.means
        codes = centers[:, level]
        codes = np.where(codes == np.floor(codes), codes, -1.0)
        return np.ascontiguousarray(numbers * self.unit), codes.astype(np.int32)

    def to_space(self, coordinates: F64, codes: NDArray[np.int32] | I64) -> F64:
        """Return points of the space of coordinates and level codes."""
        level = self.space.is_level
        points = np.empty((len(coordinates), len(level)))
        numbers = coordinates / self.unit
        points[:, ~level] = numbers + self.means if self.space.mults is None else numbers
        points[:, level] = codes
        return points


@dataclass(frozen=True)
class LevelCounts(MRTask[list[I64], list[I64]]):
    """Rows by level of each categorical column."""

    names: tuple[str, ...]
    n_levels: tuple[int, ...]

    def map(self, block: Block) -> list[I64]:
        def count(name: str, n: int) -> I64:
            codes = block.codes(name)
            return np.bincount(codes[codes >= 0], minlength=n)

        return [count(name, n) for name, n in zip(self.names, self.n_levels, strict=True)]

    def combine(self, a: list[I64], b: list[I64]) -> list[I64]:
        return [x + y for x, y in zip(a, b, strict=True)]

    def finish(self, total: list[I64] | None) -> list[I64]:
        return [np.zeros(n, np.int64) for n in self.n_levels] if total is None else total


def space_of(frame: Frame, x: tuple[str, ...], *, standardize: bool) -> Space:
    """Return where rows of the columns `x` are compared, by the statistics of the whole frame."""
    cats = tuple(name for name in x if frame.vec(name).is_enum)
    n_levels = tuple(frame.vec(name).n_levels for name in cats)
    counts = LevelCounts(cats, n_levels).do_all(frame.select(cats)) if cats else []
    modes = {name: int(np.argmax(c)) if len(c) else 0 for name, c in zip(cats, counts, strict=True)}
    numbers = [name for name in x if name not in modes]
    finite_rollups(frame, numbers, "no distance to a centre")
    stats = frame.select(x).rollups()
    is_level = np.array([name in modes for name in x])
    means = np.where(is_level, 0.0, [s.mean for s in stats])
    sigma = np.where(is_level, 1.0, [s.sigma for s in stats])
    mults = np.divide(1.0, sigma, out=np.ones_like(sigma), where=sigma > 0)
    return Space(
        tuple(x),
        np.nan_to_num(means),
        mults if standardize else None,
        np.array([modes.get(name, -1) for name in x], dtype=np.int64),
    )


def plan_of(spec: TrainSpec, space: Space) -> Plan:
    """Return how the rows of a training frame are held."""
    frame = spec.train
    numbers = tuple(name for name in spec.x if not frame.vec(name).is_enum)
    cats = tuple(name for name in spec.x if frame.vec(name).is_enum)
    bare = Plan(
        space, numbers, cats, tuple(frame.vec(c).n_levels for c in cats), 1.0, np.ones(1),
        spec.weights, frame.n_rows,
    )  # fmt: skip
    stats = frame.select(numbers).rollups() if numbers else []
    spread = np.array([max(abs(s.min - m), abs(s.max - m)) for s, m in _pairs(stats, bare.means)])
    spread = np.nan_to_num(spread) * bare.mults
    largest = float(spread.max(initial=0.0))
    if not math.isfinite(largest):
        name = numbers[int(np.argmax(~np.isfinite(spread)))]
        raise ModelError(f"Column {name!r} is too spread out to be compared: scale it down.")
    unit = 2.0 ** -math.ceil(math.log2(largest)) if largest > 0 else 1.0
    unit = min(max(unit, 2.0**-500), 2.0**500)
    spread *= unit
    most = np.append(spread, np.square(spread).sum())
    return Plan(
        space, numbers, cats, bare.n_levels, unit, _scales(most, frame.n_rows), spec.weights,
        frame.n_rows, _fits(frame.n_rows, len(numbers)),
    )  # fmt: skip


def _pairs(stats: list[Rollups], means: F64) -> list[tuple[Rollups, float]]:
    return list(zip(stats, means.tolist(), strict=True))


def _scales(most: F64, n_rows: int) -> F64:
    """Return powers of two: `n_rows` numbers of up to `most`, scaled, add up to below 2**62."""
    bits = 61 - max(n_rows, 1).bit_length()
    with np.errstate(divide="ignore"):
        own = np.where(most > 0, np.ceil(np.log2(np.where(most > 0, most, 1.0))), 0.0)
    return np.asarray(2.0 ** np.clip(bits - own, -1000, 1000))


def _fits(n_rows: int, n_numbers: int) -> bool:
    """Whether prepared rows may stay in memory: 8 bytes a number, at most a third of it."""
    import os

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return n_rows * n_numbers * 8 < pages // 3
