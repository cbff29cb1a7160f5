"""The bins of a frame: one pass draws a sample of the numeric columns, the driver cuts it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import F64, U32
from dh2o.estimators.trees.binning import (
    MAX_NARROW_BINS,
    BinMap,
    FeatureBins,
    code_features,
    number_features,
    quantile_cuts,
)
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.frame import Frame

__all__ = ["SAMPLE_ROWS", "BinLimits", "NumberSample", "bin_map_of", "random_words"]

SAMPLE_ROWS = 1 << 17  # rows looked at to place the cuts: a bin's share is then right within 4 %
_SAMPLE_STREAM = 0x5DEECE66D


def random_words(key: int, row_ids: U32) -> U32:
    """Return 32 random bits a row, a function of (key, row number) alone."""
    x = row_ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x >> np.uint64(32)).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class NumberSample(MRTask[list[list[F64]], list[F64]]):
    """The values of numeric columns in about `rate` of the rows that learn, in row order.

    The last array holds the rows' weights, if there are any.
    """

    names: tuple[str, ...]
    response: str
    weights: str | None
    rate: float

    def map(self, block: Block) -> list[list[F64]]:
        used = ~np.isnan(block.floats(self.response))
        if self.weights is not None:
            used &= block.floats(self.weights) > 0
        if self.rate < 1.0:
            ids = np.arange(block.row_start, block.row_start + block.n_rows, dtype=np.int64)
            words = random_words(_SAMPLE_STREAM, (ids & 0xFFFFFFFF).astype(np.uint32))
            used &= words < np.uint32(self.rate * 0xFFFFFFFF)
        names = self.names if self.weights is None else (*self.names, self.weights)
        if used.all():
            return [[block.floats(name)] for name in names]
        return [[block.floats(name)[used]] for name in names]

    def combine(self, a: list[list[F64]], b: list[list[F64]]) -> list[list[F64]]:
        return [left + right for left, right in zip(a, b, strict=True)]

    def finish(self, total: list[list[F64]] | None) -> list[F64]:
        if total is None:
            return [np.empty(0)] * (len(self.names) + 1)
        return [np.concatenate(parts) for parts in total]


@dataclass(frozen=True, slots=True)
class BinLimits:
    """How many bins a feature may have."""

    numbers: int = MAX_NARROW_BINS
    levels: int = 1024


def bin_map_of(
    frame: Frame, x: tuple[str, ...], response: str, weights: str | None, limits: BinLimits
) -> BinMap:
    """Return the bins of the features `x` of `frame`: quantiles of the rows that learn."""
    numbers = tuple(name for name in x if not frame.vec(name).is_enum)
    rate = min(1.0, SAMPLE_ROWS / max(frame.n_rows, 1))
    samples: dict[str, F64] = {}
    of_rows: F64 | None = None
    if numbers:
        found = NumberSample(numbers, response, weights, rate).do_all(frame)
        samples = dict(zip(numbers, found, strict=False))
        of_rows = found[-1] if weights is not None else None

    def bins(name: str) -> FeatureBins:
        if name in samples:
            cuts = quantile_cuts(samples[name], limits.numbers, of_rows)
            return number_features(name, cuts, samples[name])
        return code_features(name, len(frame.vec(name).domain or ()), limits.levels)

    if rate < 1.0 and len(numbers) > 1:
        with ThreadPoolExecutor(4) as threads:  # sorting lets go of the interpreter lock
            return BinMap(tuple(threads.map(bins, x)))
    return BinMap(tuple(bins(name) for name in x))
