from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.models.metrics.exact_sum import combine_sums, empty_sums, exact_sums, sum_values

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(finite, max_size=30), st.integers(0, 30))
def test_sum_is_correctly_rounded_however_it_is_split(values: list[float], cut: int) -> None:
    whole = sum_values(exact_sums(np.array(values)))[0]
    parts = exact_sums(np.array(values[cut:])), exact_sums(np.array(values[:cut]))
    assert sum_values(combine_sums(*parts)) == [whole]
    exact = sum(map(Fraction, values), Fraction(0))
    try:
        expected = float(exact)
    except OverflowError:
        expected = math.inf if exact > 0 else -math.inf
    assert whole == expected


def test_many_terms_of_all_sizes() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=10_000) * 10.0 ** rng.integers(-300, 300, 10_000)
    assert sum_values(exact_sums(values)) == [math.fsum(values)]


def test_columns_do_not_mix_and_order_does_not_matter() -> None:
    a, b = np.array([1e300, 1.0, -1e300]), np.array([0.1, 0.2, 0.3])
    assert sum_values(exact_sums(a, b)) == [1.0, math.fsum(b)]
    np.testing.assert_array_equal(exact_sums(a), exact_sums(a[::-1]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0.0),
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([5e-324] * 3, 1.5e-323),
        ([-0.0], 0.0),
    ],
)
def test_special_values(values: list[float], expected: float) -> None:
    np.testing.assert_equal(sum_values(exact_sums(np.array(values, dtype=float)))[0], expected)


def test_sums_of_nothing() -> None:
    assert sum_values(empty_sums(2)) == [0.0, 0.0]
