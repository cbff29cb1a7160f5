"""An isolation tree as arrays, and trees as the forest that scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.estimators.isolation_forest.growing import grow_isolation_tree
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, U8
from dh2o.models.forest import Forest

__all__ = ["IsolationTree", "TreeRules", "isolation_forest_of"]


@dataclass(frozen=True, slots=True)
class TreeRules:
    """How trees are grown: kinds and ranges of the columns, and limits."""

    kinds: I8
    ranges: F64
    n_tries: int
    change: float
    rate_of_columns: float
    max_depth: int
    min_rows: float
    top_bins: int = 1024

    def columns(self, key: int) -> U8:
        """Return flags of the columns that the tree of `key` may use."""
        p = len(self.kinds)
        flags = np.ones(p, np.uint8)
        if self.rate_of_columns < 1.0:
            rng = np.random.Generator(np.random.Philox(key=[key, 1]))
            flags[rng.permutation(p)[max(1, int(self.rate_of_columns * p)) :]] = 0
        return flags


@dataclass(frozen=True, slots=True)
class IsolationTree:
    """Nodes of one tree, children in pairs; `values` are path lengths."""

    features: I32
    thresholds: F32
    left: I32
    na_sides: I8
    values: F32
    weights: F32
    gains: F32

    @classmethod
    def grow(cls, x: F64, rules: TreeRules, key: int) -> IsolationTree:
        """Return the tree over the rows of `x`, a function of them and `key`.

        A leaf's path length is the depth of its parent, as H2O counts.
        """
        room = 2 * len(x) + 1
        features, left = np.full(room, -1, np.int32), np.full(room, -1, np.int32)
        thresholds, na_sides = np.zeros(room, np.float32), np.zeros(room, np.int8)
        depths = np.zeros(room, np.int32)
        counts, gains = np.zeros(room), np.zeros(room)
        n = grow_isolation_tree(
            np.ascontiguousarray(x), _targets(len(x), key), rules.kinds, rules.ranges,
            rules.columns(key), rules.n_tries, rules.change, rules.max_depth, rules.min_rows,
            rules.top_bins, key, features, thresholds, left, na_sides, depths, counts, gains,
        )  # fmt: skip
        return cls(
            features[:n],
            thresholds[:n],
            left[:n],
            na_sides[:n],
            np.maximum(depths[:n] - 1, 0).astype(np.float32),
            counts[:n].astype(np.float32),
            gains[:n].astype(np.float32),
        )


def _targets(n: int, key: int) -> F64:
    """Return random targets in [0, 1)."""
    rng = np.random.Generator(np.random.Philox(key=[key, 2]))
    return rng.random(n)


def isolation_forest_of(trees: Sequence[IsolationTree], n_features: int) -> Forest:
    """Return the trees as one forest."""
    sizes = [len(tree.features) for tree in trees]
    n = sum(sizes)

    def joined(name: str, dtype: type) -> np.ndarray:
        return np.concatenate([*(getattr(t, name) for t in trees), np.empty(0)]).astype(dtype)

    return Forest(
        n_classes=1,
        n_features=n_features,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        features=joined("features", np.int32),
        thresholds=joined("thresholds", np.float32),
        left=joined("left", np.int32),
        na_sides=joined("na_sides", np.int8),
        values=joined("values", np.float32),
        weights=joined("weights", np.float32),
        gains=joined("gains", np.float32),
        bit_starts=np.full(n, -1, np.int64),
        n_bits=np.zeros(n, np.int32),
        bits=np.zeros(0, np.uint8),
    )
