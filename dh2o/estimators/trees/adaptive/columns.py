"""What is known of the columns before the first tree: kind, range, and how finely to bin."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import BOOL, F64, I8, I32, I64

if TYPE_CHECKING:
    from dh2o.frame import Frame

__all__ = ["ColumnTable", "HistogramType", "Kind", "column_table", "exclusive"]

_MAX = float(np.finfo(np.float64).max)


class HistogramType(IntEnum):
    """How a node cuts the range of a column into bins; the names are H2O's."""

    UniformAdaptive = 0
    Random = 1
    QuantilesGlobal = 2
    UniformRobust = 3
    RoundRobin = 4


class Kind(IntEnum):
    """What the values of a column are."""

    REAL = 0
    INTEGER = 1
    LEVELS = 2


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """The predictors: `low` <= value < `high`; a column that is not `usable` has one value.

    `quantiles` holds the global cut points of column c from ``quantile_starts[c]``; where
    ``refines[c]`` a node may put more points between them.
    """

    names: tuple[str, ...]
    kinds: I8
    low: F64
    high: F64
    n_levels: I32
    usable: BOOL
    quantiles: F64 = field(default_factory=lambda: np.zeros(0))
    quantile_starts: I64 = field(default_factory=lambda: np.zeros(1, np.int64))
    refines: BOOL = field(default_factory=lambda: np.zeros(0, np.bool_))

    @property
    def n_columns(self) -> int:
        """Number of predictors."""
        return len(self.names)


def exclusive(high: float, whole: bool) -> float:
    """Return the least bound above `high`: the next integer, or the next double."""
    step = float(np.spacing(abs(high)))
    if whole:
        step = max(step, 1.0)
    bound = high + step
    return bound if np.isfinite(bound) else high


def column_table(frame: Frame, x: tuple[str, ...]) -> ColumnTable:
    """Return the columns `x` of `frame`; like H2O's, ranges are those of all rows."""
    rollups = dict(zip(frame.names, frame.rollups(), strict=True))
    kinds, low, high, usable, n_levels = [], [], [], [], []
    for name in x:
        vec, of = frame.vec(name), rollups[name]
        levels = len(vec.domain or ())
        some = of.n_finite > 0 and (of.min < of.max or of.n_pinf + of.n_ninf > 0)
        kind = Kind.LEVELS if vec.is_enum else Kind.INTEGER if of.is_int else Kind.REAL
        first, last = (0.0, levels - 1.0) if vec.is_enum else (of.min, of.max)
        if not some:
            first, last = 0.0, 1.0
        kinds.append(int(kind))
        n_levels.append(levels)
        low.append(max(first, -_MAX))
        high.append(float(levels) if vec.is_enum and some else exclusive(last, kind > 0))
        usable.append(some)
    return ColumnTable(
        names=tuple(x),
        kinds=np.array(kinds, np.int8),
        low=np.array(low, np.float64),
        high=np.array(high, np.float64),
        n_levels=np.array(n_levels, np.int32),
        usable=np.array(usable, np.bool_),
    )
