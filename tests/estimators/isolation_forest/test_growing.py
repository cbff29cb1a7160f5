"""The kernel that grows isolation trees, beside naive twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.isolation_forest.growing import NUMBER, WHOLE, best_cut
from dh2o.estimators.isolation_forest.tree import IsolationTree, TreeRules, isolation_forest_of
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST


def naive_cut(bins: np.ndarray, y: np.ndarray, n_bins: int) -> float:
    """Return the least squared error that a cut with any side for the NAs (bin n_bins) leaves."""

    def error(values: np.ndarray) -> float:
        return float(((values - values.mean()) ** 2).sum()) if len(values) else np.inf

    na = bins == n_bins
    errors = [error(y[~na]) + error(y[na])] if na.any() else []
    for b in range(1, n_bins):
        low = (bins < b) & ~na
        sides = [side for side in (low, low | na) if side.any() and not side.all()]
        errors.extend(error(y[side]) + error(y[~side]) for side in sides)
    return min(errors)


@pytest.mark.parametrize("n_na", [0, 7])
@pytest.mark.parametrize("seed", range(5))
def test_best_cut_is_that_of_exhaustive_search(seed: int, n_na: int) -> None:
    rng = np.random.default_rng(seed)
    n_bins, y = 6, rng.random(40)
    bins = rng.integers(0, n_bins, 40)
    bins[:n_na] = n_bins
    sums = np.zeros((n_bins + 1, 3))
    for b, target in zip(bins, y, strict=True):
        sums[b] += (1.0, target, target * target)
    found = np.zeros(4)
    assert best_cut(sums, n_bins, 1.0, found)
    b, side = int(found[0]), int(found[1])
    left = (bins < b) & (bins < n_bins)
    if side == NA_LEFT:
        left |= bins == n_bins
    assert side in ((0,) if n_na == 0 else (NA_LEFT, NA_RIGHT, NA_VS_REST))
    got = ((y[left] - y[left].mean()) ** 2).sum() + ((y[~left] - y[~left].mean()) ** 2).sum()
    assert got == pytest.approx(naive_cut(bins, y, n_bins), rel=1e-9)


def rules(x: np.ndarray, **changes: Any) -> TreeRules:
    """Return the rules for the columns of `x`."""
    p = x.shape[1]
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    whole = [bool((np.nan_to_num(x[:, f]) % 1 == 0).all()) for f in range(p)]
    given: dict[str, Any] = {
        "kinds": np.where(whole, WHOLE, NUMBER).astype(np.int8),
        "ranges": np.stack([low, np.where(whole, high + 1, np.nextafter(high, np.inf))], axis=1),
        "n_tries": p,
        "change": 1.0,
        "rate_of_columns": 1.0,
        "max_depth": 8,
        "min_rows": 1.0,
        **changes,
    }
    return TreeRules(**given)


def sample(n: int = 200, seed: int = 0) -> np.ndarray:
    """Return numbers with NAs and whole numbers."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=n), rng.integers(0, 9, n), rng.normal(size=n)])
    x[rng.random(n) < 0.1, 2] = np.nan
    return x


@pytest.mark.parametrize("seed", range(6))
def test_tree_routes_its_rows_as_it_was_grown(seed: int) -> None:
    """Walking the rows of the sample down the forest gives the counts that the nodes have."""
    x = sample(seed=seed)
    tree = IsolationTree.grow(x, rules(x), key=seed + 1)
    forest = isolation_forest_of([tree], x.shape[1])
    padded = np.concatenate([x, np.zeros((len(x), 1))], axis=1)
    lengths = forest.sums(padded)[:, 0]
    leaves = forest.is_leaf
    np.testing.assert_array_equal(forest.values, np.maximum(forest.depths - 1, 0))
    by_length = np.bincount(forest.values[leaves].astype(int), forest.weights[leaves], 8)
    np.testing.assert_array_equal(np.bincount(lengths.astype(int), minlength=8), by_length)
    inner = np.flatnonzero(~leaves)
    both = forest.weights[forest.left[inner]] + forest.weights[forest.left[inner] + 1]
    np.testing.assert_array_equal(forest.weights[inner], both)
    assert forest.depths.max() <= 8
    forest.check()


def test_tree_depends_on_its_key_alone() -> None:
    x = sample()
    a, b, c = (IsolationTree.grow(x, rules(x), key) for key in (5, 5, 6))
    np.testing.assert_array_equal(a.thresholds, b.thresholds)
    assert len(a.thresholds) != len(c.thresholds) or (a.thresholds != c.thresholds).any()


def test_min_rows_and_depth_hold() -> None:
    x = sample()
    tree = IsolationTree.grow(x, rules(x, min_rows=10.0, max_depth=3), key=1)
    leaves = tree.features < 0
    assert tree.weights[leaves].min() >= 10
    assert tree.values.max() <= 2


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_samples(n: int) -> None:
    x = np.arange(3.0 * n).reshape(n, 3)
    empty = TreeRules(np.zeros(3, np.int8), np.zeros((3, 2)), 3, 1.0, 1.0, 8, 1.0)
    tree = IsolationTree.grow(x, rules(x) if n > 1 else empty, key=1)
    assert len(tree.features) in (1, 3)
    assert tree.weights[0] == n


def test_outlier_is_isolated_sooner() -> None:
    x = np.random.default_rng(0).normal(size=(255, 2))
    x = np.concatenate([x, [[40.0, -40.0]]])
    forest = isolation_forest_of([IsolationTree.grow(x, rules(x), k + 1) for k in range(50)], 2)
    lengths = forest.sums(np.concatenate([x, np.zeros((256, 1))], axis=1))[:, 0]
    assert lengths[-1] == lengths.min()
    assert lengths[-1] < 0.6 * np.median(lengths)
