"""Compiled kernels of linear models, imported for large problems only."""

from __future__ import annotations

from typing import Any

from dh2o.compiled import njit


@njit(nogil=True, cache=True)
def sweeps_kernel(
    a: Any, y: Any, lasso: Any, ridge: Any, bounds: Any, beta: Any, n_sweeps: int, tol: float
) -> bool:
    """Coordinate sweeps over beta; true when nothing moves any more.   Twin: solve.sweeps.

    IN: bounds has the rows low and high.  IN and OUT: beta.
    """
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
                new = 0.0 - new
            new = min(max(new, bounds[0, j]), bounds[1, j])
            step = new - beta[j]
            if step != 0.0:
                for i in range(p):
                    gradient[i] -= step * a[j, i]
                beta[j] = new
                largest = max(largest, step * step * a[j, j])
        if largest < tol * tol:
            return True
    return False


@njit(nogil=True, cache=True)
def add_level_sums(codes: Any, numbers: Any, weight: Any, out: Any) -> None:
    """out[codes[r], j] += weight[r] * numbers[j, r] for all r, j.   Twin: gram_tables."""
    n_numbers = len(numbers)
    for r in range(len(codes)):
        w, row = weight[r], out[codes[r]]
        for j in range(n_numbers):
            row[j] += w * numbers[j, r]


@njit(nogil=True, cache=True)
def add_level_pairs(first: Any, second: Any, weight: Any, out: Any) -> None:
    """out[first[r], second[r]] += weight[r] for all r.   Twin: gram_tables."""
    for r in range(len(first)):
        out[first[r], second[r]] += weight[r]


@njit(nogil=True, cache=True)
def add_to_levels(places: Any, v: Any, out: Any) -> None:
    """out[places[i, r]] += v[r] for all i, r."""
    for i in range(len(places)):
        for r in range(len(v)):
            out[places[i, r]] += v[r]
