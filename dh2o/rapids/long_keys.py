"""Rows by keys that leave no room for the row's number beside them: spread first, then sorted.

Rows go to *buckets* by the first bits of their keys. What is left of a key then has room beside the
place of its row in the bucket, and a bucket is sorted within a core's cache. One that is too large
for that, because many keys begin with the same bits, is spread again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks.codec import I64, read_only

__all__ = ["by_long_keys"]

U64 = NDArray[np.uint64]
Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]

WORD_BITS = 64
SPARE_BITS = 2  # a bucket has room for four times the rows that one has on average
MAX_BITS = 13  # the next places of so many buckets fit a core's cache
N_SHARES = 8  # into so many parts the buckets are cut for the threads


def by_long_keys(word: U64, rows: I64, parts: Sequence[int], each: Each) -> tuple[I64, U64]:
    """Return rows in the order of their keys, equal keys as they come, and the keys so ordered.

    ``word[i]`` is the key of ``rows[i]``, of row i when `rows` is empty. `each` runs a function
    over items, perhaps on threads; `parts` are the ends of as many parts of the rows.
    """
    out = np.empty(len(word), dtype=np.int64), np.empty(len(word), dtype=np.uint64)
    if len(word):
        _spread(word, rows, parts, each, out)
    return out


def _spread(word: U64, rows: I64, parts: Sequence[int], each: Each, out: tuple[I64, U64]) -> None:
    """Write what `by_long_keys` returns to `out`, by way of buckets."""
    from dh2o.rapids import key_kernels

    n_bits = _bits_that_differ(word, parts, each)
    n_first = _first_bits(n_bits, len(word))
    shift, n_buckets = n_bits - n_first, 1 << n_first
    held, order = read_only(word), read_only(rows)
    counts = np.zeros((len(parts) - 1, n_buckets), dtype=np.int64)

    def count(k: int) -> None:
        key_kernels.count_buckets(held[parts[k] : parts[k + 1]], shift, n_buckets, counts[k])

    each(count, range(len(counts)))
    in_turn = counts.T.ravel()
    nexts = np.ascontiguousarray((np.cumsum(in_turn) - in_turn).reshape(n_buckets, -1).T)
    starts = np.append(nexts[0], len(word))
    moved = np.empty(len(word), dtype=np.int64)

    def move(k: int) -> None:
        first, end = parts[k], parts[k + 1]
        key_kernels.to_buckets(
            held[first:end], order[first:end], first, shift, n_buckets, nexts[k], moved, out[1]
        )

    each(move, range(len(counts)))
    starts = starts[np.append(starts[:-1] < starts[1:], [True])]  # of buckets that have rows
    cuts = np.unique(np.searchsorted(starts, np.linspace(0, len(word), N_SHARES + 1)))
    each(lambda ends: _sort(starts[ends[0] : ends[1] + 1], shift, moved, out), [*pairwise(cuts)])


def _bits_that_differ(word: U64, parts: Sequence[int], each: Each) -> int:
    """Return how many of the last bits of keys hold all that they differ in."""
    found = each(lambda ends: (word[slice(*ends)].min(), word[slice(*ends)].max()), _some(parts))
    low, high = min(one[0] for one in found), max(one[1] for one in found)
    return int(low ^ high).bit_length()


def _some(parts: Sequence[int]) -> list[tuple[int, int]]:
    return [ends for ends in pairwise(parts) if ends[0] < ends[1]]


def _first_bits(n_bits: int, n_rows: int) -> int:
    """Return by how many bits rows are spread so that the rest has room beside a row's place.

    Each bit more makes what is left of the key shorter by one bit, and buckets half as large.
    """
    too_many = max(0, n_bits + n_rows.bit_length() - WORD_BITS)
    return min(-(-too_many // 2) + SPARE_BITS, MAX_BITS, n_bits)


def _sort(starts: I64, n_bits: int, moved: I64, out: tuple[I64, U64]) -> None:
    """Write the rows of some buckets in order to `out`, where their keys lie.

    Keys of a bucket differ in their last `n_bits` only.
    """
    from dh2o.rapids import key_kernels

    rows, keys = out
    held, places = read_only(moved), read_only(starts)
    if not n_bits:
        here = slice(starts[0], starts[-1])
        rows[here] = moved[here]
        return
    begins = keys[starts[:-1]]
    room = min(len(moved), 1 << (WORD_BITS - n_bits))
    key_kernels.add_places(places, n_bits, room, keys)
    for start, stop in pairwise(starts.tolist()):
        if stop - start <= room:
            keys[start:stop].sort()
    key_kernels.take_places(places, n_bits, room, begins, held, keys, rows)
    for start, stop in pairwise(starts.tolist()):
        if stop - start > room:
            here = slice(start, stop)
            ends = [0, stop - start]
            _spread(keys[here].copy(), moved[here], ends, _one_by_one, (rows[here], keys[here]))


def _one_by_one(fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [fn(item) for item in items]
