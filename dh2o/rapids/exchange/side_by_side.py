"""Medians and modes of groups whose values lie side by side."""

from __future__ import annotations

import numpy as np

from dh2o.chunks.codec import read_only
from dh2o.rapids.group_order import commonest
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64

__all__ = ["side_by_side"]


def side_by_side(function: str, na: str, values: F64, starts: I64) -> F64:
    """Return the median or mode of each group; `starts` says where groups start and the last ends.

    Every group has rows.
    """
    return _modes(values, starts) if function == "mode" else _medians(values, starts, na)


def _medians(values: F64, starts: I64, na: str) -> F64:
    """Return medians; with NA by the rule: all gives NaN, ignore takes -inf, rm leaves them out."""
    from dh2o.rapids import group_kernels

    missing = np.isnan(values)
    n_before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(missing)])[starts]
    if na == "ignore":
        values = np.where(missing, -np.inf, values)
    else:
        values, starts = values[~missing], starts - n_before
    found = np.empty(len(starts) - 1)
    group_kernels.medians(values, read_only(starts), found)
    found[np.isinf(found)] = np.nan
    if na == "all":
        found[np.diff(n_before) > 0] = np.nan
    return found


def _modes(codes: F64, starts: I64) -> F64:
    """Return the commonest code of each group, the first of several; 0 where all are NA."""
    groups = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    known = ~np.isnan(codes)
    levels = codes[known].astype(np.int64)
    n_levels = int(levels.max(initial=0)) + 1
    pairs, counts = np.unique(groups[known] * n_levels + levels, return_counts=True)
    return commonest(pairs // n_levels, pairs % n_levels, counts, len(starts) - 1)
