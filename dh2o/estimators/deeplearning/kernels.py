"""Kernels of the optimisers: one mini-batch changes the weights as its rows would one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["adadelta", "adadelta_places", "add_places", "momentum", "momentum_places"]

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

_ONE = np.float32(1)
_HALF = np.float32(0.5)
_SIXTH = np.float32(1 / 6)
_LEAST = np.float32(1e-6)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def adadelta(  # noqa: PLR0913, PLR0917
    w: F32, mean_g2: F32, mean_dx2: F32, g: F32, g2: F32, n_in: F32, n_out: F32, share: np.float32,
    forget: np.float32, eps: np.float32, l1: np.float32, l2: np.float32, pull: F32,
) -> None:  # fmt: skip
    """Apply ADADELTA for a batch whose gradients were all taken at the same weights.

    ``g`` and ``g2`` are the sums over rows of gradients and of their squares; ``n_in[i]`` and
    ``n_out[j]`` are the rows in which either end of weight (i, j) was not zero, so that about
    c = n_in[i] n_out[j] share rows touched it. The running means decay rho^c with
    forget = -log rho, as c single steps would make them. ``pull``, if it has elements, is a
    gradient that each row adds.
    """
    is_pulled = pull.size > 0
    plain = l1 == 0 and l2 == 0 and not is_pulled
    for i in range(w.shape[0]):
        if n_in[i] == 0:
            continue
        f = n_in[i] * share
        for j in range(w.shape[1]):
            c = max(f * n_out[j], _LEAST)
            x = forget * c
            decay = _ONE / (_ONE + x * (_ONE + x * (_HALF + x * _SIXTH)))
            grad, square = g[i, j], g2[i, j] / c
            if not plain:
                penalty = l1 * np.sign(w[i, j]) + l2 * w[i, j]
                if is_pulled:
                    penalty += pull[i, j]
                grad += c * penalty
                square += penalty * penalty
            fresh = (_ONE - decay) * square
            squares = decay * mean_g2[i, j] + fresh
            rate2 = (mean_dx2[i, j] + eps) / (squares + eps)
            mean_g2[i, j] = squares
            mean_dx2[i, j] = decay * mean_dx2[i, j] + fresh * rate2
            w[i, j] -= np.sqrt(rate2) * grad


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def adadelta_places(  # noqa: PLR0913, PLR0917
    w: F32, mean_g2: F32, mean_dx2: F32, places: I32, deltas: F32, rho: np.float32,
    eps: np.float32, l1: np.float32, l2: np.float32, pull: F32,
) -> None:  # fmt: skip
    """Apply ADADELTA to the weights of the levels that the rows have, row by row."""
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            i = places[row, column]
            if i < 0:
                continue
            for j in range(w.shape[1]):
                d = deltas[row, j]
                if d == 0:
                    continue
                old = w[i, j]
                grad = d + l1 * np.sign(old) + l2 * old
                if pull.size > 0:
                    grad += pull[i, j]
                fresh = (_ONE - rho) * grad * grad
                squares = rho * mean_g2[i, j] + fresh
                rate2 = (mean_dx2[i, j] + eps) / (squares + eps)
                mean_g2[i, j] = squares
                mean_dx2[i, j] = rho * mean_dx2[i, j] + fresh * rate2
                w[i, j] = old - np.sqrt(rate2) * grad


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def momentum(  # noqa: PLR0913, PLR0917
    w: F32, velocity: F32, g: F32, n_in: F32, n_out: F32, share: np.float32, rate: np.float32,
    m: np.float32, nesterov: bool, l1: np.float32, l2: np.float32, pull: F32,
) -> None:  # fmt: skip
    """Apply gradient descent with momentum for a batch: as c steps along its mean gradient.

    `velocity` may have no element if there is no momentum. c as in `adadelta`.
    """
    for i in range(w.shape[0]):
        if n_in[i] == 0:
            continue
        f = n_in[i] * share
        for j in range(w.shape[1]):
            c = f * n_out[j]
            old = w[i, j]
            grad = g[i, j] + c * (l1 * np.sign(old) + l2 * old)
            if pull.size > 0:
                grad += c * pull[i, j]
            if m == 0 or c == 0:
                w[i, j] = old - rate * grad
            elif nesterov:
                left = m**c
                sum_m = m * (_ONE - left) / (_ONE - m)
                mean = grad / c
                w[i, j] = old + rate * (velocity[i, j] * sum_m - mean * (c - sum_m) / (_ONE - m))
                velocity[i, j] = left * velocity[i, j] - mean * (_ONE - left) / (_ONE - m)
            else:
                step = -rate * grad
                w[i, j] = old + step + m * velocity[i, j]
                velocity[i, j] = step / max(c, _ONE)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def momentum_places(  # noqa: PLR0913, PLR0917
    w: F32, velocity: F32, places: I32, deltas: F32, rate: np.float32, m: np.float32,
    nesterov: bool, l1: np.float32, l2: np.float32, pull: F32,
) -> None:  # fmt: skip
    """Apply gradient descent to the weights of the levels that the rows have, row by row."""
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            i = places[row, column]
            if i < 0:
                continue
            for j in range(w.shape[1]):
                d = deltas[row, j]
                if d == 0:
                    continue
                old = w[i, j]
                grad = d + l1 * np.sign(old) + l2 * old
                if pull.size > 0:
                    grad += pull[i, j]
                if m == 0:
                    w[i, j] = old - rate * grad
                elif nesterov:
                    velocity[i, j] = m * velocity[i, j] - grad
                    w[i, j] = old + rate * velocity[i, j]
                else:
                    w[i, j] = old - rate * grad + m * velocity[i, j]
                    velocity[i, j] = -rate * grad


@njit(nogil=True, cache=True)
def add_places(z: F32, w: F32, places: I32) -> None:
    """z[row] += w[place] for all places of each row; -1 is none."""
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            i = places[row, column]
            if i >= 0:
                for j in range(w.shape[1]):
                    z[row, j] += w[i, j]
