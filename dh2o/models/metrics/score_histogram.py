"""How often each score occurs in each group: exact while scores are few, then coarser.

A double's bits, with the sign handled, order as the doubles do. The histogram counts rows by those
bits; when more than `cap` different ones occur, low bits are dropped from all of them, as few as
possible. The number dropped depends on the set of scores alone, so partial histograms combine
in any order and grouping to the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

_SIGN = np.uint64(1 << 63)
DEFAULT_CAP = 1 << 18
AUC_TOLERANCE = 9e-6  # AUC is promised to 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """``counts[i, g]``: weight (times the scale) of group g's rows with score ``keys[i]``.

    Keys ascend; ``n_dropped`` low bits of them are zero.
    """

    keys: U64
    counts: I64
    n_dropped: int
    cap: int

    @property
    def scores(self) -> F64:
        """The smallest score that each key stands for."""
        return scores_of(self.keys)


def keys_of(scores: F64) -> U64:
    """Return unsigned integers that order as `scores` do (-0.0 as 0.0; no NaN)."""
    bits = (scores + 0.0).view(np.uint64)
    negative = (bits & _SIGN) != 0
    if negative.any():
        return np.where(negative, ~bits, bits | _SIGN)
    return bits | _SIGN


def scores_of(keys: U64) -> F64:
    """Return the doubles of `keys`, the inverse of `keys_of`."""
    bits = np.where((keys & _SIGN) != 0, keys ^ _SIGN, ~keys)
    return bits.view(np.float64)


def empty_histogram(n_groups: int, cap: int = DEFAULT_CAP) -> ScoreHistogram:
    """Return the histogram of no rows."""
    return ScoreHistogram(
        np.empty(0, dtype=np.uint64), np.empty((0, n_groups), dtype=np.int64), 0, cap
    )


def histogram(
    scores: F64, groups: NDArray[Any], weights: I64 | None, n_groups: int, cap: int = DEFAULT_CAP
) -> ScoreHistogram:
    """Return the histogram of rows with these scores, group numbers and integer weights."""
    if len(scores) == 0:
        return empty_histogram(n_groups, cap)
    keys = keys_of(np.ascontiguousarray(scores, dtype=np.float64))
    if weights is None and n_groups == 2 and int(keys.min()) >= int(_SIGN):
        return _of_two_groups(keys, groups, cap)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    groups = np.asarray(groups, dtype=np.int64)[order]
    amounts = np.ones(len(keys), dtype=np.int64) if weights is None else weights[order]
    starts = _starts(keys)
    cell = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(keys))))
    counts = np.zeros(len(starts) * n_groups, dtype=np.int64)
    np.add.at(counts, cell * n_groups + groups, amounts)
    return _coarsened(keys[starts], counts.reshape(-1, n_groups), 0, cap)


def _of_two_groups(keys: U64, groups: NDArray[Any], cap: int) -> ScoreHistogram:
    """Return the histogram by one sort: the group rides in the bit that the sign left free."""
    both = np.sort((keys << np.uint64(1)) | groups.astype(np.uint64))
    keys = (both >> np.uint64(1)) | _SIGN
    starts = _starts(keys)
    n_all = np.diff(np.append(starts, len(keys)))
    n_second = np.add.reduceat((both & np.uint64(1)).astype(np.int64), starts)
    return _coarsened(keys[starts], np.stack([n_all - n_second, n_second], axis=1), 0, cap)


def merge(a: ScoreHistogram, b: ScoreHistogram) -> ScoreHistogram:
    """Return the histogram of the rows of both."""
    n_dropped = max(a.n_dropped, b.n_dropped)
    n_most = len(a.keys) + len(b.keys)
    if n_most == 0:
        return a
    keys = np.empty(n_most, dtype=np.uint64)
    counts = np.zeros((n_most, a.counts.shape[1]), dtype=np.int64)
    n = _merged(a.keys, a.counts, b.keys, b.counts, np.uint64(n_dropped), keys, counts)
    return _coarsened(keys[:n], counts[:n], n_dropped, a.cap)


@njit(cache=True, nogil=True)
def _merged(  # type: ignore[no-untyped-def]
    keys_a, counts_a, keys_b, counts_b, n_bits, keys, counts
):
    """Merge ascending keys without their low bits; return how many.   OUT: keys, counts (zeros)."""
    i = j = n = 0
    while i < len(keys_a) or j < len(keys_b):
        first = j == len(keys_b) or (i < len(keys_a) and keys_a[i] <= keys_b[j])
        key = ((keys_a[i] if first else keys_b[j]) >> n_bits) << n_bits
        if n == 0 or keys[n - 1] != key:
            keys[n] = key
            n += 1
        for g in range(counts.shape[1]):
            counts[n - 1, g] += counts_a[i, g] if first else counts_b[j, g]
        if first:
            i += 1
        else:
            j += 1
    return n


def _starts(keys: U64) -> NDArray[np.intp]:
    """Return where runs of equal keys begin."""
    return np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])


def _truncated(keys: U64, n_bits: int) -> U64:
    return (keys >> np.uint64(n_bits)) << np.uint64(n_bits)


def _coarsened(keys: U64, counts: I64, n_dropped: int, cap: int) -> ScoreHistogram:
    """Drop as few low bits as leave at most `cap` keys."""
    if len(keys) > cap:
        # Neighbours stay apart as long as their highest differing bit is kept.
        differ = np.frexp((keys[1:] ^ keys[:-1]).astype(np.float64))[1]
        n_apart = len(differ) - np.cumsum(np.bincount(differ, minlength=66))
        n_dropped = max(n_dropped, int(np.flatnonzero(n_apart + 1 <= cap)[0]))
        keys = _truncated(keys, n_dropped)
        starts = _starts(keys)
        keys, counts = keys[starts], np.add.reduceat(counts, starts, axis=0)
    return ScoreHistogram(keys, counts, n_dropped, cap)


def heavy_cells(coarse: ScoreHistogram) -> U64:
    """Return the keys whose rows are to be counted on a finer scale; none if AUC is sure enough.

    A cell of p positives and n negatives, whatever their order, moves the AUC by at most
    p n / (2 P N). Cells are chosen, the heaviest first, until the others together move it by less
    than the tolerance.
    """
    none = coarse.keys[:0]
    if coarse.n_dropped == 0 or coarse.counts.shape[1] != 2:
        return none
    negative, positive = coarse.counts.astype(np.float64).T
    pairs = negative.sum() * positive.sum()
    if pairs == 0:
        return none
    doubt = negative * positive / (2 * pairs)
    if doubt.sum() <= AUC_TOLERANCE:
        return none
    order = np.argsort(-doubt, kind="stable")
    left = doubt.sum() - np.cumsum(doubt[order])
    n_heavy = min(int(np.argmax(left <= AUC_TOLERANCE / 2)) + 1, max(coarse.cap // 4, 1))
    return np.sort(coarse.keys[order[:n_heavy]])


def within(scores: F64, cells: U64, n_dropped: int) -> NDArray[np.bool_]:
    """Return which scores lie in the given cells."""
    keys = _truncated(keys_of(np.ascontiguousarray(scores)), n_dropped)
    at = np.minimum(np.searchsorted(cells, keys), len(cells) - 1)
    return cells[at] == keys


def spliced(coarse: ScoreHistogram, fine: ScoreHistogram | None) -> ScoreHistogram:
    """Return `coarse` with the cells that `fine` counted replaced; not to be merged any more."""
    if fine is None or len(fine.keys) == 0:
        return coarse
    redone = np.isin(coarse.keys, np.unique(_truncated(fine.keys, coarse.n_dropped)))
    keys = np.concatenate([coarse.keys[~redone], fine.keys])
    counts = np.concatenate([coarse.counts[~redone], fine.counts])
    order = np.argsort(keys, kind="stable")
    return ScoreHistogram(keys[order], counts[order], fine.n_dropped, coarse.cap)
