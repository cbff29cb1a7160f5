"""The score before the first tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.gbm.custom import CustomStart
from dh2o.estimators.gbm.distributions import Distribution
from dh2o.estimators.gbm.response import ResponseFacts, used_rows
from dh2o.estimators.trees.gradients import Loss
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.estimators.spec import TrainSpec

__all__ = ["initial_score"]


def initial_score(spec: TrainSpec, distribution: Distribution, facts: ResponseFacts) -> float:
    """Return the constant score that fits best, besides the offsets."""
    custom = distribution.custom
    if custom is not None:
        if distribution.is_multinomial:
            return 0.0
        start = CustomStart(custom, str(spec.response), spec.weights, spec.offset)
        return float(custom.link_of(start.do_all(spec.train)))
    f0 = distribution.initial(facts)
    if distribution.loss is not Loss.BERNOULLI or spec.offset is None:
        return f0
    # one step of Newton's method from 0, as H2O does: the trees make up for what is left
    return _NewtonStep(str(spec.response), spec.weights, spec.offset, 0.0).do_all(spec.train)


@dataclass(frozen=True, slots=True)
class _NewtonStep(MRTask[tuple[float, float], float]):
    """sum w (y - p) / sum w p (1 - p) with p the probability at score f0 + offset."""

    response: str
    weights: str | None
    offset: str
    f0: float

    def map(self, block: Block) -> tuple[float, float]:
        y, w, o = used_rows(block, self.response, self.weights, self.offset)
        p = 1.0 / (1.0 + np.exp(-(self.f0 + o)))
        return float((w * (y - p)).sum()), float((w * p * (1 - p)).sum())

    def combine(self, a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        return a[0] + b[0], a[1] + b[1]

    def finish(self, total: tuple[float, float] | None) -> float:
        over, under = total or (0.0, 0.0)
        return over / under if under > 0 else 0.0
