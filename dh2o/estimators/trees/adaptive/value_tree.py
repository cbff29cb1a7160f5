"""A tree split by value, as its workers route rows with it, and its way into a forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.histogram import goes_left
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8
from dh2o.models.forest import Forest

__all__ = ["ValueTree", "forest_of_values", "walk_values"]


@dataclass(slots=True)
class ValueTree:
    """A tree's nodes in level order; node 0 is the root, children come in pairs.

    ``nodes[k]`` = (column, bin, left child or -1, right child, start in `goes_left` or -1, levels);
    `goes_left` has a flag for each level of the column.  `split_values[k]` is the value that the
    split above found for node k, before link and learning rate.  `noise` multiplies the value of a
    leaf when it is added to predictions while the model trains, and is no part of the model.
    """

    nodes: I32 = field(default_factory=lambda: np.full((1, 6), -1, np.int32))
    features: I32 = field(default_factory=lambda: np.full(1, -1, np.int32))
    thresholds: F32 = field(default_factory=lambda: np.zeros(1, np.float32))
    na_sides: I8 = field(default_factory=lambda: np.zeros(1, np.int8))
    gains: F64 = field(default_factory=lambda: np.zeros(1, np.float64))
    depths: I8 = field(default_factory=lambda: np.zeros(1, np.int8))
    values: F32 = field(default_factory=lambda: np.zeros(1, np.float32))
    weights: F32 = field(default_factory=lambda: np.zeros(1, np.float32))
    split_values: F64 = field(default_factory=lambda: np.zeros(1, np.float64))
    goes_left: U8 = field(default_factory=lambda: np.zeros(0, np.uint8))
    noise: F32 = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def n_nodes(self) -> int:
        """Number of nodes, leaves included."""
        return len(self.nodes)

    @property
    def leaves(self) -> I64:
        """Numbers of the leaves."""
        return np.flatnonzero(self.nodes[:, 2] < 0)

    def add_nodes(self, n: int, depth: int) -> int:
        """Make room for `n` more nodes, all leaves as yet; returns the first one's number."""
        first = self.n_nodes
        self.nodes = np.concatenate([self.nodes, np.full((n, 6), -1, np.int32)])
        self.features = np.concatenate([self.features, np.full(n, -1, np.int32)])
        self.depths = np.concatenate([self.depths, np.full(n, depth, np.int8)])
        for name in ("thresholds", "na_sides", "gains", "values", "weights", "split_values"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros(n, old.dtype)]))
        return first

    @property
    def added_values(self) -> F32:
        """What is added to the predictions of training rows, by node."""
        return self.values * self.noise if len(self.noise) else self.values


@njit(nogil=True, cache=True)
def walk_values(  # noqa: PLR0913, PLR0917
    x: F64,
    width: int,
    rows: I32,
    start: int,
    stop: int,
    nodes: I32,
    thresholds: F32,
    na_sides: I8,
    left_levels: U8,
    values: F32,
    as_float: bool,
    f: F64,
) -> None:
    """f[r] += value of the leaf that row r falls into; r = rows[i], or i if there are no rows."""
    for i in range(start, stop):
        row = np.int64(rows[i]) if rows.size > 0 else np.int64(i)
        k = np.int64(0)
        while nodes[k, 2] >= 0:
            left = goes_left(
                x[row * width + nodes[k, 0]], np.float64(thresholds[k]), np.int64(na_sides[k]),
                np.int64(nodes[k, 4]), np.int64(nodes[k, 5]), left_levels,
            )  # fmt: skip
            k = np.int64(nodes[k, 2] if left else nodes[k, 3])
        total = f[row] + np.float64(values[k])
        f[row] = np.float64(np.float32(total)) if as_float else total


def forest_of_values(trees: Sequence[ValueTree], n_classes: int, n_features: int) -> Forest:
    """Return the trees (iteration after iteration, class after class) as one forest."""
    sizes = [tree.n_nodes for tree in trees]

    def joined(name: str, dtype: type) -> np.ndarray:
        return np.concatenate([*(getattr(t, name) for t in trees), np.empty(0)]).astype(dtype)

    nodes = np.concatenate([*(tree.nodes for tree in trees), np.empty((0, 6), np.int32)])
    bit_starts: I64 = np.full(len(nodes), -1, np.int64)
    n_bits: I32 = np.zeros(len(nodes), np.int32)
    sets: list[U8] = []
    at, size = 0, 0
    for tree in trees:
        for k in np.flatnonzero(tree.nodes[:, 4] >= 0):
            first, n = int(tree.nodes[k, 4]), int(tree.nodes[k, 5])
            sets.append(np.packbits(tree.goes_left[first : first + n] == 0, bitorder="little"))
            bit_starts[at + k], n_bits[at + k] = size, n
            size += len(sets[-1])
        at += tree.n_nodes
    return Forest(
        n_classes=n_classes,
        n_features=n_features,
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        features=joined("features", np.int32),
        thresholds=joined("thresholds", np.float32),
        left=nodes[:, 2].astype(np.int32),
        na_sides=joined("na_sides", np.int8),
        values=joined("values", np.float32),
        weights=joined("weights", np.float32),
        gains=joined("gains", np.float32),
        bit_starts=bit_starts,
        n_bits=n_bits,
        bits=np.concatenate([*sets, np.empty(0)]).astype(np.uint8),
    )
