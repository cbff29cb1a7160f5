"""Which features a node may split on: a set a tree, and of it some at random for each node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import BOOL, I64, U8
from dh2o.estimators.trees.raw_tree import RawTree

if TYPE_CHECKING:
    from dh2o.estimators.trees.grower import TreeParams

__all__ = ["Columns"]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one tree.

    A node looks at `n_tries` times ``change**depth`` of those that vary in it, in an order drawn
    from its own key: the tree's `key` mixed with the path to the node.
    """

    of_tree: U8
    n_tries: int
    change: float
    key: int
    groups: BOOL | None = None

    @classmethod
    def draw(
        cls, n_features: int, params: TreeParams, key: int, groups: BOOL | None = None
    ) -> Columns:
        """Return the columns of one tree; the counts are H2O's.

        ``groups[g]`` flags the features of a group that may meet on a path; None for all.
        """
        rate = params.col_sample_rate_per_tree
        of_tree = np.ones(n_features, np.uint8)
        if rate < 1.0:
            rng = np.random.Generator(np.random.Philox(key=[key & (2**64 - 1), 1]))
            of_tree[rng.permutation(n_features)[max(1, int(rate * n_features)) :]] = 0
        n_tries = max(1, int(params.col_sample_rate * rate * n_features))
        return cls(of_tree, n_tries, params.col_sample_rate_change_per_level, key, groups)

    def tries(self, n_depths: int) -> I64:
        """Return how many features a node looks at, by its depth."""
        counts = [int(self.n_tries * min(self.change**depth, 1e9)) for depth in range(n_depths)]
        return np.clip(counts, 1, len(self.of_tree)).astype(np.int64)

    @property
    def root_key(self) -> int:
        """The root's key, as a signed 64-bit integer."""
        return int(np.array([self.key & (2**64 - 1)], np.uint64).view(np.int64)[0])

    def allowed(self, tree: RawTree, nodes: I64) -> U8:
        """Return the flags (node, feature) of what a node may use; one row if all are equal."""
        if self.groups is None:
            return self.of_tree[None, :]
        return self.of_tree & self._on_paths(self.groups, tree, nodes)

    def _on_paths(self, groups: BOOL, tree: RawTree, nodes: I64) -> U8:
        """Return the flags of what the groups let meet on the paths to `nodes`."""
        parent = np.full(tree.n_nodes, -1)
        inner = np.flatnonzero(tree.nodes[:, 2] >= 0)
        parent[tree.nodes[inner, 2]] = parent[tree.nodes[inner, 3]] = inner
        flags = np.zeros((len(nodes), len(self.of_tree)), np.uint8)
        for i, node in enumerate(nodes):
            met = groups.any(axis=0)
            up = parent[node] if node >= 0 else -1
            while up >= 0:
                met &= groups[groups[:, tree.features[up]]].any(axis=0)
                up = parent[up]
            flags[i] = met
        return flags
