"""Variance inflation factors: how well the other predictors tell each number."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.solve import independent_columns
from dh2o.models.glm_family import Gaussian
from dh2o.models.glm_link import IdentityLink


def inflation_factors(problem: Problem) -> dict[str, Any]:
    """Return 1 / (1 - R2) of each numeric predictor on all others; infinite if they determine it.

    All of them follow from one Gram matrix: R2 of column j is 1 - 1 / (G_jj inverse(G)_jj), G being
    the sums of squares and products around the means.
    """
    design = problem.design
    plain = Problem(
        problem.frame, dataclasses.replace(design, all_levels=False), Gaussian(), IdentityLink(),
        dataclasses.replace(problem.roles, offset=None), True, True, 1.0,
    )  # fmt: skip
    xx = plain.new_gram(np.zeros(plain.n_coefficients)).xx
    first = plain.design.n_level_coefficients
    factors = [_factor(xx, first + j) for j in range(len(design.numerics))]
    return {
        "vif_predictor_names": list(design.numerics),
        "variable_inflation_factors": factors,
    }


def _factor(xx: np.ndarray, j: int) -> float:
    total = xx[j, j] - xx[j, -1] ** 2 / xx[-1, -1]
    if not total > 0:
        return math.nan
    others = np.array([i for i in range(len(xx)) if i != j and xx[i, i] > 0])
    kept, _ = independent_columns(xx[np.ix_(others, others)])
    used = others[kept]
    explained = np.linalg.solve(xx[np.ix_(used, used)], xx[used, j])
    rest = float(xx[j, j] - xx[used, j] @ explained)
    return float(total / rest) if rest > 1e-12 * xx[j, j] else math.inf
