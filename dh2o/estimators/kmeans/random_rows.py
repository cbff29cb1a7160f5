"""H2O's random numbers: PCG (O'Neill 2014) as H2O seeds it, so that equal seeds start alike."""

from __future__ import annotations

import numpy as np
from numba import njit

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
def farther(least, first_row, rows, seed, factor, total, out):  # type: ignore[no-untyped-def]
    """out[r] = factor * least[r] > u(row) * total, u drawn from the row's own number.

    IN: rows are row numbers, or empty when they run on from `first_row`.  Returns the count.
    """
    n = 0
    for r in range(len(least)):
        row = rows[r] if len(rows) else first_row + r
        u, _ = uniform(seeded(seed + row))
        out[r] = factor * least[r] > u * total
        n += out[r]
    return n
