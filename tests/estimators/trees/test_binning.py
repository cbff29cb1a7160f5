"""Cuts and bins against NumPy's searchsorted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dh2o.estimators.trees.binning import (
    BinMap,
    bin_codes,
    bin_numbers,
    code_features,
    number_features,
    quantile_cuts,
)

RNG = np.random.default_rng(3)
SAMPLES = {
    "normal": RNG.normal(size=5000),
    "spike": np.where(RNG.random(5000) < 0.7, 0.0, RNG.normal(size=5000)),
    "integers": RNG.integers(0, 40, 5000).astype(float),
    "close": 1.0 + np.arange(300) * 1e-9,
    "infinite": np.array([-np.inf, 1.0, 2.0, np.inf, np.nan]),
    "one": np.array([4.0]),
    "all NA": np.array([np.nan, np.nan]),
    "empty": np.array([]),
    "huge": np.array([-1.7e308, 1.7e308, 1e300]),
}


def naive_bins(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    bins = [sum(cut <= v for cut in cuts.astype(float)) for v in values]
    return np.where(np.isnan(values), len(cuts) + 1, bins)


def binned(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    padded = np.full(255, np.nan)
    padded[: len(cuts)] = cuts
    out = np.zeros(2 * len(values), np.uint8)
    bin_numbers(values, padded, len(cuts) + 1, out, 1, 2)
    assert (out[::2] == 0).all()
    return out[1::2]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("max_bins", [2, 20, 255])
def test_bins_are_the_number_of_cuts_below(name: str, max_bins: int) -> None:
    values = SAMPLES[name]
    cuts = quantile_cuts(values, max_bins)
    assert cuts.dtype == np.float32
    assert len(cuts) < max_bins
    assert (np.diff(cuts) > 0).all()
    np.testing.assert_array_equal(binned(values[:300], cuts), naive_bins(values[:300], cuts))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=True)))
def test_cuts_part_distinct_values_wherever_float32_can(values: np.ndarray) -> None:
    cuts = quantile_cuts(values, 255).astype(float)
    distinct = np.unique(values[~np.isnan(values)])
    bins = np.searchsorted(cuts, distinct, side="right")
    for below, above, same in zip(distinct[:-1], distinct[1:], np.diff(bins) == 0, strict=True):
        with np.errstate(over="ignore"):
            rounded_up = np.float32(above)
        lower = rounded_up if rounded_up <= above else np.nextafter(rounded_up, np.float32(-np.inf))
        assert not same or lower <= below


def test_quantile_bins_hold_equal_shares() -> None:
    bins = np.searchsorted(quantile_cuts(SAMPLES["normal"], 100).astype(float), SAMPLES["normal"])
    assert np.bincount(bins).min() >= 45
    assert np.bincount(bins).max() <= 55


def test_a_spike_leaves_the_other_bins_to_the_rest() -> None:
    cuts = quantile_cuts(SAMPLES["spike"], 100)
    assert len(cuts) == 99
    assert np.bincount(np.searchsorted(cuts.astype(float), SAMPLES["spike"])).tolist().count(0) == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_go_to_the_bins_of_their_levels(dtype: type) -> None:
    feature = code_features("c", 10, 4)
    bins = feature.levels_of_bins()
    assert bins.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
    codes = np.array([-1, 0, 3, 9, 10], np.int32)
    out = np.zeros(5, dtype)
    bin_codes(codes, bins.astype(dtype), feature.n_bins, out, 0, 1)
    assert out.tolist() == [4, 0, 1, 3, 4]


def test_bin_map_places_narrow_and_wide_features_apart() -> None:
    features = (
        number_features("a", np.zeros(0, np.float32)),
        code_features("wide", 1000, 1024),
        code_features("narrow", 7, 1024),
        code_features("capped", 5000, 600),
    )
    bin_map = BinMap(features)
    assert bin_map.columns.tolist() == [0, -2, 1, -3]  # pairs 1 and 2 follow two bytes
    assert bin_map.width == 2
    starts, sizes = bin_map.table()[:, 0], bin_map.table()[:, 1] + 1
    taken = sorted(zip(starts, starts + sizes, strict=True))
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(taken))
    assert taken[-1][1] <= bin_map.n_slots


def test_outer_bins_end_where_values_do_unless_they_are_outliers() -> None:
    values = np.concatenate([np.arange(100.0), [1e9]])
    edges = number_features("x", np.arange(10, 91, 10, np.float32), values).edges()
    assert edges.tolist() == [0.0, *range(10, 91, 10), 110.0]
    assert number_features("x", np.zeros(0, np.float32), np.full(3, np.nan)).edges().size == 2
    assert np.isfinite(number_features("x", np.array([-np.inf, np.inf], np.float32)).edges()).all()
