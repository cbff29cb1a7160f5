"""What one chunk adds to the rollups of its column; chunks merge by Chan's formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.chunks.codec import F64, I64, NumberCodec
from dh2o.chunks.many import FEW_ROWS

if TYPE_CHECKING:
    from dh2o.chunks.chunk import Chunk

N_EXTREMES = 5
_TILE = 1 << 16
_N_LANES = 8


@dataclass(frozen=True, slots=True)
class ChunkStats:
    """Counts, extremes and moments; moments and extremes leave NA and infinities out.

    `mins` and `maxs` are the five smallest and largest values, repeats included, nearest to the
    end first. `mean` is 0 when there is nothing to average; `m2` is sum((x - mean)**2).
    """

    n_rows: int = 0
    n_na: int = 0
    n_zero: int = 0
    n_pinf: int = 0
    n_ninf: int = 0
    mean: float = 0.0
    m2: float = 0.0
    is_int: bool = True
    mins: tuple[float, ...] = ()
    maxs: tuple[float, ...] = ()
    nbytes: int = 0

    @property
    def n_finite(self) -> int:
        """How many rows hold a finite number."""
        return self.n_rows - self.n_na - self.n_pinf - self.n_ninf

    @property
    def min(self) -> float:
        """The smallest finite value, NaN when there is none."""
        return self.mins[0] if self.mins else math.nan

    @property
    def max(self) -> float:
        """The largest finite value, NaN when there is none."""
        return self.maxs[0] if self.maxs else math.nan

    def __add__(self, other: ChunkStats) -> ChunkStats:
        n, m = self.n_finite, other.n_finite
        mean, m2 = self.mean, self.m2
        if m:
            delta = other.mean - self.mean
            mean = self.mean + delta * (m / (n + m)) if n else other.mean
            m2 = self.m2 + other.m2 + (delta * delta * (n * m / (n + m)) if n else 0.0)
        return ChunkStats(
            n_rows=self.n_rows + other.n_rows,
            n_na=self.n_na + other.n_na,
            n_zero=self.n_zero + other.n_zero,
            n_pinf=self.n_pinf + other.n_pinf,
            n_ninf=self.n_ninf + other.n_ninf,
            mean=mean,
            m2=m2,
            is_int=self.is_int and other.is_int,
            mins=tuple(sorted(self.mins + other.mins)[:N_EXTREMES]),
            maxs=tuple(sorted(self.maxs + other.maxs, reverse=True)[:N_EXTREMES]),
            nbytes=self.nbytes + other.nbytes,
        )


def stats_of(chunk: Chunk) -> ChunkStats:
    """Return the stats of `chunk`; strings and ids have counts only."""
    if chunk.kind in ("string", "uuid"):
        n_na = int(np.count_nonzero(chunk.na_mask()))
        return ChunkStats(
            n_rows=chunk.n_rows, n_na=n_na, is_int=n_na == chunk.n_rows, nbytes=chunk.nbytes
        )
    size = ChunkStats(nbytes=chunk.nbytes)
    counted = None
    if isinstance(chunk.codec, NumberCodec) and chunk.n_rows > FEW_ROWS:
        counted = chunk.codec.counts(chunk.stored, chunk.n_rows)
    if counted is not None:
        return size + stats_of_counts(*counted)
    total = size
    buffer = np.empty(min(_TILE, chunk.n_rows))
    for start in range(0, chunk.n_rows, _TILE):
        stop = min(start + _TILE, chunk.n_rows)
        tile = chunk.floats(buffer[: stop - start], start, stop)
        total = total + stats_of_values(tile, is_int=chunk.is_integer)
    return total


def stats_of_counts(values: F64, counts: I64) -> ChunkStats:
    """Return the stats of rows given as different values and how often each occurs."""
    finite = np.isfinite(values)
    x, n = values[finite], counts[finite]
    n_finite = int(n.sum())
    total = float((x * n).sum())
    mean = total / n_finite if n_finite else 0.0
    if not math.isfinite(mean):
        mean = float((x * (n / n_finite)).sum())
    with np.errstate(over="ignore"):
        m2 = float((np.square(x - mean) * n).sum())
    order = np.argsort(x, kind="stable")
    x, n = x[order], np.minimum(n[order], N_EXTREMES)
    x, n = x[n > 0], n[n > 0]
    return ChunkStats(
        n_rows=int(counts.sum()),
        n_na=int(counts[np.isnan(values)].sum()),
        n_zero=int(counts[values == 0].sum()),
        n_pinf=int(counts[values == math.inf].sum()),
        n_ninf=int(counts[values == -math.inf].sum()),
        mean=mean,
        m2=m2,
        is_int=bool((np.rint(x) == x).all()),
        mins=tuple(np.repeat(x[:N_EXTREMES], n[:N_EXTREMES])[:N_EXTREMES].tolist()),
        maxs=tuple(np.repeat(x[::-1][:N_EXTREMES], n[::-1][:N_EXTREMES])[:N_EXTREMES].tolist()),
    )


def stats_of_values(values: F64, *, is_int: bool = False) -> ChunkStats:
    """Return the stats of decoded `values`; of few rows with the bits that `stats_kernel` gives."""
    finite = np.isfinite(values)
    n_finite = int(np.count_nonzero(finite))
    x = values if n_finite == len(values) else values[finite]
    n_pinf = int(np.count_nonzero(values == math.inf)) if n_finite < len(values) else 0
    n_ninf = int(np.count_nonzero(values == -math.inf)) if n_finite < len(values) else 0
    few = len(values) <= FEW_ROWS
    low, high = _sorted_ends(x) if few else _ends(x)
    mean, m2 = _moments(x, adder_of(len(values)))
    if few and n_finite and low[0] == high[0]:
        mean, m2 = float(low[0]), 0.0
    return ChunkStats(
        n_rows=len(values),
        n_na=len(values) - n_finite - n_pinf - n_ninf,
        n_zero=n_finite - int(np.count_nonzero(x)),
        n_pinf=n_pinf,
        n_ninf=n_ninf,
        mean=mean,
        m2=m2,
        is_int=is_int or bool((np.rint(x) == x).all()),
        mins=tuple(low.tolist()),
        maxs=tuple(high.tolist()),
    )


def adder_of(n_rows: int) -> Callable[[F64], float]:
    """Return what adds up the values of so many rows, so that all sums of a column are the same."""
    return lane_sum if n_rows <= FEW_ROWS else _sum


def _sum(x: F64) -> float:
    return float(np.add.reduce(x))


def _moments(x: F64, add_up: Callable[[F64], float]) -> tuple[float, float]:
    """Return the mean of finite values, 0 of none, and the sum of squares about it."""
    n = len(x)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = add_up(x) / n if n else 0.0
        if not math.isfinite(mean):
            mean = add_up(x / n)
        # not a BLAS dot: its bits depend on the number of threads
        return mean, add_up(np.square(x - mean))


def lane_sum(x: F64) -> float:
    """Return the sum of few values: every eighth one by one, then the eight sums in pairs."""
    padded = np.zeros((1 + -(-len(x) // _N_LANES), _N_LANES))
    padded[1:].reshape(-1)[: len(x)] = x
    lanes = np.add.accumulate(padded, axis=0)[-1]  # unlike a sum, in this order by definition
    pairs = lanes[::2] + lanes[1::2]
    return float((pairs[0] + pairs[1]) + (pairs[2] + pairs[3]))


def _ends(x: F64) -> tuple[F64, F64]:
    """Return the five smallest and the five largest values, nearest to the end first."""
    n = len(x)
    k = min(N_EXTREMES, n)
    if not k:
        return x, x
    low = np.sort(np.partition(x, k - 1)[:k])
    return low, np.sort(np.partition(x, n - k)[n - k :])[::-1]


def _sorted_ends(x: F64) -> tuple[F64, F64]:
    """Return what `_ends` does; of 0.0 and -0.0, which are equal, the first one comes first."""
    return np.sort(x, kind="stable")[:N_EXTREMES], -np.sort(-x, kind="stable")[:N_EXTREMES]
