"""The rows of a join: both sides in the order of their packed keys, walked side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks.codec import read_only
from dh2o.rapids.keys import I64, U64, WORD_BITS, KeyLayout
from dh2o.rapids.ordering import (
    counted,
    fused,
    in_order,
    is_counted,
    key_ranges,
    ordered,
    parallel,
    row_bits_of,
)

__all__ = ["Joined", "pairs_of"]


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of a join, by key: the key, and the row of either side (-1 for none)."""

    keys: U64  # packed by `layout`
    layout: KeyLayout
    left: I64
    right: I64

    @property
    def n_rows(self) -> int:
        """How many rows the join has."""
        return len(self.left)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the compiled loop has to know: row bits of either side, the fields, who stays."""

    bits: tuple[int, int]
    shifts: U64
    masks: U64
    keep: tuple[bool, bool]


Pairs = tuple[U64, I64, I64]


def pairs_of(sides: Sequence[U64], layout: KeyLayout, keep: tuple[bool, bool]) -> Joined:
    """Return the rows of the join of two sides (packed keys, words x rows).

    They are ordered by key, then by the row of the left and of the right; `keep` says whether rows
    of the left and right that have no partner stay. A key with NA in it has no partner.
    """
    n_rows = [words.shape[1] for words in sides]
    bits = (row_bits_of(n_rows[0]), row_bits_of(n_rows[1]))
    if layout.n_words == 1 and layout.word_bits[0] + max(bits) <= WORD_BITS:
        shape = [(f.shift, (1 << f.n_bits) - 1) for f in layout.fields]
        found = _by_word(sides, layout.word_bits[0], _rule(bits, shape, keep))
        return Joined(found[0][None, :], layout, *found[1:])
    whole, ranked = _ranked(sides, layout, bits)
    keys, left, right = _of_whole(ranked, _rule(bits, [(0, 1)], keep))
    return Joined(whole[:, (keys >> np.uint64(1)).view(np.int64)], layout, left, right)


def _rule(
    bits: tuple[int, int], shape: Sequence[tuple[int, int]], keep: tuple[bool, bool]
) -> _Rule:
    shifts, masks = (np.array(part, dtype=np.uint64) for part in zip(*shape, strict=True))
    return _Rule(bits, read_only(shifts), read_only(masks), keep)


def _by_word(sides: Sequence[U64], n_bits: int, rule: _Rule) -> Pairs:
    """Return the pairs of keys of one word that has room for the row's number beside the key."""
    words = [read_only(np.ascontiguousarray(side[0])) for side in sides]
    if is_counted(n_bits, max(rule.bits)):
        placed = [counted(w, n_bits, b, parallel) for w, b in zip(words, rule.bits, strict=True)]
        return _of_whole(placed, rule)

    def one(ends: tuple[int, int]) -> list[U64]:
        return [
            in_order(fused(word, (0, n_bits), bits, ends), n_bits + bits)
            for word, bits in zip(words, rule.bits, strict=True)
        ]

    return _paired(parallel(one, key_ranges(words, (0, n_bits))), rule)


def _of_whole(sides: Sequence[U64], rule: _Rule) -> Pairs:
    """Return the pairs of two sides in order, each thread walking a range of keys."""
    longer = 0 if len(sides[0]) >= len(sides[1]) else 1
    bits = rule.bits[longer]
    ranges = key_ranges([sides[longer]], (bits, WORD_BITS - bits))
    firsts = np.array([first for first, _ in ranges[1:]], dtype=np.uint64)
    cuts = [
        [0, *np.searchsorted(side, firsts << np.uint64(b)).tolist(), len(side)]
        for side, b in zip(sides, rule.bits, strict=True)
    ]

    parts = [
        [s[c[k] : c[k + 1]] for s, c in zip(sides, cuts, strict=True)] for k in range(len(ranges))
    ]
    return _paired(parts, rule)


def _paired(parts: Sequence[Sequence[U64]], rule: _Rule) -> Pairs:
    """Return the pairs of two sides in order, given as parts of the same ranges of keys."""
    rooms = [len(left) + len(right) for left, right in parts]  # enough if one has no key twice
    while True:
        starts = np.cumsum([0, *rooms])
        n_rows = int(starts[-1])
        out = np.empty(n_rows, np.uint64), np.empty(n_rows, np.int64), np.empty(n_rows, np.int64)
        counts = parallel(
            lambda k: _walked(parts[k], rule, out, slice(starts[k], starts[k + 1])),  # noqa: B023
            range(len(parts)),
        )
        if all(n <= room for n, room in zip(counts, rooms, strict=True)):
            return _closed_up(out, starts, counts)
        rooms = counts


def _walked(sides: Sequence[U64], rule: _Rule, out: Pairs, place: slice) -> int:
    """Write the pairs of two sides to a place of `out`; return how many there are."""
    from dh2o.rapids import key_kernels

    left, right = (read_only(side) for side in sides)
    shape = (rule.shifts, rule.masks, *rule.keep)
    columns = (column[place] for column in out)
    n: int = key_kernels.pair_rows(left, rule.bits[0], right, rule.bits[1], *shape, *columns)
    return n


def _closed_up(out: Pairs, starts: I64, counts: Sequence[int]) -> Pairs:
    """Return the first so many rows from each start, one after the other."""
    ends = np.cumsum([0, *counts])
    for column in out:
        for k in range(1, len(counts)):  # towards the front: numpy copies overlaps rightly
            column[ends[k] : ends[k + 1]] = column[starts[k] : starts[k] + counts[k]]
    n = int(ends[-1])
    return out[0][:n], out[1][:n], out[2][:n]


def _ranked(
    sides: Sequence[U64], layout: KeyLayout, bits: tuple[int, int]
) -> tuple[U64, list[U64]]:
    """Return the distinct keys of both sides, and each side in order with keys of one word.

    Such a key is the number of the key among all, and a bit that none of its fields is NA.
    """
    from dh2o.rapids import key_kernels

    orders = [ordered(words, layout.word_bits, spread=True) for words in sides]
    starts = [order.starts() for order in orders]
    distinct = [np.ascontiguousarray(o.keys[:, s]) for o, s in zip(orders, starts, strict=True)]
    places = [np.empty(len(s), dtype=np.int64) for s in starts]
    n = int(key_kernels.merge_sorted(*(read_only(d) for d in distinct), *places))
    whole = np.empty((layout.n_words, n), dtype=np.uint64)
    ranked = []
    for k, order in enumerate(orders):
        whole[:, places[k]] = distinct[k]
        known = ~layout.unknown(distinct[k])
        ranks = places[k].astype(np.uint64) << np.uint64(1) | known.astype(np.uint64)
        sizes = np.diff(np.append(starts[k], len(order.rows)))
        rows: Any = order.rows.view(np.uint64)
        ranked.append(np.repeat(ranks << np.uint64(bits[k]), sizes) | rows)
    return whole, ranked
