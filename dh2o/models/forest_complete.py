"""Scoring shallow trees that split on numbers: every tree laid out complete, like a heap.

Child numbers then are computed, not loaded: a step is a load of (column, rank), a load of the
row's code and ``k = 2 k + (code > rank)``.  Eight rows walk side by side, and their codes of a
column are neighbours, so that nothing but the node numbers changes from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

from dh2o.models.forest_codes import rank_column

if TYPE_CHECKING:
    from dh2o.models.forest import Forest
    from dh2o.models.forest_codes import CodedForest

__all__ = ["CompleteForest"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]

_NA = 65_535  # right of every rank; 0 is left of all
_TILE = 256  # rows walked together: their codes and a tree stay in the nearest cache
_MAX_LEVELS = 12
_MOST_SLOTS_A_NODE = 8  # complete trees may take so much more room than the trees that there are
_MAX_COLUMNS = 8_191


@njit(nogil=True, cache=True)
def _encode(  # noqa: PLR0913, PLR0917
    x: F64, width: int, first: int, n_rows: int, used: I32, starts: I64, cuts: F64, places: I32,
    group: int, out: U16,
) -> None:  # fmt: skip
    """out[(i >> 3) * group + places[j, side] + (i & 7)] = code of feature used[j] in row first + i.

    A code is how many of the feature's cuts are not above the value; NA is above all at side 0,
    below all at side 1.  A place of -1 is not asked for.
    """
    ranks = np.zeros(n_rows, np.uint16)
    for j in range(used.size):
        rank_column(x, first * width + used[j], width, cuts, starts[j], ranks)
        right, left = np.int64(places[j, 0]), np.int64(places[j, 1])
        for i in range(n_rows):
            at = (i >> 3) * group + (i & 7)
            if right >= 0:
                out[np.uint64(at + right)] = ranks[i]
            if left >= 0:
                out[np.uint64(at + left)] = ranks[i] if ranks[i] != _NA else 0


@njit(nogil=True, cache=True, inline="always")
def _step(k: int, at: int, first: int, nodes: U32, codes: U16) -> int:
    """Return the node below `k` of the row whose codes begin at `at`."""
    node = np.uint64(nodes[first + k])
    code = np.uint64(codes[at + (node >> np.uint64(16))])
    return (k << np.uint64(1)) + np.uint64(code > (node & np.uint64(0xFFFF)))  # type: ignore[return-value]


@njit(nogil=True, cache=True)
def _add_trees(
    codes: U16, group: int, n_rows: int, trees: I64, n_classes: int, nodes: U32, values: F32,
    out: F64,
) -> None:  # fmt: skip
    """out[i * n_classes + t % n_classes] += value of row i's leaf in tree t, for all trees t.

    trees[t] = (first node, first value less the number of leaves, levels).
    """
    one = np.uint64(1)
    for t in range(trees.shape[0]):
        first, n_levels = np.uint64(trees[t, 0]), trees[t, 2]
        leaves, klass = trees[t, 1], t % n_classes
        for i in range(0, n_rows, 8):
            a0 = np.uint64((i >> 3) * group)
            a1, a2, a3 = a0 + one, a0 + np.uint64(2), a0 + np.uint64(3)
            a4, a5, a6 = a0 + np.uint64(4), a0 + np.uint64(5), a0 + np.uint64(6)
            a7 = a0 + np.uint64(7)
            k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = one
            for _ in range(n_levels):
                k0, k1 = _step(k0, a0, first, nodes, codes), _step(k1, a1, first, nodes, codes)
                k2, k3 = _step(k2, a2, first, nodes, codes), _step(k3, a3, first, nodes, codes)
                k4, k5 = _step(k4, a4, first, nodes, codes), _step(k5, a5, first, nodes, codes)
                k6, k7 = _step(k6, a6, first, nodes, codes), _step(k7, a7, first, nodes, codes)
            if i + 8 <= n_rows:
                o = i * n_classes + klass
                out[o] += np.float64(values[leaves + np.int64(k0)])
                out[o + n_classes] += np.float64(values[leaves + np.int64(k1)])
                out[o + 2 * n_classes] += np.float64(values[leaves + np.int64(k2)])
                out[o + 3 * n_classes] += np.float64(values[leaves + np.int64(k3)])
                out[o + 4 * n_classes] += np.float64(values[leaves + np.int64(k4)])
                out[o + 5 * n_classes] += np.float64(values[leaves + np.int64(k5)])
                out[o + 6 * n_classes] += np.float64(values[leaves + np.int64(k6)])
                out[o + 7 * n_classes] += np.float64(values[leaves + np.int64(k7)])
                continue
            for j, k in enumerate((k0, k1, k2, k3, k4, k5, k6, k7)):
                if i + j < n_rows:
                    out[(i + j) * n_classes + klass] += np.float64(values[leaves + np.int64(k)])


@dataclass(frozen=True, slots=True)
class CompleteForest:
    """Node k of a tree has children 2k and 2k + 1, its root is 1.

    nodes[first + k] = column << 16 | rank, with room for eight rows a column; below a leaf all
    rows go left, to the value of the last level.  A feature takes two columns if NA goes left at
    some of its splits and right at others.
    """

    used: I32
    starts: I64
    cuts: F64
    places: I32
    group: int
    trees: I64
    nodes: U32
    values: F32

    @classmethod
    def of(cls, forest: Forest, codes: CodedForest) -> CompleteForest | None:
        """Return the trees of `codes` laid out complete; None if they are too deep or coded."""
        if codes.any_coded or (codes.starts < 0).any() or len(forest.starts) < 2:
            return None
        levels = np.maximum.reduceat(forest.depths, forest.starts[:-1]).astype(np.int64)
        sizes = np.left_shift(1, np.minimum(levels, _MAX_LEVELS))
        if levels.max() > _MAX_LEVELS or sizes.sum() > _MOST_SLOTS_A_NODE * len(forest.features):
            return None
        na_left = codes.nodes & 1
        feature = (codes.nodes >> 18) & 0x1FFF
        asked = np.zeros((len(codes.used), 2), np.bool_)
        inner = ~forest.is_leaf
        asked[feature[inner], na_left[inner]] = True
        places = np.where(asked, np.cumsum(asked).reshape(asked.shape) - 1, -1).astype(np.int32)
        n_columns = max(int(asked.sum()), 1)
        if n_columns > _MAX_COLUMNS:
            return None
        columns = np.maximum(places[feature, na_left], 0).astype(np.int64)
        packed = np.where(inner, (columns * 8) << 16 | (codes.nodes >> 2) & 0xFFFF, _NA)
        firsts = np.concatenate([[0], np.cumsum(sizes)])
        nodes = np.full(int(firsts[-1]), _NA, np.uint32)
        values = np.zeros(int(firsts[-1]), np.float32)
        tree = np.repeat(np.arange(len(sizes)), np.diff(forest.starts))
        at = _heap_numbers(forest)
        leaf = np.flatnonzero(forest.is_leaf)
        rest = levels[tree[leaf]] - forest.depths[leaf]
        values[firsts[tree[leaf]] + (at[leaf] << rest) - sizes[tree[leaf]]] = forest.values[leaf]
        own = np.flatnonzero(inner)
        nodes[firsts[tree[own]] + at[own]] = packed[own]
        trees = np.column_stack([firsts[:-1], firsts[:-1] - sizes, levels]).astype(np.int64)
        places = np.where(places >= 0, places * 8, -1).astype(np.int32)
        return cls(
            codes.used, codes.starts, codes.cuts, places, 8 * n_columns, trees, nodes, values
        )

    def add_to(self, out: F64, x: F64, first: int, stop: int, n_classes: int) -> None:
        """Add the leaves of trees `first` to `stop` - 1 to `out`, for all rows of `x`."""
        n, width = x.shape
        codes = np.zeros(_TILE // 8 * self.group, np.uint16)
        flat, sums, trees = x.reshape(-1), out.reshape(-1), self.trees[first:stop]
        for at in range(0, n, _TILE):
            rows = min(_TILE, n - at)
            _encode(
                flat, width, at, rows, self.used, self.starts, self.cuts, self.places, self.group,
                codes,
            )  # fmt: skip
            part = sums[at * n_classes : (at + rows) * n_classes]
            _add_trees(codes, self.group, rows, trees, n_classes, self.nodes, self.values, part)


def _heap_numbers(forest: Forest) -> I64:
    """Return the number of each node in its complete tree."""
    at = np.ones(len(forest.features), np.int64)
    for depth in range(int(forest.depths.max(initial=0))):
        here = np.flatnonzero((forest.depths == depth) & ~forest.is_leaf)
        left = forest.left_or_self[here]
        at[left], at[left + 1] = 2 * at[here], 2 * at[here] + 1
    return at
