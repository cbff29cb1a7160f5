"""Scoring by codes: values become ranks among the forest's thresholds, then trees compare ranks.

``value >= threshold`` exactly when more thresholds than the threshold's own rank are not above the
value, so two bytes a value decide every split as the double did.  A node is 8 bytes, a step has
no branch, and several rows walk side by side: cache misses overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from dh2o.models.forest import Forest

__all__ = ["CodedForest", "rank_column"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]

_NA = 65_535  # the code of NA; one less: a level that no split knows
_MAX_CODES = 65_534
_TILE = 512  # rows walked together: their codes and a tree stay in the nearest caches
_CODED, _NA_LEFT = 2, 1


@njit(nogil=True, cache=True)
def rank_column(x: F64, first: int, width: int, cuts: F64, start: int, out: U16) -> None:
    """out[i] = how many of a feature's cuts are not above ``x[first + i * width]``; NA: 65535.

    cuts[start] = number of cuts, which follow in order, then NaN up to the end of a power of two
    that is at least 256.  Steps have no branch: what a search finds cannot be foretold.
    """
    half, shift = np.int64(128), np.uint64(7)
    while 2 * half <= cuts[start]:
        half <<= 1
        shift += np.uint64(1)
    one, base = np.uint64(1), np.uint64(start)
    for i in range(out.size):
        value = x[first + i * width]
        rank = np.uint64(0)
        if shift == np.uint64(7):
            step = np.uint64(128)
            for _ in range(8):  # laid out flat by the compiler
                rank += step if value >= cuts[base + rank + step] else np.uint64(0)
                step >>= one
        else:
            step, bit = np.uint64(half), shift
            while step > np.uint64(0):
                rank += np.uint64(value >= cuts[base + rank + step]) << bit
                step >>= one
                bit -= one
        out[i] = rank if value == value else _NA  # noqa: PLR0124


@njit(nogil=True, cache=True)
def _encode(
    x: F64, width: int, first: int, n_rows: int, used: I32, starts: I64, cuts: F64, out: U16
) -> None:
    """out[i * used.size + j] = code of feature used[j] in row first + i.

    A number's is its rank among ``cuts`` from starts[j] on; a level (no cuts: starts[j] < 0) is its
    own code.
    """
    n_used = used.size
    ranks = np.zeros(n_rows, np.uint16)
    for j in range(n_used):
        at = first * width + used[j]
        if starts[j] >= 0:
            rank_column(x, at, width, cuts, starts[j], ranks)
            for i in range(n_rows):
                out[i * n_used + j] = ranks[i]
            continue
        for i in range(n_rows):
            value = x[at + i * width]
            code = np.int64(value if 0.0 <= value < 65534.0 else _NA - 1)
            out[i * n_used + j] = code if value == value else _NA  # noqa: PLR0124


@njit(nogil=True, cache=True)
def _by_number(k: int, at: int, codes: U16, nodes: I64) -> int:
    """Return the node after `k` of a row whose codes begin at `at`."""
    node = nodes[np.uint64(k)]
    na_left = node & 1
    code = np.int64(codes[np.uint64(at + ((node >> 18) & 0x1FFF))])
    right = ((code + na_left) & 0xFFFF) > ((node >> 2) & 0xFFFF) + na_left
    return (node >> 32) + np.int64(right)


@njit(nogil=True, cache=True)
def _by_any(k: int, at: int, codes: U16, nodes: I64, sets: I64, bits: U8) -> int:
    """Return the node after `k`, which may ask for a set of levels."""
    node, which = nodes[np.uint64(k)], sets[np.uint64(k)]
    na_left = node & 1
    code = np.int64(codes[np.uint64(at + ((node >> 18) & 0x1FFF))])
    right = np.int64(((code + na_left) & 0xFFFF) > ((node >> 2) & 0xFFFF) + na_left)
    known = np.int64(code < (which & 0xFFFF))
    level = code * known
    byte = np.int64(bits[np.uint64((which >> 16) + (level >> 3))])
    of_level = known * ((byte >> (level & 7)) & 1) + (1 - known) * (1 - na_left)
    return (node >> 32) + right + ((node >> 1) & 1) * (of_level - right)


@njit(nogil=True, cache=True)
def _add_number_trees(
    codes: U16, n_used: int, n_rows: int, roots: I64, n_classes: int, nodes: I64, values: F32,
    out: F64,
) -> None:  # fmt: skip
    """out[i * n_classes + t % n_classes] += value of row i's leaf in tree t, for all trees t.

    nodes[k] = left child << 32 | place of the feature << 18 | rank << 2 | is coded << 1 | NA goes
    left.  Right if code > rank, with NA above or, if it goes left, below all others.  A leaf is
    its own left child.  Eight rows walk side by side; rows and codes are padded to that.
    """
    for t in range(roots.size):
        root, klass = roots[t], t % n_classes
        for i in range(0, n_rows, 8):
            a0 = i * n_used
            a1, a2, a3 = a0 + n_used, a0 + 2 * n_used, a0 + 3 * n_used
            a4, a5, a6, a7 = a0 + 4 * n_used, a0 + 5 * n_used, a0 + 6 * n_used, a0 + 7 * n_used
            k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = root
            moved = np.int64(1)
            while moved != 0:
                for _ in range(3):
                    k0, k1 = _by_number(k0, a0, codes, nodes), _by_number(k1, a1, codes, nodes)
                    k2, k3 = _by_number(k2, a2, codes, nodes), _by_number(k3, a3, codes, nodes)
                    k4, k5 = _by_number(k4, a4, codes, nodes), _by_number(k5, a5, codes, nodes)
                    k6, k7 = _by_number(k6, a6, codes, nodes), _by_number(k7, a7, codes, nodes)
                moved = (nodes[k0] >> 32) ^ k0 | (nodes[k1] >> 32) ^ k1 | (nodes[k2] >> 32) ^ k2
                moved |= (nodes[k3] >> 32) ^ k3 | (nodes[k4] >> 32) ^ k4 | (nodes[k5] >> 32) ^ k5
                moved |= (nodes[k6] >> 32) ^ k6 | (nodes[k7] >> 32) ^ k7
            for j, k in enumerate((k0, k1, k2, k3, k4, k5, k6, k7)):
                if i + j < n_rows:
                    out[(i + j) * n_classes + klass] += np.float64(values[k])


@njit(nogil=True, cache=True)
def _add_any_trees(  # noqa: PLR0913, PLR0917
    codes: U16, n_used: int, n_rows: int, roots: I64, n_classes: int, nodes: I64, sets: I64,
    bits: U8, values: F32, out: F64,
) -> None:  # fmt: skip
    """As `_add_number_trees`; a coded node goes right if its level's bit is set.

    sets[k] = first byte in `bits` << 16 | levels in it.
    """
    for t in range(roots.size):
        root, klass = roots[t], t % n_classes
        for i in range(0, n_rows, 4):
            a0 = i * n_used
            a1, a2, a3 = a0 + n_used, a0 + 2 * n_used, a0 + 3 * n_used
            k0 = k1 = k2 = k3 = root
            moved = np.int64(1)
            while moved != 0:
                for _ in range(3):
                    k0 = _by_any(k0, a0, codes, nodes, sets, bits)
                    k1 = _by_any(k1, a1, codes, nodes, sets, bits)
                    k2 = _by_any(k2, a2, codes, nodes, sets, bits)
                    k3 = _by_any(k3, a3, codes, nodes, sets, bits)
                moved = (nodes[k0] >> 32) ^ k0 | (nodes[k1] >> 32) ^ k1
                moved |= (nodes[k2] >> 32) ^ k2 | (nodes[k3] >> 32) ^ k3
            for j, k in enumerate((k0, k1, k2, k3)):
                if i + j < n_rows:
                    out[(i + j) * n_classes + klass] += np.float64(values[k])


@dataclass(frozen=True, slots=True)
class CodedForest:
    """The forest's nodes with ranks for thresholds, and what turns values into codes."""

    used: I32
    starts: I64
    cuts: F64
    nodes: I64
    sets: I64
    bits: U8
    any_coded: bool

    @classmethod
    def of(cls, forest: Forest) -> CodedForest | None:
        """Return the forest in codes; None if it has too many thresholds, levels or features."""
        inner = ~forest.is_leaf
        coded, na_left = forest.coded_nodes, forest.na_goes_left
        used = np.unique(forest.features[inner]).astype(np.int32)
        if len(used) >= 1 << 13 or len(forest.features) >= 1 << 31 or len(forest.bits) >= 1 << 31:
            return None
        ranks = np.full(len(forest.features), _NA, np.int64)
        starts = np.full(len(used), -1, np.int64)
        cuts: list[F64] = []
        at = 0
        order = np.argsort(forest.features, kind="stable")
        ends = np.searchsorted(forest.features[order], used, "right")
        begins = np.searchsorted(forest.features[order], used, "left")
        for j, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            here = order[begin:end]
            by_level = coded[here] & (forest.bit_starts[here] >= 0)
            by_number = here[~coded[here]]
            if by_level.any():
                if len(by_number) or forest.n_bits[here].max() > _MAX_CODES:
                    return None
                continue
            own = np.unique(forest.thresholds[by_number])
            if len(own) > _MAX_CODES or np.isnan(own).any():
                return None
            ranks[by_number] = np.searchsorted(own, forest.thresholds[by_number])
            size = max(1 << len(own).bit_length(), 256)
            padded = np.full(size, np.nan)
            padded[: len(own)] = own
            cuts.extend([np.array([float(len(own))]), padded])
            starts[j] = at
            at += 1 + size
        vs_rest = coded & (forest.bit_starts < 0)
        ranks[vs_rest & inner] = _NA - 1
        in_bits = coded & ~vs_rest & inner
        place = np.where(inner, np.searchsorted(used, forest.features), 0)
        flags = in_bits * _CODED + (na_left & inner & ~vs_rest) * _NA_LEFT
        levels = forest.n_bits.astype(np.int64)
        return cls(
            used if len(used) else np.zeros(1, np.int32),
            starts if len(used) else np.full(1, -1, np.int64),
            np.concatenate([*cuts, np.zeros(1)]),
            (forest.left_or_self << 32) | (place << 18) | (ranks << 2) | flags,
            np.where(in_bits, (forest.bit_starts << 16) | levels, 0),
            np.concatenate([forest.bits, np.zeros(1, np.uint8)]),
            bool(in_bits.any()),
        )

    def add_to(self, out: F64, x: F64, roots: I64, values: F32, n_classes: int) -> None:
        """Add the leaves of the trees from `roots` on to `out`, for all rows of `x`."""
        n, width = x.shape
        n_used = len(self.used)
        codes = np.zeros(_TILE * n_used, np.uint16)
        flat, sums = x.reshape(-1), out.reshape(-1)
        for at in range(0, n, _TILE):
            rows = min(_TILE, n - at)
            _encode(flat, width, at, rows, self.used, self.starts, self.cuts, codes)
            part = sums[at * n_classes : (at + rows) * n_classes]
            if self.any_coded:
                _add_any_trees(
                    codes, n_used, rows, roots, n_classes, self.nodes, self.sets, self.bits,
                    values, part,
                )  # fmt: skip
            else:
                _add_number_trees(codes, n_used, rows, roots, n_classes, self.nodes, values, part)
