"""Rollups: the statistics of every column, in one pass for all columns that have none yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, ColumnStats
from dh2o.frame.vec import Vec, VecType
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

Mask = NDArray[np.bool_]


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


class RollupsTask(MRTask[ColumnStats, ColumnStats]):
    """Counts, extremes, mean and spread of every column; means merged along the block tree."""

    def __init__(self, n_cols: int) -> None:
        self.n_cols = n_cols

    def map(self, block: Block) -> ColumnStats:
        return ColumnStats.of(block)

    def combine(self, a: ColumnStats, b: ColumnStats) -> ColumnStats:
        return a + b

    def finish(self, total: ColumnStats | None) -> ColumnStats:
        return ColumnStats.empty(self.n_cols) if total is None else total


def rollups_from(vecs: Sequence[Vec], stats: ColumnStats) -> list[Rollups]:
    """Return the rollups of columns from the stats of all their chunks."""
    no_numbers = _where(vec.type in (VecType.STRING, VecType.UUID) for vec in vecs)
    no_mean = no_numbers | _where(vec.n_levels > 2 for vec in vecs)
    is_real = _where(vec.source is not None and vec.source.is_real for vec in vecs)
    n = stats.n_finite
    variance = np.divide(stats.m2, n - 1, out=np.zeros(len(n)), where=n > 1)
    facts = (
        stats.n_na.tolist(),
        stats.n_zero.tolist(),
        stats.n_pinf.tolist(),
        stats.n_ninf.tolist(),
        map(tuple, stats.mins.tolist()),
        map(tuple, stats.maxs.tolist()),
        np.where(no_mean, np.nan, stats.mean).tolist(),
        np.where(no_mean, np.nan, np.sqrt(variance)).tolist(),
        (stats.is_int & ~no_numbers & ~is_real).tolist(),
        stats.nbytes.tolist(),
    )
    return [Rollups(stats.n_rows, *column) for column in zip(*facts, strict=True)]


def _where(marks: Iterable[bool]) -> Mask:
    return np.fromiter(marks, dtype=np.bool_)


def rollups_of(frame: Frame) -> list[Rollups]:
    """Return the rollups of each column; computes and keeps those that are not known yet."""
    missing = [i for i, vec in enumerate(frame.vecs) if vec.cell.rollups is None]
    if missing:
        stats = RollupsTask(len(missing)).do_all(frame.select(missing))
        vecs = [frame.vecs[i] for i in missing]
        for vec, rollups in zip(vecs, rollups_from(vecs, stats), strict=True):
            vec.cell.rollups = rollups
        if frame.key is not None:
            from dh2o.frame.store import remember_rollups

            remember_rollups(frame)
    return [vec.cell.rollups for vec in frame.vecs if vec.cell.rollups is not None]


def h2o_type(vec: Vec, rollups: Rollups) -> str:
    """Return the type name that H2O shows: numbers are int or real by their values."""
    if vec.type is VecType.NUMERIC:
        return "int" if rollups.is_int else "real"
    return str(vec.type)
