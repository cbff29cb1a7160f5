"""What a chunk's description and codes say of its smallest and largest number, undecoded."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from dh2o.chunks.bits import bytes_of
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import F64, NA_INT, Buffer
from dh2o.chunks.integer import GridCodec, Int64Codec
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import MAX_SCALED, scan_floats

__all__ = ["GridBounds", "bounds_of_floats", "grid_bounds"]


class GridBounds(NamedTuple):
    """Numbers are integers from `low` to `high` over 10**decimals; low > high when there is none.

    Decimals of -1 say that they lie on no decimal grid, or that nobody looked.
    """

    low: int = 0
    high: int = -1
    decimals: int = 0

    def __or__(self, other: GridBounds) -> GridBounds:
        """Return the bounds of the numbers of both."""
        if self.decimals < 0 or other.decimals < 0:
            return NO_GRID
        if self.low > self.high:
            return other
        if other.low > other.high:
            return self
        decimals = max(self.decimals, other.decimals)
        mine, theirs = (10 ** (decimals - b.decimals) for b in (self, other))
        low, high = (
            min(self.low * mine, other.low * theirs),
            max(self.high * mine, other.high * theirs),
        )
        return _checked(low, high, decimals)

    @property
    def n_codes(self) -> int:
        """How many steps of the grid the bounds span."""
        return max(0, self.high - self.low + 1)


NO_GRID = GridBounds(decimals=-1)


def _bounds_of_codes(codes: Buffer, codec: GridCodec) -> GridBounds:
    """Return the bounds of numbers by their codes, of which the highest may be NA."""
    if not len(codes):
        return GridBounds()
    first, last = int(codes.min()), int(codes.max())
    if codec.has_na and last == codec.na_code:
        if first == last:
            return GridBounds()
        last = int(np.max(codes, where=codes != last, initial=first))
    low, high = (code * codec.step + codec.bias for code in (first, last))
    return _checked(low, high, codec.decimals)


def _checked(low: int, high: int, decimals: int) -> GridBounds:
    return GridBounds(low, high, decimals) if max(-low, high) < MAX_SCALED else NO_GRID


def bounds_of_floats(values: F64) -> GridBounds:
    """Return the bounds of doubles, NaN being NA, after a look at each."""
    facts = scan_floats(values)
    if facts.n_na == len(values):
        return GridBounds()
    if facts.decimals < 0:
        return NO_GRID
    power = 10.0**facts.decimals
    return _checked(round(facts.lo * power), round(facts.hi * power), facts.decimals)


_FOUND: WeakKeyDictionary[Chunk, GridBounds] = WeakKeyDictionary()


def grid_bounds(chunk: Chunk) -> GridBounds:
    """Return the bounds of a chunk of numbers or codes, from its codes where that is possible.

    A chunk that lives on is looked through once.
    """
    found = _FOUND.get(chunk)
    if found is None:
        found = _FOUND[chunk] = _grid_bounds(chunk)
    return found


def _grid_bounds(chunk: Chunk) -> GridBounds:
    codec = chunk.codec
    if isinstance(codec, Float32Codec | Float64Codec):
        return NO_GRID
    if isinstance(codec, GridCodec) and not codec.has_negative_zero:
        codes = chunk.stored.buffers[0]
        if codec.width < 8:
            codes = bytes_of(codes, codec.width, chunk.n_rows)
        return _bounds_of_codes(codes, codec)
    if isinstance(codec, Int64Codec):
        ints = chunk.ints()
        known = ints[ints != NA_INT]
        return _checked(int(known.min()), int(known.max()), 0) if len(known) else GridBounds()
    distinct = codec.counts(chunk.stored, chunk.n_rows)  # type: ignore[attr-defined]
    if distinct is None:
        return bounds_of_floats(chunk.floats())
    return bounds_of_floats(np.asarray(distinct[0], dtype=np.float64))
