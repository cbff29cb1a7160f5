"""What the boosting loop must know about the response before it starts: one pass."""

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

__all__ = ["ResponseFacts", "ResponsePass", "used_rows"]


@dataclass(slots=True)
class ResponseFacts:
    """Sums over the rows that learn: those with a response and a weight above 0.

    ``sum_wy`` and ``sum_w`` are those whose ratio is the mean response on the scale of the link,
    offsets taken off: see `ResponsePass`.
    """

    n_rows: int = 0
    total_weight: float = 0.0
    max_weight: float = 0.0
    whole_weights: bool = True
    sum_w: float = 0.0
    sum_wy: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    max_abs: float = 0.0

    @property
    def weights(self) -> WeightFacts:
        """What the fixed point needs."""
        return WeightFacts(self.n_rows, self.total_weight, self.max_weight, self.whole_weights)


def used_rows(
    block: Block, response: str, weights: str | None, offset: str | None
) -> tuple[F64, F64, F64]:
    """Return (response, weight, offset) of the rows that learn."""
    y = block.floats(response)
    w = block.floats(weights) if weights else np.ones(len(y))
    o = block.floats(offset) if offset else np.zeros(len(y))
    used = ~np.isnan(y) & (w > 0) & ~np.isnan(o)
    return y[used], w[used], o[used]


@dataclass(frozen=True, slots=True)
class ResponsePass(MRTask[ResponseFacts, ResponseFacts]):
    """Facts about the response.

    Its weighted mean is ``sum_wy / sum_w`` with offsets taken off:

    gaussian   sum w (y - o)            / sum w
    poisson    sum w y                  / sum w e^o
    gamma      sum w y e^-o             / sum w
    tweedie    sum w y e^(o (1-p))      / sum w e^(o (2-p))
    """

    response: str
    weights: str | None
    offset: str | None
    distribution: str
    power: float

    def map(self, block: Block) -> ResponseFacts:
        y, w, o = used_rows(block, self.response, self.weights, self.offset)
        if not len(y):
            return ResponseFacts()
        over, under = w * y, w
        if self.distribution == "poisson":
            under = w * np.exp(o)
        elif self.distribution == "gamma":
            over = over * np.exp(-o)
        elif self.distribution == "tweedie":
            over, under = over * np.exp(o * (1 - self.power)), w * np.exp(o * (2 - self.power))
        elif self.distribution not in ("bernoulli", "quasibinomial", "multinomial"):
            over = w * (y - o)
        return ResponseFacts(
            n_rows=len(y),
            total_weight=float(w.sum()),
            max_weight=float(w.max()),
            whole_weights=bool((w == np.floor(w)).all()),
            sum_w=float(under.sum()),
            sum_wy=float(over.sum()),
            min=float(y.min()),
            max=float(y.max()),
            max_abs=float(np.abs(y - o).max()),
        )

    def combine(self, a: ResponseFacts, b: ResponseFacts) -> ResponseFacts:
        return ResponseFacts(
            n_rows=a.n_rows + b.n_rows,
            total_weight=a.total_weight + b.total_weight,
            max_weight=max(a.max_weight, b.max_weight),
            whole_weights=a.whole_weights and b.whole_weights,
            sum_w=a.sum_w + b.sum_w,
            sum_wy=a.sum_wy + b.sum_wy,
            min=min(a.min, b.min),
            max=max(a.max, b.max),
            max_abs=max(a.max_abs, b.max_abs),
        )

    def finish(self, total: ResponseFacts | None) -> ResponseFacts:
        return total or ResponseFacts()
