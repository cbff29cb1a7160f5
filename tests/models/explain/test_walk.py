"""Leaves, paths, asked features, interactions and H, each beside a plain walk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dh2o.models.explain.h_statistic import h_statistic
from dh2o.models.explain.leaves import leaf_codes, path_codes, path_domains, tree_column_names
from dh2o.models.explain.walk import feature_counts, goes_right, leaf_nodes, walk_of
from dh2o.models.forest import Forest

Grown = Callable[..., Forest]
Rows = Callable[..., np.ndarray]


def plain_path(forest: Forest, row: np.ndarray, tree: int) -> tuple[int, str, list[int]]:
    w = walk_of(forest)
    k, path, asked = int(forest.starts[tree]), "", []
    while w.features[k] >= 0:
        f = int(w.features[k])
        right = goes_right(
            row[f], w.thresholds[k], w.flags[k], w.bit_starts[k], w.n_bits[k], w.bits
        )
        asked.append(f)
        path += "LR"[int(right)]
        k = int(w.left[k]) + int(right)
    return k, path, asked


def test_leaves_paths_and_counts_are_those_of_a_plain_walk(grown: Grown, rows: Rows) -> None:
    forest, x = grown(1, 4, 5), rows(2, 40)
    leaves, counts = leaf_nodes(forest, x), feature_counts(forest, x)
    codes, domains = leaf_codes(forest, path_codes(forest), x), path_domains(forest)
    for i, row in enumerate(x):
        asked: list[int] = []
        for tree in range(4):
            leaf, path, features = plain_path(forest, row, tree)
            assert leaves[tree, i] == leaf
            assert domains[tree][codes[tree, i]] == path
            asked += features
        assert counts[i].tolist() == np.bincount(asked, minlength=4).tolist()


def test_the_leaves_of_all_trees_make_the_score(grown: Grown, rows: Rows) -> None:
    forest, x = grown(3, 6, 6), rows(4, 300)
    values = forest.values.astype(np.float64)[leaf_nodes(forest, x)].sum(axis=0)
    np.testing.assert_allclose(values, forest.sums(x)[:, 0], atol=1e-12)


def test_columns_are_named_as_in_h2o(grown: Grown) -> None:
    assert tree_column_names(grown(1, 2), 1) == ["T1", "T2"]
    assert tree_column_names(grown(1, 2), 2) == ["T1.C1", "T2.C1"]
    assert tree_column_names(grown(1, 1, n_classes=3), 3) == ["T1.C1", "T1.C2", "T1.C3"]


def test_h_is_zero_for_a_sum_and_large_for_a_product() -> None:
    x = np.zeros((400, 3))
    x[:, :2] = np.random.default_rng(0).integers(0, 2, (400, 2))
    stump = {"features": [0, -1, -1], "left": [1, 0, 0], "values": [0.0, 0.0, 1.0]}
    other = {"features": [1, -1, -1], "left": [1, 0, 0], "values": [0.0, 0.0, 2.0]}
    assert h_statistic(_forest([stump, other], x), x, (0, 1)) == pytest.approx(0, abs=1e-6)
    both = {
        "features": [0, 1, 1, -1, -1, -1, -1],
        "left": [1, 3, 5, 0, 0, 0, 0],
        "values": [0, 0, 0, 1.0, -1.0, -1.0, 1.0],
    }
    assert h_statistic(_forest([both], x), x, (0, 1)) > 0.9


def _forest(trees: list[dict[str, list[float]]], x: np.ndarray) -> Forest:
    """Return the forest of trees that split 0 from 1, weighed by the rows of `x`."""
    sizes = [len(tree["features"]) for tree in trees]
    n = sum(sizes)
    arrays = {name: np.concatenate([np.array(tree[name]) for tree in trees]) for name in trees[0]}
    forest = Forest.from_arrays(
        1,
        2,
        {
            **arrays,
            "starts": np.concatenate([[0], np.cumsum(sizes)]),
            "thresholds": np.full(n, 0.5),
            "na_sides": np.full(n, 2),
            "weights": np.ones(n),
            "gains": np.zeros(n),
            "bit_starts": np.full(n, -1),
            "n_bits": np.zeros(n),
            "bits": np.zeros(0, np.uint8),
        },
    )
    w = walk_of(forest)
    weights = np.zeros(n, np.float32)
    for tree, root in enumerate(forest.starts[:-1]):
        for row in x:
            k = int(root)
            while w.features[k] >= 0:
                weights[k] += 1
                k = int(w.left[k]) + int(row[w.features[k]] >= 0.5)
            weights[k] += 1
        assert weights[forest.starts[tree]] == len(x)
    forest.weights[:] = weights
    return forest
