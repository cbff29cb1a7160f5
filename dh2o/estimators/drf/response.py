"""What a forest must know about the response before it starts: one pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.fixed_point import WeightFacts
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["ResponseFacts", "ResponsePass"]


@dataclass(slots=True)
class ResponseFacts:
    """Sums over the rows that learn: those with a response and a weight above 0.

    `by_class` holds the weight of each class, of one class for regression.
    """

    by_class: F64
    n_rows: int = 0
    max_weight: float = 0.0
    whole_weights: bool = True
    sum_wy: float = 0.0
    min: float = math.inf
    max: float = -math.inf

    @property
    def total_weight(self) -> float:
        """Sum of the weights."""
        return float(self.by_class.sum())

    @property
    def weights(self) -> WeightFacts:
        """What the fixed point needs."""
        return WeightFacts(self.n_rows, self.total_weight, self.max_weight, self.whole_weights)

    @property
    def mean(self) -> float:
        """Mean of a numeric response."""
        return self.sum_wy / self.total_weight

    @property
    def spread(self) -> float:
        """Largest distance of a response from the mean."""
        return max(self.max - self.mean, self.mean - self.min)

    def prior(self, klass: int) -> float:
        """Return the share of class `klass`, or the mean of a numeric response."""
        if len(self.by_class) == 1:
            return self.mean
        return float(self.by_class[klass]) / self.total_weight


@dataclass(frozen=True, slots=True)
class ResponsePass(MRTask[ResponseFacts, ResponseFacts]):
    """Facts about the response; `n_classes` is 1 for regression."""

    response: str
    weights: str | None
    n_classes: int

    def map(self, block: Block) -> ResponseFacts:
        y = block.floats(self.response)
        w = block.floats(self.weights) if self.weights else np.ones(len(y))
        used = ~np.isnan(y) & (w > 0)
        y, w = y[used], w[used]
        if not len(y):
            return ResponseFacts(np.zeros(self.n_classes))
        classes = y.astype(np.int64) if self.n_classes > 1 else np.zeros(len(y), np.int64)
        return ResponseFacts(
            by_class=np.bincount(classes, w, self.n_classes).astype(np.float64),
            n_rows=len(y),
            max_weight=float(w.max()),
            whole_weights=bool((w == np.floor(w)).all()),
            sum_wy=float((w * y).sum()),
            min=float(y.min()),
            max=float(y.max()),
        )

    def combine(self, a: ResponseFacts, b: ResponseFacts) -> ResponseFacts:
        return ResponseFacts(
            by_class=a.by_class + b.by_class,
            n_rows=a.n_rows + b.n_rows,
            max_weight=max(a.max_weight, b.max_weight),
            whole_weights=a.whole_weights and b.whole_weights,
            sum_wy=a.sum_wy + b.sum_wy,
            min=min(a.min, b.min),
            max=max(a.max, b.max),
        )

    def finish(self, total: ResponseFacts | None) -> ResponseFacts:
        return total or ResponseFacts(np.zeros(self.n_classes))
