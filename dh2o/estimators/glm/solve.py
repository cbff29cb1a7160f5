"""Small dense problems of linear models: penalised least squares on a Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.linear import Linear, solve_constrained

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: A column is collinear if the others leave less than this share of its sum of squares around
#: the intercept, or so little of it altogether that rounding may have left it.
_COLLINEAR = 1e-7
_ROUNDING = 1e-13
#: Sweeps between two attempts at the exact solution, and how many such rounds at most.
_ROUND = 20
_MAX_ROUNDS = 500
_TOLERANCE = 1e-11
_SINGULAR = 1e-13
#: How much a coefficient at 0 or at a bound may be pulled beyond it, as a share of the largest.
_SLACK = 1e-9
#: Below so many columns all are looked at in every sweep.
_FEW_COLUMNS = 64
#: Problems of more entries go to the compiled twin.
_KERNEL_ENTRIES = 2500


@dataclass(frozen=True, slots=True, eq=False)
class Penalty:
    """lambda (alpha |b|_1 + (1 - alpha) / 2 |b|_2^2), and bounds.

    ``on`` says which coefficients lambda acts on (None: all but the last, the intercept). ``low``
    and ``high`` bound each coefficient; None is no bounds at all. ``rho`` pulls each towards
    ``given``: + rho (b - given)^2 / 2. ``linear`` constraints hold beside the bounds.
    """

    lam: float
    alpha: float
    low: F64 | None = None
    high: F64 | None = None
    on: NDArray[np.bool_] | None = None
    rho: F64 | None = None
    given: F64 | None = None
    linear: Linear | None = None

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

    def mask(self, n: int) -> NDArray[np.bool_]:
        """Return which of `n` coefficients lambda acts on."""
        return np.arange(n) < n - 1 if self.on is None else self.on

    def value(self, beta: F64) -> float:
        """Return what the penalty adds to the objective."""
        b = beta[self.mask(len(beta))]
        pull = 0.0
        if self.rho is not None and self.given is not None:
            pull = 0.5 * float(self.rho @ (beta - self.given) ** 2)
        return self.l1 * float(np.abs(b).sum()) + 0.5 * self.l2 * float(b @ b) + pull

    def smooth_gradient(self, beta: F64) -> F64:
        """Return the gradient of the squared parts."""
        g = np.where(self.mask(len(beta)), self.l2 * beta, 0.0)
        if self.rho is not None and self.given is not None:
            g += self.rho * (beta - self.given)
        return g

    def allows(self, beta: F64) -> bool:
        """Return whether `beta` keeps bounds and constraints."""
        if self.linear is not None and not self.linear.holds(beta):
            return False
        return bool(np.array_equal(self.clipped(beta), beta))

    def clipped(self, beta: F64) -> F64:
        """Return the coefficients moved within their bounds."""
        if self.low is None or self.high is None:
            return beta
        return np.clip(beta, self.low, self.high)


def solve(xx: F64, xy: F64, penalty: Penalty, start: F64, *, intercept: bool) -> F64:
    """Return the b that minimises b'XX b / 2 - xy'b + penalty(b).

    Columns without any weight (levels that no row has) keep the coefficient 0.
    """
    mask = penalty.mask(len(xy))
    used = (np.diag(xx) > 0) & (mask | intercept)
    active = np.flatnonzero(used)
    beta = np.zeros(len(xy))
    if not len(active):
        return beta
    everything = len(active) == len(xy)
    a, y = (xx, xy) if everything else (xx[np.ix_(active, active)], xy[active])
    ridge = np.where(mask, penalty.l2, 0.0)
    if penalty.rho is not None and penalty.given is not None:
        ridge = ridge + penalty.rho
        y = y + (penalty.rho * penalty.given)[active]
    ridge = ridge[active]
    if penalty.linear is not None:
        linear = penalty.linear.of_columns(active)
        low, high = (None if b is None else b[active] for b in (penalty.low, penalty.high))
        beta[active] = solve_constrained(a + np.diag(ridge), y, linear, low, high)
        return beta
    if penalty.is_smooth:
        beta[active] = _solve_smooth(a, ridge, y)
        return beta
    lasso = np.where(mask, penalty.l1, 0.0)[active]
    low = np.full(len(xy), -np.inf) if penalty.low is None else penalty.low
    high = np.full(len(xy), np.inf) if penalty.high is None else penalty.high
    bounds = low[active], high[active]
    few = len(active) < _FEW_COLUMNS or not lasso.any()
    method = coordinate_descent if few else _by_active_set
    beta[active] = method(a, y, lasso, ridge, bounds, start[active])
    return beta


def _by_active_set(
    a: F64, y: F64, lasso: F64, ridge: F64, bounds: tuple[F64, F64], start: F64
) -> F64:
    """Return the same as `coordinate_descent`, of which only few coefficients are not 0.

    Solves for those that are not 0 at the start or would move from there, and takes in the ones
    that would move from 0 at the solution, until none would.
    """
    low, high = bounds
    beta = np.clip(start, low, high)
    slack = _SLACK * max(1.0, float(np.abs(y).max(initial=0.0)))
    inside = (beta != 0) | (lasso == 0)
    new = inside.copy()
    while True:
        now = np.flatnonzero(inside)
        if new.any() and len(now):
            part = np.ix_(now, now)
            limits = low[now], high[now]
            beta[now] = coordinate_descent(
                a[part], y[now], lasso[now], ridge[now], limits, beta[now]
            )
        used = np.flatnonzero(beta)
        pull = y - beta[used] @ a[used]
        new = ((pull > lasso + slack) & (high > 0)) | ((pull < -lasso - slack) & (low < 0))
        new &= ~inside
        if not new.any():
            return beta
        inside |= new


def _solve_smooth(a: F64, ridge: F64, y: F64) -> F64:
    """Return the solution of (a + diag(ridge)) b = y; of the shortest b when there are many."""
    from scipy.linalg import eigh
    from scipy.linalg.lapack import dpotrf, dpotrs

    scale = 1.0 / np.sqrt(np.diag(a) + ridge)
    scaled = _scaled(a, ridge, scale)
    # transposed, a symmetric matrix is in LAPACK's order as it stands: nothing is copied
    factor, trouble = dpotrf(scaled.T, lower=1, clean=0, overwrite_a=1)
    if trouble == 0 and np.min(np.diag(factor)) ** 2 > 1e-12:
        found, _ = dpotrs(factor, scale * y, lower=1)
        solution: F64 = scale * found
        return solution
    values, vectors = eigh(_scaled(a, ridge, scale))
    keep = values > 1e-10 * values[-1]
    basis = vectors[:, keep]
    shortest: F64 = scale * (basis @ ((basis.T @ (scale * y)) / values[keep]))
    return shortest


def _scaled(a: F64, ridge: F64, scale: F64) -> F64:
    out: F64 = a * scale
    out *= scale[:, None]
    out.flat[:: len(out) + 1] += ridge * scale * scale
    return out


def coordinate_descent(
    a: F64, y: F64, lasso: F64, ridge: F64, bounds: tuple[F64, F64], start: F64
) -> F64:
    """Return the minimiser of b'a b / 2 - y'b + lasso |b| + ridge b^2 / 2 within bounds.

    Some sweeps, one coordinate at a time, find which coefficients are 0 or at a bound; the others
    then follow from a linear system, which is the answer if it confirms what the sweeps found.
    """
    beta = np.clip(start, *bounds)
    total = a + np.diag(ridge)
    for _ in range(_MAX_ROUNDS):
        still = _sweeps_of(a, y, lasso, ridge, bounds, beta)
        exact = _exact(total, y, lasso, bounds, beta)
        if exact is not None:
            return exact
        if still:
            break
    return beta


def _sweeps_of(a: F64, y: F64, lasso: F64, ridge: F64, bounds: tuple[F64, F64], beta: F64) -> bool:
    """Sweep over all coordinates several times; return whether nothing moves any more."""
    if len(beta) * len(beta) <= _KERNEL_ENTRIES:
        return sweeps(a, y, lasso, ridge, np.array(bounds), beta, _ROUND, _TOLERANCE)
    from dh2o.estimators.glm.kernels import sweeps_kernel

    return bool(sweeps_kernel(a, y, lasso, ridge, np.array(bounds), beta, _ROUND, _TOLERANCE))


def sweeps(
    a: F64, y: F64, lasso: F64, ridge: F64, bounds: F64, beta: F64, n_sweeps: int, tol: float
) -> bool:
    """Move each coordinate of `beta` to its minimum in turn; return whether none moves any more."""
    low, high = bounds
    gradient = y - a @ beta
    diagonal = np.diag(a).copy()
    for _ in range(n_sweeps):
        largest = 0.0
        for j in range(len(beta)):
            pull = gradient[j] + diagonal[j] * beta[j]
            size = max(abs(pull) - lasso[j], 0.0) / (diagonal[j] + ridge[j])
            new = min(max(size if pull > 0 else 0.0 - size, low[j]), high[j])
            step = new - beta[j]
            if step != 0.0:
                gradient -= step * a[j]
                beta[j] = new
                largest = max(largest, step * step * diagonal[j])
        if largest < tol * tol:
            return True
    return False


def _exact(total: F64, y: F64, lasso: F64, bounds: tuple[F64, F64], beta: F64) -> F64 | None:
    """Return the minimiser that has the zeros, signs and active bounds of `beta`, or None."""
    from scipy.linalg import cho_factor, cho_solve

    low, high = bounds
    bound = ((beta <= low) | (beta >= high)) & (beta != 0)
    bound |= (beta == 0) & ((low == 0) | (high == 0))
    free = ~bound & ((beta != 0) | (lasso == 0))
    out = np.where(free, 0.0, beta)
    if free.any():
        target = y[free] - lasso[free] * np.sign(beta[free]) - total[free] @ out
        try:
            part = total[np.ix_(free, free)]
            factor = cho_factor(part, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            return None
        if np.min(np.diag(factor[0])) ** 2 < _SINGULAR * np.max(np.diag(total)):
            return None
        out[free] = cho_solve(factor, target, check_finite=False)
    same_sign = (np.sign(out) == np.sign(beta)) | (lasso == 0)
    inside = (out >= low) & (out <= high)
    return out if (same_sign & inside).all() and _is_minimum(total, y, lasso, bounds, out) else None


def _is_minimum(total: F64, y: F64, lasso: F64, bounds: tuple[F64, F64], beta: F64) -> bool:
    """Return whether no coefficient that is 0 or at a bound would rather move."""
    low, high = bounds
    pull = y - total @ beta
    slack = _SLACK * max(1.0, float(np.abs(y).max(initial=0.0)))
    up = pull - np.where(beta >= 0, lasso, -lasso) > slack
    down = pull + np.where(beta <= 0, lasso, -lasso) < -slack
    return not ((up & (beta < high)) | (down & (beta > low))).any()


def independent_columns(xx: F64) -> tuple[I64, I64]:
    """Return the columns that no earlier ones determine, and those they do; the intercept is first.

    Columns are taken in order by Cholesky's recursion.
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
        around = xx[j, j] - row[0] * row[0] if len(row) > 1 else xx[j, j]
        if xx[j, j] <= 0 or rest < max(_COLLINEAR * around, _ROUNDING * xx[j, j]):
            dropped.append(j)
            continue
        row[-1] = np.sqrt(rest)
        rows.append(row)
        kept.append(j)
    return np.sort(np.array(kept)), np.sort(np.array(dropped, dtype=np.int64))
