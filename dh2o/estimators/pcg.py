"""H2O's random numbers: PCG (O'Neill 2014) as H2O seeds it, behind java.util.Random's methods.

A generator is its state, 64 bits; a function that draws returns what it drew and the next state.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit

__all__ = ["below", "gaussian_pair", "seeded", "signed_word", "uniform"]

_MULTIPLIER = np.uint64(6364136223846793005)
_STREAM = np.uint64(3)
_MASK_26 = np.int64((1 << 26) - 1)
_MASK_27 = np.int64((1 << 27) - 1)


@njit(nogil=True, cache=True)
def _next_state(state):  # type: ignore[no-untyped-def]
    return state * _MULTIPLIER + _STREAM


@njit(nogil=True, cache=True)
def _output(state):  # type: ignore[no-untyped-def]
    """Return the 32 bits of a state (as H2O's code has it: a rotation of a signed word)."""
    mixed = np.uint32(((state >> np.uint64(18)) ^ state) >> np.uint64(27))
    turn = np.uint32(state >> np.uint64(59))
    right = mixed >> turn
    left = mixed << (np.uint32(32 - turn) & np.uint32(31))
    return np.uint32(right | left)


@njit(nogil=True, cache=True)
def seeded(seed):  # type: ignore[no-untyped-def]
    """Return the state after seeding with a 64-bit number."""
    state = _next_state(np.uint64(0))
    return _next_state(state + np.uint64(seed))


@njit(nogil=True, cache=True)
def uniform(state):  # type: ignore[no-untyped-def]
    """Return a number in 0..1 and the next state, as java.util.Random makes doubles."""
    s1 = _next_state(state)
    high = np.int64(_output(s1)) & _MASK_26  # next(bits) keeps the low bits of a long: two words
    s2 = _next_state(s1)
    s3 = _next_state(s2)
    low = np.int64(_output(s3)) & _MASK_27
    return ((high << np.int64(27)) + low) * (1.0 / (1 << 53)), _next_state(s3)


@njit(nogil=True, cache=True)
def signed_word(state):  # type: ignore[no-untyped-def]
    """Return a number of 32 bits with a sign, and the next state."""
    return np.int64(np.int32(_output(state))), _next_state(state)


@njit(nogil=True, cache=True)
def below(state, n):  # type: ignore[no-untyped-def]
    """Return a number in 0..n - 1, n a 64-bit number, and the next state.

    A bound of 2^31 - 1 and more is halved first, at random, until it is smaller.
    """
    offset = np.int64(0)
    while n >= np.int64(2147483647):
        state = _next_state(state)  # two words make a long, of which two bits are used
        bits = np.int64(_output(state)) & np.int64(3)
        state = _next_state(state)
        half = n >> np.int64(1)
        smaller = half if bits & np.int64(2) == 0 else n - half
        if bits & np.int64(1) == 0:
            offset += n - smaller
        n = smaller
    return offset + np.int64(_output(state)) % n, _next_state(state)


@njit(nogil=True, cache=True)
def gaussian_pair(state):  # type: ignore[no-untyped-def]
    """Return two standard normal numbers and the next state: Marsaglia's polar method."""
    while True:
        u, state = uniform(state)
        v, state = uniform(state)
        a, b = 2.0 * u - 1.0, 2.0 * v - 1.0
        s = a * a + b * b
        if 0.0 < s < 1.0:
            factor = np.sqrt(-2.0 * np.log(s) / s)
            return a * factor, b * factor, state
