"""Flat trees against a walk in Python, and hostile arrays."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.models import forest as forest_module
from dh2o.models import forest_codes
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, UNSEEN_LEFT, UNSEEN_RIGHT, Forest
from dh2o.models.forest_heaps import HEAP, descend, descend_one_by_one
from dh2o.models.forest_ranks import Ranks, keys_of

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


def naive_sums(forest: Forest, x: np.ndarray) -> np.ndarray:
    """Return the sum of leaves of each class, tree after tree."""
    sums = np.zeros((len(x), forest.n_classes))
    for i, row in enumerate(x):
        for tree in range(len(forest.starts) - 1):
            leaf = forest.values[naive_leaf(forest, tree, row)]
            sums[i, tree % forest.n_classes] += float(leaf)
    return sums


WAYS = {
    "walk": lambda codes: codes is None,
    "levels": lambda codes: codes.any_coded,
    "words": lambda codes: codes.parts[0].heaps is None and not codes.any_coded,
    "bytes": lambda codes: codes.parts[0].heaps is not None and len(codes.parts) == 1,
    "parts": lambda codes: codes.parts[0].heaps is not None and len(codes.parts) > 1,
}


def scored_this_way(way: str, forest: Forest, monkeypatch: Any) -> None:
    """Make `forest` sum its leaves this way; checks that it does."""
    monkeypatch.setattr(forest_module, "_ROWS_WORTH_CODES", 0)
    if way in ("words", "parts"):
        most = (1 << 20) if way == "words" else 1
        monkeypatch.setattr(forest_codes, "_TREES_WORTH_A_PART", most)
        most_cuts = int(max(np.diff(np.searchsorted(_cuts(forest), np.arange(N_FEATURES + 1)))))
        monkeypatch.setattr(forest_codes, "_MOST_BYTE_CUTS", most_cuts - 1)
    if way == "walk":
        monkeypatch.setattr(forest_codes.CodedForest, "of", lambda _forest: None)
    assert WAYS[way](forest._codes)


def _cuts(forest: Forest) -> np.ndarray:
    """Return the feature of each different threshold, ascending."""
    numbers = ~forest.is_leaf & ~forest.coded_nodes
    pairs = np.column_stack([forest.features[numbers], forest.thresholds[numbers]])
    return np.unique(pairs, axis=0)[:, 0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_a_walk(seed: int, way: str, monkeypatch: Any) -> None:
    forest, x = random_forest(seed, by_level=way == "levels"), some_rows(601)
    scored_this_way(way, forest, monkeypatch)
    x[2, :3], x[3, :2] = 1e300, -1.0
    expected = naive_sums(forest, x)
    np.testing.assert_array_equal(forest.sums(x), expected)
    np.testing.assert_array_equal(forest.column_sums(list(x.T[:-1]), len(x)), expected)
    np.testing.assert_allclose(forest.sums(x, 0, 2) + forest.sums(x, 2), expected, rtol=1e-12)


@pytest.mark.parametrize("way", ["walk", "words", "bytes"])
def test_trees_deeper_than_a_heap(way: str, monkeypatch: Any) -> None:
    """A chain of 20 splits, one of a single leaf, and values beside each threshold."""
    depth = 20
    inner = np.arange(2 * depth + 1) % 2 == 0
    inner[-1] = False
    thresholds = np.where(inner, np.float32(0.1) * np.arange(2 * depth + 1), 0).astype(np.float32)
    arrays = {
        "features": np.where(inner, 0, -1), "thresholds": thresholds,
        "left": np.where(inner, np.arange(2 * depth + 1) + 1, -1),
        "na_sides": np.where(inner, NA_LEFT, 0), "values": np.arange(2 * depth + 1) * 1.0,
        "bit_starts": np.full(2 * depth + 1, -1), "n_bits": np.zeros(2 * depth + 1),
        "weights": np.ones(2 * depth + 1), "gains": np.ones(2 * depth + 1),
        "bits": np.zeros(0), "starts": np.array([0, 2 * depth + 1]),
    }  # fmt: skip
    arrays["left"][inner] = np.flatnonzero(inner) + 1
    chain = Forest.from_arrays(1, N_FEATURES, arrays)
    leaf = {name: a[-1:] for name, a in arrays.items() if name not in ("starts", "bits")}
    leaf |= {"starts": np.array([0, 1]), "bits": np.zeros(0)}
    forest = chain.then(Forest.from_arrays(1, N_FEATURES, leaf))
    scored_this_way(way, forest, monkeypatch)
    cuts = thresholds[inner].astype(np.float64)
    values = [
        cuts,
        np.nextafter(cuts, -9),
        np.nextafter(cuts, 9),
        [np.nan, np.inf, -np.inf, -1e-50],
    ]
    x = np.zeros((3 * depth + 4, N_FEATURES + 1))
    x[:, 0] = np.concatenate(values)
    np.testing.assert_array_equal(forest.sums(x), naive_sums(forest, x))


@pytest.mark.parametrize("depth", [0, 1, 7, 8])
def test_rows_side_by_side_go_where_one_goes(depth: int) -> None:
    """The vector kernel and the plain one, on made-up heaps."""
    rng = np.random.default_rng(depth)
    n_trees, n_columns, group = 3, 5, 5 * 64
    codes = rng.integers(0, 256, 2 * group).astype(np.uint8)
    ranks = rng.integers(0, 256, n_trees * HEAP + 64).astype(np.uint8)
    shifts = rng.integers(0, 2, len(ranks)).astype(np.uint8)
    columns, starts = np.tile(rng.permutation(n_columns), 24) * 64, np.arange(25) * n_columns
    slots = rng.integers(0, n_columns, len(ranks)).astype(np.uint8)
    heaps = slots, ranks, shifts, columns.astype(np.int32), starts
    for tree in range(n_trees):
        one, all_ = np.zeros((2, 128), np.uint8)
        descend_one_by_one(codes, 0, group, tree, depth, *heaps, one)
        descend(codes, 0, group, tree, depth, *heaps, all_)
        np.testing.assert_array_equal(one, all_)


@pytest.mark.parametrize("na", [255, 65_535])
@pytest.mark.parametrize("n_cuts", [0, 1, 16, 254, 300, 5000])
def test_ranks_of_values(n_cuts: int, na: int) -> None:
    rng = np.random.default_rng(n_cuts)
    n_cuts = min(n_cuts, na - 1)
    cuts = np.unique(rng.normal(size=n_cuts).astype(np.float32))
    keys, n_levels = keys_of(cuts)
    sides = [np.nextafter(cuts.astype(np.float64), side) for side in (-9, 9)]
    ends = [np.inf, -np.inf, np.nan, 0.0, -0.0, -1e-60, 1e300, -1e300]
    x = np.concatenate([rng.normal(size=500), cuts, *sides, ends])
    used, zero = np.array([1], np.int32), np.zeros(1, np.int64)
    ranks = Ranks(used, keys, zero, np.array([n_levels]), na)
    out = ranks.room(len(x))
    ranks.write([np.zeros_like(x), x], 0, len(x), out)
    expected = np.where(np.isnan(x), na, np.searchsorted(cuts, x, "right"))
    np.testing.assert_array_equal(out[: len(x)], expected)


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
