from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.models.metrics.score_histogram import (
    ScoreHistogram,
    empty_histogram,
    histogram,
    keys_of,
    merge,
    scores_of,
)


def same(a: ScoreHistogram, b: ScoreHistogram) -> bool:
    equal = np.array_equal(a.keys, b.keys) and np.array_equal(a.counts, b.counts)
    return equal and a.n_dropped == b.n_dropped


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_keys_order_as_scores_and_come_back(scores: list[float]) -> None:
    array = np.array(scores)
    keys = keys_of(array)
    np.testing.assert_array_equal(scores_of(keys), array + 0.0)
    np.testing.assert_array_equal(np.sort(array) + 0.0, scores_of(np.sort(keys)))


def test_counts_are_exact_while_scores_are_few() -> None:
    scores = np.array([0.5, 0.25, 0.5, 0.5, 1.0])
    found = histogram(scores, np.array([0, 1, 1, 1, 0]), None, 2)
    np.testing.assert_array_equal(found.scores, [0.25, 0.5, 1.0])
    np.testing.assert_array_equal(found.counts, [[0, 1], [1, 2], [1, 0]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cap", [16, 1 << 12])
def test_partials_combine_to_the_same_bits_in_any_grouping(cap: int, weighted: bool) -> None:
    rng = np.random.default_rng(1)
    scores, groups = rng.beta(0.5, 3, 3000), rng.integers(0, 2, 3000)
    weights = rng.integers(0, 5, 3000) if weighted else None

    def part(rows: np.ndarray) -> ScoreHistogram:
        return histogram(
            scores[rows], groups[rows], None if weights is None else weights[rows], 2, cap
        )

    whole = part(np.arange(3000))
    assert len(whole.keys) <= cap
    pieces = [part(rows) for rows in np.array_split(rng.permutation(3000), 7)]
    left = empty_histogram(2, cap)
    for piece in pieces:
        left = merge(left, piece)
    right = merge(
        merge(pieces[6], pieces[2]),
        merge(merge(pieces[0], pieces[1]), merge(pieces[4], merge(pieces[3], pieces[5]))),
    )
    assert same(left, whole)
    assert same(right, whole)


def test_negative_scores_and_three_groups() -> None:
    found = histogram(np.array([-1.0, 2.0, -1.0]), np.array([2, 1, 0]), None, 3)
    np.testing.assert_array_equal(found.scores, [-1.0, 2.0])
    np.testing.assert_array_equal(found.counts, [[1, 0, 1], [0, 1, 0]])


def test_one_bit_makes_a_key_and_coarsening_is_least() -> None:
    scores = np.linspace(0.5, 1.0, 1024, endpoint=False)
    found = histogram(scores, np.zeros(1024, dtype=int), None, 2, cap=512)
    assert len(found.keys) == 512
    assert found.counts.sum() == 1024
