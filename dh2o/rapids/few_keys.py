"""Joins by few keys, of which one side has each at most once: a table of keys, and a counting sort.

The rows of the other side are counted by key and dealt out by it; the row that the table has for
a key, and the key itself, fill runs. No key is compared, and no row of the result is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks.bank import NO_SHORT_ROW
from dh2o.chunks.spread import ByKey, Runs, counted
from dh2o.rapids.joining import Joined
from dh2o.rapids.keys import U64, KeyLayout
from dh2o.rapids.ordering import row_parts

__all__ = ["MAX_BITS", "Placed", "has_few_keys", "placed"]

MAX_BITS = 14  # counts of so many keys fit a core's cache
MAX_ROWS = (1 << 32) - (1 << MAX_BITS)  # places have 32 bits

Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
Words: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Placed:
    """The rows of a join, by key: those of the side `many` are moved, of the other fill runs."""

    keys: U64  # of each run, packed by `layout`
    layout: KeyLayout
    many: int
    to: ByKey
    runs: Runs

    @property
    def n_rows(self) -> int:
        """How many rows the join has."""
        return int(self.runs.starts[-1])

    def joined(self) -> Joined:
        """Return the same rows one by one."""
        keys = np.repeat(self.keys, np.diff(self.runs.starts), axis=1)
        rows = self.to.rows.astype(np.int64)
        rows[rows == NO_SHORT_ROW] = -1
        sides = rows, self.runs.repeated
        return Joined(keys, self.layout, sides[self.many], sides[1 - self.many])


def has_few_keys(layout: KeyLayout, n_rows: Sequence[int]) -> bool:
    """Return whether `placed` takes keys of this layout."""
    return layout.n_words == 1 and layout.word_bits[0] <= MAX_BITS and sum(n_rows) <= MAX_ROWS


def placed(
    sides: Sequence[Words],
    layout: KeyLayout,
    keep: tuple[bool, bool],
    each: Each,
    cuts: Sequence[Sequence[int]] = ((), ()),
) -> Placed | None:
    """Return the rows of the join of two sides (packed keys); None where it is not this simple.

    They are ordered by key, then by the row of the longer side; `keep` says whether rows of the
    left and right that have no partner stay. A key with NA in it has no partner. `cuts` says where
    the parts begin, and the last ends, in which a side lies; rows are counted part by part.
    """
    few = 0 if len(sides[0]) < len(sides[1]) else 1
    many = 1 - few
    n_keys = 1 << layout.word_bits[0]
    known = ~layout.unknown(np.arange(n_keys, dtype=np.uint64)[None])
    counts = np.where(known | keep[few], np.bincount(sides[few], minlength=n_keys), 0)
    if counts.max() > 1:
        return None
    row_of = np.empty(n_keys, dtype=np.int64)
    row_of[sides[few]] = np.arange(len(sides[few]))
    many_cuts = cuts[many] or row_parts(len(sides[many]), each)
    sizes = counted(sides[many], many_cuts, n_keys, each)
    total = sizes.sum(axis=0)
    pairs = known & (counts == 1)
    stays = pairs | keep[many]
    alone = (counts == 1) & keep[few] & ~(pairs & (total > 0))
    if (alone & stays & (total > 0)).any():  # NA on both sides: two runs of one key
        return None
    n_out = np.where(stays, total, 0) + alone
    runs = np.flatnonzero(n_out)
    starts = np.append(0, np.cumsum(n_out))
    firsts = starts[:-1]
    return Placed(
        keys=runs.astype(np.uint64)[None],
        layout=layout,
        many=many,
        to=ByKey(sides[many], stays, starts, firsts[alone], many_cuts, sizes),
        runs=Runs(np.where(pairs | alone, row_of, -1)[runs], np.append(firsts[runs], starts[-1])),
    )
