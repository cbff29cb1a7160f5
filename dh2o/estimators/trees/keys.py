"""Keys of streams of random numbers: functions of a model's seed, never of who asks or when."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Stream", "derive_key"]


class Stream(IntEnum):
    """What random numbers are for; streams of one seed do not meet."""

    ROWS = 0
    ROUNDING = 1
    COLUMNS = 2
    NOISE = 3


def derive_key(seed: int, stream: int, count: int) -> int:
    """Return a 63-bit key of a stream of random numbers, never 0."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + count) & (2**64 - 1)
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return ((x ^ (x >> 31)) >> 1) | 1
