"""The columns of a tile as a model reads them: float64 arrays by name, NA as NaN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


class Columns(Mapping[str, F64]):
    """Named float64 columns of equal length; enums hold codes of the model's own domain.

    Rows are counted apart, so that a model without predictors still knows how many to score.
    """

    __slots__ = ("_columns", "n_rows")

    def __init__(self, columns: Mapping[str, F64], n_rows: int | None = None) -> None:
        self._columns = dict(columns)
        if n_rows is None:
            n_rows = len(next(iter(self._columns.values()))) if self._columns else 0
        self.n_rows = n_rows

    def __getitem__(self, name: str) -> F64:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def matrix(self, names: tuple[str, ...], out: Any = None) -> F64:
        """Return the columns `names` side by side, shape (n_rows, len(names)), row-major."""
        if out is None:
            out = np.empty((self.n_rows, len(names)))
        for idx, name in enumerate(names):
            out[:, idx] = self._columns[name]
        return out
