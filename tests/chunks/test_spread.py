"""Columns put in order by key: what a stable sort of the keys gives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Chunk, encode_floats, encode_ints, encode_strings, spread
from dh2o.chunks.spread import ByKey, counted


def _one_by_one(fn: Any, items: Any) -> list[Any]:
    return [fn(item) for item in items]


def _by_key(keys: Any, kept: Any, cuts: list[int]) -> ByKey:
    counts = counted(keys, cuts, len(kept), _one_by_one)
    starts = np.append(0, np.cumsum(np.where(kept, counts.sum(axis=0), 0)))
    return ByKey(keys, kept, starts, np.empty(0, np.int64), cuts, counts)


def _columns(n: int) -> list[Any]:
    draw = np.random.default_rng(3)
    some = np.where(draw.random(n) < 0.1, np.nan, draw.integers(0, 9, n))
    wide = draw.integers(0, 1 << 40, n).astype(float)
    return [
        draw.integers(0, 3, n) * 1.0,
        some,
        some * 1000,
        some * 90_000,
        wide,
        draw.normal(size=n),
    ]


def _rows(chunks: list[Chunk]) -> Any:
    return np.concatenate([chunk.floats() for chunk in chunks])


@pytest.mark.parametrize("tile_rows", [1, 70, 1 << 16, 1 << 17])
@pytest.mark.parametrize("n_keys", [7, 500])
def test_rows_come_as_a_stable_sort_puts_them(
    monkeypatch: pytest.MonkeyPatch, n_keys: int, tile_rows: int
) -> None:
    monkeypatch.setattr(spread, "TILE_ROWS", tile_rows)
    monkeypatch.setattr(spread, "MANY_KEYS", 8 if tile_rows == 1 else 1 << 11)
    draw = np.random.default_rng(8)
    cuts = [0, 5000, 5003, 12_000]
    keys = draw.integers(0, n_keys, cuts[-1]).astype(np.uint16)
    kept = np.arange(n_keys) % 5 != 2
    columns = _columns(len(keys))
    parts = [[encode_floats(c[a:b]) for a, b in pairwise(cuts)] for c in columns]
    by_key = _by_key(keys, kept, cuts)
    moving = by_key.moving(parts, _one_by_one)
    for part in reversed(range(moving.n_parts)):  # in any order, so on any threads
        moving.move(part)
    layout = [100, by_key.n_rows - 100]
    order = np.argsort(keys, kind="stable")
    order = order[kept[keys[order]]]
    assert by_key.rows.tolist() == order.tolist()
    for column, chunks in zip(columns, moving.chunks(layout, _one_by_one), strict=True):
        assert [chunk.n_rows for chunk in chunks] == layout
        np.testing.assert_array_equal(_rows(chunks), column[order])


def test_parts_that_were_not_counted_are_counted() -> None:
    keys = np.array([3, 1, 3, 0, 1], np.uint16)
    by_key = _by_key(keys, np.ones(4, np.bool_), [0, 1, 5])
    moving = by_key.moving([[encode_floats(np.arange(3.0)), encode_floats([3.0, 4])]], _one_by_one)
    for part in range(moving.n_parts):
        moving.move(part)
    (chunks,) = moving.chunks([5], _one_by_one)
    assert _rows(chunks).tolist() == [3, 1, 4, 0, 2]


def test_columns_without_numbers_and_holes() -> None:
    keys = np.array([2, 0, 2], np.uint16)
    texts = encode_strings(["a", None, "b"])
    none, ints = encode_floats(np.full(3, np.nan)), encode_ints(np.array([7, 8, 9]))
    counts = counted(keys, [0, 3], 3, _one_by_one)
    by_key = ByKey(
        keys, np.ones(3, np.bool_), np.array([0, 1, 2, 4]), np.array([1]), [0, 3], counts
    )
    moving = by_key.moving([[texts], [none], [ints]], _one_by_one)
    moving.move(0)
    found = moving.chunks([4], _one_by_one)
    assert found[0][0].strings().to_pylist() == [None, None, "a", "b"]
    assert found[1][0].is_all_na
    np.testing.assert_array_equal(found[2][0].floats(), [8, np.nan, 7, 9])
    only_texts = by_key.moving([[texts]], _one_by_one)
    assert only_texts.n_parts == 0
    assert only_texts.chunks([4], _one_by_one)[0][0].strings().to_pylist()[2:] == ["a", "b"]
