"""H2O's random words: PCG (O'Neill 2014) seeded anew for each row, all rows at once.

H2O draws what must not depend on the cluster from a generator that is seeded with a function of
the row; so a column of draws is a function of a column of seeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["random_words", "seeds_of_rows", "uniforms", "wrapped"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

_MULTIPLIER = np.uint64(6364136223846793005)
_STREAM = np.uint64(3)
_TILE_ROWS = 1 << 14  # the arrays of a tile stay in cache


def wrapped(number: int) -> np.uint64:
    """Return a number as 64 bits, as Java's long keeps it."""
    return np.uint64(number & (2**64 - 1))


def seeds_of_rows(seed: int, step: int, start: int, n_rows: int) -> U64:
    """Return seed + step * row for rows from `start` on, in 64 bits."""
    rows = np.arange(start, start + n_rows, dtype=np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        seeds: U64 = wrapped(seed) + wrapped(step) * rows
    return seeds


def random_words(seeds: U64, n_words: int, again: bool = False) -> NDArray[np.uint32]:
    """Return the first words (rows x n_words) of generators with these seeds.

    With `again`, each generator is seeded a second time, with the first 64 bits that it gives.
    """
    words = np.empty((len(seeds), n_words), dtype=np.uint32)
    with np.errstate(over="ignore"):
        for start in range(0, len(seeds), _TILE_ROWS):
            tile = seeds[start : start + _TILE_ROWS]
            if again:
                high, low = _draws(tile, 2)
                tile = (high.astype(np.uint64) << np.uint64(32)) | low
            for i, drawn in enumerate(_draws(tile, n_words)):
                words[start : start + len(tile), i] = drawn
    return words


def uniforms(seeds: U64, again: bool = False) -> F64:
    """Return one number in 0..1 of each generator, as java.util.Random makes doubles.

    26 and 27 bits; H2O's generator gives the low bits of two words for each.
    """
    words = random_words(seeds, 4, again).astype(np.int64)
    high, low = words[:, 1] & ((1 << 26) - 1), words[:, 3] & ((1 << 27) - 1)
    values: F64 = ((high << 27) + low) * (1.0 / (1 << 53))
    return values


def _draws(seeds: U64, n_words: int) -> Iterator[U32]:
    state = (_STREAM + seeds) * _MULTIPLIER + _STREAM
    for _ in range(n_words):
        yield _output(state)
        state = state * _MULTIPLIER + _STREAM


def _output(state: U64) -> U32:
    """Return the 32 bits of a state: its upper half, mixed and turned."""
    mixed = (((state >> np.uint64(18)) ^ state) >> np.uint64(27)).astype(np.uint32)
    turn = (state >> np.uint64(59)).astype(np.uint32)
    back = (np.uint32(32) - turn) & np.uint32(31)
    out: U32 = (mixed >> turn) | (mixed << back)
    return out
