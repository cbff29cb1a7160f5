"""Rows as the kernels see them: bins and gradient side by side, so that one cache line has both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.trees.arrays import I64, U8, U16

if TYPE_CHECKING:
    from dh2o.estimators.trees.binning import BinMap
    from dh2o.estimators.trees.fixed_point import FixedPoint

__all__ = ["RecordLayout", "Records"]

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
        unit = max(self.word_nbytes, 4)
        return (self.width + 2 * self.n_wide + unit - 1) // unit * unit

    @cached_property
    def nbytes(self) -> int:
        """Bytes of a record."""
        return self.word_at + self.word_nbytes

    @cached_property
    def place(self) -> I64:
        """What kernels know a record by.

        (bytes of it, byte-wide bins, place of the first two-byte bin, two-byte bins, words in it,
        place of the word, shift of a word that is a gradient, weight of such a row).
        """
        unit = max(self.word_nbytes, 4)
        gradient = self.word_nbytes == 4
        return np.array(
            [
                self.nbytes, self.width, self.width // 2, self.n_wide, self.nbytes // unit,
                self.word_at // unit, self.shift if gradient else 0, int(gradient),
            ],
            np.int64,
        )  # fmt: skip


class Records:
    """Records one after the other: the same memory as `bytes`, `pairs` and `words`."""

    def __init__(self, layout: RecordLayout, memory: U8) -> None:
        self.layout = layout
        self.bytes: U8 = memory
        self.pairs: U16 = memory[: len(memory) // 2 * 2].view(np.uint16)
        self.words: Any = memory.view(np.int64 if layout.word_nbytes == 8 else np.int32)

    @classmethod
    def empty(cls, layout: RecordLayout, n: int) -> Records:
        """Return `n` records of zeros that begin with a cache line."""
        memory = np.zeros(max(n, 1) * layout.nbytes + _LINE, np.uint8)
        first = -memory.ctypes.data % _LINE
        return cls(layout, memory[first : first + max(n, 1) * layout.nbytes])

    def full_words(self, n: int) -> I64:
        """Return (gradient << shift | weight) of the first `n` records."""
        _, _, _, _, stride, at, shift, low = self.layout.place.tolist()
        own = self.words[: n * stride].reshape(n, stride)[:, at]
        return (own.astype(np.int64) << shift) + low
