"""The dispersion: by residuals, or by maximum likelihood."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.rows import Roles, tiles
from dh2o.estimators.glm.sandwich import linear_predictor
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_likelihood import log_likelihood
from dh2o.models.glm_link import Link
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]

#: Candidates of one pass; each pass narrows the interval of log(dispersion) to two of its gaps.
_N_TRIED = 17
_WIDEST = (math.log(1e-10), math.log(1e10))
_ACCURACY = 1e-7


@dataclass(frozen=True, eq=False)
class LikelihoodTask(MRTask[F64, F64]):
    """Log likelihood of the rows under each of several dispersions; rows that have none count 0."""

    design: Design
    family: Family
    link: Link
    roles: Roles
    beta: F64
    standardise: bool
    dispersions: F64

    def map(self, block: Block) -> F64:
        total = np.zeros(len(self.dispersions))
        for tile in tiles(block, self.design, self.roles, standardise=self.standardise):
            eta = linear_predictor(self.design, tile, self.beta)
            with np.errstate(all="ignore"):
                mu = self.link.inverse(eta if tile.offset is None else eta + tile.offset)
            for i, phi in enumerate(self.dispersions):
                rows = log_likelihood(self.family, tile.y, mu, tile.w, float(phi))
                total[i] += np.nansum(rows)
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return a + b

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(len(self.dispersions)) if total is None else total


def most_likely_dispersion(problem: Problem, beta: F64, start: float, most_passes: int) -> float:
    """Return the dispersion under which the rows are likeliest at `beta` (as it was fitted).

    After `most_passes` over the rows it is the likeliest of those tried so far.
    """
    places = problem.design.spread(beta)
    low, high = _WIDEST
    middle = math.log(start) if start > 0 else 0.0
    tried = np.unique(np.append(np.linspace(low, high, _N_TRIED), middle))
    for n_passes in itertools.count(1):
        task = LikelihoodTask(
            problem.design, problem.family, problem.link, problem.roles, places,
            problem.standardise, np.exp(tried),
        )  # fmt: skip
        values = task.do_all(problem.frame)
        best = int(np.nanargmax(values))
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
        if high - low < 1e-3 and 0 < best < len(tried) - 1:
            return math.exp(_peak(tried[best - 1 : best + 2], values[best - 1 : best + 2]))
        if high - low < _ACCURACY or n_passes >= most_passes:
            break
        tried = np.linspace(low, high, _N_TRIED)
    return math.exp(float(tried[best]))


def _peak(x: F64, y: F64) -> float:
    """Return where the parabola through three points is highest."""
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    curve = (right - left) / (x[2] - x[0])
    if not curve < 0:
        return float(x[1])
    return float(np.clip((x[0] + x[1]) / 2 - left / (2 * curve), x[0], x[2]))
