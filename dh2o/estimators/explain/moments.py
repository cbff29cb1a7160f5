"""Mean and deviation of predictions, with and without weights, from partial results."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dh2o.chunks.stats import ChunkStats, stats_of_values
from dh2o.models.columns import F64

__all__ = ["PlainMoments", "WeightedMoments", "moments_of"]


@dataclass(frozen=True, slots=True)
class PlainMoments:
    """Of some columns: what the rollups of a frame would count, so that the figures are theirs."""

    stats: tuple[ChunkStats, ...]

    def __add__(self, other: PlainMoments) -> PlainMoments:
        pairs = zip(self.stats, other.stats, strict=True)
        return PlainMoments(tuple(a + b for a, b in pairs))

    def figures(self, k: int) -> tuple[float, float]:
        """Return mean and deviation of column `k`; NaN without any number."""
        one = self.stats[k]
        n = one.n_finite
        if n == 0:
            return math.nan, math.nan
        return one.mean, math.sqrt(one.m2 / (n - 1)) if n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class WeightedMoments:
    """Of some columns: weight, mean, squares about it, and rows that count."""

    weight: F64
    mean: F64
    squares: F64
    n: F64

    def __add__(self, other: WeightedMoments) -> WeightedMoments:
        weight = self.weight + other.weight
        share = np.divide(other.weight, weight, out=np.zeros_like(weight), where=weight != 0)
        gap = other.mean - self.mean
        squares = self.squares + other.squares + gap * gap * self.weight * share
        return WeightedMoments(weight, self.mean + gap * share, squares, self.n + other.n)

    def figures(self, k: int) -> tuple[float, float]:
        """Return mean and deviation of column `k`, as H2O weighs them; NaN without weight."""
        weight, n = float(self.weight[k]), float(self.n[k])
        if weight == 0:
            return math.nan, math.nan
        spread = float(self.squares[k]) / weight * (n / (n - 1) if n > 1 else 1.0)
        return float(self.mean[k]), math.sqrt(max(spread, 0.0))


def moments_of(predictions: F64, weights: F64 | None) -> PlainMoments | WeightedMoments:
    """Return the moments of each column of `predictions`; NA counts nowhere."""
    if weights is None:
        return PlainMoments(tuple(map(stats_of_values, predictions.T)))
    known = ~np.isnan(predictions) & (np.abs(np.nan_to_num(weights)) > 0)[:, None]
    each = np.where(known, weights[:, None], 0.0)
    values = np.where(known, predictions, 0.0)
    total = each.sum(axis=0)
    sums = (each * values).sum(axis=0)
    mean = np.divide(sums, total, out=np.zeros_like(total), where=total != 0)
    squares = (each * (values - mean) ** 2).sum(axis=0)
    return WeightedMoments(total, mean, squares, known.sum(axis=0).astype(np.float64))
