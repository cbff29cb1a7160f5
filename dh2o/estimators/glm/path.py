"""The series of penalties, and which of their solutions is the model."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.fit import Limits, State, fit
from dh2o.estimators.glm.linear import Linear
from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.glm.screening import Screen
from dh2o.estimators.glm.solve import Penalty
from dh2o.frame import Frame

F64 = NDArray[np.float64]

_N_REMEMBERED = 5
_MIN_IMPROVEMENT = 1e-4
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """One point of the path; deviances are per row."""

    lam: float
    alpha: float
    beta: F64
    iteration: int
    deviance_train: float
    deviance_valid: float
    time_ms: int

    @property
    def rank(self) -> int:
        """Coefficients that are not 0, the intercept included."""
        return int(np.count_nonzero(self.beta))


@dataclass(frozen=True, slots=True, eq=False)
class PathPlan:
    """Which penalties to solve. ``lambda_max`` is the least that leaves no predictor."""

    alphas: tuple[float, ...]
    lambdas: tuple[float, ...]
    lambda_max: float
    null_beta: F64
    null_gradient: F64
    low: F64 | None
    high: F64 | None
    is_search: bool
    early_stopping: bool
    cold_start: bool
    max_active: int
    drop_collinear: bool
    rho: F64 | None = None
    given: F64 | None = None
    linear: Linear | None = None
    valid: Frame | None = None
    valid_roles: Roles | None = None


def lambda_max(gradient: F64, alpha: float) -> float:
    """Return the least lambda at which all coefficients are 0."""
    return float(np.abs(gradient).max(initial=0.0)) / max(1e-2, alpha)


def lambda_series(largest: float, ratio: float, n: int) -> tuple[float, ...]:
    """Return `n` lambdas, falling evenly on the log scale from `largest` to its `ratio`."""
    if n == 1:
        return (largest,)
    fall = ratio ** (1.0 / (n - 1))
    return tuple(largest * fall**i for i in range(n))


class Path:
    """Solves a plan; `solutions` grows while it runs."""

    def __init__(self, problem: Problem, plan: PathPlan, limits: Limits, state: State) -> None:
        self.problem = problem
        self.plan = plan
        self.limits = limits
        self.state = state
        self.start = (state.beta.copy(), state.nll)
        self.solutions: list[Solution] = []
        self.steepest = plan.lambda_max * max(plan.alphas[0], 1e-2)
        self.screen = Screen(problem, plan.null_gradient, self.steepest)
        self._of_null: tuple[float, float] | None = None

    def run(self, report: object = None) -> None:
        """Solve for every alpha and lambda, until the fit no longer improves or time is up."""
        for i, alpha in enumerate(self.plan.alphas):
            if i:
                self._restart()
            history = _Improvements(*self._null_deviances())
            for j, lam in enumerate(self.plan.lambdas):
                if self.solutions and (self._exhausted() or self.limits.out_of_time()):
                    return
                if j and self.plan.cold_start:
                    self._restart()
                solution = self._solve(lam, alpha)
                self.solutions.append(solution)
                if callable(report):
                    report(solution)
                history.add(solution)
                if lam < self.plan.lambda_max and self._should_stop(history, solution):
                    break

    def refit(self) -> None:
        """Solve for the last penalty anew, from where it stands: the family has changed."""
        last = self.solutions[-1]
        self.solutions[-1] = self._solve(last.lam, last.alpha)

    def _restart(self) -> None:
        self.state.beta, self.state.nll = self.start[0].copy(), self.start[1]
        self.state.iterations = 0
        self.screen.restart()
        if not self.problem.is_linear:
            self.problem.last = None

    def _exhausted(self) -> bool:
        return self.plan.is_search and self.state.iterations >= self.limits.max_iterations

    def _solve(self, lam: float, alpha: float) -> Solution:
        plan = self.plan
        on = self.problem.penalised
        penalty = Penalty(lam, alpha, plan.low, plan.high, on, plan.rho, plan.given, plan.linear)
        # no slope at the start exceeds the penalty's (which differs by the rounding of a division)
        if penalty.l1 > 0 and penalty.l1 >= self.steepest * (1 - _ROUNDING):
            return self._solution(lam, alpha, self.plan.null_beta)
        drop = self.plan.drop_collinear and not len(self.state.dropped)
        if self.screen.helps(penalty, self.limits) and not self.plan.drop_collinear:
            self.screen.fit(penalty, self.state, self.limits)
            return self._solution(lam, alpha, self.state.beta)
        fit(self.problem, penalty, self.state, self.limits, drop_collinear=drop)
        return self._solution(lam, alpha, self.state.beta)

    def _solution(self, lam: float, alpha: float, beta: F64) -> Solution:
        train = valid = math.nan
        if self.plan.is_search or len(self.plan.lambdas) * len(self.plan.alphas) > 1:
            train, valid = self._deviances(beta)
        iteration, now = self.state.iterations, int(time.time() * 1000)
        return Solution(lam, alpha, beta.copy(), iteration, train, valid, now)

    def _deviances(self, beta: F64) -> tuple[float, float]:
        """Return the deviances per row of training and validation data; NaN without the latter."""
        if beta is self.plan.null_beta:
            if self._of_null is None:
                self._of_null = self._deviance(beta, None), self._of_valid(beta)
            return self._of_null
        return self._deviance(beta, None), self._of_valid(beta)

    def _of_valid(self, beta: F64) -> float:
        return math.nan if self.plan.valid is None else self._deviance(beta, self.plan.valid)

    def _deviance(self, beta: F64, frame: Frame | None) -> float:
        problem = self.problem
        factor = problem.family.deviance_factor * problem.obj_reg
        if frame is None and beta is self.state.beta:
            return factor * self.state.nll
        if frame is None and problem.is_linear and problem.last is not None:
            return factor * problem.last.nll_at(beta, problem.obj_reg)
        roles = self.plan.valid_roles if frame is not None else None
        sums = problem.fit_sums(beta, frame, roles)
        return sums.deviance / sums.weight if sums.weight else math.nan

    def _null_deviances(self) -> tuple[float, float]:
        return self._deviances(self.plan.null_beta) if self.plan.is_search else (math.nan, math.nan)

    def _should_stop(self, history: _Improvements, solution: Solution) -> bool:
        if not self.plan.is_search:
            return False
        if 0 < self.plan.max_active <= solution.rank - 1:
            return True
        if not self.plan.early_stopping or self.state.iterations < _N_REMEMBERED:
            return False
        return history.is_over()


class _Improvements:
    """Relative improvements of the deviances over the last five solutions."""

    def __init__(self, train: float, valid: float) -> None:
        self.last = (train, valid)
        self.train = [0.0] * _N_REMEMBERED
        self.valid = [0.0] * _N_REMEMBERED
        self.n = 0

    def add(self, solution: Solution) -> None:
        """Take in the next solution."""
        place = self.n % _N_REMEMBERED
        now = (solution.deviance_train, solution.deviance_valid)
        self.train[place] = (self.last[0] - now[0]) / self.last[0] if self.last[0] else 0.0
        self.valid[place] = (self.last[1] - now[1]) / self.last[1] if self.last[1] else 0.0
        self.last, self.n = now, self.n + 1

    def is_over(self) -> bool:
        """Whether training data hardly gain any more, or validation data only lose."""
        if max(self.train) < _MIN_IMPROVEMENT:
            return True
        return not math.isnan(self.last[1]) and max(self.valid) < 0


def best_solution(solutions: Sequence[Solution]) -> int:
    """Return the index of the solution with the least deviance, validation data first."""
    best = 0
    for i, solution in enumerate(solutions):
        not_worse = not solution.deviance_valid > solutions[best].deviance_valid
        if not_worse and solution.deviance_train < solutions[best].deviance_train:
            best = i
    return best
