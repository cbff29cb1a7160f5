"""Medians and modes of groups whose values lie side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dh2o.rapids.group_order import commonest
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64
from dh2o.rapids.medians import group_medians, placed_values

__all__ = ["side_by_side"]


def side_by_side(function: str, na: str, values: F64, starts: I64) -> F64:
    """Return the median or mode of each group; `starts` says where groups start and the last ends.

    Every group has rows.
    """
    return _modes(values, starts) if function == "mode" else _medians(values, starts, na)


def _medians(values: F64, starts: I64, na: str) -> F64:
    values, counts, missing = placed_values(values, na)
    n_na, n_out = (
        np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(flags)])[starts]
        for flags in (missing, ~counts)
    )
    return group_medians(values[counts], starts - n_out, np.diff(n_na), na, _one_by_one)


def _one_by_one(fn: Callable[[Any], None], items: Sequence[Any]) -> None:
    for item in items:  # a task has one thread
        fn(item)


def _modes(codes: F64, starts: I64) -> F64:
    """Return the commonest code of each group, the first of several; 0 where all are NA."""
    groups = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    known = ~np.isnan(codes)
    levels = codes[known].astype(np.int64)
    n_levels = int(levels.max(initial=0)) + 1
    pairs, counts = np.unique(groups[known] * n_levels + levels, return_counts=True)
    return commonest(pairs // n_levels, pairs % n_levels, counts, len(starts) - 1)
