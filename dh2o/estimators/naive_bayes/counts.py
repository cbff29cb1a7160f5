"""What naive Bayes learns from: counts of levels, and moments of numbers, by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class ClassSums:
    """By class: weight of rows, of levels, and sums of (x - center) and of its square."""

    weights: F64
    levels: list[F64]
    sums: F64
    squares: F64


@dataclass(frozen=True)
class ClassSumsTask(MRTask[ClassSums, ClassSums]):
    """Sums over the rows that have all predictors and the response (H2O's rule).

    ``centers``, the columns' means, keep the sums of squares from cancelling out.
    """

    categoricals: tuple[str, ...]
    n_levels: tuple[int, ...]
    numerics: tuple[str, ...]
    centers: tuple[float, ...]
    response: str
    n_classes: int
    weights: str | None

    def map(self, block: Block) -> ClassSums:
        y = block.codes(self.response).astype(np.int64)
        w = np.ones(block.n_rows) if self.weights is None else block.floats(self.weights)
        used = (y >= 0) & (w > 0)
        codes = [block.codes(name).astype(np.int64) for name in self.categoricals]
        numbers = [block.floats(name) for name in self.numerics]
        for found in codes:
            used &= found >= 0
        for values in numbers:
            used &= ~np.isnan(values)
        y, w, k = y[used], w[used], self.n_classes
        levels = [
            np.asarray(np.bincount(y * n + found[used], w, k * n), np.float64).reshape(k, n)
            for found, n in zip(codes, self.n_levels, strict=True)
        ]
        sums, squares = np.zeros((2, len(numbers), k))
        for idx, (values, center) in enumerate(zip(numbers, self.centers, strict=True)):
            x = values[used] - center
            sums[idx] = np.bincount(y, w * x, k)
            squares[idx] = np.bincount(y, w * x * x, k)
        return ClassSums(np.asarray(np.bincount(y, w, k), np.float64), levels, sums, squares)

    def combine(self, a: ClassSums, b: ClassSums) -> ClassSums:
        return ClassSums(
            a.weights + b.weights,
            [x + z for x, z in zip(a.levels, b.levels, strict=True)],
            a.sums + b.sums,
            a.squares + b.squares,
        )

    def finish(self, total: ClassSums | None) -> ClassSums:
        if total is not None:
            return total
        k = self.n_classes
        levels = [np.zeros((k, n)) for n in self.n_levels]
        return ClassSums(np.zeros(k), levels, *np.zeros((2, len(self.numerics), k)))
