"""From trees as they were grown, split by bin, to trees that score values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, I32, I64, U8
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.models.forest import Forest

__all__ = ["forest_of"]


def forest_of(trees: Sequence[RawTree], n_classes: int, bin_map: BinMap) -> Forest:
    """Return the trees (iteration after iteration, class after class) as one forest."""
    sizes = [tree.n_nodes for tree in trees]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    sets = _LevelSets.of(trees, bin_map)

    def joined(name: str, dtype: type) -> np.ndarray:
        parts = [getattr(tree, name) for tree in trees]
        return np.concatenate([*parts, np.empty(0)]).astype(dtype)

    features = joined("features", np.int32)
    nodes = np.concatenate([*(tree.nodes for tree in trees), np.empty((0, 6), np.int32)])
    return Forest(
        n_classes=n_classes,
        n_features=len(bin_map.features),
        starts=starts,
        features=features,
        thresholds=_thresholds(features, nodes[:, 1], bin_map),
        left=nodes[:, 2].astype(np.int32),
        na_sides=joined("na_sides", np.int8),
        values=joined("values", np.float32),
        weights=joined("weights", np.float32),
        gains=joined("gains", np.float32),
        bit_starts=sets.starts,
        n_bits=sets.n_bits,
        bits=sets.bits,
    )


def _thresholds(features: I32, cuts: I32, bin_map: BinMap) -> F32:
    """Return the value from which each node sends numbers to the right."""
    thresholds = np.zeros(len(features), np.float32)
    for k, feature in enumerate(bin_map.features):
        here = np.flatnonzero(features == k)
        if not feature.is_coded and len(here):
            padded = np.concatenate([feature.cuts, [np.float32(np.inf)]]).astype(np.float32)
            thresholds[here] = padded[np.clip(cuts[here] - 1, 0, len(feature.cuts))]
    return thresholds


@njit(nogil=True, cache=True)
def _spread_bits(
    starts: I64, features: I32, n_levels: I64, n_bins: I64, bits: U8, at: I64, out: U8
) -> None:
    """From a bit a bin to a bit a level: level l has bin ``l * n_bins // n_levels``."""
    for k in range(starts.size):
        if starts[k] >= 0:
            levels, bins = n_levels[features[k]], n_bins[features[k]]
            for level in range(levels):
                b = level * bins // levels
                bit = (bits[starts[k] + (b >> 3)] >> (b & 7)) & 1
                out[at[k] + (level >> 3)] |= np.uint8(bit << (level & 7))


@dataclass(slots=True)
class _LevelSets:
    """Levels that go right, a bit each, of all splits on categoricals."""

    starts: I64
    n_bits: I32
    bits: U8

    @classmethod
    def of(cls, trees: Sequence[RawTree], bin_map: BinMap) -> _LevelSets:
        sizes = np.array([0, *(len(tree.bits) for tree in trees)], np.int64)
        before = np.cumsum(sizes)
        starts = np.concatenate(
            [
                np.where(tree.nodes[:, 4] >= 0, tree.nodes[:, 4] + first, -1)
                for tree, first in zip(trees, before, strict=False)
            ]
            or [np.zeros(0)]
        ).astype(np.int64)
        bits = np.concatenate([*(tree.bits for tree in trees), np.zeros(0, np.uint8)])
        features = np.concatenate([*(tree.features for tree in trees), np.zeros(0, np.int32)])
        n_levels = np.array([f.n_levels for f in bin_map.features], np.int64)
        n_bins = np.array([f.n_bins for f in bin_map.features], np.int64)
        n_bits = np.where(starts >= 0, n_levels[features], 0).astype(np.int32)
        if (n_levels == n_bins)[features[starts >= 0]].all():
            return cls(starts, n_bits, bits)
        n_bytes = (n_bits.astype(np.int64) + 7) // 8
        at = np.where(starts >= 0, np.cumsum(n_bytes) - n_bytes, -1)
        out = np.zeros(int(n_bytes.sum()), np.uint8)
        _spread_bits(starts, features, n_levels, n_bins, bits, at, out)
        return cls(at, n_bits, out)
