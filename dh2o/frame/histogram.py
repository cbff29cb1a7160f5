"""Histograms and percentiles of columns, by H2O's bins: on demand, in a second pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dh2o.chunks import Block, Chunk
from dh2o.frame.rollups import Rollups
from dh2o.frame.vec import Vec, VecType
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

I64 = npt.NDArray[np.int64]

MAX_BINS = 1000
MAX_LEVELS = 10_000_000
PERCENTILES = (
    *(0.001, 0.01, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9),
    *(0.99, 0.999),
)
TILE = 65_536


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of finite values in equal bins from `base` in steps of `stride`; none for NA only."""

    bins: I64
    base: float
    stride: float

    @property
    def percentiles(self) -> tuple[float, ...]:
        """Values at `PERCENTILES`, right to one bin; NaN when there is no value."""
        return percentiles_of(self)


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal bins: value x falls into bin (x - base) / stride, the last one closed."""

    n: int
    base: float
    stride: float

    def count(self, chunk: Chunk) -> I64:
        """Return how many rows of the chunk fall into each bin."""
        counts = np.zeros(self.n, np.int64)
        if self.n == 0:
            return counts
        buffer = np.empty(min(TILE, chunk.n_rows))
        for start in range(0, chunk.n_rows, TILE):
            stop = min(start + TILE, chunk.n_rows)
            values = chunk.floats(buffer[: stop - start], start, stop)
            finite = values[np.isfinite(values)]
            idx = ((finite - self.base) / self.stride).astype(np.int64)
            counts += np.bincount(np.clip(idx, 0, self.n - 1), minlength=self.n)
        return counts


class HistogramTask(MRTask[tuple[I64, ...], tuple[I64, ...]]):
    """Counts by bin, for each column in bins of its own."""

    def __init__(self, bins: tuple[Bins, ...]) -> None:
        self.bins = bins

    def map(self, block: Block) -> tuple[I64, ...]:
        return tuple(bins.count(chunk) for bins, chunk in zip(self.bins, block.chunks, strict=True))

    def combine(self, a: tuple[I64, ...], b: tuple[I64, ...]) -> tuple[I64, ...]:
        return tuple(first + second for first, second in zip(a, b, strict=True))

    def finish(self, total: tuple[I64, ...] | None) -> tuple[I64, ...]:
        if total is None:
            return tuple(np.zeros(bins.n, np.int64) for bins in self.bins)
        return total


def histograms_of(frame: Frame) -> list[Histogram]:
    """Return the histogram of each column; computes and keeps those that are not known yet."""
    rollups = frame.rollups()
    missing = [i for i, vec in enumerate(frame.vecs) if vec.cell.histogram is None]
    counted = [i for i in missing if frame.vecs[i].type not in (VecType.STRING, VecType.UUID)]
    for i in set(missing) - set(counted):
        frame.vecs[i].cell.histogram = Histogram(np.zeros(0, np.int64), np.nan, np.nan)
    if counted:
        bins = tuple(bins_of(frame.vecs[i], rollups[i]) for i in counted)
        counts = HistogramTask(bins).do_all(frame.select(counted))
        for i, each, count in zip(counted, bins, counts, strict=True):
            frame.vecs[i].cell.histogram = Histogram(count, each.base, each.stride)
    return [vec.cell.histogram for vec in frame.vecs if vec.cell.histogram is not None]


def bins_of(vec: Vec, rollups: Rollups) -> Bins:
    """Return H2O's bins: one per integer up to 1000 (per level for enums), else 1000 equal ones."""
    if rollups.n_finite == 0:
        return Bins(0, np.nan, np.nan)
    span = rollups.max - rollups.min
    if span == 0:
        return Bins(1, rollups.min, 1.0)
    n = MAX_BINS
    if rollups.is_int and span < 2**31 - 1:
        n = min(int(span) + 1, MAX_LEVELS if vec.is_enum else MAX_BINS)
    return Bins(n, rollups.min, (span + (1 if rollups.is_int else 0)) / n)


def percentiles_of(histogram: Histogram) -> tuple[float, ...]:
    """Return values at `PERCENTILES`: position 1 + p (n - 1), interpolated between full bins."""
    n_values = int(histogram.bins.sum())
    if n_values == 0:
        return (np.nan,) * len(PERCENTILES)
    upto = np.cumsum(histogram.bins)
    full = np.flatnonzero(histogram.bins)
    found = []
    for p in PERCENTILES:
        position = 1.0 + p * (n_values - 1)
        whole = int(position)
        bin_idx = int(np.searchsorted(upto, whole))
        value = histogram.base + histogram.stride * bin_idx
        share = position - whole
        if share > 0 and upto[bin_idx] == whole:
            following = int(full[np.searchsorted(full, bin_idx, side="right")])
            value += share * histogram.stride * (following - bin_idx)
        found.append(float(value))
    return tuple(found)
