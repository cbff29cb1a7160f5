"""Fits of which most coefficients stay 0: passes read the columns alone that may be needed.

Columns are chosen by the sequential strong rule (Tibshirani, Bien, Friedman, Hastie, Simon, Taylor
and Tibshirani 2012): those whose gradient at the last solution is not below twice the new weight of
the L1 penalty less the last one. The rule may err, so one pass over all columns then looks for
coefficients that would rather move from 0, and they are taken in until there are none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.fit import Limits, State, fit
from dh2o.estimators.glm.problem import OrdinalProblem, Problem
from dh2o.estimators.glm.solve import Penalty

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Fewer coefficients are fitted at once, and more than this share of them are not worth choosing.
_FEW_COEFFICIENTS = 64
_MOST_OF_THEM = 0.7
#: How much, relative to the L1 penalty, the gradient of a coefficient at 0 may exceed it.
_SLACK = 1e-9


class Screen:
    """Fits a problem at one penalty after the other; remembers the last gradient between them.

    ``gradient`` is that of the mean likelihood, at a solution for an L1 penalty of weight ``l1``.
    """

    def __init__(self, problem: Problem, gradient: F64, l1: float) -> None:
        self.problem = problem
        self.start = gradient, l1
        self.gradient, self.l1 = gradient, l1
        self._part: tuple[bytes, Problem] = b"", problem

    def restart(self) -> None:
        """Begin again at the first solution."""
        self.gradient, self.l1 = self.start

    def helps(self, penalty: Penalty, limits: Limits) -> bool:
        """Return whether zeros are to be expected, and columns may be left out for them."""
        problem = self.problem
        return not (
            penalty.l1 == 0
            or penalty.linear is not None
            or limits.by_gradient
            or problem.is_linear
            or isinstance(problem, OrdinalProblem)
            or problem.design.skip_na  # every column decides which rows count
            or problem.n_coefficients < _FEW_COEFFICIENTS
        )

    def fit(self, penalty: Penalty, state: State, limits: Limits) -> None:
        """Move `state` to the minimum under `penalty`."""
        mask = penalty.mask(self.problem.n_coefficients)
        pull = np.abs(self.gradient)
        strong = pull >= 2.0 * penalty.l1 - self.l1
        inside = self._columns(strong | (state.beta != 0) | ~mask)
        while True:
            if inside.mean() > _MOST_OF_THEM:
                inside[:] = True
            self._fit_part(inside, penalty, state, limits)
            nll, self.gradient = self.problem.gradient(state.beta)
            self.l1 = penalty.l1
            state.nll = nll
            if inside.all() or state.iterations >= limits.max_iterations or limits.out_of_time():
                return
            wrong = mask & (np.abs(self.gradient) > penalty.l1 * (1.0 + _SLACK))
            missed = self._columns(wrong) & ~inside
            if not missed.any():
                return
            inside |= missed

    def _columns(self, coefficients: Mask) -> Mask:
        """Return which columns of the design any class has a coefficient of."""
        by_class = coefficients.reshape(-1, self.problem.design.n_coefficients)
        return np.asarray(by_class.any(axis=0))

    def _fit_part(self, inside: Mask, penalty: Penalty, state: State, limits: Limits) -> None:
        width = self.problem.design.n_coefficients
        n_blocks = self.problem.n_coefficients // width
        columns = (width * np.arange(n_blocks)[:, None] + np.flatnonzero(inside)).ravel()
        if inside.tobytes() != self._part[0]:
            part = replace(self.problem, design=self.problem.design.part(inside), last=None)
            self._part = inside.tobytes(), part
        part = self._part[1]
        own = State(state.beta[columns], state.nll, state.iterations, state.steps)

        def whole() -> State:
            beta = np.zeros(len(state.beta))
            beta[columns] = own.beta
            return State(beta, own.nll, own.iterations, own.steps, state.dropped)

        seen = replace(limits, after_step=lambda _: limits.after_step(whole()))
        fit(part, _of_columns(penalty, columns, len(state.beta)), own, seen)
        state.beta, state.nll, state.iterations = whole().beta, own.nll, own.iterations


def _of_columns(penalty: Penalty, columns: NDArray[np.int64], n: int) -> Penalty:
    def own(values: F64 | None) -> F64 | None:
        return None if values is None else values[columns]

    return replace(
        penalty, low=own(penalty.low), high=own(penalty.high), on=penalty.mask(n)[columns],
        rho=own(penalty.rho), given=own(penalty.given),
    )  # fmt: skip
