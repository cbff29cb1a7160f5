"""The rows that a tree is grown on: drawn by number, fetched in one pass for several trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import F64, I64
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["GatherRows", "Sampling", "rows_of_block"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Draws `size` of `n_rows` rows for each tree, without replacement."""

    seed: int
    n_rows: int
    size: int

    def rows(self, number: int) -> I64:
        """Return the rows of tree `number`, ascending: a function of the seed and it alone."""
        if self.size >= self.n_rows:
            return np.arange(self.n_rows, dtype=np.int64)
        key = derive_key(self.seed, Stream.ROWS, number)
        rng = np.random.Generator(np.random.Philox(key=key))
        return np.sort(rng.choice(self.n_rows, self.size, replace=False, shuffle=False))


def rows_of_block(rows: I64, block: Block) -> I64:
    """Return those of the ascending row numbers that lie in `block`, counted from its start."""
    first, last = np.searchsorted(rows, [block.row_start, block.row_start + block.n_rows])
    return rows[first:last] - block.row_start


@dataclass(frozen=True, slots=True)
class GatherRows(MRTask[list[list[F64]], list[F64]]):
    """The values of columns `names` in the rows of each sample, shape (size, n_columns)."""

    names: tuple[str, ...]
    samples: tuple[I64, ...]

    def map(self, block: Block) -> list[list[F64]]:
        out: list[list[F64]] = []
        for sample in self.samples:
            rows = rows_of_block(sample, block)
            x = np.empty((len(rows), len(self.names)))
            if len(rows):
                for k, name in enumerate(self.names):
                    x[:, k] = block.chunk(name).take(rows).floats()
            out.append([x])
        return out

    def combine(self, a: list[list[F64]], b: list[list[F64]]) -> list[list[F64]]:
        return [left + right for left, right in zip(a, b, strict=True)]

    def finish(self, total: list[list[F64]] | None) -> list[F64]:
        if total is None:
            return [np.empty((0, len(self.names))) for _ in self.samples]
        return [np.concatenate(parts) for parts in total]
