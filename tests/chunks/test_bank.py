"""Banks: rows taken out of several chunks are the rows that lie there."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import (
    Chunk,
    all_na,
    bounds,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_strings,
)
from dh2o.chunks.bank import bank_of, encode_codes_of
from dh2o.chunks.bounds import grid_bounds

DRAW = np.random.default_rng(2)
COLUMNS: dict[str, list[Chunk]] = {
    "bytes": [encode_floats(DRAW.integers(0, 9, 50).astype(float)), encode_floats([np.nan, 3.0])],
    "wide": [encode_floats(DRAW.integers(0, 1 << 20, 50).astype(float)), encode_floats([-5.0] * 3)],
    "decimals": [encode_floats(np.round(DRAW.random(60), 3)), encode_floats([0.25, np.nan, 7.0])],
    "doubles": [encode_floats(DRAW.normal(size=40)), encode_floats([-0.0, np.inf])],
    "minus zero": [encode_floats([1.0, -0.0, 2.0]), encode_floats([0.0, 4.0])],
    "large": [encode_ints(np.array([2**62, 5])), encode_ints(np.array([-(2**61)]))],
    "all NA": [all_na(3), all_na(2)],
    "some NA": [all_na(3), encode_floats([1.0, 2.0])],
    "constant": [encode_floats([0.5] * 40), encode_floats([0.5] * 2)],
    "sparse": [encode_floats(np.append(np.zeros(90), [1.5, 2.0])), encode_floats([0.0])],
    "empty part": [encode_floats(np.empty(0)), encode_floats([1.0, 2.0])],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_are_those_that_lie_there(name: str) -> None:
    chunks = COLUMNS[name]
    whole = np.concatenate([c.floats() for c in chunks])
    rows = np.append(DRAW.integers(0, len(whole), 100), -1)
    taken = bank_of(chunks).take(rows)
    found = taken.floats()
    expected = np.append(whole, np.nan)[rows]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[:-1]), np.signbit(expected[:-1]))
    assert bank_of(chunks).take(rows[:0]).n_rows == 0
    if name == "large":
        assert bank_of(chunks).take(np.array([2, 0])).ints().tolist() == [-(2**61), 2**62]


def test_many_rows_are_taken_by_the_kernel() -> None:
    values = DRAW.integers(-100, 100, 50_000) / 4
    rows = DRAW.integers(-1, 50_000, 60_000)
    found = bank_of([encode_floats(values)]).take(rows).floats()
    np.testing.assert_array_equal(found, np.append(values, np.nan)[rows])


def test_codes_and_texts_keep_their_kind() -> None:
    codes = bank_of([encode_codes([0, -1, 2]), all_na(1, "code")]).take(np.array([2, 1, 3, -1]))
    assert codes.kind == "code"
    assert codes.codes().tolist() == [2, -1, -1, -1]
    texts = bank_of([encode_strings(["a", None]), encode_strings(["b"])]).take(np.array([2, -1, 0]))
    assert texts.strings().to_pylist() == ["b", None, "a"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 5.0, np.nan], (1, 5, 0)),
        ([0.5, 2.25], (50, 225, 2)),
        ([np.pi], (0, -1, -1)),
        ([np.nan], (0, -1, 0)),
        (list(range(100, 400)), (100, 399, 0)),
    ],
)
def test_bounds_lie_on_the_grid(values: Any, expected: tuple[int, int, int]) -> None:
    assert tuple(grid_bounds(encode_floats(np.array(values, float)))) == expected


def test_bounds_of_a_chunk_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = encode_floats([1.0, 5.0, np.nan])
    found = grid_bounds(chunk)
    again = pickle.loads(pickle.dumps(chunk))  # another chunk: nobody has looked at it
    looked: list[Chunk] = []
    monkeypatch.setattr(bounds, "_grid_bounds", lambda c: looked.append(c) or found)
    assert [grid_bounds(chunk), grid_bounds(again), grid_bounds(again)] == [found] * 3
    assert looked == [again]
    held = weakref.ref(chunk)
    del chunk
    gc.collect()
    assert held() is None  # what was found does not keep it


@pytest.mark.parametrize("n_rows", [0, 1, 100, 10_000])
@pytest.mark.parametrize("n_levels", [0, 1, 2, 255, 5000])
def test_codes_of_places_are_codes_looked_up(n_rows: int, n_levels: int) -> None:
    rng = np.random.default_rng(n_levels)
    lookup = np.concatenate([[-1], rng.permutation(3 * n_levels)[:n_levels]]).astype(np.int32)
    for first in {0, min(n_levels, 1)}:
        for kind in (np.uint8, np.uint16, np.uint32)[n_levels > 255 :]:
            places = rng.integers(first, n_levels + 1, n_rows).astype(kind)
            want, got = encode_codes(lookup[places]), encode_codes_of(lookup, places)
            assert (got.codec, got.kind) == (want.codec, "code")
            np.testing.assert_array_equal(got.codes(), want.codes())
