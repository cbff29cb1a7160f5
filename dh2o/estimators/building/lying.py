"""Columns of a block where they lie, for kernels that read all of them in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk

__all__ = ["LyingColumns"]

F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class LyingColumns:
    """Columns of a block as doubles at addresses, good as long as this object lives.

    Plain doubles are not copied; those in ``packed`` are unpacked, a stretch at a time. A call for
    each column and stretch would be one wait for the interpreter each: threads meet there.
    """

    lying: list[F64]
    packed: dict[int, Chunk]
    addresses: U64
    strides: U64

    @classmethod
    def of(cls, block: Block, names: Sequence[str], most: int) -> LyingColumns:
        """Return columns of which up to `most` rows are read at once."""
        number = {name: k for k, name in enumerate(block.names)}
        lying, packed = [], {}
        for idx, name in enumerate(names):
            chunk = block.chunks[number[name]]
            values = chunk.plain_floats()
            if values is None or not values.flags.c_contiguous:
                values = np.empty(most)
                packed[idx] = chunk
            lying.append(values)
        addresses = np.array([v.__array_interface__["data"][0] for v in lying], np.uint64)
        strides = np.array([0 if k in packed else 8 for k in range(len(lying))], np.uint64)
        return cls(lying, packed, addresses, strides)

    def at(self, start: int, stop: int) -> U64:
        """Return where row `start` of each column lies, the others up to `stop` behind it.

        They lie there until the next call.
        """
        for idx, chunk in self.packed.items():
            chunk.floats(self.lying[idx][: stop - start], start, stop)
        return self.addresses + self.strides * np.uint64(start)
