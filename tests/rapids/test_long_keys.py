"""Keys that leave no room for the row's number, spread to buckets: in the order numpy finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import Engine
from dh2o.rapids import long_keys
from dh2o.rapids.long_keys import by_long_keys
from dh2o.rapids.ordering import SPREAD_ROWS, ordered, parallel

WAYS: dict[str, Any] = {  # draws n keys of 64 bits
    "even": lambda draw, n: draw.integers(0, 1 << 64, n, dtype=np.uint64),
    "equal": lambda _draw, n: np.full(n, (1 << 64) - 1, dtype=np.uint64),
    "of two": lambda draw, n: draw.choice(np.array([0, (1 << 64) - 1], np.uint64), n),
    "short": lambda draw, n: draw.integers(0, 3, n, dtype=np.uint64),
    "far apart": lambda draw, n: draw.integers(0, 3, n, dtype=np.uint64) << np.uint64(61),
    "uneven": lambda draw, n: np.exp(5 * draw.normal(size=n)).view(np.uint64),
    "often": lambda draw, n: np.round(draw.random(n), 3).view(np.uint64),
    "nearly one": lambda draw, n: (
        np.where(draw.random(n) < 0.01, 0, 1 << 63).astype(np.uint64)
        | draw.integers(0, 1 << 50, n, dtype=np.uint64)
    ),
}


def _one_by_one(fn: Any, items: Any) -> list[Any]:
    return [fn(item) for item in items]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_rows", [0, 1, 2, 100, 40_000])
@pytest.mark.parametrize("n_parts", [1, 3])
def test_rows_are_in_the_stable_order_of_their_keys(way: str, n_rows: int, n_parts: int) -> None:
    keys = WAYS[way](np.random.default_rng(n_rows), n_rows)
    parts = [n_rows * k // n_parts for k in range(n_parts + 1)]
    rows, found = by_long_keys(keys, np.empty(0, dtype=np.int64), parts, _one_by_one)
    expected = np.argsort(keys, kind="stable")
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(found, keys[expected])


def test_rows_may_come_in_an_order_of_their_own() -> None:
    draw = np.random.default_rng(2)
    keys, before = WAYS["often"](draw, 5000), draw.permutation(5000)
    rows, _ = by_long_keys(keys[before], before, [0, 1000, 5000], _one_by_one)
    np.testing.assert_array_equal(rows, before[np.argsort(keys[before], kind="stable")])


def test_buckets_that_are_too_large_are_spread_again(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = WAYS["nearly one"](np.random.default_rng(3), 300_000)
    spread, sizes = long_keys._spread, []

    def counted(word: Any, *how: Any) -> None:
        sizes.append(len(word))
        spread(word, *how)

    monkeypatch.setattr(long_keys, "_spread", counted)
    by_long_keys(keys, np.empty(0, dtype=np.int64), [0, len(keys)], _one_by_one)
    assert sizes[0] == len(keys)
    assert len(sizes) > 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spread", [False, True])
def test_words_are_ordered_one_after_the_other(engine: Engine, way: str, spread: bool) -> None:
    n_rows = 2 * SPREAD_ROWS if spread else SPREAD_ROWS
    draw = np.random.default_rng(4)
    words = np.stack(
        [draw.integers(0, 9, n_rows, dtype=np.uint64), *(WAYS[way](draw, n_rows) for _ in range(2))]
    )
    found = ordered(words, (4, 64, 64), spread=spread)
    expected = np.lexsort(words[::-1])
    np.testing.assert_array_equal(found.rows, expected)
    np.testing.assert_array_equal(found.keys, words[:, expected])


def test_threads_give_the_order_of_one(engine: Engine) -> None:
    keys = WAYS["uneven"](np.random.default_rng(5), 400_000)
    parts, none = [0, 150_000, 400_000], np.empty(0, dtype=np.int64)
    of_threads = by_long_keys(keys, none, parts, parallel)
    for ours, theirs in zip(
        of_threads, by_long_keys(keys, none, [0, 400_000], _one_by_one), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
