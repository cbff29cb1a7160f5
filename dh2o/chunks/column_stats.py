"""The stats of many columns at once: arrays with an entry a column, so that they add up quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.chunks.block import Block
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import F64, I64, Mask
from dh2o.chunks.many import floats_of_chunks, tiles_of, worth_batching
from dh2o.chunks.stats import N_EXTREMES, ChunkStats

__all__ = ["ColumnStats"]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnStats:
    """What `ChunkStats` says, of each column of a table; `mins` and `maxs` have a row a column.

    Of columns with fewer than five numbers the last extremes are NaN.
    """

    n_rows: int
    n_na: I64
    n_zero: I64
    n_pinf: I64
    n_ninf: I64
    mean: F64
    m2: F64
    is_int: Mask
    mins: F64
    maxs: F64
    nbytes: I64

    @classmethod
    def empty(cls, n_cols: int, n_rows: int = 0) -> ColumnStats:
        """Return the stats of columns in which nothing was found.

        Parameters
        ----------
        n_cols, n_rows : int
            How many columns there are, and rows in each.
        """
        n_na, n_zero, n_pinf, n_ninf, nbytes = np.zeros((5, n_cols), dtype=np.int64)
        mean, m2 = np.zeros((2, n_cols))
        is_int = np.ones(n_cols, dtype=np.bool_)
        mins, maxs = np.full((2, n_cols, N_EXTREMES), np.nan)
        return cls(n_rows, n_na, n_zero, n_pinf, n_ninf, mean, m2, is_int, mins, maxs, nbytes)

    @classmethod
    def of(cls, block: Block) -> ColumnStats:
        """Return the stats of the columns of `block`.

        Parameters
        ----------
        block : Block
            The columns.
        """
        made = cls.empty(block.n_cols, block.n_rows)
        numbers = [k for k, chunk in enumerate(block.chunks) if chunk.kind in ("number", "code")]
        batched: list[int] = []
        if worth_batching(len(numbers), block.n_rows):
            batched = numbers
            made._set_together(batched, [block.chunks[k] for k in batched])
        done = set(batched)
        for k, chunk in enumerate(block.chunks):
            if k not in done:
                made._set(k, chunk.stats())
        return made

    def _set(self, k: int, stats: ChunkStats) -> None:
        self.n_na[k], self.n_zero[k] = stats.n_na, stats.n_zero
        self.n_pinf[k], self.n_ninf[k] = stats.n_pinf, stats.n_ninf
        self.mean[k], self.m2[k] = stats.mean, stats.m2
        self.is_int[k], self.nbytes[k] = stats.is_int, stats.nbytes
        self.mins[k, : len(stats.mins)] = stats.mins
        self.maxs[k, : len(stats.maxs)] = stats.maxs

    def _set_together(self, columns: Sequence[int], chunks: Sequence[Chunk]) -> None:
        """Set the stats of columns of numbers, few rows each."""
        self.nbytes[columns] = [chunk.nbytes for chunk in chunks]
        for some in tiles_of(len(chunks), self.n_rows):
            self._set_tile(np.asarray(columns[some]), chunks[some])

    def _set_tile(self, columns: I64, chunks: Sequence[Chunk]) -> None:
        from dh2o.chunks.kernels import stats_kernel

        values = np.empty((len(chunks), self.n_rows))
        floats_of_chunks(chunks, values)
        counts = np.empty((len(chunks), 5), dtype=np.int64)
        moments = np.empty((len(chunks), 2))
        mins, maxs = np.empty((2, len(chunks), N_EXTREMES))
        stats_kernel(values, counts, moments, mins, maxs)
        self.n_na[columns], self.n_zero[columns] = counts[:, 0], counts[:, 1]
        self.n_pinf[columns], self.n_ninf[columns] = counts[:, 2], counts[:, 3]
        self.is_int[columns] = counts[:, 4] != 0
        self.mean[columns], self.m2[columns] = moments.T
        self.mins[columns], self.maxs[columns] = mins, maxs

    @property
    def n_finite(self) -> I64:
        """How many rows of each column hold a finite number."""
        return self.n_rows - self.n_na - self.n_pinf - self.n_ninf

    def __add__(self, other: ColumnStats) -> ColumnStats:
        mean, m2 = self._moments_with(other)
        both_mins = np.concatenate([self.mins, other.mins], axis=1)
        both_maxs = np.concatenate([self.maxs, other.maxs], axis=1)
        return ColumnStats(
            n_rows=self.n_rows + other.n_rows,
            n_na=self.n_na + other.n_na,
            n_zero=self.n_zero + other.n_zero,
            n_pinf=self.n_pinf + other.n_pinf,
            n_ninf=self.n_ninf + other.n_ninf,
            mean=mean,
            m2=m2,
            is_int=self.is_int & other.is_int,
            # NaN comes last; equal ones, 0.0 and -0.0, keep their order
            mins=np.sort(both_mins, axis=1, kind="stable")[:, :N_EXTREMES],
            maxs=-np.sort(-both_maxs, axis=1, kind="stable")[:, :N_EXTREMES],
            nbytes=self.nbytes + other.nbytes,
        )

    def _moments_with(self, other: ColumnStats) -> tuple[F64, F64]:
        """Return mean and m2 of the rows of both, by the formula of `ChunkStats`."""
        n, m = self.n_finite.astype(np.float64), other.n_finite.astype(np.float64)
        with np.errstate(all="ignore"):
            delta = other.mean - self.mean
            mean = self.mean + delta * (m / (n + m))
            m2 = self.m2 + other.m2 + delta * delta * (n * m / (n + m))
        mean = np.where(n == 0, other.mean, np.where(m == 0, self.mean, mean))
        return mean, np.where((n == 0) | (m == 0), self.m2 + other.m2, m2)
