"""Fitting at one penalty: reweighted least squares on the Gram matrix, or gradient steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm.conjugate import fit_by_classes, goes_by_classes
from dh2o.estimators.glm.problem import Gram, MultinomialProblem, OrdinalProblem, Problem
from dh2o.estimators.glm.solve import Penalty, independent_columns, solve

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MAX_HALVINGS = 24
#: Below this share of the starting likelihood the final one is measured by a pass of its own.
_NLL_DIGITS = 1e-6
#: Large problems start from the minimum on one row in so many.
_SAMPLE = 16
_SAMPLE_STEPS = 6
_SAMPLE_ACCURACY = 0.05
#: A solution is made exact by steps below the first size, until they are below the second.
_NEAR, _EXACT = 1e-2, 1e-9
#: Passes for it at most; where steps are Newton's none is needed.
_MOST_PASSES = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop."""

    max_iterations: int
    beta_epsilon: float
    objective_epsilon: float
    out_of_time: Callable[[], bool]
    #: Called after every step; True ends the fit.
    after_step: Callable[[State], bool] = lambda _: False
    #: Metrics decide when to stop, not the size of the steps.
    by_metrics: bool = False
    #: L-BFGS: gradients only, down to this largest entry.
    by_gradient: bool = False
    gradient_epsilon: float = 1e-4


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the scoring history."""

    time_ms: int
    iteration: int
    nll: float
    objective: float
    lam: float
    alpha: float


@dataclass(slots=True, eq=False)
class State:
    """Where the fit stands. ``dropped`` are collinear columns, whose coefficients stay 0."""

    beta: F64
    nll: float
    iterations: int = 0
    steps: list[Step] = field(default_factory=list)
    dropped: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def objective(self, problem: Problem, penalty: Penalty) -> float:
        """Return the value that is minimised."""
        return self.nll * problem.obj_reg + penalty.value(self.beta)

    def record(self, objective: float, lam: float = 0.0, alpha: float = 0.0) -> None:
        """Add a line to the history."""
        now = int(time.time() * 1000)
        self.steps.append(Step(now, self.iterations, self.nll, objective, lam, alpha))

    def refine(self, problem: Problem, penalty: Penalty, beta: F64, nll: float) -> None:
        """Take `beta` for the solution of the last step."""
        self.beta, self.nll = beta, nll
        if self.steps:
            objective = self.objective(problem, penalty)
            self.steps[-1] = replace(self.steps[-1], nll=nll, objective=objective)

    def advance(
        self, problem: Problem, penalty: Penalty, beta: F64, nll: float, limits: Limits
    ) -> bool:
        """Take `beta` as the current solution; return whether to go on."""
        before = self.objective(problem, penalty)
        moved = float(np.abs(self.beta - beta).max(initial=0.0))
        self.beta, self.nll = beta.copy(), nll
        self.iterations += 1
        after = self.objective(problem, penalty)
        self.record(after, penalty.lam, penalty.alpha)
        stop = limits.after_step(self)
        gain = (before - after) / abs(before) if before else 0.0
        converged = moved < limits.beta_epsilon or gain < limits.objective_epsilon
        stop |= (converged and not limits.by_metrics) or limits.out_of_time()
        return not stop and self.iterations < limits.max_iterations


def fit(
    problem: Problem,
    penalty: Penalty,
    state: State,
    limits: Limits,
    *,
    drop_collinear: bool = False,
) -> None:
    """Move `state` to the minimum under `penalty`."""
    if limits.by_gradient:
        from dh2o.estimators.glm.lbfgs import fit_lbfgs

        fit_lbfgs(problem, penalty, state, limits)
    elif isinstance(problem, OrdinalProblem) and problem.by_squared_error:
        _descend(problem, penalty, state, limits)
    elif isinstance(problem, MultinomialProblem) and goes_by_classes(
        problem, penalty, drop_collinear=drop_collinear
    ):
        fit_by_classes(problem, penalty, state, limits)
    elif problem.is_linear:
        _fit_linear(problem, penalty, state, limits, drop_collinear)
    else:
        _fit_irlsm(problem, penalty, state, limits, drop_collinear)


def _fit_linear(
    problem: Problem, penalty: Penalty, state: State, limits: Limits, drop_collinear: bool
) -> None:
    """Solve least squares: everything is in the Gram matrix, and no pass is made for it."""
    gram = problem.last or problem.gram(state.beta)
    _check_finite(gram)
    if drop_collinear:
        _find_collinear(problem, gram, state)
    state.beta = _solve_step(problem, gram, penalty, state)
    state.nll = gram.nll_at(state.beta, problem.obj_reg)
    if not state.nll > _NLL_DIGITS * gram.nll:  # few digits are left of the difference
        state.nll = problem.fit_sums(state.beta).nll
    state.iterations += 1
    state.record(state.objective(problem, penalty), penalty.lam, penalty.alpha)
    limits.after_step(state)


def _fit_irlsm(
    problem: Problem, penalty: Penalty, state: State, limits: Limits, drop_collinear: bool
) -> None:
    """Reweight, solve, check; once a full step makes things worse, search along each step."""
    if penalty.linear is not None:
        _start_constrained(problem, penalty, state, limits, drop_collinear)
        drop_collinear = False
    candidate, searching, first = state.beta, False, True
    if problem.is_large and not state.iterations and not drop_collinear:
        candidate = _warm_start(problem, penalty, state)
        first = candidate is state.beta
    _check_finite(problem.gram(candidate))
    while True:
        allowed = problem.is_allowed(candidate)
        gram = problem.gram(candidate if allowed else state.beta)
        objective = gram.nll * problem.obj_reg + penalty.value(gram.beta)
        worse = objective > state.objective(problem, penalty) + limits.objective_epsilon
        if not searching and (
            not allowed or not math.isfinite(objective) or worse or not gram.is_finite
        ):
            searching = True
        else:
            going = first or searching
            if not going and not state.advance(problem, penalty, candidate, gram.nll, limits):
                _make_exact(problem, gram, penalty, state, limits)
                return
            if not gram.is_finite:
                return
            if first and drop_collinear:
                _find_collinear(problem, gram, state)
            candidate = _solve_step(problem, gram, penalty, state)
            if problem.is_large and _is_last_step(problem, gram, penalty, candidate, limits):
                nll = gram.nll_at(candidate, problem.obj_reg)
                state.advance(problem, penalty, candidate, nll, limits)
                return
        first = False
        if searching:
            found = _line_search(problem, penalty, state, candidate)
            if found is None or not state.advance(problem, penalty, *found, limits):
                return
            candidate = state.beta


def _start_constrained(
    problem: Problem, penalty: Penalty, state: State, limits: Limits, drop_collinear: bool
) -> None:
    """Move `state` to where constraints hold, near the minimum without them.

    From anywhere else the first step may end where the likelihood is flat.
    """
    free = replace(penalty, linear=None, low=None, high=None)
    steps = state.steps.copy()
    unseen = replace(limits, after_step=lambda _: False, by_metrics=False)
    _fit_irlsm(problem, free, state, unseen, drop_collinear)
    state.iterations, state.steps = 0, steps
    if penalty.linear is None or penalty.allows(state.beta):
        return
    state.beta = _solve_step(problem, problem.gram(state.beta), penalty, state)
    state.nll = problem.fit_sums(state.beta).nll


def _warm_start(problem: Problem, penalty: Penalty, state: State) -> F64:
    """Return the minimum on a sample of the rows: from there few passes over all are needed."""
    beta = state.beta
    for _ in range(_SAMPLE_STEPS):
        gram = problem.new_gram(beta, _SAMPLE)
        if not gram.is_finite:
            return state.beta
        found = solve(
            *_least_squares(problem, gram, penalty), penalty, beta, intercept=problem.intercept
        )
        moved = float(np.abs(found - beta).max(initial=0.0))
        if not np.isfinite(found).all() or not problem.is_allowed(found):
            return state.beta
        beta = found
        if moved < _SAMPLE_ACCURACY:
            break
    return beta


def _is_last_step(
    problem: Problem, gram: Gram, penalty: Penalty, beta: F64, limits: Limits
) -> bool:
    """Whether what the step to `beta` gains, to second order, is too little to look at it."""
    if limits.by_metrics or not problem.is_allowed(beta):
        return False
    before = gram.nll * problem.obj_reg + penalty.value(gram.beta)
    after = gram.nll_at(beta, problem.obj_reg) * problem.obj_reg + penalty.value(beta)
    return bool(0 <= before - after < limits.objective_epsilon * abs(before))


def _make_exact(
    problem: Problem, gram: Gram, penalty: Penalty, state: State, limits: Limits
) -> None:
    """Go on from a solution that `limits` are content with to the minimum itself.

    The Gram matrix there is known, and one step of Newton's needs no more; scoring by expected
    weights converges linearly and needs a few passes.
    """
    spent = state.iterations >= limits.max_iterations
    if limits.by_metrics or spent or limits.out_of_time():
        return
    is_newton = problem.family.is_newton(problem.link)
    moved, n_left = _NEAR, 0 if is_newton or problem.is_large else _MOST_PASSES
    while gram.is_finite:
        beta = _solve_step(problem, gram, penalty, state)
        before, size = moved, max(1.0, float(np.abs(beta).max(initial=0.0)))
        moved = float(np.abs(beta - gram.beta).max(initial=0.0)) / size
        if not moved < before or not problem.is_allowed(beta):
            return
        state.refine(problem, penalty, beta, gram.nll_at(beta, problem.obj_reg))
        if moved < _EXACT or not n_left:
            return
        gram, n_left = problem.gram(beta), n_left - 1


def _line_search(
    problem: Problem, penalty: Penalty, state: State, candidate: F64
) -> tuple[F64, float] | None:
    """Return the first halved step that lowers the objective, None if there is none."""
    before = state.objective(problem, penalty)
    direction = candidate - state.beta
    if not np.isfinite(direction).all():
        return None
    for n_halvings in range(_MAX_HALVINGS):
        beta = penalty.clipped(state.beta + direction * 0.5**n_halvings)
        if not problem.is_allowed(beta):
            continue
        nll = problem.fit_sums(beta).nll
        objective = nll * problem.obj_reg + penalty.value(beta)
        if math.isfinite(objective) and objective < before:
            return beta, nll
    return None


def _solve_step(problem: Problem, gram: Gram, penalty: Penalty, state: State) -> F64:
    xx, xy = _least_squares(problem, gram, penalty)
    if len(state.dropped):
        xx = xx.copy()
        xx[state.dropped] = xx[:, state.dropped] = 0.0
    return solve(xx, xy, penalty, state.beta, intercept=problem.intercept)


def _least_squares(problem: Problem, gram: Gram, penalty: Penalty) -> tuple[F64, F64]:
    xx = problem.fixed(gram.xx, penalty)
    return xx, xx @ gram.beta - gram.gradient


def _descend(problem: Problem, penalty: Penalty, state: State, limits: Limits) -> None:
    """Take H2O's gradient steps of length 1, as long as thresholds stay in order."""
    while True:
        nll, gradient = problem.gradient(state.beta)
        state.nll = nll
        slope = gradient + penalty.smooth_gradient(state.beta)
        slope += penalty.l1 * np.sign(state.beta) * problem.penalised
        beta = state.beta - slope
        if not problem.is_allowed(beta):
            return
        if not state.advance(problem, penalty, beta, problem.gradient(beta)[0], limits):
            return


def _find_collinear(problem: Problem, gram: Gram, state: State) -> None:
    """Note the columns that others determine; in several classes they are the same ones."""
    width = problem.design.n_coefficients
    if isinstance(problem, OrdinalProblem):
        one = np.append(np.arange(width - 1), len(gram.xx) - 1)
        n_blocks = 1
    else:
        one, n_blocks = np.arange(width), len(gram.xx) // width
    xx = gram.xx[np.ix_(one, one)]
    present = np.flatnonzero(np.diag(xx) > 0)
    _, dropped = independent_columns(xx[np.ix_(present, present)])
    columns = present[dropped]
    state.dropped = (columns + width * np.arange(n_blocks)[:, None]).ravel()
    if len(dropped):
        state.beta = state.beta.copy()
        state.beta[state.dropped] = 0.0


def _check_finite(gram: Gram) -> None:
    if not gram.is_finite:
        raise ModelError(
            "The model cannot be started: predictors or response hold infinite values, or the "
            "starting coefficients are out of the family's range."
        )
