"""Wide to long: one row for each row and value column, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.frame import VecType
from dh2o.rapids.blockwise import Shape, map_values
from dh2o.rapids.columns import Table, unique_names

__all__ = ["melted"]


def melted(
    table: Table, ids: Sequence[int], values: Sequence[int], names: tuple[str, str], skip_na: bool
) -> Table:
    """Return the ids, the name of the value column (a category) and the value of every cell."""
    wide = [table.names[i] for i in values]
    columns = [table.columns[i] for i in ids]
    shape = Shape(
        unique_names([*(table.names[i] for i in ids), *names]),
        [*(c.type for c in columns), VecType.ENUM, VecType.NUMERIC],
        [*(c.domain for c in columns), tuple(wide), None],
    )
    fn = _Melt(len(ids), len(wide), skip_na)
    layout = None
    if not skip_na and table.layout is not None:
        layout = tuple(n * len(values) for n in table.layout)
    return map_values(table.select([*ids, *values]), fn, shape, layout)


@dataclass(frozen=True, slots=True)
class _Melt:
    n_ids: int
    n_vars: int
    skip_na: bool

    def __call__(self, values: list[Any], _number: int, n_rows: int) -> list[Any]:
        flat = np.stack(values[self.n_ids :], axis=1).ravel()
        rows = np.repeat(np.arange(n_rows), self.n_vars)
        codes = np.tile(np.arange(self.n_vars, dtype=np.float64), n_rows)
        if self.skip_na:
            there = ~np.isnan(flat)
            rows, flat, codes = rows[there], flat[there], codes[there]
        return [*(_repeated(v, rows) for v in values[: self.n_ids]), codes, flat]


def _repeated(values: Any, rows: Any) -> Any:
    if isinstance(values, np.ndarray):
        return values[rows]
    import pyarrow as pa

    return values.take(pa.array(rows))
