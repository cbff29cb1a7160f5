"""Names of leaves: the way from the root (``LRL``), or the number of the node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dh2o.models.explain.walk import leaf_nodes
from dh2o.models.forest import F64, I32, I64, Forest

__all__ = ["leaf_codes", "node_numbers", "path_codes", "path_domains", "tree_column_names"]


def tree_column_names(forest: Forest, n_classes: int) -> list[str]:
    """Return H2O's column names of all trees: ``T1``, or ``T1.C1`` where classes are predicted."""
    one = n_classes == 1 and forest.n_classes == 1
    return [
        f"T{tree + 1}" if one else f"T{tree + 1}.C{klass + 1}"
        for tree in range(forest.n_trees)
        for klass in range(forest.n_classes)
    ]


def node_numbers(forest: Forest, x: F64) -> I64:
    """Return the number of the leaf within its tree, shape (trees, rows)."""
    return leaf_nodes(forest, x) - forest.starts[:-1, None]


def path_domains(forest: Forest) -> list[tuple[str, ...]]:
    """Return the paths of each tree's leaves, sorted."""
    paths, leaf = _paths(forest), forest.is_leaf
    return [
        tuple(sorted(path for path, is_leaf in zip(paths[a:b], leaf[a:b], strict=True) if is_leaf))
        for a, b in zip(forest.starts[:-1], forest.starts[1:], strict=True)
    ]


def path_codes(forest: Forest) -> I32:
    """Return of each leaf the code of its path in its tree's domain; -1 for other nodes."""
    paths, leaf = np.array(_paths(forest), dtype=object), forest.is_leaf
    codes = np.full(len(paths), -1, np.int32)
    for a, b in zip(forest.starts[:-1], forest.starts[1:], strict=True):
        leaves = a + np.flatnonzero(leaf[a:b])
        order = sorted(range(len(leaves)), key=lambda i, at=leaves: paths[at[i]])  # type: ignore[misc]  # bound now
        codes[leaves[order]] = np.arange(len(leaves))
    return codes


def leaf_codes(forest: Forest, codes: I32, x: F64) -> NDArray[np.int32]:
    """Return the code of the path that each row takes in each tree, shape (trees, rows)."""
    return codes[leaf_nodes(forest, x)]


def _paths(forest: Forest) -> list[str]:
    """Return the way from the root to each node."""
    paths = [""] * len(forest.features)
    for start, stop in zip(forest.starts[:-1].tolist(), forest.starts[1:].tolist(), strict=True):
        for k in range(start, stop):
            if forest.features[k] >= 0:
                left = start + int(forest.left[k])
                paths[left], paths[left + 1] = f"{paths[k]}L", f"{paths[k]}R"
    return paths
