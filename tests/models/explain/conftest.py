"""Random small forests, and Shapley values by their definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from dh2o.models.category import ModelCategory
from dh2o.models.explain.walk import goes_right, walk_of
from dh2o.models.forest import Forest
from dh2o.models.output import ModelOutput

N_LEVELS = 11


class Grower:
    """Grows random trees: numbers, levels, NA on either side or against the rest, empty nodes."""

    def __init__(self, seed: int, n_features: int, n_coded: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.n_features, self.n_coded = n_features, n_coded
        self.nodes: list[dict[str, Any]] = []
        self.starts, self.bits = [0], [0]

    def add_tree(self, depth: int) -> None:
        rng, first = self.rng, len(self.nodes)
        queue = [(self._node(float(rng.integers(50, 200))), 0)]
        for k, level in queue:
            if level == depth or rng.random() < 0.1:
                continue
            node = self.nodes[k]
            node["features"] = int(rng.integers(self.n_features))
            node["left"] = len(self.nodes) - first
            node["thresholds"] = float(np.float32(rng.normal()))
            node["na_sides"] = int(rng.choice([1, 2, 3]))
            coded = node["features"] >= self.n_features - self.n_coded
            if coded and node["na_sides"] != 1:
                node["na_sides"] = int(rng.choice([2, 3, 4, 5]))
                node["bit_starts"], node["n_bits"] = len(self.bits), N_LEVELS
                self.bits += rng.integers(0, 256, 2).tolist()
            share = 0.0 if rng.random() < 0.1 else float(rng.random())
            weights = (node["weights"] * share, node["weights"] * (1 - share))
            queue.extend((self._node(weight), level + 1) for weight in weights)
        self.starts.append(len(self.nodes))

    def _node(self, weight: float) -> int:
        plain = {"thresholds": 0.0, "left": 0, "na_sides": 0, "gains": 0.0, "bit_starts": -1}
        value = {"features": -1, "n_bits": 0, "values": float(self.rng.normal())}
        self.nodes.append({**plain, **value, "weights": weight})
        return len(self.nodes) - 1

    def forest(self, n_classes: int) -> Forest:
        arrays = {name: np.array([node[name] for node in self.nodes]) for name in self.nodes[0]}
        arrays["starts"] = np.array(self.starts)
        arrays["bits"] = np.array(self.bits, np.uint8)
        return Forest.from_arrays(n_classes, self.n_features, arrays)


@pytest.fixture
def grown() -> Callable[..., Forest]:
    """Return a random forest: grown(seed, n_trees, depth, n_features, n_classes)."""

    def make(
        seed: int, n_trees: int = 3, depth: int = 4, n_features: int = 4, n_classes: int = 1
    ) -> Forest:
        grower = Grower(seed, n_features, min(2, n_features - 1))
        for _ in range(n_trees * n_classes):
            grower.add_tree(depth)
        return grower.forest(n_classes)

    return make


@pytest.fixture
def rows() -> Callable[..., np.ndarray]:
    """Return random rows for such a forest: NAs, levels and unseen levels among them."""

    def make(seed: int, n: int, n_features: int = 4) -> np.ndarray:
        rng = np.random.default_rng(seed)
        x = np.zeros((n, n_features + 1))
        n_coded = min(2, n_features - 1)
        x[:, :n_features] = rng.normal(size=(n, n_features))
        x[:, n_features - n_coded : n_features] = rng.integers(-1, 14, (n, n_coded))
        x[:, :n_features][rng.random((n, n_features)) < 0.2] = np.nan
        return x

    return make


def expectation(forest: Forest, row: np.ndarray, known: frozenset[int], k: int) -> float:
    """Return what the tree below node `k` expects of a row of which some features are known."""
    w = walk_of(forest)
    f, left = int(w.features[k]), int(w.left[k])
    if f < 0:
        return float(forest.values[k])
    if f in known:
        right = goes_right(
            row[f], w.thresholds[k], w.flags[k], w.bit_starts[k], w.n_bits[k], w.bits
        )
        return expectation(forest, row, known, left + int(right))
    total = float(forest.weights[k])
    parts = [float(forest.weights[left + i]) / total if total > 0 else 0.5 for i in (0, 1)]
    return sum(p * expectation(forest, row, known, left + i) for i, p in enumerate(parts))


def shapley(value: Callable[[frozenset[int]], float], n: int) -> np.ndarray:
    """Return the Shapley values of a game by definition, and what nobody gets."""
    worth = {
        s: value(s) for size in range(n + 1) for s in map(frozenset, combinations(range(n), size))
    }
    out = np.zeros(n + 1)
    out[n] = worth[frozenset()]
    for s, before in worth.items():
        share = math.factorial(len(s)) * math.factorial(n - len(s) - 1) if len(s) < n else 0
        for i in set(range(n)) - s:
            out[i] += share / math.factorial(n) * (worth[s | {i}] - before)
    return out


@pytest.fixture
def regression_output() -> ModelOutput:
    """Columns a (a number) and c (levels x, y, z), and a numeric response."""
    return ModelOutput(
        ModelCategory.REGRESSION,
        ("a", "c", "r"),
        (None, ("x", "y", "z"), None),
        ("Numeric", "Enum", "Numeric"),
        response="r",
    )
