"""Split search against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dh2o.estimators.trees.splitting import (
    NA_LEFT,
    NA_RIGHT,
    NA_VS_REST,
    UNSEEN_LEFT,
    UNSEEN_RIGHT,
    _sort_levels,
    merge_cells,
    route_tables,
    scan_pairs,
)

SHIFT = 20
N_BINS = 7


def words(gradients: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (gradients.astype(np.int64) << SHIFT) + weights


def histogram(seed: int, with_na: bool, empty: float = 0.3) -> np.ndarray:
    """Return N_BINS value bins and NA's, some of them empty."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 30, N_BINS + 1)
    gradients = rng.integers(-500, 500, N_BINS + 1)
    hist = words(gradients, weights)
    hist[:N_BINS][rng.random(N_BINS) < empty] = 0
    hist[N_BINS] *= with_na
    return hist


def score(left: int, total: int, min_weight: float) -> float:
    sides = []
    for word in (left, total - left):
        weight, gradient = word & ((1 << SHIFT) - 1), word >> SHIFT
        if weight < max(min_weight, 1):
            return -1.0
        sides.append(gradient**2 / weight)
    return sum(sides)


def naive_best(hist: np.ndarray, coded: bool, min_weight: float) -> float:
    total, na = int(hist.sum()), int(hist[N_BINS])
    best = -1.0
    sets = (
        itertools.chain.from_iterable(
            itertools.combinations(range(N_BINS), n) for n in range(1, N_BINS + 1)
        )
        if coded
        else [tuple(range(b)) for b in range(1, N_BINS + 1)]
    )
    for chosen in sets:
        left = sum(int(hist[b]) for b in chosen)
        for with_na in {0, na}:
            best = max(best, score(left + with_na, total, min_weight))
    return best


def scan(
    hist: np.ndarray, coded: bool, min_weight: float, sign: int = 0, noise: float = 0.0
) -> dict[str, object]:
    features = np.array([[0, N_BINS, coded, sign]], np.int32)
    rows = np.array([[0, 0, 1, 0, -1]], np.int32)
    totals = np.array([[hist.sum(), 0]])
    gains, splits = np.zeros((1, 2)), np.zeros((1, 2, 3), np.int32)
    left = np.zeros((1, 2), np.int64)
    facts = np.array([[[min_weight, noise], [0.0, -1.0]]])
    ints, one = np.zeros((5, N_BINS + 1), np.int64), np.zeros((1, 2), np.int64)
    out = np.zeros(len(hist), np.int64)
    scan_pairs(
        0, 1, hist, hist, out, len(hist), rows, totals, facts, one, features,
        np.ones((1, 1), np.uint8), 1, 0, False, np.zeros(0), SHIFT, np.zeros(1, np.int32),
        ints, np.zeros(N_BINS + 1), gains, splits, left,
    )  # fmt: skip
    feature, cut, side = splits[0, 0]
    if feature < 0:
        return {"score": -1.0}
    table = np.full(N_BINS + 3, 9, np.uint8)
    sides = np.zeros(1, np.int8)
    chosen = np.array([[feature, cut, side]], np.int32)
    bits = np.zeros(1, np.uint8)
    route_tables(
        out, len(hist), np.zeros(1, np.int32), totals[0, :1], left[0, :1], features, chosen, SHIFT,
        ints, np.array([1]), table, sides, np.array([0]), bits,
    )  # fmt: skip
    assert np.unpackbits(bits, bitorder="little")[:N_BINS].tolist() == (1 - table[1:-2]).tolist()
    assert table[0] == 9
    assert table[N_BINS + 2] == 9
    total = int(hist.sum())
    weight, gradient = total & ((1 << SHIFT) - 1), total >> SHIFT
    return {
        "score": gains[0, 0] + gradient**2 / weight,
        "left": int(left[0, 0]),
        "goes_left": table[1 : N_BINS + 2],
        "side": int(sides[0]),
        "cut": int(cut),
    }


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("with_na", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_best_split_is_the_best_of_all(seed: int, coded: bool, with_na: bool) -> None:
    hist = histogram(seed, with_na)
    min_weight = [1.0, 20.0][seed % 2]
    found, best = scan(hist, coded, min_weight), naive_best(hist, coded, min_weight)
    total = int(hist.sum())
    base = (total >> SHIFT) ** 2 / (total & ((1 << SHIFT) - 1))
    if best <= base:
        assert found == {"score": -1.0}
        return
    assert found["score"] == pytest.approx(best, rel=1e-12)
    table = np.asarray(found["goes_left"])
    assert int(hist[table == 1].sum()) == found["left"]
    assert score(int(found["left"]), total, min_weight) == pytest.approx(best, rel=1e-12)


def test_na_sides() -> None:
    gradients, weights = np.array([-90, 50, 70, 0, 0, 0, 0, 60]), np.full(8, 10)
    hist = words(gradients, weights)
    hist[3:7] = 0
    assert scan(hist, False, 1.0)["side"] == NA_RIGHT
    hist[7] = words(np.array([-90]), np.array([10]))[0]
    assert scan(hist, False, 1.0)["side"] == NA_LEFT
    hist[:3] = words(np.array([50, 50, 50]), np.full(3, 10))
    found = scan(hist, False, 1.0)
    assert found["side"] == NA_VS_REST
    assert np.asarray(found["goes_left"]).tolist() == [1] * 7 + [0]


@pytest.mark.parametrize(("heavy", "side"), [(0, UNSEEN_LEFT), (6, UNSEEN_RIGHT)])
def test_na_that_the_node_never_saw_follows_the_heavier_side(heavy: int, side: int) -> None:
    weights = np.full(8, 5)
    weights[heavy] = 100
    hist = words(np.array([-500, -40, -40, -40, 40, 40, 500, 0]), weights)
    hist[7] = 0
    assert scan(hist, False, 1.0)["side"] == side


def test_a_cut_lies_in_the_middle_of_a_gap() -> None:
    hist = words(np.array([-50, 0, 0, 0, 0, 0, 50, 0]), np.array([10, 0, 0, 0, 0, 0, 10, 0]))
    assert scan(hist, False, 1.0)["cut"] == 4


def test_empty_levels_follow_the_side_with_more_levels() -> None:
    hist = words(np.array([-50, 0, 40, 50, 0, 60, 45, 0]), np.array([10, 0, 10, 10, 0, 10, 10, 0]))
    table = np.asarray(scan(hist, True, 1.0)["goes_left"])
    assert table[:N_BINS].tolist() == [1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("sign", [-1, 1])
def test_monotone_splits_keep_their_sign(sign: int) -> None:
    hist = words(np.arange(-40, 40, 10), np.full(8, 10))
    hist[7] = 0
    found = scan(hist, False, 1.0, sign)
    assert (found["score"] == -1.0) == (sign == -1)


def test_sibling_is_parent_less_built() -> None:
    rng = np.random.default_rng(0)
    left, right = histogram(1, True), histogram(2, True)
    parent, built = np.zeros(24, np.int64), np.zeros(24, np.int64)
    parent[8:16], built[16:24] = left + right, right
    rows = np.array([[1, 2, 0, 1, 0]], np.int32)
    out = rng.integers(0, 9, 16)
    totals = np.array([[left.sum(), right.sum()]])
    gains, splits = np.zeros((1, 2)), np.zeros((1, 2, 3), np.int32)
    facts = np.tile([1.0, 0.0], (1, 2, 1))
    scan_pairs(
        0, 1, parent, built, out, 8, rows, totals, facts, np.zeros((1, 2), np.int64),
        np.array([[0, N_BINS, 0, 0]], np.int32), np.ones((1, 1), np.uint8), 1, 0, False,
        np.zeros(0), SHIFT, np.zeros(1, np.int32), np.zeros((5, 8), np.int64), np.zeros(8),
        gains, splits, np.zeros((1, 2), np.int64),
    )  # fmt: skip
    np.testing.assert_array_equal(out, np.concatenate([right, left]))


def test_a_split_on_levels_pays_for_each_of_them() -> None:
    hist = histogram(3, False, empty=0.0)
    free, dear = (scan(hist, True, 1.0, noise=noise) for noise in (0.0, 10.0))
    assert free["left"] == dear["left"]
    assert float(str(free["score"])) - float(str(dear["score"])) == pytest.approx(60.0)
    assert scan(hist, True, 1.0, noise=1e9) == {"score": -1.0}
    assert scan(hist, False, 1.0, noise=10.0)["score"] == scan(hist, False, 1.0)["score"]


def test_constant_features_do_not_use_up_a_try() -> None:
    varies, constant = histogram(1, True, empty=0.0), np.zeros(N_BINS + 1, np.int64)
    constant[2] = varies.sum()
    hist = np.concatenate([constant] * 5 + [varies] + [constant] * 4)
    table = np.array([[k * (N_BINS + 1), N_BINS, 0, 0] for k in range(10)], np.int32)
    for key in range(20):
        gains, splits = np.zeros((1, 2)), np.zeros((1, 2, 3), np.int32)
        scan_pairs(
            0, 1, hist, hist, np.zeros(len(hist), np.int64), len(hist),
            np.array([[0, 0, 1, 0, -1]], np.int32), np.array([[varies.sum(), 0]]),
            np.tile([1.0, 0.0], (1, 2, 1)), np.array([[key, 0]]), table,
            np.ones((1, 10), np.uint8), 1, 0, False, np.zeros(0), SHIFT,
            np.zeros(10, np.int32), np.zeros((5, N_BINS + 2), np.int64), np.zeros(N_BINS + 2),
            gains, splits, np.zeros((1, 2), np.int64),
        )  # fmt: skip
        assert splits[0, 0, 0] == 5


@pytest.mark.parametrize("varied", [False, True])
def test_a_feature_that_the_parent_could_use_uses_up_a_try(varied: bool) -> None:
    """Feature 0 is constant in the node, feature 1 is not: one try finds 1 unless 0 takes it."""
    varies, constant = histogram(1, True, empty=0.0), np.zeros(N_BINS + 1, np.int64)
    constant[2] = varies.sum()
    hist = np.concatenate([constant, varies])
    parent = hist.copy()
    parent[4] += varied * words(np.array([3]), np.array([3]))[0]
    table = np.array([[k * (N_BINS + 1), N_BINS, 0, 0, 0] for k in range(2)], np.int32)
    found = set()
    for key in range(20):
        gains, splits = np.zeros((1, 2)), np.zeros((1, 2, 3), np.int32)
        scan_pairs(
            0, 1, parent, hist, np.zeros(len(hist), np.int64), len(hist),
            np.array([[0, 0, 1, 0, -1]], np.int32), np.array([[varies.sum(), 0]]),
            np.tile([1.0, 0.0], (1, 2, 1)), np.array([[key, 0]]), table, np.ones((1, 2), np.uint8),
            1, 0, False, np.zeros(0), SHIFT, np.zeros(2, np.int32),
            np.zeros((5, N_BINS + 2), np.int64), np.zeros(N_BINS + 2), gains, splits,
            np.zeros((1, 2), np.int64),
        )  # fmt: skip
        found.add(int(splits[0, 0, 0]))
    assert found == ({-1, 1} if varied else {1})


@pytest.mark.parametrize("n_cells", [3, 7, 20])
@pytest.mark.parametrize("seed", range(5))
def test_bins_of_a_cell_are_merged(n_cells: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort(rng.normal(size=101))
    bins = np.sort(rng.permutation(100)[:40])
    ints = np.zeros((5, 100), np.int64)
    ints[0, :40], ints[1, :40] = bins, rng.integers(1, 1000, 40)
    loads = ints[1, :40].copy()
    n = merge_cells(40, 100, n_cells, 0, 0, 0, edges, ints)
    low, high = edges[bins[0]], edges[bins[-1] + 1]
    cells = ((edges[bins] - low) * (n_cells / (high - low))).astype(int)
    groups = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    assert n == len(groups) <= n_cells
    assert ints[0, :n].tolist() == [bins[group[-1]] for group in groups]
    assert ints[3, :n].tolist() == [bins[group[0]] for group in groups]
    assert ints[1, :n].tolist() == [loads[group].sum() for group in groups]


def test_shifted_cells_depend_on_the_key_and_few_bins_stay() -> None:
    def merged(n_cells: int, key: int) -> list[int]:
        ints = np.zeros((5, 100), np.int64)
        ints[0], ints[1] = np.arange(100), 1
        n = merge_cells(100, 100, n_cells, key, 3, 0, np.arange(101.0), ints)
        assert ints[1, :n].sum() == 100
        return ints[0, :n].tolist()

    assert merged(10, 5) == merged(10, 5)
    assert len({tuple(merged(10, key)) for key in range(1, 9)}) > 1
    assert all(len(merged(10, key)) in (10, 11) for key in range(9))
    assert merged(0, 5) == merged(100, 5) == list(range(100))


@pytest.mark.parametrize("n", [1, 16, 17, 40, 300])
@pytest.mark.parametrize("kind", ["even", "ties", "outlier", "weightless"])
def test_levels_are_sorted_by_mean_then_level(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    gradients, weights = rng.integers(-(10**6), 10**6, n), rng.integers(1, 50, n)
    if kind == "ties":
        gradients, weights = rng.integers(0, 3, n), np.ones(n, np.int64)
    elif kind == "outlier":
        gradients[0], weights[0] = 2**40, 1
    elif kind == "weightless":  # second derivatives may be too small to count
        gradients[::5], weights[::5] = 7, 0
    ints = np.zeros((5, 2 * n + 1), np.int64)
    ints[0, :n] = np.sort(rng.permutation(2 * n)[:n])
    ints[1, :n] = words(gradients, weights)
    with np.errstate(divide="ignore"):
        means = gradients / weights
    order = np.lexsort([ints[0, :n], means])
    expected = ints[:2, :n][:, order]
    _sort_levels(n, SHIFT, ints)
    np.testing.assert_array_equal(ints[:2, :n], expected)
