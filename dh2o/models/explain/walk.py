"""Which way rows go at the nodes of a forest, and the leaves where they end."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from dh2o.compiled import njit
from dh2o.models.forest import F32, F64, I32, I64, NA_LEFT, NA_VS_REST, U8, UNSEEN_LEFT, Forest

__all__ = ["Walk", "feature_counts", "goes_right", "leaf_nodes", "walk_of"]

CODED, NAS_LEFT = 1, 2


@dataclass(frozen=True, eq=False)
class Walk:
    """The arrays that rows walk on; children by their place among all nodes.

    ``flags`` of a node: `CODED` if it splits levels (or NA from the rest), `NAS_LEFT` if NA and
    unseen levels go left. ``features`` is -1 in leaves.
    """

    roots: I64
    features: I32
    thresholds: F32
    left: I64
    flags: U8
    bit_starts: I64
    n_bits: I32
    bits: U8

    @classmethod
    def of(cls, forest: Forest) -> Walk:
        """Return what rows walk on in `forest`."""
        tree_starts = np.repeat(forest.starts[:-1], np.diff(forest.starts))
        coded = (forest.bit_starts >= 0) | (forest.na_sides == NA_VS_REST)
        nas_left = np.isin(forest.na_sides, (NA_LEFT, UNSEEN_LEFT))
        return cls(
            roots=np.ascontiguousarray(forest.starts[:-1]),
            features=forest.features,
            thresholds=forest.thresholds,
            left=tree_starts + forest.left,
            flags=(coded * CODED + nas_left * NAS_LEFT).astype(np.uint8),
            bit_starts=forest.bit_starts,
            n_bits=forest.n_bits,
            bits=forest.bits,
        )


_WALKS: WeakKeyDictionary[Forest, Walk] = WeakKeyDictionary()


def walk_of(forest: Forest) -> Walk:
    """Return `Walk.of(forest)`, made once per forest."""
    found = _WALKS.get(forest)
    if found is None:
        found = _WALKS[forest] = Walk.of(forest)
    return found


@njit(nogil=True, cache=True)
def goes_right(  # type: ignore[no-untyped-def]
    value, threshold, flags, bit_start, n_bits, bits
):
    """1 if `value` goes right at a node, else 0.   IN: all."""
    if flags & 1 == 0:
        if flags & 2 != 0:
            return np.int64(value >= threshold)
        return np.int64(1) - np.int64(value < threshold)
    if value == value and bit_start < 0:  # noqa: PLR0124  # not NA, where only NA goes right
        return np.int64(0)
    if value >= 0.0 and value < n_bits:
        code = np.int64(value)
        return np.int64((bits[bit_start + (code >> 3)] >> (code & 7)) & 1)
    return np.int64(1) - np.int64((flags >> 1) & 1)


@njit(nogil=True, cache=True)
def _leaves(  # noqa: PLR0913, PLR0917
    x: F64,
    roots: I64,
    features: I32,
    thresholds: F32,
    left: I64,
    flags: U8,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    out: I64,
) -> None:
    """out[t, i] = node where row i ends in tree t.   IN: all but out."""
    for t in range(roots.size):
        for i in range(x.shape[0]):
            k = roots[t]
            while features[k] >= 0:
                k = left[k] + goes_right(
                    x[i, features[k]], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                )
            out[t, i] = k


@njit(nogil=True, cache=True)
def _count_features(  # noqa: PLR0913, PLR0917
    x: F64,
    roots: I64,
    features: I32,
    thresholds: F32,
    left: I64,
    flags: U8,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    out: F64,
) -> None:
    """out[i, f] += splits on feature f on the paths of row i, over all trees."""
    for t in range(roots.size):
        for i in range(x.shape[0]):
            k = roots[t]
            while features[k] >= 0:
                out[i, features[k]] += 1.0
                k = left[k] + goes_right(
                    x[i, features[k]], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                )


def leaf_nodes(forest: Forest, x: F64) -> I64:
    """Return the node where each row ends in each tree, shape (trees, rows).

    Nodes count over the whole forest. IN: `x` as `TreeModel.tree_rows` makes it.
    """
    w = walk_of(forest)
    out = np.empty((len(w.roots), len(x)), np.int64)
    _leaves(
        x, w.roots, w.features, w.thresholds, w.left, w.flags, w.bit_starts, w.n_bits, w.bits, out
    )
    return out


def feature_counts(forest: Forest, x: F64) -> F64:
    """Return how often each feature is asked about on the paths of each row, (rows, features)."""
    w = walk_of(forest)
    out = np.zeros((len(x), forest.n_features))
    _count_features(
        x, w.roots, w.features, w.thresholds, w.left, w.flags, w.bit_starts, w.n_bits, w.bits, out
    )
    return out
