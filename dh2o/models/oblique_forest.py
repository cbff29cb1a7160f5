"""Trees that split by random hyperplanes, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

__all__ = ["ObliqueForest", "mean_unsuccessful_search"]

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_EULER = 0.5772156649  # as many digits as H2O's scorer has


def mean_unsuccessful_search(n: Any) -> F64:
    """Return c(n), the mean path length of an unsuccessful search among n rows in a binary tree.

    As Liu, Ting, Zhou 2008: ``2 H(n - 1) - 2 (n - 1) / n``, with H(i) as ln(i) + Euler's constant;
    0 below two rows, 1 for two.
    """
    n = np.asarray(n, np.float64)
    many = np.maximum(n, 3.0)
    long = 2.0 * (np.log(many - 1.0) + _EULER) - 2.0 * (many - 1.0) / many
    return np.where(n < 2, 0.0, np.where(n == 2, 1.0, long))


@njit(nogil=True, cache=True, error_model="numpy")
def _add_path_lengths(  # type: ignore[no-untyped-def]  # noqa: PLR0913, PLR0917
    x, starts, left, splits, columns, points, normals, lengths, total
):
    """total[i] += length of row i's path in each tree, in the order of the trees.

    A row is on the left of a hyperplane if its side is at most 0; NaN is on the right.
    IN: x[n_rows, n_features].   OUT: total[n_rows].
    """
    for t in range(starts.size - 1):
        root = starts[t]
        for i in range(x.shape[0]):
            node = root
            while left[node] >= 0:
                s = splits[node]
                side = 0.0
                for j in range(columns.shape[1]):
                    side += (x[i, columns[s, j]] - points[s, j]) * normals[s, j]
                node = root + left[node] + (0 if side <= 0.0 else 1)
            total[i] += lengths[node]


@dataclass(frozen=True, eq=False)
class ObliqueForest:
    """Trees whose inner nodes cut by ``sum((x - points) * normals)`` over some of the columns.

    Nodes of tree t are starts[t] … starts[t + 1]; its root is the first. left[node] is the left
    child counted from the root, the right child follows it; -1 marks a leaf. splits[node] is the
    row of `columns`, `points` and `normals` of an inner node, whose columns ascend. counts[node]
    are the sampled rows of a leaf.
    """

    n_features: int
    starts: I64
    left: I32
    splits: I32
    counts: I32
    columns: I32
    points: F64
    normals: F64

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.starts) - 1

    @cached_property
    def depths(self) -> I32:
        """Depth of each node; roots have 0."""
        depths = np.zeros(len(self.left), np.int32)
        roots = self.starts[:-1]
        nodes, offsets, depth = roots, roots, 0
        while len(nodes):
            inner = self.left[nodes] >= 0
            first, offsets = offsets[inner] + self.left[nodes[inner]], offsets[inner]
            nodes, offsets, depth = np.append(first, first + 1), np.tile(offsets, 2), depth + 1
            depths[nodes] = depth
        return depths

    @cached_property
    def lengths(self) -> F64:
        """Path length of a row that ends in a node: depth + c(rows that were left together)."""
        return np.asarray(self.depths + mean_unsuccessful_search(self.counts))

    def total_lengths(self, x: F64) -> F64:
        """Return the path lengths of the rows of `x`, shape (n_rows, n_features), over all trees.

        A row that has a missing or an infinite value is on the right side everywhere: its place
        beside a hyperplane is not known.
        """
        unknown = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if len(unknown):
            x = x.copy()
            x[unknown] = np.nan
        total = np.zeros(len(x))
        _add_path_lengths(
            np.ascontiguousarray(x), self.starts, self.left, self.splits, self.columns,
            self.points, self.normals, self.lengths, total,
        )  # fmt: skip
        return total

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as `from_arrays` takes them."""
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(cls, n_features: int, arrays: Mapping[str, NDArray[Any]]) -> ObliqueForest:
        """Return the forest whose `to_arrays` these were."""
        return cls(n_features, **{name: arrays[name] for name in _ARRAYS})


_ARRAYS = ("starts", "left", "splits", "counts", "columns", "points", "normals")
