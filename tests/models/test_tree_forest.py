"""Flat trees against a walk in Python, and hostile arrays."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.models import forest as forest_module
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, UNSEEN_LEFT, UNSEEN_RIGHT, Forest
from dh2o.models.forest_codes import rank_column

N_FEATURES = 3
N_LEVELS = 11


def random_forest(
    seed: int = 0, n_trees: int = 6, n_classes: int = 2, by_level: bool = True
) -> Forest:
    """Return trees of random splits: features 0 and 1 are numbers, 2 has levels if `by_level`."""
    rng = np.random.default_rng(seed)
    nodes: dict[str, list[Any]] = {
        name: []
        for name in ("features", "thresholds", "left", "na_sides", "values", "bit_starts", "n_bits")
    }
    starts, bits = [0], bytearray()
    for _ in range(n_trees):
        n_inner = int(rng.integers(0, 12))
        for k in range(2 * n_inner + 1):
            inner = k < n_inner
            feature = int(rng.integers(0, N_FEATURES)) if inner else -1
            side = int(rng.choice([NA_VS_REST, NA_LEFT, NA_RIGHT, UNSEEN_LEFT, UNSEEN_RIGHT]))
            coded = by_level and feature == 2 and side != NA_VS_REST
            nodes["features"].append(feature)
            nodes["thresholds"].append(rng.normal())
            nodes["left"].append(2 * k + 1 if inner else -1)
            nodes["na_sides"].append(side if inner else 0)
            nodes["values"].append(rng.normal())
            nodes["bit_starts"].append(len(bits) if coded else -1)
            nodes["n_bits"].append(N_LEVELS if coded else 0)
            if coded:
                bits += rng.integers(0, 256, 2).astype(np.uint8).tobytes()
        starts.append(len(nodes["features"]))
    arrays = {name: np.array(values) for name, values in nodes.items()}
    arrays |= {
        "starts": np.array(starts),
        "bits": np.frombuffer(bytes(bits), np.uint8),
        "weights": np.ones(starts[-1]),
        "gains": np.arange(starts[-1]) * 1.0,
    }
    return Forest.from_arrays(n_classes, N_FEATURES, arrays)


def naive_leaf(forest: Forest, tree: int, x: np.ndarray) -> int:
    first = int(forest.starts[tree])
    k = first
    while forest.features[k] >= 0:
        value, side = x[forest.features[k]], forest.na_sides[k]
        if np.isnan(value) or (forest.bit_starts[k] >= 0 and value >= forest.n_bits[k]):
            right = side not in (NA_LEFT, UNSEEN_LEFT)
        elif side == NA_VS_REST:
            right = False
        elif forest.bit_starts[k] >= 0:
            byte = forest.bits[forest.bit_starts[k] + int(value) // 8]
            right = bool(byte >> (int(value) % 8) & 1)
        else:
            right = value >= forest.thresholds[k]
        k = first + int(forest.left[k]) + right
    return k


def some_rows(n: int = 600) -> np.ndarray:
    rng = np.random.default_rng(1)
    x = np.zeros((n, N_FEATURES + 1))
    x[:, :2] = rng.normal(size=(n, 2))
    x[:, 2] = rng.integers(0, N_LEVELS + 3, n)
    x[:, :3][rng.random((n, 3)) < 0.15] = np.nan
    x[0, :2] = np.inf
    x[1, :2] = -np.inf
    return x


@pytest.mark.parametrize("way", ["walk", "codes", "complete"])
@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_a_walk(seed: int, way: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(forest_module, "_ROWS_WORTH_CODES", 1 << 40 if way == "walk" else 0)
    forest, x = random_forest(seed, by_level=way != "complete"), some_rows(601)
    assert (forest._complete is not None) == (way == "complete")
    x[2, :3], x[3, :2] = 1e300, -1.0
    expected = np.zeros((len(x), 2))
    for i, row in enumerate(x):
        for tree in range(6):
            expected[i, tree % 2] += float(forest.values[naive_leaf(forest, tree, row)])
    np.testing.assert_array_equal(forest.sums(x), expected)
    np.testing.assert_allclose(forest.sums(x, 0, 2) + forest.sums(x, 2), expected, rtol=1e-12)


@pytest.mark.parametrize("n_cuts", [0, 1, 255, 256, 3000])
def test_ranks_of_values(n_cuts: int) -> None:
    rng = np.random.default_rng(n_cuts)
    cuts = np.sort(rng.normal(size=n_cuts))
    padded = np.full(max(1 << n_cuts.bit_length(), 256), np.nan)
    padded[:n_cuts] = cuts
    x = np.concatenate([rng.normal(size=500), cuts, [np.inf, -np.inf, np.nan]])
    out = np.zeros(len(x), np.uint16)
    rank_column(np.repeat(x, 2), 1, 2, np.concatenate([[7.0, n_cuts], padded]), 1, out)
    expected = np.searchsorted(cuts, x, "right")
    np.testing.assert_array_equal(out, np.where(np.isnan(x), 65_535, expected))


def test_no_rows_and_no_trees() -> None:
    forest = random_forest()
    assert forest.sums(np.zeros((0, 4))).shape == (0, 2)
    assert (forest.sums(some_rows(5), 0, 0) == 0).all()


def test_two_forests_one_after_the_other() -> None:
    a, b, x = random_forest(0), random_forest(1), some_rows()
    both = a.then(b)
    both.check()
    np.testing.assert_allclose(both.sums(x), a.sums(x) + b.sums(x), rtol=1e-12)


def test_copies_within_a_process_are_one_forest() -> None:
    forest = random_forest()
    packed = pickle.dumps(forest)
    assert pickle.loads(packed) is forest
    del forest
    again, other = pickle.loads(packed), pickle.loads(packed)
    assert again is other
    np.testing.assert_array_equal(again.sums(some_rows()), random_forest().sums(some_rows()))


def test_pickle_and_summary() -> None:
    forest = random_forest()
    again = pickle.loads(pickle.dumps(forest))
    np.testing.assert_array_equal(again.sums(some_rows()), forest.sums(some_rows()))
    summary = forest.summary()
    assert summary["number_of_trees"] == 3
    assert summary["number_of_internal_trees"] == 6
    assert summary["mean_leaves"] * 6 == forest.is_leaf.sum()
    assert forest.importance().sum() == forest.gains[~forest.is_leaf].sum()


HOSTILE = {
    "left": lambda a: np.where(a >= 0, 0, a),
    "features": lambda a: np.where(a >= 0, 99, a),
    "starts": lambda a: a[::-1].copy(),
    "bit_starts": lambda a: np.where(a >= 0, 10**6, a),
    "n_bits": lambda a: np.full_like(a, 2**30),
    "values": lambda a: a[:-1],
    "thresholds": lambda a: a.reshape(1, -1),
    "gains": lambda a: a.astype(str),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_refused(name: str) -> None:
    arrays = random_forest().to_arrays()
    arrays[name] = HOSTILE[name](arrays[name])
    with pytest.raises(ModelError):
        Forest.from_arrays(2, N_FEATURES, arrays)
