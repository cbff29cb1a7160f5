"""Compiled kernels of linear models, imported for wide problems only."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(nogil=True, cache=True)
def coordinate_sweeps(
    a: Any, y: Any, lasso: Any, ridge: Any, bounds: Any, beta: Any, n_sweeps: int, tol: float
) -> None:
    """Minimise b'a b / 2 - y'b + lasso |b| + ridge b^2 / 2 within bounds.   Twin: _sweeps.

    IN: bounds has the rows low and high.  IN and OUT: beta.
    """
    low, high = bounds[0], bounds[1]
    p = len(y)
    gradient = y.copy()
    for j in range(p):
        if beta[j] != 0.0:
            for i in range(p):
                gradient[i] -= a[j, i] * beta[j]
    for _ in range(n_sweeps):
        largest = 0.0
        for j in range(p):
            pull = gradient[j] + a[j, j] * beta[j]
            new = max(abs(pull) - lasso[j], 0.0) / (a[j, j] + ridge[j])
            if pull <= 0.0:
                new = -new
            new = min(max(new, low[j]), high[j])
            step = new - beta[j]
            if step != 0.0:
                for i in range(p):
                    gradient[i] -= step * a[j, i]
                beta[j] = new
                largest = max(largest, step * step * a[j, j])
        if largest < tol * tol:
            break
