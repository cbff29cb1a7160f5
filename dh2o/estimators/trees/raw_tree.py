"""A tree as it is grown: nodes in level order, splits by bin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8

__all__ = ["RawTree"]

#: What is known of a node, 0 as yet.
_FACTS = (
    "na_sides", "na_left", "gains", "sums", "depths", "terms", "counts", "places",
    "values", "weights",
)  # fmt: skip


@dataclass(slots=True)
class RawTree:
    """Node 0 is the root, children come in pairs after their parent.

    ``nodes[k]`` = (column, cut, left child or -1, right child, first byte in `bits` or -1, NA bin),
    as `walk_bins` reads it; `bits` has one for each bin that goes right.  `sums[k]` is the word
    sum of the node's rows, `counts[k]` their number, `terms[k]` the sum of leaf terms (leaves
    only, if `has_terms`); `values`, `weights` and `gains` are final once the tree is whole.  A
    state keeps the records of the node's rows at ``bounds[shard, places[k]]``.
    """

    nodes: I32 = field(default_factory=lambda: np.full((1, 6), -1, np.int32))
    features: I32 = field(default_factory=lambda: np.full(1, -1, np.int32))
    na_sides: I8 = field(default_factory=lambda: np.zeros(1, np.int8))
    na_left: I8 = field(default_factory=lambda: np.zeros(1, np.int8))
    gains: F64 = field(default_factory=lambda: np.zeros(1, np.float64))
    sums: I64 = field(default_factory=lambda: np.zeros(1, np.int64))
    depths: I8 = field(default_factory=lambda: np.zeros(1, np.int8))
    terms: I64 = field(default_factory=lambda: np.zeros(1, np.int64))
    counts: I64 = field(default_factory=lambda: np.zeros(1, np.int64))
    places: I32 = field(default_factory=lambda: np.zeros(1, np.int32))
    bits: U8 = field(default_factory=lambda: np.zeros(0, np.uint8))
    values: F32 = field(default_factory=lambda: np.zeros(1, np.float32))
    weights: F32 = field(default_factory=lambda: np.zeros(1, np.float32))
    has_terms: bool = False

    @property
    def n_nodes(self) -> int:
        """Number of nodes, leaves included."""
        return len(self.nodes)

    @property
    def walk_arrays(self) -> tuple[I32, U8, I8, F32]:
        """The arrays that `walk_bins` takes."""
        return self.nodes, self.bits, self.na_left, self.values

    @property
    def leaves(self) -> I64:
        """Numbers of the leaves."""
        return np.flatnonzero(self.nodes[:, 2] < 0)

    def add_nodes(self, n: int) -> int:
        """Make room for `n` more nodes, all leaves as yet; returns the first one's number."""
        first = self.n_nodes
        self.nodes = np.concatenate([self.nodes, np.full((n, 6), -1, np.int32)])
        self.features = np.concatenate([self.features, np.full(n, -1, np.int32)])
        for name in _FACTS:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros(n, old.dtype)]))
        return first

    def cut(self, n: int) -> None:
        """Leave out the nodes from number `n` on."""
        for name in ("nodes", "features", *_FACTS):
            setattr(self, name, getattr(self, name)[:n].copy())
