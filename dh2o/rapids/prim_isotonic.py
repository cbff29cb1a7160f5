"""Primitives: isotonic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.mrtask import MRTask
from dh2o.rapids.columns import Table, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.isotonic import PointSums, isotonic_thresholds
from dh2o.rapids.passes import store
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["PointsPass"]


class PointsPass(MRTask[PointSums, PointSums]):
    """Weight and weighted response at each different x; rows with NA or of weight 0 count nowhere.

    Columns are given by position or name.
    """

    def __init__(self, y: str | int, x: str | int, w: str | int | None) -> None:
        self.y, self.x, self.w = y, x, w

    def map(self, block: Block) -> PointSums:
        y, x = block.floats(self.y), block.floats(self.x)
        w = np.ones(len(y)) if self.w is None else block.floats(self.w)
        used = (w > 0) & ~np.isnan(y) & ~np.isnan(x)
        return PointSums.of(x[used], y[used], w[used])

    def combine(self, a: PointSums, b: PointSums) -> PointSums:
        return a + b

    def finish(self, total: PointSums | None) -> PointSums:
        return PointSums.empty() if total is None else total


@primitive(
    "isotonic.pav",
    "ary:frame",
    "Corners (y, x, weight) of the ascending line nearest to the points of columns y, x, weight.",
)
def isotonic_pav(_env: Env, table: Table) -> Val:
    if table.n_cols not in (2, 3) or not all(column.is_number for column in table.columns):
        raise RapidsError(
            "isotonic.pav: expected numeric columns y, x and, if wished, weight; got "
            f"{', '.join(table.names)}."
        )
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    if table.n_cols == 3 and frame.n_rows:
        least = frame.rollups()[2].min
        if least < 0:
            raise RapidsError(f"Weights cannot be negative. Column {table.names[2]!r} has {least}.")
    names = frame.names
    x, y, w = isotonic_thresholds(
        PointsPass(names[0], names[1], names[2] if len(names) > 2 else None).do_all(frame)
    )
    return ValFrame(local_table(["C1", "C2", "C3"], [y, x, w], [VecType.NUMERIC] * 3))
