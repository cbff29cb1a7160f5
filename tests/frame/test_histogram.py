from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from dh2o.frame import Frame
from dh2o.frame.histogram import PERCENTILES
from dh2o.mrtask import Engine


def frame_of(values: object, **options: str) -> Frame:
    return Frame.from_arrow(pa.table({"x": values}), **options)


def test_one_bin_per_integer(engine: Engine) -> None:
    histogram = frame_of([1, 3, 3, 5, None]).histogram("x")
    assert histogram.bins.tolist() == [1, 0, 2, 0, 1]
    assert (histogram.base, histogram.stride) == (1.0, 1.0)


def test_a_thousand_bins_for_reals(any_engine: Engine) -> None:
    values = np.random.default_rng(0).random(5000)
    histogram = frame_of(values).rebalance((2000, 0, 3000)).histogram("x")
    assert len(histogram.bins) == 1000
    assert histogram.bins.sum() == 5000
    got = np.array(histogram.percentiles)
    assert np.abs(got - np.quantile(values, PERCENTILES)).max() <= histogram.stride


def test_one_bin_per_level(engine: Engine) -> None:
    histogram = frame_of(["a", "b", "b", None, "c"], strings="enum").histogram("x")
    assert histogram.bins.tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("values", "n_bins"), [([7, 7], 1), (pa.nulls(3), 0), (pa.array([], pa.int8()), 0)]
)
def test_constant_na_and_empty(engine: Engine, values: object, n_bins: int) -> None:
    histogram = frame_of(values).histogram("x")
    assert len(histogram.bins) == n_bins
    if not n_bins:
        assert all(math.isnan(p) for p in histogram.percentiles)


def test_percentiles_of_integers_are_exact(engine: Engine) -> None:
    values = np.random.default_rng(1).integers(0, 900, 2001)
    got = frame_of(values).histogram("x").percentiles
    np.testing.assert_allclose(got, np.quantile(values, PERCENTILES), atol=1e-9)


def test_strings_have_none(engine: Engine) -> None:
    assert len(frame_of(["a", "b"]).histogram("x").bins) == 0
