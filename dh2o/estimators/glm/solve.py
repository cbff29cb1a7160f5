"""Small dense problems of linear models: penalised least squares on a Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: A column is collinear if the others leave less than this share of its sum of squares.
_COLLINEAR = 1e-7
_MAX_SWEEPS = 10_000
_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Penalty:
    """lambda (alpha |b|_1 + (1 - alpha) / 2 |b|_2^2), and bounds; none of it on the intercept.

    ``low`` and ``high`` bound each coefficient, the intercept last; None is no bounds at all.
    """

    lam: float
    alpha: float
    low: F64 | None = None
    high: F64 | None = None

    @property
    def l1(self) -> float:
        """Weight of the sum of absolute coefficients."""
        return self.lam * self.alpha

    @property
    def l2(self) -> float:
        """Weight of half the sum of squared coefficients."""
        return self.lam * (1.0 - self.alpha)

    @property
    def is_smooth(self) -> bool:
        """Whether a linear system solves the problem."""
        return self.l1 == 0 and self.low is None

    def value(self, beta: F64) -> float:
        """Return what the penalty adds to the objective."""
        b = beta[:-1]
        return self.l1 * float(np.abs(b).sum()) + 0.5 * self.l2 * float((b * b).sum())

    def clipped(self, beta: F64) -> F64:
        """Return the coefficients moved within their bounds."""
        if self.low is None or self.high is None:
            return beta
        return np.clip(beta, self.low, self.high)


def solve(xx: F64, xy: F64, penalty: Penalty, start: F64, *, intercept: bool) -> F64:
    """Return the b that minimises b'XX b / 2 - xy'b + penalty(b).

    Columns without any weight (levels that no row has) keep the coefficient 0.
    """
    used = np.diag(xx) > 0
    used[-1] = intercept and used[-1]
    active = np.flatnonzero(used)
    beta = np.zeros(len(xy))
    if not len(active):
        return beta
    a, y = xx[np.ix_(active, active)], xy[active]
    ridge = np.where(active == len(xy) - 1, 0.0, penalty.l2)
    if penalty.is_smooth:
        beta[active] = _solve_smooth(a + np.diag(ridge), y)
        return beta
    lasso = np.where(active == len(xy) - 1, 0.0, penalty.l1)
    low = np.full(len(xy), -np.inf) if penalty.low is None else penalty.low
    high = np.full(len(xy), np.inf) if penalty.high is None else penalty.high
    bounds = low[active], high[active]
    beta[active] = coordinate_descent(a, y, lasso, ridge, bounds, start[active])
    return beta


def _solve_smooth(a: F64, y: F64) -> F64:
    """Return the solution of a b = y; of the shortest b when there are many."""
    from scipy.linalg import cho_factor, cho_solve, eigh

    scale = 1.0 / np.sqrt(np.diag(a))
    scaled = a * scale * scale[:, None]
    try:
        factor = cho_factor(scaled, lower=True)
        if np.min(np.diag(factor[0])) ** 2 > 1e-12:
            solution: F64 = scale * cho_solve(factor, scale * y)
            return solution
    except np.linalg.LinAlgError:
        pass
    values, vectors = eigh(scaled)
    keep = values > 1e-10 * values[-1]
    basis = vectors[:, keep]
    shortest: F64 = scale * (basis @ ((basis.T @ (scale * y)) / values[keep]))
    return shortest


def coordinate_descent(
    a: F64, y: F64, lasso: F64, ridge: F64, bounds: tuple[F64, F64], start: F64
) -> F64:
    """Return the minimiser of b'a b / 2 - y'b + lasso |b| + ridge b^2 / 2 within bounds.

    One coordinate at a time against the gradient, until a whole sweep moves nothing.
    """
    beta = np.clip(start, *bounds)
    if len(beta) * len(beta) > _KERNEL_ENTRIES:
        from dh2o.estimators.glm.kernels import coordinate_sweeps

        both = np.array(bounds)
        coordinate_sweeps(a, y, lasso, ridge, both, beta, _MAX_SWEEPS, _TOLERANCE)
        return beta
    return _sweeps(a, y, lasso, ridge, bounds, beta)


#: Problems of more entries go to the compiled twin.
_KERNEL_ENTRIES = 2500


def _sweeps(a: F64, y: F64, lasso: F64, ridge: F64, bounds: tuple[F64, F64], beta: F64) -> F64:
    low, high = bounds
    gradient = y - a @ beta
    diagonal = np.diag(a).copy()
    for _ in range(_MAX_SWEEPS):
        largest = 0.0
        for j in range(len(beta)):
            pull = gradient[j] + diagonal[j] * beta[j]
            new = max(abs(pull) - lasso[j], 0.0) / (diagonal[j] + ridge[j])
            new = min(max(new if pull > 0 else -new, low[j]), high[j])
            step = new - beta[j]
            if step != 0.0:
                gradient -= step * a[j]
                beta[j] = new
                largest = max(largest, step * step * diagonal[j])
        if largest < _TOLERANCE * _TOLERANCE:
            break
    return beta


def independent_columns(xx: F64) -> tuple[I64, I64]:
    """Return the columns that no earlier ones determine, and those they do; the intercept is first.

    Columns are taken in order by Cholesky's recursion; one whose remainder is below 1e-7 of its
    sum of squares is collinear.
    """
    order = [len(xx) - 1, *range(len(xx) - 1)]
    rows: list[F64] = []
    kept: list[int] = []
    dropped: list[int] = []
    for j in order:
        row = np.zeros(len(kept) + 1)
        for i, k in enumerate(kept):
            row[i] = (xx[j, k] - rows[i][:i] @ row[:i]) / rows[i][i]
        rest = xx[j, j] - float(row[:-1] @ row[:-1])
        if xx[j, j] <= 0 or rest < _COLLINEAR * xx[j, j]:
            dropped.append(j)
            continue
        row[-1] = np.sqrt(rest)
        rows.append(row)
        kept.append(j)
    return np.sort(np.array(kept)), np.sort(np.array(dropped, dtype=np.int64))
