"""TreeSHAP against Shapley's definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dh2o.models.explain.background import against_references
from dh2o.models.explain.shap import tree_shap
from dh2o.models.forest import Forest

from .conftest import expectation, shapley

Grown = Callable[..., Forest]
Rows = Callable[..., np.ndarray]


@pytest.mark.parametrize(("n_features", "depth"), [(1, 3), (3, 4), (5, 6)])
def test_values_are_shapleys(grown: Grown, rows: Rows, n_features: int, depth: int) -> None:
    forest, x = grown(depth, 3, depth, n_features), rows(1, 5, n_features)
    found = tree_shap(forest, x)[0]
    for row, values in zip(x, found, strict=True):

        def worth(known: frozenset[int], row: np.ndarray = row) -> float:
            return sum(expectation(forest, row, known, int(root)) for root in forest.starts[:-1])

        np.testing.assert_allclose(values, shapley(worth, n_features), atol=1e-12)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_values_add_up_to_the_score(grown: Grown, rows: Rows, n_classes: int) -> None:
    forest, x = grown(2, 8, 10, 4, n_classes), rows(3, 700)
    found = tree_shap(forest, x)
    assert found.shape == (n_classes, 700, 5)
    np.testing.assert_allclose(found.sum(axis=2).T, forest.sums(x), atol=1e-10)


def test_a_row_has_the_same_bits_in_any_company(grown: Grown, rows: Rows) -> None:
    forest, x = grown(4, 5, 6), rows(5, 600)
    together = tree_shap(forest, x)
    for i in (0, 255, 256, 599):
        assert (tree_shap(forest, x[i : i + 1])[:, 0] == together[:, i]).all()


def test_no_rows_and_lone_leaves(grown: Grown, rows: Rows) -> None:
    assert tree_shap(grown(1), rows(1, 0)).shape == (1, 0, 5)
    leaf = grown(1, 2, 0)
    values = tree_shap(leaf, rows(1, 3))[0]
    assert (values[:, :-1] == 0).all()
    np.testing.assert_allclose(values[:, -1], leaf.values.astype(float).sum())


@pytest.mark.parametrize("n_features", [1, 3, 6])
def test_values_against_references_are_shapleys(grown: Grown, rows: Rows, n_features: int) -> None:
    forest, x = grown(6, 4, 6, n_features), rows(7, 5, n_features)
    found = against_references(forest, x[0], x[1:])[:, 0]
    for reference, values in zip(x[1:], found, strict=True):

        def worth(known: frozenset[int], z: np.ndarray = reference) -> float:
            mixed = np.array([x[0, f] if f in known else z[f] for f in range(n_features + 1)])
            mixed[-1] = 0.0
            return float(forest.sums(mixed[None])[0, 0])

        np.testing.assert_allclose(values, shapley(worth, n_features), atol=1e-12)


def test_xgboost_agrees_on_its_own_trees() -> None:
    xgboost: Any = pytest.importorskip("xgboost")
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    try:
        from bench_shap import data, forest_of
    finally:
        sys.path.pop(0)
    X, y = data(500, 6)
    options = {"max_depth": 4, "objective": "binary:logistic", "base_score": 0.5, "nthread": 1}
    booster = xgboost.train(options, xgboost.DMatrix(X, y), 5)
    forest = forest_of(booster, 6)
    x = np.zeros((500, 7))
    x[:, :-1] = X
    theirs = booster.predict(xgboost.DMatrix(X), pred_contribs=True)
    np.testing.assert_allclose(tree_shap(forest, x)[0], theirs, atol=2e-5)
