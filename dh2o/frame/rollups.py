"""Rollups: the statistics of every column, in one pass for all columns that have none yet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dh2o.chunks import Block, ChunkStats
from dh2o.frame.vec import Vec, VecType
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

N_EXTREMES = 5
"""How many smallest and largest values H2O reports."""


@dataclass(frozen=True, slots=True)
class Rollups:
    """What is known of the values of one column. Extremes, mean and sigma are of finite values.

    Enums count codes; mean and sigma are NaN for enums of more than two levels, strings and ids,
    and 0 for a column of NA only, as in H2O.
    """

    n_rows: int
    n_na: int
    n_zero: int
    n_pinf: int
    n_ninf: int
    mins: tuple[float, ...]
    maxs: tuple[float, ...]
    mean: float
    sigma: float
    is_int: bool
    nbytes: int

    @property
    def min(self) -> float:
        """The smallest finite value, NaN when there is none."""
        return self.mins[0]

    @property
    def max(self) -> float:
        """The largest finite value, NaN when there is none."""
        return self.maxs[0]

    @property
    def n_finite(self) -> int:
        """Rows that are neither NA nor infinite."""
        return self.n_rows - self.n_na - self.n_pinf - self.n_ninf

    @property
    def is_const(self) -> bool:
        """True when all rows hold one value, or all are NA."""
        return self.n_na == self.n_rows or (self.n_na == 0 and self.min == self.max)

    @property
    def is_binary(self) -> bool:
        """True when every number is 0 or 1."""
        return self.is_int and self.n_finite > 0 and self.min >= 0 and self.max <= 1

    @property
    def fits_int64(self) -> bool:
        """True when every number is an integer that 64 bits hold, and there is one at all."""
        limit = 2.0**63
        no_infinity = self.n_pinf + self.n_ninf == 0
        return self.is_int and no_infinity and -limit <= self.min and self.max < limit

    @classmethod
    def of(cls, vec: Vec, stats: ChunkStats) -> Rollups:
        """Return the rollups of a column from the stats of all its chunks."""
        n = stats.n_finite
        mean, sigma = stats.mean, math.sqrt(stats.m2 / (n - 1)) if n > 1 else 0.0
        no_numbers = vec.type in (VecType.STRING, VecType.UUID)
        if no_numbers or vec.n_levels > 2:
            mean = sigma = math.nan
        return cls(
            stats.n_rows,
            stats.n_na,
            stats.n_zero,
            stats.n_pinf,
            stats.n_ninf,
            _five(() if no_numbers else stats.mins),
            _five(() if no_numbers else stats.maxs),
            mean,
            sigma,
            stats.is_int and not no_numbers and not (vec.source and vec.source.is_real),
            stats.nbytes,
        )


class RollupsTask(MRTask[tuple[ChunkStats, ...], tuple[ChunkStats, ...]]):
    """Counts, extremes, mean and spread of every column; means merged along the block tree."""

    def __init__(self, n_cols: int) -> None:
        self.n_cols = n_cols

    def map(self, block: Block) -> tuple[ChunkStats, ...]:
        return tuple(chunk.stats() for chunk in block.chunks)

    def combine(
        self, a: tuple[ChunkStats, ...], b: tuple[ChunkStats, ...]
    ) -> tuple[ChunkStats, ...]:
        return tuple(first + second for first, second in zip(a, b, strict=True))

    def finish(self, total: tuple[ChunkStats, ...] | None) -> tuple[ChunkStats, ...]:
        return (ChunkStats(),) * self.n_cols if total is None else total


def rollups_of(frame: Frame) -> list[Rollups]:
    """Return the rollups of each column; computes and keeps those that are not known yet."""
    missing = [i for i, vec in enumerate(frame.vecs) if vec.cell.rollups is None]
    if missing:
        for i, stats in zip(
            missing, RollupsTask(len(missing)).do_all(frame.select(missing)), strict=True
        ):
            frame.vecs[i].cell.rollups = Rollups.of(frame.vecs[i], stats)
        if frame.key is not None:
            from dh2o.frame.store import remember_rollups

            remember_rollups(frame)
    return [vec.cell.rollups for vec in frame.vecs if vec.cell.rollups is not None]


def h2o_type(vec: Vec, rollups: Rollups) -> str:
    """Return the type name that H2O shows: numbers are int or real by their values."""
    if vec.type is VecType.NUMERIC:
        return "int" if rollups.is_int else "real"
    return str(vec.type)


def _five(values: tuple[float, ...]) -> tuple[float, ...]:
    return (*values[:N_EXTREMES], *((math.nan,) * (N_EXTREMES - len(values))))
