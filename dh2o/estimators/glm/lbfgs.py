"""Limited memory quasi-Newton steps (L-BFGS-B of Byrd, Lu, Nocedal and Zhu): gradients only.

An L1 penalty is made smooth by splitting coefficients, b = u - v with u, v >= 0; bounds on b that
do not straddle 0 bound u or v alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.solve import Penalty

if TYPE_CHECKING:
    from dh2o.estimators.glm.fit import Limits, State

F64 = NDArray[np.float64]

_MEMORY = 20
_MACHINE_DIGITS = 1e-15


@dataclass(slots=True, eq=False)
class _Objective:
    """The smooth objective of the split coefficients; ``nlls`` has the last likelihood."""

    problem: Problem
    penalty: Penalty
    used: NDArray[np.int64]
    split: NDArray[np.int64]
    n: int
    nlls: dict[bytes, float] = field(default_factory=dict)

    def beta(self, x: F64) -> F64:
        """Return the coefficients of the split ones."""
        out = np.zeros(self.n)
        out[self.used] = x[: len(self.used)]
        out[self.split] -= x[len(self.used) :]
        return out

    def __call__(self, x: F64) -> tuple[float, F64]:
        beta = self.beta(x)
        if not self.problem.is_allowed(beta):
            return np.inf, np.zeros(len(x))
        nll, gradient = self.problem.gradient(beta)
        self.nlls = {x.tobytes(): nll}
        gradient = gradient + self.penalty.smooth_gradient(beta)
        value = nll * self.problem.obj_reg + self._smooth_value(beta)
        full = np.concatenate([gradient[self.used], -gradient[self.split]])
        if len(self.split):
            lasso = np.where(self.penalty.mask(self.n), self.penalty.l1, 0.0)
            full += np.concatenate([lasso[self.used], lasso[self.split]])
            value += self.penalty.l1 * float(
                x[: len(self.used)][self.penalty.mask(self.n)[self.used]].sum()
                + x[len(self.used) :].sum()
            )
        return value, full

    def _smooth_value(self, beta: F64) -> float:
        l1 = self.penalty.l1 * float(np.abs(beta[self.penalty.mask(self.n)]).sum())
        return self.penalty.value(beta) - l1


def fit_lbfgs(problem: Problem, penalty: Penalty, state: State, limits: Limits) -> None:
    """Move `state` to the minimum under `penalty` by passes that make no Gram matrix."""
    from scipy.optimize import minimize

    mask = penalty.mask(problem.n_coefficients)
    used = np.flatnonzero(mask | problem.intercept)
    split = np.flatnonzero(mask) if penalty.l1 > 0 else np.zeros(0, dtype=np.int64)
    objective = _Objective(problem, penalty, used, split, len(mask))
    start = np.concatenate([state.beta[used], np.zeros(len(split))])
    if len(split):
        both = np.isin(used, split)
        start[: len(used)][both] = np.maximum(state.beta[split], 0.0)
        start[len(used) :] = np.maximum(-state.beta[split], 0.0)

    def after(intermediate_result: Any) -> None:
        x = intermediate_result.x
        beta = objective.beta(x)
        nll = objective.nlls.get(x.tobytes())
        nll = problem.gradient(beta)[0] if nll is None else nll
        if not _advance(problem, penalty, state, beta, nll, limits):
            raise StopIteration

    minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=_bounds(penalty, used, split),
        callback=after,
        options={
            "maxcor": _MEMORY,
            "ftol": _MACHINE_DIGITS,
            "gtol": limits.gradient_epsilon,
            "maxiter": max(limits.max_iterations - state.iterations, 1),
            "maxfun": 10**9,
        },
    )


def _advance(
    problem: Problem, penalty: Penalty, state: State, beta: F64, nll: float, limits: Limits
) -> bool:
    """Take a step as the current solution; the objective decides, not the size of one step."""
    before = state.objective(problem, penalty)
    state.beta, state.nll = beta, nll
    state.iterations += 1
    after = state.objective(problem, penalty)
    state.record(after, penalty.lam, penalty.alpha)
    stop = limits.after_step(state)
    gain = (before - after) / abs(before) if before else 0.0
    stop |= gain < limits.objective_epsilon and not limits.by_metrics
    return not (stop or limits.out_of_time()) and state.iterations < limits.max_iterations


def _bounds(penalty: Penalty, used: NDArray[np.int64], split: NDArray[np.int64]) -> Any:
    """Return the bounds of the split coefficients, None when there are none."""
    if penalty.low is None and not len(split):
        return None
    n = len(penalty.mask(0)) if penalty.on is not None else None
    low = penalty.low if penalty.low is not None else np.full(n or used.max() + 1, -np.inf)
    high = penalty.high if penalty.high is not None else np.full(n or used.max() + 1, np.inf)
    both = np.isin(used, split)
    lows = np.where(both, np.maximum(low[used], 0.0), low[used])
    highs = np.where(both, np.maximum(high[used], 0.0), high[used])
    minus = [(max(-high[j], 0.0), max(-low[j], 0.0)) for j in split]
    return [*zip(lows.tolist(), highs.tolist(), strict=True), *minus]
