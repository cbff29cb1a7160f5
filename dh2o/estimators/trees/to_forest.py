"""From trees as they were grown, split by bin, to trees that score values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.estimators.trees.arrays import F32, I32, I64, U8
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.models.forest import NA_VS_REST, Forest

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


@dataclass(slots=True)
class _LevelSets:
    """Levels that go right, a bit each, of all splits on categoricals."""

    starts: I64
    n_bits: I32
    bits: U8

    @classmethod
    def of(cls, trees: Sequence[RawTree], bin_map: BinMap) -> _LevelSets:
        starts = [np.full(tree.n_nodes, -1, np.int64) for tree in trees]
        n_bits = [np.zeros(tree.n_nodes, np.int32) for tree in trees]
        kept, at = [], 0
        for i, tree in enumerate(trees):
            coded = (tree.nodes[:, 4] >= 0) & (tree.na_sides != NA_VS_REST)
            for k in np.flatnonzero(coded):
                feature = bin_map.features[tree.features[k]]
                first = int(tree.nodes[k, 4])
                table = tree.goes_left[first : first + feature.n_bins]
                right = table[feature.levels_of_bins()] == 0
                kept.append(np.packbits(right, bitorder="little"))
                starts[i][k], n_bits[i][k] = at, feature.n_levels
                at += len(kept[-1])
        return cls(
            np.concatenate([*starts, np.empty(0)]).astype(np.int64),
            np.concatenate([*n_bits, np.empty(0)]).astype(np.int32),
            np.concatenate([*kept, np.empty(0)]).astype(np.uint8),
        )
