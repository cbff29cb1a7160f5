"""Packed words hold what they are meant to hold, and never overflow."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.estimators.trees.arrays import PAD
from dh2o.estimators.trees.fixed_point import FixedPoint, WeightFacts
from dh2o.estimators.trees.gradients import Loss, fill_words, uniform
from dh2o.estimators.trees.probabilities import fill_logistic, fill_shares
from dh2o.estimators.trees.records import NO_WORD, ROW_MASK, TERM_SHIFT, RecordLayout

SIZES = [1, 2, 100, 10**6, 10**8]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("mean", "whole"), [(1.0, True), (2.0, True), (0.37, False)])
def test_the_worst_sums_fit_into_64_bits(n: int, mean: float, whole: bool) -> None:
    fixed = FixedPoint.of(WeightFacts(n, n * mean, mean, whole))
    scale = fixed.gradient_scale(3.0)
    gradients = n * int(3.0 * scale + 1)
    weights = n * int(mean * fixed.weight_scale + 1)
    assert weights < 1 << fixed.shift
    assert (gradients + 1) << fixed.shift <= 2**63
    coarse = int(3.0 * scale + 1) >> (fixed.square_shift - fixed.shift)
    assert n * (coarse + 1) ** 2 < 2**63
    assert fixed.gradient_bits >= 1


def test_more_rows_than_words_can_count_are_refused() -> None:
    with pytest.raises(ModelError, match="4000000000 rows"):
        FixedPoint.of(WeightFacts(4 * 10**9, 4e9, 1.0, True))


def test_whole_weights_are_exact_and_small_data_have_fine_gradients() -> None:
    fixed = FixedPoint.of(WeightFacts(10**6, 3e6, 9.0, True))
    assert fixed.weight_scale == 1.0
    assert FixedPoint.of(WeightFacts(10**6, 1e6, 1.0, True)).gradient_bits >= 20
    assert FixedPoint.of(WeightFacts(400, 400, 1.0, True)).gradient_bits == 40


WORDS = RecordLayout(0, 0, 8).place  # records that hold nothing but their word


@pytest.mark.parametrize("loss", [Loss.GAUSSIAN, Loss.BERNOULLI, Loss.POISSON, Loss.LAPLACE])
@pytest.mark.parametrize("rate", [1.0, 0.4])
@pytest.mark.parametrize("has_leaves", [False, True])
def test_words_of_rows(loss: Loss, rate: float, has_leaves: bool) -> None:
    rng = np.random.default_rng(0)
    n = 1300
    y, f = (rng.random(n) < 0.5) * 1.0, rng.normal(size=n)
    weights = rng.integers(1, 4, n).astype(np.float32)
    ids, rows = np.arange(n, dtype=np.uint32) + 77, rng.permutation(n)
    tags, words = np.zeros(n + PAD, np.int64), np.zeros(n, np.int64)
    tags[:n] = rows
    facts, out = np.stack([f, y], axis=1).reshape(-1), np.zeros(4, np.int64)
    ends = np.array([3, 511, 512, 1100])  # the records from the last one on are in no leaf
    values = np.array([0.5, -1.0, 2.0, 0.25])
    leaves = (ends, values) if has_leaves else (ends[:0], values[:0])
    if has_leaves:
        f[rows] += np.concatenate([np.repeat(values, np.diff(ends, prepend=0)), np.zeros(n - 1100)])
    for start, stop in ((0, 700), (700, n)):  # of which the second starts in the middle of a leaf
        fill_words(
            int(loss), 0.0, -1, facts, 2, np.zeros(1), weights, ids[:1] if rate < 1 else ids,
            start, stop, np.array([2.0**20, 1.0, 2.0**16, 20.0]), 20, np.array([5, 0]),
            np.array([rate]), WORDS, words.view(np.uint8), tags, *leaves, out,
        )  # fmt: skip
    np.testing.assert_array_equal(facts.reshape(n, 2), np.stack([f, y], axis=1))
    z, d = {
        Loss.GAUSSIAN: (y - f, np.ones(n)),
        Loss.BERNOULLI: (y - 1 / (1 + np.exp(-f)), np.exp(-f) / (1 + np.exp(-f)) ** 2),
        Loss.POISSON: (y - np.exp(f), np.exp(f)),
        Loss.LAPLACE: (np.where(y > f, 0.5, -0.5), np.ones(n)),
    }[loss]
    used = np.array([uniform(5, i) < rate for i in ids])[rows]
    np.testing.assert_array_equal(words != NO_WORD, used)
    assert out[:2].tolist() == [used.sum(), (~used).sum()]
    words, here = words[used], rows[used]
    np.testing.assert_allclose(
        (words >> 20) / 2.0**20, (weights * z)[here], atol=2.0**-20, rtol=1e-6
    )
    np.testing.assert_array_equal(words & (2**20 - 1), weights[here])
    np.testing.assert_array_equal(tags[:n] & ROW_MASK, rows)
    terms = tags[:n][used] >> TERM_SHIFT
    np.testing.assert_allclose(terms / 2.0**16, (weights * d)[here], atol=1e-4, rtol=1e-6)
    assert out[2] == words.sum()
    squares = (words >> 20).astype(object) ** 2 // weights[here].astype(int)
    assert out[3] == squares.sum()


def test_rounding_at_random_is_unbiased_and_repeatable() -> None:
    n = 200_000
    draws = []
    tags = np.zeros(n + PAD, np.int64)
    tags[:n] = np.arange(n)
    for key in (3, 3, 4):
        words, out = np.zeros(n, np.int64), np.zeros(4, np.int64)
        fill_words(
            int(Loss.GAUSSIAN), 0.0, -1, np.tile([0.0, 0.3], n), 2, np.zeros(1),
            np.ones(1, np.float32), np.arange(n, dtype=np.uint32), 0, n,
            np.array([1.0, 1.0, 1.0, 20.0]), 20, np.array([1, key]), np.ones(1), WORDS,
            words.view(np.uint8), tags.copy(), np.zeros(0, np.int64), np.zeros(0), out,
        )  # fmt: skip
        draws.append(words >> 20)
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()
    assert draws[0].mean() == pytest.approx(0.3, abs=0.01)


def test_probabilities_are_those_of_the_library() -> None:
    x = np.concatenate([np.linspace(-40, 40, 100_001), [-800.0, -708.0, 0.0, 708.0, 800.0]])
    p, shares = np.zeros_like(x), np.zeros_like(x)
    fill_logistic(x, p)
    fill_shares(x, np.full_like(x, 1.5), shares)
    cut = np.clip(x, -708, 708)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-cut)), rtol=3e-15)
    np.testing.assert_allclose(shares, np.exp(np.clip(x - 1.5, -708, 708)), rtol=3e-15)
