"""Rows as the kernels see them: bins and gradient side by side, so that one cache line has both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import I64, U8, U16

if TYPE_CHECKING:
    from dh2o.estimators.trees.binning import BinMap
    from dh2o.estimators.trees.fixed_point import FixedPoint

__all__ = ["NO_GRADIENT", "NO_WORD", "ROW_MASK", "TERM_SHIFT", "RecordLayout", "Records"]

#: A record's tag is ``leaf term << TERM_SHIFT | row``: records move, rows keep their numbers.
TERM_SHIFT = 32
ROW_MASK = (1 << TERM_SHIFT) - 1
#: The gradient and the word of a record that the tree is not grown on.
NO_GRADIENT, NO_WORD = -(1 << 31), -(1 << 63)

_LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class RecordLayout:
    """A record: byte-wide bins, two-byte bins, word.

    A word of 8 bytes is ``gradient << shift | weight``; of 4 bytes (all weights are 1) it is the
    gradient; of 0 bytes it is not there: such rows only follow predictions.
    """

    width: int
    n_wide: int
    word_nbytes: int = 0
    shift: int = 0

    @classmethod
    def of(cls, bin_map: BinMap, fixed: FixedPoint | None) -> RecordLayout:
        """Return the layout of rows that learn by these scales, or that do not learn."""
        if fixed is None:
            return cls(bin_map.width, bin_map.n_wide)
        return cls(bin_map.width, bin_map.n_wide, 4 if fixed.is_narrow else 8, fixed.shift)

    @cached_property
    def word_at(self) -> int:
        """Byte of a record where its word begins."""
        return (self.width + 2 * self.n_wide + 3) // 4 * 4

    @cached_property
    def nbytes(self) -> int:
        """Bytes of a record."""
        return self.word_at + self.word_nbytes

    @cached_property
    def place(self) -> I64:
        """What kernels know a record by.

        (bytes of it, byte-wide bins, two-byte bins, byte where the word begins, 1 if it is a
        gradient alone, shift of a gradient to a word).
        """
        is_gradient = int(self.word_nbytes == 4)
        numbers = [self.nbytes, self.width, self.n_wide, self.word_at, is_gradient, self.shift]
        return np.array(numbers, np.int64)


class Records:
    """Records one after the other: the same memory as `bytes` and as `pairs`."""

    def __init__(self, layout: RecordLayout, memory: U8) -> None:
        self.layout = layout
        self.bytes: U8 = memory
        self.pairs: U16 = memory[: len(memory) // 2 * 2].view(np.uint16)

    @classmethod
    def empty(cls, layout: RecordLayout, n: int) -> Records:
        """Return `n` records of zeros that begin with a cache line."""
        memory = np.zeros(max(n, 1) * layout.nbytes + _LINE, np.uint8)
        first = -memory.ctypes.data % _LINE
        return cls(layout, memory[first : first + max(n, 1) * layout.nbytes])

    def full_words(self, n: int) -> I64:
        """Return (gradient << shift | weight) of the first `n` records."""
        size, at, nbytes = self.layout.nbytes, self.layout.word_at, self.layout.word_nbytes
        own = np.ascontiguousarray(self.bytes[: n * size].reshape(n, size)[:, at : at + nbytes])
        if nbytes == 8:
            return own.view(np.int64).ravel()
        return (own.view(np.int32).ravel().astype(np.int64) << self.layout.shift) + 1
