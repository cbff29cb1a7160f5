from __future__ import annotations

import numpy as np
import pytest

from dh2o.chunks import ChunkStats, encode_codes, encode_floats, encode_ints, encode_strings
from dh2o.chunks.chunk import Chunk

RNG = np.random.default_rng(9)
COLUMNS = {
    "bits": RNG.integers(0, 2, 500) * 1.0,
    "small": np.where(RNG.random(500) < 0.2, np.nan, RNG.integers(-5, 40, 500)),
    "wide": RNG.integers(0, 60_000, 40_000) * 1.0,
    "decimal": RNG.integers(-9000, 9000, 500) / 100,
    "real": RNG.normal(1e6, 1.0, 70_000),
    "sparse": np.where(RNG.random(500) < 0.05, 3.5, 0.0),
    "dictionary": RNG.choice([1.1e-9, np.inf, -np.inf, np.nan, 4.0, -0.0], 500),
    "constant": np.full(3, 2.5),
    "all NA": np.full(7, np.nan),
    "one": np.array([-4.0]),
    "empty": np.array([]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_stats_equal_those_of_the_values(name: str) -> None:
    values = COLUMNS[name]
    stats, x = encode_floats(values).stats(), values[np.isfinite(values)]
    assert (stats.n_rows, stats.n_na) == (len(values), np.isnan(values).sum())
    assert (stats.n_pinf, stats.n_ninf) == ((values == np.inf).sum(), (values == -np.inf).sum())
    assert stats.n_zero == (values == 0).sum()
    assert stats.n_finite == len(x)
    assert list(stats.mins) == np.sort(x)[:5].tolist()
    assert list(stats.maxs) == np.sort(x)[::-1][:5].tolist()
    assert stats.is_int == bool((x == np.rint(x)).all())
    assert stats.mean == pytest.approx(x.mean() if len(x) else 0.0, rel=1e-13)
    assert stats.m2 == pytest.approx(x.var() * len(x) if len(x) else 0.0, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", COLUMNS)
def test_merging_parts_equals_the_whole(name: str) -> None:
    chunk, total = encode_floats(COLUMNS[name]), ChunkStats()
    for start in range(0, chunk.n_rows, 97):
        total += chunk.slice(start, min(start + 97, chunk.n_rows)).stats()
    whole = chunk.stats()
    assert total.mins == whole.mins
    assert total.maxs == whole.maxs
    assert (total.n_rows, total.n_na, total.n_zero) == (whole.n_rows, whole.n_na, whole.n_zero)
    assert total.mean == pytest.approx(whole.mean, rel=1e-12)
    assert total.m2 == pytest.approx(whole.m2, rel=1e-8, abs=1e-12)


def test_five_smallest_keep_repeats() -> None:
    assert encode_ints([3, 1, 1, 2, 9, 8, 1]).stats().mins == (1.0, 1.0, 1.0, 2.0, 3.0)


def test_huge_values_do_not_overflow_the_mean() -> None:
    assert encode_floats([1.7e308, 1.7e308, 0.1]).stats().mean == pytest.approx(1.7e308 / 3 * 2)


def test_text_counts_na_only() -> None:
    stats = encode_strings(["a", None, "b"]).stats()
    assert (stats.n_rows, stats.n_na, stats.min) != (3, 1, 0.0)
    assert np.isnan(stats.min)
    assert not stats.is_int


def test_codes_have_the_stats_of_numbers() -> None:
    chunk: Chunk = encode_codes([0, 2, -1, 2])
    assert (chunk.stats().max, chunk.stats().n_na, chunk.stats().n_zero) == (2.0, 1, 1)
