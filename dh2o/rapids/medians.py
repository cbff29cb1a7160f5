"""Medians of groups whose values lie side by side, and what NA do to them.

"rm" leaves NA out, "all" too but makes the median of a group with NA NaN; by "ignore" NA lie below
all numbers, and a median that is one of them is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks.codec import read_only
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64

__all__ = ["group_medians", "placed_values", "row_shares"]

SHARES = 8  # into so many parts the rows are cut for the threads
Share = tuple[int, int]
Each = Callable[[Callable[[Share], None], Sequence[Share]], Any]


def placed_values(values: F64, na: str) -> tuple[F64, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the values with NA where the rule puts them, which of them count, and which are NA."""
    missing = np.isnan(values)
    if na == "ignore":
        return np.where(missing, -np.inf, values), np.ones(len(values), dtype=np.bool_), missing
    return values, ~missing, missing


def group_medians(values: F64, starts: I64, n_na: I64, na: str, each: Each) -> F64:
    """Return the median of ``values[starts[g]:starts[g + 1]]``, which it reorders; NaN of none.

    Values are those that count, `n_na` says how many of each group were NA.
    """
    from dh2o.rapids import group_kernels

    found = np.empty(len(starts) - 1)

    def some(share: Share) -> None:
        low, high = share
        group_kernels.medians(values, read_only(starts[low : high + 1]), found[low:high])

    each(some, row_shares(starts))
    found[np.isinf(found)] = np.nan
    if na == "all":
        found[n_na > 0] = np.nan
    return found


def row_shares(starts: I64) -> list[Share]:
    """Return ranges of groups of about as many rows each; the rows of group g end at the next."""
    ends = np.linspace(0, starts[-1], SHARES + 1)
    cuts = np.searchsorted(starts, ends[1:-1]).tolist()
    bounds = [0, *cuts, len(starts) - 1]
    return [(low, high) for low, high in pairwise(bounds) if low < high]
