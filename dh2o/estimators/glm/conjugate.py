"""Newton's steps for many coefficients of several classes, without their whole Hessian.

The step's linear system is solved by conjugate gradients; a pass makes the Hessian's product with a
direction, and the Gram matrix of each class by itself, found with the gradient, is the
preconditioner (Nocedal and Wright 2006, chapter 7.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.problem import MultinomialProblem, OrdinalProblem, Problem
from dh2o.estimators.glm.solve import Penalty

if TYPE_CHECKING:
    from dh2o.estimators.glm.fit import Limits, State

F64 = NDArray[np.float64]

#: Conjugate gradients end at this share of the first residual far from the minimum, and earlier
#: steps need fewer digits than later ones.
_LOOSEST = 0.1
_MOST_PRODUCTS = 200
#: Share of the diagonal that is added to each class's matrix, so that collinear columns share.
_RIDGE = 1e-9
#: Steps until the gradient is this small beside the first one make a solution exact.
_EXACT = 1e-10
_POLISH = 1e-3
_MOST_STEPS = 20


def goes_by_classes(problem: Problem, penalty: Penalty, *, drop_collinear: bool) -> bool:
    """Return whether the whole Hessian is too large and nothing needs it."""
    return (
        isinstance(problem, MultinomialProblem)
        and not isinstance(problem, OrdinalProblem)
        and problem.is_wide
        and penalty.is_smooth
        and penalty.linear is None
        and penalty.rho is None
        and not drop_collinear
    )


def fit_by_classes(
    problem: MultinomialProblem, penalty: Penalty, state: State, limits: Limits
) -> None:
    """Move `state` to the minimum under a smooth penalty."""
    here = _Place.of(problem, penalty, state.beta)
    first, going = here.size, True
    while going:
        if not 0 < here.size < math.inf:
            return
        step = here.step(min(_LOOSEST, math.sqrt(here.size / first)))
        found = _searched(problem, penalty, state, step, here.gradient)
        if found is None:
            break
        going = state.advance(problem, penalty, *found, limits)
        if going or not limits.by_metrics:
            here = _Place.of(problem, penalty, state.beta)
    if limits.by_metrics or state.iterations >= limits.max_iterations or limits.out_of_time():
        return
    for _ in range(_MOST_STEPS):
        if not _EXACT * first < here.size < math.inf:
            return
        after = _Place.of(problem, penalty, here.beta + here.step(_POLISH))
        if not after.size < here.size:
            return
        here = after
        state.refine(problem, penalty, here.beta, here.nll)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """What is known at ``beta``: likelihood, gradient of the objective, equations of a step."""

    problem: MultinomialProblem
    beta: F64
    nll: float
    gradient: F64
    system: _System

    @classmethod
    def of(cls, problem: MultinomialProblem, penalty: Penalty, beta: F64) -> _Place:
        nll, gradient, grams = problem.by_class(beta)
        gradient = gradient + penalty.smooth_gradient(beta)
        return cls(problem, beta, nll, gradient, _System.of(problem, penalty, grams))

    @property
    def size(self) -> float:
        """Length of the gradient where coefficients move."""
        return float(np.linalg.norm(self.system.free(self.gradient)))

    def step(self, share: float) -> F64:
        """Return Newton's step but for `share` of the gradient."""
        return self.system.solve(
            -self.gradient, lambda v: self.problem.curvature(self.beta, v), share
        )


def _searched(
    problem: MultinomialProblem, penalty: Penalty, state: State, step: F64, gradient: F64
) -> tuple[F64, float] | None:
    """Return the first halved step that lowers the objective, None if there is none."""
    before = state.objective(problem, penalty)
    if not np.isfinite(step).all() or step @ gradient >= 0:
        return None
    for n_halvings in range(24):
        beta = state.beta + step * 0.5**n_halvings
        nll = problem.fit_sums(beta).nll
        objective = nll * problem.obj_reg + penalty.value(beta)
        if math.isfinite(objective) and objective < before:
            return beta, nll
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """The equations of a step: which coefficients move, the ridge, factors of each class's matrix.

    ``shared`` are columns that no penalty acts on: their sum over classes stays.
    """

    used: NDArray[np.bool_]
    ridge: F64
    shared: NDArray[np.bool_]
    factors: list[tuple[F64, bool]]

    @classmethod
    def of(cls, problem: MultinomialProblem, penalty: Penalty, grams: list[F64]) -> _System:
        from scipy.linalg import cho_factor

        mask, width = problem.penalised, problem.design.n_coefficients
        present = np.concatenate([np.diag(gram) > 0 for gram in grams])
        used = present & (mask | problem.intercept)
        ridge = np.where(mask, penalty.l2, 0.0)
        factors = []
        for k, gram in enumerate(grams):
            own = slice(k * width, (k + 1) * width)
            diagonal = np.diag(gram) * (1.0 + _RIDGE) + ridge[own]
            matrix = np.where(np.outer(used[own], used[own]), gram, 0.0)
            np.fill_diagonal(matrix, np.where(used[own], diagonal, 1.0))
            factors.append(cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False))
        free = ~mask if penalty.lam > 0 else np.ones(len(mask), dtype=np.bool_)
        return cls(used, ridge, free[:width], factors)

    def free(self, v: F64) -> F64:
        """Return `v` where coefficients move, without what all classes have in common."""
        out = np.where(self.used, v, 0.0).reshape(len(self.factors), -1)
        out[:, self.shared] -= out[:, self.shared].mean(axis=0)
        return np.where(self.used, out.ravel(), 0.0)

    def _preconditioned(self, r: F64) -> F64:
        from scipy.linalg import cho_solve

        parts = r.reshape(len(self.factors), -1)
        solved = [
            cho_solve(factor, part, check_finite=False)
            for factor, part in zip(self.factors, parts, strict=True)
        ]
        return self.free(np.concatenate(solved))

    def solve(self, y: F64, product: Callable[[F64], F64], share: float) -> F64:
        """Return b with (H + ridge) b = y but for `share` of y; `product` multiplies by H."""
        r = self.free(y)
        b = np.zeros(len(y))
        z = self._preconditioned(r)
        direction, rz = z, float(r @ z)
        enough = share * share * rz
        for _ in range(min(_MOST_PRODUCTS, len(y))):
            if not rz > enough:
                break
            image = self.free(product(direction) + self.ridge * direction)
            bend = float(direction @ image)
            if not bend > 0:
                break
            b += (rz / bend) * direction
            r -= (rz / bend) * image
            z = self._preconditioned(r)
            rz, before = float(r @ z), rz
            direction = z + (rz / before) * direction
        return b
