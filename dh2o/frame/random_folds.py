"""Random folds as H2O deals them: a function of seed and row number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["random_folds"]

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

_MULTIPLIER = np.uint64(6364136223846793005)
_STREAM = np.uint64(3)


def random_folds(rows: I64, n_folds: int, seed: int) -> I64:
    """Return the fold 0 … n_folds - 1 of each row number, as H2O deals rows of that seed.

    A generator (PCG, O'Neill 2014) is seeded with seed + row; the size of its first number,
    32 bits with a sign, is taken modulo the number of folds.
    """
    with np.errstate(over="ignore"):
        state = (_STREAM + rows.astype(np.uint64) + np.uint64(seed % (1 << 64))) * _MULTIPLIER
        word = _output(state + _STREAM).astype(np.int32).astype(np.int64)
    folds: I64 = np.abs(word) % n_folds
    return folds


def _output(state: U64) -> NDArray[np.uint32]:
    """Return the 32 bits of a state: its upper half, mixed and turned."""
    mixed = (((state >> np.uint64(18)) ^ state) >> np.uint64(27)).astype(np.uint32)
    turn = (state >> np.uint64(59)).astype(np.uint32)
    back = (np.uint32(32) - turn) & np.uint32(31)
    out: NDArray[np.uint32] = (mixed >> turn) | (mixed << back)
    return out
