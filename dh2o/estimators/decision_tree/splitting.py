"""The split of a node that tells two classes apart best: least entropy over ten equal bins.

The rules are H2O's: bins of equal width between the node's own smallest and largest value, their
ends rounded to two decimals; levels in the order of how many rows of the first class they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from dh2o.estimators.trees.arrays import BOOL, F64, I64

__all__ = ["BINS", "Split", "bin_ends", "entropy", "level_split", "number_split"]

BINS = 10
_EPSILON = 2.0**-53
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Split:
    """Left goes what is at most `cut`, or has one of the levels in `left`."""

    feature: int
    entropy: float
    cut: float = 0.0
    left: BOOL | None = None


def entropy(share: F64 | float) -> F64:
    """Return the entropy of two classes, the first of which has this share; natural logarithms."""
    p = np.asarray(share, np.float64)
    q = 1.0 - p
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(p < _EPSILON, 0.0, p * np.log(p))
        other = np.where(q < _EPSILON, 0.0, q * np.log(q))
    return -(one + other)


def bin_ends(low: float, high: float) -> F64:
    """Return the upper ends of the bins between `low` and `high`; none if these are equal.

    A bin holds what is above the end before it and at most its own.
    """
    step = (high - low) / BINS
    if step == 0 or not np.isfinite(step):
        return np.zeros(0)
    values: list[float] = []
    value = low
    while value <= high and len(values) <= BINS:
        values.append(value)
        value += step
    ends = [_rounded(value) for value in values[1:]]
    if not ends:
        return np.zeros(0)
    ends[-1] = high
    return np.array(ends)


def _rounded(value: float) -> float:
    """Return `value` to two decimals, halves away from 0, as Java's BigDecimal does."""
    return float(Decimal(value).quantize(_CENT, ROUND_HALF_UP)) if abs(value) < 1e15 else value


def number_split(feature: int, ends: F64, counts: I64, min_rows: int) -> Split | None:
    """Return the best cut at one of the bins' ends; counts[b] = (rows of class 0, of class 1)."""
    left = np.cumsum(counts, axis=0)
    best = _best(left, min_rows)
    if best is None:
        return None
    return Split(feature, best[1], cut=float(ends[best[0]]))


def level_split(feature: int, there: BOOL, counts: I64, min_rows: int) -> Split | None:
    """Return the best split of the levels that are `there`, sorted by their rows of class 0."""
    levels = np.flatnonzero(there)
    order = levels[np.argsort(counts[levels, 0], kind="stable")]
    best = _best(np.cumsum(counts[order], axis=0), min_rows)
    if best is None:
        return None
    goes_left = np.zeros(len(there), np.bool_)
    goes_left[order[: best[0] + 1]] = True
    return Split(feature, best[1], left=goes_left)


def _best(left: I64, min_rows: int) -> tuple[int, float] | None:
    """Return (where, entropy) of the first of the best cuts with enough rows on both sides."""
    if not len(left):
        return None
    right = left[-1] - left
    n_left, n_right = left.sum(axis=1), right.sum(axis=1)
    least = max(min_rows, 1)
    fits = np.flatnonzero((n_left >= least) & (n_right >= least))
    if not len(fits):
        return None
    w_left, w_right = n_left[fits].astype(np.float64), n_right[fits].astype(np.float64)
    total = w_left + w_right
    found = entropy(left[fits, 0] / w_left) * w_left / total
    found = found + entropy(right[fits, 0] / w_right) * w_right / total
    at = int(np.argmin(found))
    return int(fits[at]), float(found[at])
