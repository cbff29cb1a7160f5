"""Kernels beside their naive twins."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.estimators.kmeans import kernels
from dh2o.estimators.kmeans.constrained import deal_out
from dh2o.estimators.kmeans.random_rows import seeded, uniform


def tile(n: int, p: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(-1, 1, (p, n)), 1)  # few different values: many ties
    hi = x.astype(np.float32)
    return hi, (x - hi).astype(np.float32), rng.integers(0, 3, (2, n)).astype(np.int32)


@pytest.mark.parametrize("k", [1, 3, 4, 9])
@pytest.mark.parametrize("n", [1, 300, 700])
def test_the_nearest_centre_is_the_exact_first_one(k: int, n: int) -> None:
    hi, lo, codes = tile(n, 5)
    x = hi.astype(np.float64) + lo
    rng = np.random.default_rng(1)
    centers = np.round(rng.uniform(-1, 1, (k, 5)), 1)
    levels = rng.integers(0, 3, (k, 2)).astype(np.int32)
    norms = np.square(x).sum(axis=0)
    squares = np.square(centers).sum(axis=1)
    label, rivals = np.zeros(n, np.int32), np.zeros(n, np.int32)
    doubled = np.zeros((-(-k // 4) * 4, 5), np.float32)
    doubled[:k] = -2 * centers
    kernels.choose(
        hi, codes, norms.astype(np.float32), doubled, levels,
        np.float32(0.25), squares.astype(np.float32), (squares * 2.0**-20).astype(np.float32),
        (13 * 2.0**-23 * np.sqrt(squares)).astype(np.float32), label, rivals,
    )  # fmt: skip
    kernels.settle(hi, lo, codes, centers, levels, 0.25, rivals, label)
    for r in range(n):
        d = [
            sum((x[q, r] - c[q]) ** 2 for q in range(5)) + 0.25 * (codes[:, r] != level).sum()
            for c, level in zip(centers, levels, strict=True)
        ]
        assert d[label[r]] == pytest.approx(min(d), abs=1e-15)
        assert rivals[r] >= 1


@pytest.mark.parametrize("rows", [[], [3, 5, 6]])
def test_rows_are_split_into_two_floats_each(rows: list[int]) -> None:
    rng = np.random.default_rng(5)
    columns = [rng.normal(size=9) for _ in range(3)]
    columns[1][5] = np.nan
    chosen = rows or list(range(9))
    means, factors = rng.normal(size=3), rng.uniform(size=3)
    hi, lo = np.empty((2, 3, len(chosen)), np.float32)
    norms = np.empty(len(chosen))
    addresses = np.array([column.ctypes.data for column in columns], np.uint64)
    kernels.prepare(addresses, np.array(rows, np.int64), means, factors, hi, lo, norms)
    wanted = np.nan_to_num((np.array(columns)[:, chosen].T - means) * factors).T
    np.testing.assert_array_equal(hi, wanted.astype(np.float32))
    np.testing.assert_array_equal(lo, (wanted - hi).astype(np.float32))
    np.testing.assert_allclose(norms, np.square(wanted).sum(axis=0), rtol=1e-13)


def test_moves_add_up_to_the_sums_of_the_last_labels() -> None:
    hi, lo, codes = tile(500, 4)
    x = hi.astype(np.float64) + lo
    rng = np.random.default_rng(2)
    scales, starts = np.full(5, 2.0**40), np.array([0, 3, 6])
    old = np.full(500, -1, np.int32)
    sums, squares, sizes = np.zeros((4, 3), np.int64), np.zeros(3, np.int64), np.zeros(3, np.int64)
    counts = np.zeros((6, 3), np.int64)
    for n_kept in (0, 0, 333):
        new = np.where(np.arange(500) < n_kept, old, rng.integers(0, 3, 500)).astype(np.int32)
        kernels.move(hi, lo, codes, scales, starts, old, new, sums, squares, sizes, counts)
    words = np.rint(x * 2.0**40).astype(np.int64)
    for j in range(3):
        np.testing.assert_array_equal(sums[:, j], words[:, new == j].sum(axis=1))
        assert sizes[j] == (new == j).sum()
        assert counts[:3, j].tolist() == np.bincount(codes[0, new == j], minlength=3).tolist()
    assert squares.sum() / 2.0**40 == pytest.approx(np.square(x).sum())


def test_random_numbers_are_those_of_pcg() -> None:
    """Against PCG in whole numbers of any size, written out from O'Neill's paper."""

    def reference(seed: int) -> float:
        state, words = ((3 + seed) * 6364136223846793005 + 3) % 2**64, []
        for _ in range(4):
            mixed = (((state >> 18) ^ state) >> 27) % 2**32
            turn = state >> 59
            words.append(((mixed >> turn) | (mixed << ((-turn) % 32))) % 2**32)
            state = (state * 6364136223846793005 + 3) % 2**64
        return ((words[1] % 2**26) * 2**27 + words[3] % 2**27) / 2**53

    for seed in (0, 1, 12345, -1, 2**62):
        value, _ = uniform(np.uint64(seeded(np.int64(seed))))
        assert value == reference(seed % 2**64)


@pytest.mark.parametrize("least", [(0, 0, 0), (5, 5, 5), (1, 10, 3), (15, 0, 0)])
def test_rows_are_dealt_out_at_the_least_cost(least: tuple[int, ...]) -> None:
    from scipy.optimize import linear_sum_assignment

    d = np.random.default_rng(3).uniform(size=(15, 3))
    labels = deal_out(d, least)
    sizes = np.bincount(labels, minlength=3)
    assert (sizes >= least).all()
    fixed = [j for j, n in enumerate(least) for _ in range(n)]
    free = 15 - len(fixed)
    costs = np.concatenate([d[:, fixed], np.repeat(d.min(axis=1, keepdims=True), free, 1)], axis=1)
    rows, columns = linear_sum_assignment(costs)
    assert d[np.arange(15), labels].sum() == pytest.approx(costs[rows, columns].sum())
