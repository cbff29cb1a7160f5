"""Singular values and right singular vectors, by the methods that H2O names.

All of them work on the Gram matrix X'X, or on the rows themselves where columns are more than
rows; the rows are passed over once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_POWER_TOLERANCE = 1e-16
_CALM, _FAILED = 1e-14, 1e-4  # residuals, as shares of the trace
_SHARPENINGS = 3
_OVERSAMPLED = 10  # vectors beside those wanted: the smallest wanted ones converge sooner
_LEAST_ITERATIONS = 10


@dataclass(slots=True, eq=False)
class Decomposition:
    """Singular values, falling, and their right vectors (columns); and how they were found.

    ``events`` are (milliseconds since 1970, error, number of the component or 0).
    """

    values: F64
    vectors: F64
    events: list[tuple[int, float, int]] = field(default_factory=list)
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: iterations, and the build's clock."""

    max_iterations: int
    seed: int
    is_over: Callable[[], bool]


def by_gram(xx: F64, k: int) -> Decomposition:
    """Return the k largest, by the eigenvectors of the Gram matrix."""
    values, vectors = np.linalg.eigh(xx)
    largest = np.arange(len(values) - 1, len(values) - 1 - k, -1)
    return finished(np.sqrt(np.maximum(values[largest], 0.0)), vectors[:, largest])


def by_rows(rows: F64, k: int) -> Decomposition:
    """Return the k largest, by the singular value decomposition of the rows."""
    _, values, vectors = np.linalg.svd(rows, full_matrices=False)
    k = min(k, len(values))
    return finished(values[:k], vectors[:k].T)


def by_power(xx: F64, k: int, limits: Limits) -> Decomposition:
    """Return the k largest, one by one, by multiplying with the Gram matrix until it settles.

    After each the Gram matrix loses what the vectors so far explain. Fewer than `k` are found if
    the rank is lower.
    """
    rng = np.random.Generator(np.random.Philox(key=limits.seed % 2**64))
    size = max(float(np.trace(xx)), np.finfo(np.float64).tiny)
    xx = xx / size  # squares of huge numbers would not fit into doubles
    rest, keeps = xx, np.eye(len(xx))
    found = Decomposition(np.zeros(0), np.zeros((len(xx), 0)))
    values: list[float] = []
    vectors: list[F64] = []
    smallest = np.finfo(np.float64).eps * len(xx)
    for number in range(1, k + 1):
        v = rng.standard_normal(len(xx))
        v /= np.linalg.norm(v)
        value = _settle(rest, v, number, limits, found)
        if value <= smallest or (limits.is_over() and vectors):
            break
        values.append(float(np.sqrt(value) * np.sqrt(size)))
        vectors.append(v)
        keeps = keeps - np.outer(v, v)
        rest = keeps @ xx @ keeps
    done = finished(np.array(values), np.array(vectors).reshape(len(values), len(xx)).T)
    done.events, done.has_failed = found.events, found.has_failed
    return done


def _settle(xx: F64, v: F64, number: int, limits: Limits, found: Decomposition) -> float:
    """Turn `v`, in place, into the first eigenvector; return its eigenvalue."""
    value, error = 0.0, 1.0
    scale = max(float(np.trace(xx)), 1e-300)
    for _ in range(limits.max_iterations):
        product = xx @ v
        norm = float(np.linalg.norm(product))
        value = float(product @ v)
        if norm <= _POWER_TOLERANCE * scale:
            return 0.0
        error = float(np.linalg.norm(product - value * v)) / scale
        v[:] = product / norm
        found.events.append((int(time.time() * 1000), error, number))
        if error <= 10 * _POWER_TOLERANCE or limits.is_over():
            break
    if error > _CALM:
        found.has_failed |= error > _FAILED
        value = _sharpened(xx, v, value)
    return value


def _sharpened(xx: F64, v: F64, value: float) -> float:
    """Bring `v`, in place, from close to an eigenvector onto it: Rayleigh's quotient iteration.

    Multiplying alone hardly gets there when two eigenvalues are nearly equal.
    """
    for _ in range(_SHARPENINGS):
        try:
            w = np.linalg.solve(xx - value * np.eye(len(xx)), v)
        except np.linalg.LinAlgError:  # the value is exact
            return value
        norm = float(np.linalg.norm(w))
        if not np.isfinite(norm) or norm == 0.0:
            return value
        v[:] = w / norm
        value = float(v @ xx @ v)
    return value


def by_subspace(
    product: Callable[[F64], F64], n: int, k: int, limits: Limits, trace: float | None = None
) -> Decomposition:
    """Return the k largest, by iterations of a random subspace (Halko et al. 2011, 4.4 and 5.1).

    `product` multiplies with the Gram matrix, which has `n` columns. This is also how a generalized
    low rank model with quadratic loss alternates between its factors (Udell et al. 2016, 2.3): with
    the `trace` of the Gram matrix, events hold its objective, the squares not explained.
    """
    rng = np.random.Generator(np.random.Philox(key=limits.seed % 2**64))
    basis, _ = np.linalg.qr(rng.standard_normal((n, min(k + _OVERSAMPLED, n))))
    events: list[tuple[int, float, int]] = []
    for iteration in range(limits.max_iterations):
        turned = product(basis)
        values, vectors, error = _ritz(basis, turned, k)
        told = error if trace is None else max(trace - float(values.sum()), 0.0)
        events.append((int(time.time() * 1000), told, 0))
        is_calm = iteration + 1 >= _LEAST_ITERATIONS and error <= _CALM
        if is_calm or limits.is_over():
            break
        basis, _ = np.linalg.qr(turned)
    done = finished(np.sqrt(np.maximum(values, 0.0)), vectors)
    done.events = [*events, events[-1]]
    return done


def _ritz(basis: F64, product: F64, k: int) -> tuple[F64, F64, float]:
    """Return the best k eigenvalues and vectors within a subspace, and their largest residual."""
    inside = basis.T @ product
    values, turn = np.linalg.eigh((inside + inside.T) / 2)
    largest = np.arange(len(values) - 1, len(values) - 1 - k, -1)
    values, turn = values[largest], turn[:, largest]
    vectors = basis @ turn
    residuals = np.linalg.norm(product @ turn - vectors * values, axis=0)
    scale = max(float(np.abs(values).max(initial=0.0)), 1e-300)
    return values, vectors, float(residuals.max(initial=0.0)) / scale


def finished(
    values: F64, vectors: F64, events: Sequence[tuple[int, float, int]] = ()
) -> Decomposition:
    """Return the decomposition with signs such that each vector's largest part is positive."""
    largest = np.argmax(np.abs(vectors), axis=0) if vectors.size else np.zeros(0, np.int64)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return Decomposition(values, np.ascontiguousarray(vectors * signs), list(events))
