"""What is known of the columns before training: means, spreads and ranges of the usable rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.deeplearning.rows import Roles, usable_rows
from dh2o.frame import Frame
from dh2o.mrtask import MRTask

__all__ = ["Moments", "MomentsTask", "moments_of"]

F64 = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Moments:
    """Per column, over known values of usable rows: weight, mean, squared deviations, range."""

    weight: F64
    mean: F64
    m2: F64
    low: F64
    high: F64
    n_rows: int
    rows_weight: float

    @property
    def sigma(self) -> F64:
        """Standard deviation of each column; 0 if it has one value or none."""
        return np.sqrt(self.m2 / np.maximum(self.weight - 1.0, 1e-300) * (self.weight > 1.0))


@dataclass(frozen=True, eq=False)
class MomentsTask(MRTask[Moments, Moments]):
    """Moments of numeric columns."""

    columns: Sequence[str]
    roles: Roles

    def map(self, block: Block) -> Moments:
        w = usable_rows(block, self.roles)
        parts = np.array([_moments(block.chunk(n).floats(), w) for n in self.columns])
        weight, mean, m2, low, high = parts.reshape(-1, 5).T
        return Moments(weight, mean, m2, low, high, int((w > 0).sum()), float(w.sum()))

    def combine(self, a: Moments, b: Moments) -> Moments:
        weight = a.weight + b.weight
        share = np.divide(b.weight, weight, out=np.zeros_like(weight), where=weight > 0)
        delta = b.mean - a.mean
        return Moments(
            weight,
            a.mean + delta * share,
            a.m2 + b.m2 + delta * delta * a.weight * share,
            np.minimum(a.low, b.low),
            np.maximum(a.high, b.high),
            a.n_rows + b.n_rows,
            a.rows_weight + b.rows_weight,
        )

    def finish(self, total: Moments | None) -> Moments:
        if total is not None:
            return total
        zero = np.zeros(len(self.columns))
        nothing = np.full(len(self.columns), np.inf)
        return Moments(zero, zero, zero, nothing, -nothing, 0, 0.0)


def moments_of(frame: Frame, columns: Sequence[str], roles: Roles) -> Moments:
    """Return the moments of numeric columns; without a pass if all rows count alike."""
    needed = [n for n in (roles.response, roles.offset, *roles.needed) if n is not None]
    complete = all(rolled.n_na == 0 for rolled in frame.select(needed).rollups())
    if roles.weights is not None or not complete:
        return MomentsTask(columns, roles).do_all(frame)
    rolled = frame.select(list(columns)).rollups()
    n = np.array([r.n_rows - r.n_na for r in rolled], np.float64)
    mean = np.array([r.mean if k else 0.0 for r, k in zip(rolled, n, strict=True)])
    sigma = np.array([r.sigma if k > 1 else 0.0 for r, k in zip(rolled, n, strict=True)])
    low = np.array([r.min if k else np.inf for r, k in zip(rolled, n, strict=True)])
    high = np.array([r.max if k else -np.inf for r, k in zip(rolled, n, strict=True)])
    m2 = sigma**2 * np.maximum(n - 1, 0)
    return Moments(n, mean, m2, low, high, frame.n_rows, float(frame.n_rows))


def _moments(x: F64, w: F64) -> tuple[float, ...]:
    used = ~np.isnan(x) & (w > 0)
    x, w = x[used], w[used]
    weight = float(w.sum())
    if weight == 0:
        return 0.0, 0.0, 0.0, np.inf, -np.inf
    mean = float((w * x).sum() / weight)
    with np.errstate(invalid="ignore"):  # infinite values are refused by the builder
        m2 = float((w * np.square(x - mean)).sum())
    return weight, mean, m2, float(x.min()), float(x.max())
