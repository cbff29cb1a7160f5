"""Cut points of whole columns by H2O's rules: all values where they are few, else quantiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.adaptive.columns import ColumnTable, Kind
from dh2o.estimators.trees.adaptive.points import padded, unique_within
from dh2o.estimators.trees.arrays import F64
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.frame import Frame

__all__ = ["with_global_points"]

_WIDEST = 1e300  # quantiles of a wider range cannot be interpolated
_Found = tuple[tuple[float, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class FewValues(MRTask[_Found, _Found]):
    """The different values of each column, NA aside; None for one that has more than `most`."""

    names: tuple[str, ...]
    most: int

    def map(self, block: Block) -> _Found:
        return tuple(self._limited(np.unique(block.floats(name))) for name in self.names)

    def combine(self, a: _Found, b: _Found) -> _Found:
        return tuple(
            None if x is None or y is None else self._limited(np.union1d(x, y))
            for x, y in zip(a, b, strict=True)
        )

    def _limited(self, values: F64) -> tuple[float, ...] | None:
        known = values[~np.isnan(values)]
        return tuple(known.tolist()) if len(known) <= self.most else None


def with_global_points(
    columns: ColumnTable, frame: Frame, weights: str | None, n_bins: int, n_top: int
) -> ColumnTable:
    """Return `columns` with the cut points of the numeric ones that have more than two values."""
    rollups = dict(zip(frame.names, frame.rollups(), strict=True))
    chosen = [
        c
        for c, name in enumerate(columns.names)
        if columns.usable[c]
        and columns.kinds[c] != Kind.LEVELS
        and frame.vec(name).type != "time"
        and not rollups[name].is_binary
        and rollups[name].n_pinf + rollups[name].n_ninf == 0
        and rollups[name].max / 2 - rollups[name].min / 2 < _WIDEST
    ]
    points: dict[int, F64] = {}
    refines = np.zeros(columns.n_columns, np.bool_)
    if chosen:
        names = tuple(columns.names[c] for c in chosen)
        few = FewValues(names, n_bins).do_all(frame)
        many = [c for c, values in zip(chosen, few, strict=True) if values is None]
        points = {c: np.array(v) for c, v in zip(chosen, few, strict=True) if v is not None}
        for c, found in zip(many, _quantiles(frame, columns, many, weights, n_bins), strict=True):
            of = rollups[columns.names[c]]
            kept = np.append(found, 0.0)
            n = unique_within(kept, len(found), of.min, of.max)
            if n > 1:
                room = np.zeros(max(n, n_top))
                points[c] = room[: padded(kept, 0, n, n_top, room, 0)]
                refines[c] = True
    sizes = [len(points[c]) if c in points else 0 for c in range(columns.n_columns)]
    return replace(
        columns,
        quantiles=np.concatenate([*(points[c] for c in sorted(points)), np.zeros(0)]),
        quantile_starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        refines=refines,
    )


def _quantiles(
    frame: Frame, columns: ColumnTable, chosen: list[int], weights: str | None, n_bins: int
) -> list[F64]:
    """Return the quantiles 0, 1 / n_bins, … of columns, interpolated; rows count by weight."""
    from dh2o.rapids.columns import Table
    from dh2o.rapids.order_statistics import quantiles_of, weighted_quantiles

    if not chosen:
        return []
    probs = [i / n_bins for i in range(n_bins)]
    names = [columns.names[c] for c in chosen]
    table = Table.of(frame.select([*names, weights] if weights else names))
    if weights is None:
        found, _ = quantiles_of(table, table.columns, probs)
        return [np.array(values) for values in found]
    weight = table.columns[-1]
    return [
        np.array(weighted_quantiles(table, column, weight, probs, "interpolate"))
        for column in table.columns[:-1]
    ]
