"""Random folds as H2O deals them: a function of seed and row number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dh2o.frame.random_words import random_words, wrapped

__all__ = ["random_folds"]

I64 = NDArray[np.int64]


def random_folds(rows: I64, n_folds: int, seed: int) -> I64:
    """Return the fold 0 … n_folds - 1 of each row number, as H2O deals rows of that seed.

    A generator is seeded with seed + row; the size of its first number, 32 bits with a sign, is
    taken modulo the number of folds.
    """
    with np.errstate(over="ignore"):
        seeds = rows.astype(np.uint64) + wrapped(seed)
    words = random_words(seeds, 1)[:, 0].view(np.int32).astype(np.int64)
    folds: I64 = np.abs(words) % n_folds
    return folds
