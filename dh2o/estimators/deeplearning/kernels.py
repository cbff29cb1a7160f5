"""Kernels of one layer: a mini-batch changes the weights as its rows would one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit

__all__ = ["activate", "add_places", "slope", "squared", "step", "step_places"]

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

LINEAR, RECTIFIER, TANH, EXP_RECTIFIER, MAXOUT = range(5)
# Where a value is in `rule`: what an optimiser must know.
FORGET, RHO, EPSILON, L1, L2, ELASTIC, SHARE, RATE, MOMENTUM, NESTEROV, ADAPTIVE = range(11)

_ZERO, _ONE = np.float32(0), np.float32(1)
_HALF, _SIXTH = np.float32(0.5), np.float32(1 / 6)
_LEAST = np.float32(1e-6)
_SILENT = np.float32(1e-9)  # squares of products with less would be denormal numbers: slow
# tanh x = x P(x^2) / Q(x^2) to 3e-7 (least squares, reweighted to even errors); 1 beyond 8.
_END = np.float32(8)
_P = np.array([1.0, 0.13444496, 3.5715957e-3, 2.1894624e-5, 1.5230362e-8], np.float32)
_Q = np.array([1.0, 0.46777823, 2.6164434e-2, 3.4112882e-4, 8.5224245e-7], np.float32)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def activate(kind: int, z: F32, a: F32) -> None:
    """Put f(z) into a: of maxout unit u the larger of z at 2u and 2u + 1."""
    for row in range(a.shape[0]):
        if kind == RECTIFIER:
            for j in range(a.shape[1]):
                a[row, j] = max(z[row, j], _ZERO)
        elif kind == TANH:
            for j in range(a.shape[1]):
                x = min(max(z[row, j], -_END), _END)
                s = x * x
                p = _P[0] + s * (_P[1] + s * (_P[2] + s * (_P[3] + s * _P[4])))
                q = _Q[0] + s * (_Q[1] + s * (_Q[2] + s * (_Q[3] + s * _Q[4])))
                a[row, j] = x * p / q
        elif kind == EXP_RECTIFIER:
            for j in range(a.shape[1]):
                x = z[row, j]
                a[row, j] = x if x >= 0 else np.float32(np.expm1(x))
        elif kind == MAXOUT:
            for j in range(a.shape[1]):
                a[row, j] = max(z[row, 2 * j], z[row, 2 * j + 1])
        else:
            for j in range(a.shape[1]):
                a[row, j] = z[row, j]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def slope(kind: int, below: F32, z: F32, a: F32, mask: F32, delta: F32) -> None:
    """Put dE/dz into delta, of units with inputs z, outputs a and dE/da below; little becomes 0."""
    for row in range(a.shape[0]):
        if mask.size:
            for j in range(a.shape[1]):
                below[row, j] *= mask[row, j]
        if kind == MAXOUT:
            for j in range(a.shape[1]):
                is_second = z[row, 2 * j + 1] > z[row, 2 * j]
                delta[row, 2 * j] = _ZERO if is_second else below[row, j]
                delta[row, 2 * j + 1] = below[row, j] if is_second else _ZERO
        elif kind == RECTIFIER:
            for j in range(a.shape[1]):
                delta[row, j] = below[row, j] if a[row, j] > 0 else _ZERO
        elif kind == TANH:
            for j in range(a.shape[1]):
                delta[row, j] = below[row, j] * (_ONE - a[row, j] * a[row, j])
        elif kind == EXP_RECTIFIER:
            for j in range(a.shape[1]):
                delta[row, j] = below[row, j] * (_ONE + min(a[row, j], _ZERO))
        else:
            for j in range(a.shape[1]):
                delta[row, j] = below[row, j]
        for j in range(delta.shape[1]):
            x = delta[row, j]
            delta[row, j] = x if abs(x) >= _SILENT else _ZERO


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def step(  # noqa: PLR0913, PLR0917
    w: F32, m1: F32, m2: F32, pull: F32, g: F32, g2: F32, n_in: F32, n_out: F32, rule: F32,
    sums: F32,
) -> None:  # fmt: skip
    """Move weights for a batch whose gradients were all taken at the same weights.

    ``g`` and ``g2`` are sums over rows of gradients and of their squares; ``n_in[i]`` and
    ``n_out[j]`` are the rows in which either end of weight (i, j) was not zero, so that about
    c = n_in[i] n_out[j] share rows touched it. ADADELTA's running means m1 of squared gradients
    and m2 of squared steps decay rho^c with forget = -log rho, as c single steps would make them.
    Momentum (velocity m1) goes c steps along the mean gradient. Penalties, and the pull to other
    weights if there are any, are gradients that each row adds.   OUT: sums of g2 over i.
    """
    l1, l2, elastic = rule[L1], rule[L2], rule[ELASTIC]
    is_pulled = pull.size > 0
    plain = l1 == 0 and l2 == 0 and not is_pulled
    sums[:] = 0
    for i in range(w.shape[0]):
        if n_in[i] == 0:
            continue
        for j in range(w.shape[1]):
            sums[j] += g2[i, j]
        f = n_in[i] * rule[SHARE]
        if not plain:
            for j in range(w.shape[1]):
                penalty = l1 * np.sign(w[i, j]) + l2 * w[i, j]
                if is_pulled:
                    penalty += elastic * (w[i, j] - pull[i, j])
                c = f * n_out[j]
                g[i, j] += c * penalty
                g2[i, j] += c * penalty * penalty
        if rule[ADAPTIVE] != 0:
            _adadelta(w, m1, m2, i, g, g2, f, n_out, rule)
        else:
            _momentum(w, m1, i, g, f, n_out, rule)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _adadelta(  # noqa: PLR0913, PLR0917
    w: F32, m1: F32, m2: F32, i: int, g: F32, g2: F32, f: np.float32, n_out: F32, rule: F32
) -> None:
    forget, eps = rule[FORGET], rule[EPSILON]
    for j in range(w.shape[1]):
        x = forget * max(f * n_out[j], _LEAST)
        series = _ONE + x * (_HALF + x * _SIXTH)
        decay = _ONE / (_ONE + x * series)
        fresh = forget * series * decay * g2[i, j]  # (1 - decay) / c of the sum of squares
        squares = decay * m1[i, j] + fresh
        rate2 = (m2[i, j] + eps) / (squares + eps)
        m1[i, j] = squares
        m2[i, j] = decay * m2[i, j] + fresh * rate2
        w[i, j] -= np.sqrt(rate2) * g[i, j]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _momentum(w: F32, velocity: F32, i: int, g: F32, f: np.float32, n_out: F32, rule: F32) -> None:
    rate, m = rule[RATE], rule[MOMENTUM]
    for j in range(w.shape[1]):
        c = f * n_out[j]
        if m == 0 or c == 0:
            w[i, j] -= rate * g[i, j]
        elif rule[NESTEROV] != 0:
            left = m**c
            sum_m = m * (_ONE - left) / (_ONE - m)
            mean = g[i, j] / c
            w[i, j] += rate * (velocity[i, j] * sum_m - mean * (c - sum_m) / (_ONE - m))
            velocity[i, j] = left * velocity[i, j] - mean * (_ONE - left) / (_ONE - m)
        else:
            moved = -rate * g[i, j]
            w[i, j] += moved + m * velocity[i, j]
            velocity[i, j] = moved / max(c, _ONE)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def step_places(w: F32, m1: F32, m2: F32, pull: F32, places: I32, delta: F32, rule: F32) -> None:
    """Move the weights of the levels that the rows have, row by row."""
    l1, l2, elastic = rule[L1], rule[L2], rule[ELASTIC]
    rate, m, rho, eps = rule[RATE], rule[MOMENTUM], rule[RHO], rule[EPSILON]
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            i = places[row, column]
            if i < 0:
                continue
            for j in range(w.shape[1]):
                d, old = delta[row, j], w[i, j]
                if d == 0:
                    continue
                grad = d + l1 * np.sign(old) + l2 * old
                if pull.size > 0:
                    grad += elastic * (old - pull[i, j])
                if rule[ADAPTIVE] != 0:
                    fresh = (_ONE - rho) * grad * grad
                    squares = rho * m1[i, j] + fresh
                    rate2 = (m2[i, j] + eps) / (squares + eps)
                    m1[i, j] = squares
                    m2[i, j] = rho * m2[i, j] + fresh * rate2
                    w[i, j] = old - np.sqrt(rate2) * grad
                elif m == 0:
                    w[i, j] = old - rate * grad
                elif rule[NESTEROV] != 0:
                    m1[i, j] = m * m1[i, j] - grad
                    w[i, j] = old + rate * m1[i, j]
                else:
                    w[i, j] = old - rate * grad + m * m1[i, j]
                    m1[i, j] = -rate * grad


@njit(nogil=True, cache=True)
def add_places(z: F32, w: F32, b: F32, places: I32) -> None:
    """z[row] += b and w[place] for all places of each row; -1 is none."""
    for row in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[row, j] += b[j]
        for column in range(places.shape[1]):
            i = places[row, column]
            if i >= 0:
                for j in range(w.shape[1]):
                    z[row, j] += w[i, j]


@njit(nogil=True, cache=True, fastmath=True)
def squared(a: F32, seen: F32) -> F32:
    """Return squares.   OUT: of each unit seen[0] in how many rows it is not 0, seen[1] its sum."""
    squares = np.empty_like(a)
    for row in range(a.shape[0]):
        for j in range(a.shape[1]):
            x = a[row, j]
            squares[row, j] = x * x
            seen[0, j] += _ONE if x != 0 else _ZERO
            seen[1, j] += x
    return squares
