"""Scoring by codes: values become ranks among the forest's thresholds, then trees compare ranks.

A code is a byte where the thresholds of a part of the trees leave room for that, else two.  Trees
of numbers in bytes begin as heaps (`forest_heaps`); what is below them, and all other trees, is
walked: a node is 8 bytes, a step has no branch, and several rows walk side by side, so that their
cache misses overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.models.forest_heaps import HEAP, Heaps, descend
from dh2o.models.forest_ranks import LANES, Ranks, keys_of

if TYPE_CHECKING:
    from dh2o.models.forest import Forest

__all__ = ["CodedForest"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
Bools = npt.NDArray[np.bool_]
#: Bytes or 16-bit words.
Codes = npt.NDArray[Any]

_BYTE, _WORD = 255, 65_535  # codes of NA
_MOST_BYTE_CUTS = 254
_NEVER = 65_535  # the rank that no code is above
_CODED, _NA_LEFT = 2, 1
_MOST_COLUMNS = 1 << 14
_TREES_WORTH_A_PART = 4
_TILE = 8_192  # rows whose codes are made together; they stay in the second cache
_FEW_ROWS = 512  # whose codes stay in the first cache; trees that do, too, go over as many at once


@njit(nogil=True, cache=True)
def _by_number(k: int, at: int, codes: Codes, highest: int, nodes: I64) -> int:
    """Return the node after `k` of a row whose codes begin at `at`."""
    node = nodes[np.uint64(k)]
    code = np.int64(codes[np.uint64(at + ((node >> 12) & 0xFFFC0))])
    shifted = (code + (node & 1)) & highest
    return (node >> 32) + np.int64(shifted > ((node >> 2) & 0xFFFF))


@njit(nogil=True, cache=True)
def _walk_group(codes: Codes, group: int, nodes: I64, ends: I32, begin: int) -> None:
    """Move the 64 rows whose codes begin at `group` from the nodes ends[begin:] to their leaves.

    nodes[k] = left child << 32 | column << 18 | rank << 2 | is coded << 1 | NA goes left.  Right
    if code > rank, where, if NA goes left, its code is made the lowest, and the others and the
    rank one more.  A leaf is its own left child.
    """
    highest = (1 << 8 * codes.itemsize) - 1
    for i in range(begin, begin + LANES, 8):
        a = group + i - begin
        k0, k1 = np.int64(ends[i]), np.int64(ends[i + 1])
        k2, k3 = np.int64(ends[i + 2]), np.int64(ends[i + 3])
        k4, k5 = np.int64(ends[i + 4]), np.int64(ends[i + 5])
        k6, k7 = np.int64(ends[i + 6]), np.int64(ends[i + 7])
        moved = np.int64(1)
        while moved != 0:
            for _ in range(2):
                k0 = _by_number(k0, a, codes, highest, nodes)
                k1 = _by_number(k1, a + 1, codes, highest, nodes)
                k2 = _by_number(k2, a + 2, codes, highest, nodes)
                k3 = _by_number(k3, a + 3, codes, highest, nodes)
                k4 = _by_number(k4, a + 4, codes, highest, nodes)
                k5 = _by_number(k5, a + 5, codes, highest, nodes)
                k6 = _by_number(k6, a + 6, codes, highest, nodes)
                k7 = _by_number(k7, a + 7, codes, highest, nodes)
            moved = (nodes[k0] >> 32) ^ k0 | (nodes[k1] >> 32) ^ k1 | (nodes[k2] >> 32) ^ k2
            moved |= (nodes[k3] >> 32) ^ k3 | (nodes[k4] >> 32) ^ k4 | (nodes[k5] >> 32) ^ k5
            moved |= (nodes[k6] >> 32) ^ k6 | (nodes[k7] >> 32) ^ k7
        ends[i], ends[i + 1], ends[i + 2], ends[i + 3] = k0, k1, k2, k3
        ends[i + 4], ends[i + 5], ends[i + 6], ends[i + 7] = k4, k5, k6, k7


@njit(nogil=True, cache=True)
def _add_byte_trees(  # noqa: PLR0913, PLR0917
    codes: U8, group: int, n_rows: int, first: int, stop: int, slots: U8, ranks: U8, shifts: U8,
    columns: I32, starts: I64, exits: I32, heap_values: F32, depths: I64, is_whole: Bools,
    nodes: I64, values: F32, n_classes: int, of_first: int, together: int, out: F64,
) -> None:  # fmt: skip
    """out[i * n_classes + class of t] += value of row i's leaf in tree t, first <= t < stop.

    The first tree is of class `of_first`.  So many rows as `together` go through all trees before
    the next ones do.
    """
    places, ends = np.empty(2 * LANES, np.uint8), np.empty(2 * LANES, np.int32)
    for begin in range(0, n_rows, together):
        klass = of_first
        for t in range(first, stop):
            heap, end = t * HEAP, min(begin + together, n_rows)
            for row in range(begin, end, 2 * LANES):
                at, n_here = (row >> 6) * group, min(2 * LANES, end - row)
                descend(
                    codes, at, group, t, depths[t], slots, ranks, shifts, columns, starts, places
                )
                to = row * n_classes + klass
                if is_whole[t]:
                    for i in range(n_here):
                        value = heap_values[np.uint64(heap + places[i])]
                        out[np.uint64(to)] += np.float64(value)
                        to += n_classes
                    continue
                for i in range(2 * LANES):
                    ends[i] = exits[np.uint64(heap + places[i])]
                _walk_group(codes, at, nodes, ends, 0)
                _walk_group(codes, at + group, nodes, ends, LANES)
                for i in range(n_here):
                    out[np.uint64(to)] += np.float64(values[np.uint64(ends[i])])
                    to += n_classes
            klass = klass + 1 if klass + 1 < n_classes else 0


@njit(nogil=True, cache=True)
def _add_number_trees(  # noqa: PLR0913, PLR0917
    codes: U16, group: int, n_rows: int, roots: I64, nodes: I64, values: F32, n_classes: int,
    klass: int, out: F64,
) -> None:  # fmt: skip
    """As `_add_byte_trees`, from the roots on."""
    ends = np.empty(LANES, np.int32)
    for root in roots:
        for row in range(0, n_rows, LANES):
            for i in range(LANES):
                ends[i] = root
            _walk_group(codes, (row >> 6) * group, nodes, ends, 0)
            for i in range(min(LANES, n_rows - row)):
                out[(row + i) * n_classes + klass] += np.float64(values[np.uint64(ends[i])])
        klass = klass + 1 if klass + 1 < n_classes else 0


@njit(nogil=True, cache=True)
def _by_any(k: int, at: int, codes: U16, nodes: I64, sets: I64, bits: U8) -> int:
    """Return the node after `k`, which may ask for a set of levels."""
    node, which = nodes[np.uint64(k)], sets[np.uint64(k)]
    na_left = node & 1
    code = np.int64(codes[np.uint64(at + ((node >> 12) & 0xFFFC0))])
    right = np.int64(((code + na_left) & _WORD) > ((node >> 2) & 0xFFFF))
    known = np.int64(code < (which & 0xFFFF))
    level = code * known
    byte = np.int64(bits[np.uint64((which >> 16) + (level >> 3))])
    of_level = known * ((byte >> (level & 7)) & 1) + (1 - known) * (1 - na_left)
    return (node >> 32) + right + ((node >> 1) & 1) * (of_level - right)


@njit(nogil=True, cache=True)
def _add_any_trees(  # noqa: PLR0913, PLR0917
    codes: U16, group: int, n_rows: int, roots: I64, nodes: I64, sets: I64, bits: U8, values: F32,
    n_classes: int, klass: int, out: F64,
) -> None:  # fmt: skip
    """As `_add_number_trees`; a coded node goes right if its level's bit is set.

    sets[k] = first byte in `bits` << 16 | levels in it.
    """
    for root in roots:
        for i in range(0, n_rows, 4):
            a = (i >> 6) * group + (i & 63)
            k0 = k1 = k2 = k3 = root
            moved = np.int64(1)
            while moved != 0:
                for _ in range(3):
                    k0 = _by_any(k0, a, codes, nodes, sets, bits)
                    k1 = _by_any(k1, a + 1, codes, nodes, sets, bits)
                    k2 = _by_any(k2, a + 2, codes, nodes, sets, bits)
                    k3 = _by_any(k3, a + 3, codes, nodes, sets, bits)
                moved = (nodes[k0] >> 32) ^ k0 | (nodes[k1] >> 32) ^ k1
                moved |= (nodes[k2] >> 32) ^ k2 | (nodes[k3] >> 32) ^ k3
            for j, k in enumerate((k0, k1, k2, k3)):
                if i + j < n_rows:
                    out[(i + j) * n_classes + klass] += np.float64(values[k])
        klass = klass + 1 if klass + 1 < n_classes else 0


@dataclass(frozen=True, slots=True)
class _Part:
    """Trees `first` to ``stop - 1``, whose rows have the same codes."""

    first: int
    stop: int
    ranks: Ranks
    heaps: Heaps | None
    together: int


@dataclass(frozen=True, slots=True)
class CodedForest:
    """The forest's nodes with ranks for thresholds, and what turns values into codes."""

    parts: tuple[_Part, ...]
    starts: I64
    nodes: I64
    sets: I64
    bits: U8
    any_coded: bool

    @classmethod
    def of(cls, forest: Forest) -> CodedForest | None:
        """Return the forest in codes; None if it has too many thresholds, levels or features."""
        cuts = _Cuts.of(forest)
        if cuts is None:
            return None
        inner = ~forest.is_leaf
        by_level = inner & (forest.bit_starts >= 0)
        nodes = (forest.left_or_self << 32) | _NEVER << 2
        levels = forest.n_bits.astype(np.int64)
        parts = []
        spans = None if by_level.any() else cuts.byte_spans(forest)
        na = _WORD if spans is None else _BYTE
        for first, stop in spans or [(0, len(forest.starts) - 1)]:
            part = _part(forest, cuts, first, stop, na, nodes)
            if part is None:
                return None
            parts.append(part)
        return cls(
            tuple(parts),
            forest.starts,
            nodes | by_level * _CODED | (by_level & forest.na_goes_left) * _NA_LEFT,
            np.where(by_level, (forest.bit_starts << 16) | levels, 0),
            np.concatenate([forest.bits, np.zeros(1, np.uint8)]),
            bool(by_level.any()),
        )

    def add_to(
        self, out: F64, columns: Sequence[F64] | F64, trees: tuple[int, int], values: F32
    ) -> None:
        """Add the leaves of `trees`, first to one after the last, for all rows of `columns`."""
        n, n_classes = out.shape
        sums = out.reshape(-1)
        for part in self.parts:
            first, stop = max(part.first, trees[0]), min(part.stop, trees[1])
            if first >= stop:
                continue
            codes = part.ranks.room(min(n, _TILE))
            for at in range(0, n, _TILE):
                rows = min(_TILE, n - at)
                part.ranks.write(columns, at, rows, codes)
                own = sums[at * n_classes : (at + rows) * n_classes]
                self._add(part, codes, rows, first, stop, values, n_classes, own)

    def _add(
        self, part: _Part, codes: Codes, rows: int, first: int, stop: int, values: F32,
        n_classes: int, out: F64,
    ) -> None:  # fmt: skip
        group, klass = part.ranks.group, first % n_classes
        if (heaps := part.heaps) is not None:
            _add_byte_trees(
                codes, group, rows, first - part.first, stop - part.first, heaps.slots,
                heaps.ranks, heaps.shifts, heaps.columns, heaps.starts, heaps.exits, heaps.values,
                heaps.depths, heaps.is_whole, self.nodes, values, n_classes, klass, part.together,
                out,
            )  # fmt: skip
            return
        roots = self.starts[first:stop]
        if self.any_coded:
            _add_any_trees(
                codes, group, rows, roots, self.nodes, self.sets, self.bits, values, n_classes,
                klass, out,
            )  # fmt: skip
        else:
            _add_number_trees(codes, group, rows, roots, self.nodes, values, n_classes, klass, out)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """The different thresholds of a forest, feature by feature, ascending.

    Node `nodes[i]` asks for threshold ``cut[i]``, one of ``features`` and ``values``.
    """

    nodes: I64
    cut: I64
    features: I64
    values: F32

    @classmethod
    def of(cls, forest: Forest) -> _Cuts | None:
        """Return the thresholds; None if they, or the levels, cannot be made codes."""
        inner, by_level = ~forest.is_leaf, forest.bit_starts >= 0
        nodes = np.flatnonzero(inner & ~forest.coded_nodes)
        thresholds, features = forest.thresholds[nodes] + np.float32(0), forest.features[nodes]
        mixed = np.isin(np.unique(features), forest.features[inner & by_level]).any()
        if mixed or np.isnan(thresholds).any() or forest.n_bits.max(initial=0) >= _WORD:
            return None
        bits = thresholds.view(np.int32).astype(np.int64)
        ascending = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) + (1 << 31)
        keys, at, cut = np.unique(
            (features.astype(np.int64) << 32) | ascending, return_index=True, return_inverse=True
        )
        return cls(nodes, cut, keys >> 32, thresholds[at])

    def byte_spans(self, forest: Forest) -> list[tuple[int, int]] | None:
        """Return (first tree, one after the last) of parts with at most 254 thresholds a feature.

        None if they would be too short to be worth their codes.
        """
        n_trees, n_cuts = len(forest.starts) - 1, len(self.values)
        tree = np.searchsorted(forest.starts, self.nodes, "right") - 1
        pairs = np.unique(tree * n_cuts + self.cut) if n_cuts else np.zeros(0, np.int64)
        ends = np.searchsorted(pairs, np.arange(n_trees + 1) * n_cuts)
        known, counts = np.zeros(n_cuts, np.bool_), np.zeros(forest.n_features, np.int64)
        spans, first = [], 0
        for t in range(n_trees):
            own = pairs[ends[t] : ends[t + 1]] - t * n_cuts
            new = np.bincount(self.features[own[~known[own]]], minlength=len(counts))
            if ((counts + new) > _MOST_BYTE_CUTS).any():
                spans.append((first, t))
                first = t
                known[:], new = False, np.bincount(self.features[own], minlength=len(counts))
                counts[:] = 0
                if (new > _MOST_BYTE_CUTS).any() or len(spans) * _TREES_WORTH_A_PART > n_trees:
                    return None
            known[own] = True
            counts += new
        return [*spans, (first, n_trees)]


def _part(forest: Forest, cuts: _Cuts, first: int, stop: int, na: int, nodes: I64) -> _Part | None:
    """Return what scores these trees, whose columns and ranks are written into `nodes`."""
    begin, end = int(forest.starts[first]), int(forest.starts[stop])
    span = slice(begin, end)
    inner, features = np.flatnonzero(~forest.is_leaf[span]) + begin, forest.features
    used = np.unique(features[inner])
    by_number = forest.bit_starts[inner] < 0
    within = slice(*np.searchsorted(cuts.nodes, (begin, end)))
    present, rank = np.unique(cuts.cut[within], return_inverse=True)
    begins = np.searchsorted(cuts.features[present], used)
    sizes = np.searchsorted(cuts.features[present], used, "right") - begins
    if sizes.max(initial=0) >= na or len(used) >= _MOST_COLUMNS:
        return None
    columns, shifts = np.zeros((2, end - begin), np.int64)
    ranks = np.full(end - begin, _NEVER)
    columns[inner - begin] = np.searchsorted(used, features[inner])
    ranks[inner - begin] = na - 1
    shifts[inner - begin] = by_number & forest.na_goes_left[inner]
    numbers = cuts.nodes[within]
    ranks[numbers - begin] = rank - begins[columns[numbers - begin]]
    nodes[span] = (forest.left_or_self[span] << 32) | (columns << 18) | (ranks + shifts << 2)
    nodes[span] |= shifts * _NA_LEFT
    trees = [keys_of(cuts.values[present[b : b + n]]) for b, n in zip(begins, sizes, strict=True)]
    by_level = np.isin(used, features[inner[~by_number]])
    starts = np.cumsum([0, *(len(keys) for keys, _ in trees)])[:-1]
    code = Ranks(
        used, np.concatenate([*(keys for keys, _ in trees), np.zeros(0, np.float32)]),
        np.where(by_level, -1, starts), np.array([n for _, n in trees], np.int64), na,
    )  # fmt: skip
    if na != _BYTE:
        return _Part(first, stop, code, None, _TILE)
    heaps = Heaps.of(forest, slice(first, stop), columns, ranks, shifts)
    return _Part(first, stop, code, heaps, _FEW_ROWS if heaps.is_whole.all() else _TILE)
