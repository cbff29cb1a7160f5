"""Fitting at one penalty: iteratively reweighted least squares, solved on the Gram matrix."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm.passes import FitSums, FitTask, GramSums, GramTask
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.glm.solve import Penalty, independent_columns, solve
from dh2o.frame import Frame
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_link import Link

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_MAX_HALVINGS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """The least squares problem at one beta, per unit of weight: xx b = xy."""

    beta: F64
    xx: F64
    xy: F64
    nll: float

    @property
    def is_finite(self) -> bool:
        """Whether the step can be solved at all."""
        return bool(np.isfinite(self.xx).all() and np.isfinite(self.xy).all())

    @property
    def gradient(self) -> F64:
        """Gradient of the mean negative log likelihood."""
        return self.xx @ self.beta - self.xy


@dataclass(slots=True, eq=False)
class Problem:
    """What is minimised: data, family and link; passes over the data are made here."""

    frame: Frame
    design: Design
    family: Family
    link: Link
    roles: Roles
    standardise: bool
    intercept: bool
    obj_reg: float
    last: Gram | None = None

    @property
    def is_linear(self) -> bool:
        """Whether one step solves it: the Gram matrix does not depend on beta."""
        return self.family.name == "gaussian" and self.link.name == "identity"

    def gram(self, beta: F64) -> Gram:
        """Return the problem at `beta`; the last one is remembered."""
        if self.last is not None and np.array_equal(self.last.beta, beta):
            return self.last
        sums = self._sums(beta)
        kept = self.design.kept
        xx = sums.xx[np.ix_(kept, kept)] * self.obj_reg
        self.last = Gram(beta.copy(), xx, sums.xy[kept] * self.obj_reg, sums.nll)
        return self.last

    def _sums(self, beta: F64) -> GramSums:
        places = self.design.spread(beta)
        task = GramTask(self.design, self.family, self.link, self.roles, places, self.standardise)
        return task.do_all(self.frame)

    def fit_sums(
        self, beta: F64, frame: Frame | None = None, roles: Roles | None = None
    ) -> FitSums:
        """Return likelihood and deviance at `beta`, of the training rows or of `frame`."""
        places = self.design.spread(beta)
        task = FitTask(
            self.design, self.family, self.link, roles or self.roles, places, self.standardise
        )
        return task.do_all(frame if frame is not None else self.frame)


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
    if problem.is_linear:
        _fit_linear(problem, penalty, state, limits, drop_collinear)
    else:
        _fit_irlsm(problem, penalty, state, limits, drop_collinear)


def _fit_linear(
    problem: Problem, penalty: Penalty, state: State, limits: Limits, drop_collinear: bool
) -> None:
    gram = problem.last or problem.gram(state.beta)
    _check_finite(gram)
    if drop_collinear:
        _find_collinear(gram, state)
    beta = _solve_step(problem, gram, penalty, state)
    state.beta, state.nll = beta, problem.fit_sums(beta).nll
    state.iterations += 1
    state.record(state.objective(problem, penalty), penalty.lam, penalty.alpha)
    limits.after_step(state)


def _fit_irlsm(
    problem: Problem, penalty: Penalty, state: State, limits: Limits, drop_collinear: bool
) -> None:
    """Reweight, solve, check; once a full step makes things worse, search along each step."""
    candidate, searching, first = state.beta, False, True
    _check_finite(problem.gram(candidate))
    while True:
        gram = problem.gram(candidate)
        objective = gram.nll * problem.obj_reg + penalty.value(candidate)
        worse = objective > state.objective(problem, penalty) + limits.objective_epsilon
        if not searching and (not math.isfinite(objective) or worse or not gram.is_finite):
            searching = True
        else:
            going = first or searching
            if not going and not state.advance(problem, penalty, candidate, gram.nll, limits):
                return
            if not gram.is_finite:
                return
            if first and drop_collinear:
                _find_collinear(gram, state)
            candidate = _solve_step(problem, gram, penalty, state)
        first = False
        if searching:
            found = _line_search(problem, penalty, state, candidate)
            if found is None or not state.advance(problem, penalty, *found, limits):
                return
            candidate = state.beta


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
        nll = problem.fit_sums(beta).nll
        objective = nll * problem.obj_reg + penalty.value(beta)
        if math.isfinite(objective) and objective < before:
            return beta, nll
    return None


def _solve_step(problem: Problem, gram: Gram, penalty: Penalty, state: State) -> F64:
    xx = gram.xx
    if len(state.dropped):
        xx = xx.copy()
        xx[state.dropped] = xx[:, state.dropped] = 0.0
    return solve(xx, gram.xy, penalty, state.beta, intercept=problem.intercept)


def _find_collinear(gram: Gram, state: State) -> None:
    present = np.flatnonzero(np.diag(gram.xx) > 0)
    _, dropped = independent_columns(gram.xx[np.ix_(present, present)])
    state.dropped = present[dropped]
    if len(dropped):
        state.beta = state.beta.copy()
        state.beta[state.dropped] = 0.0


def _check_finite(gram: Gram) -> None:
    if not gram.is_finite:
        raise ModelError(
            "The model cannot be started: predictors or response hold infinite values, or the "
            "starting coefficients are out of the family's range."
        )
