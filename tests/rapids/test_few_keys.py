"""Joins by few keys: rows counted and placed are the rows that a loop over keys pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dh2o.chunks import spread
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame, few_keys, rearrange
from dh2o.rapids.columns import local_table
from dh2o.rapids.keys import key_layout
from dh2o.rapids.ordering import parallel
from tests.rapids.test_joining import _slowly

KEEPS = [(False, False), (True, False), (False, True), (True, True)]


def _found(sides: list[list[Any]], keep: tuple[bool, bool]) -> Any:
    tables = [local_table([str(i) for i in range(len(s))], s) for s in sides]
    layout = key_layout([(table, table.columns) for table in tables])
    words = [layout.packed(s, len(s[0])).astype(np.uint16)[0] for s in sides]
    assert few_keys.has_few_keys(layout, [len(w) for w in words])
    return few_keys.placed(words, layout, keep, parallel)


def _sides(n_many: int, few: list[Any], many_is_left: bool) -> list[list[Any]]:
    draw = np.random.default_rng(5)
    many = [draw.integers(0, 30, n_many).astype(float), draw.integers(0, 3, n_many).astype(float)]
    many[0][draw.random(n_many) < 0.05] = np.nan
    return [many, few] if many_is_left else [few, many]


FEW = [np.array([3.0, 1, 40, 7, 7]), np.array([0.0, 2, 0, 1, 2])]  # 40 is not among the many


@pytest.mark.parametrize("many_is_left", [True, False])
@pytest.mark.parametrize("keep", KEEPS)
def test_rows_are_those_of_a_loop(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    keep: tuple[bool, bool],
    many_is_left: bool,
) -> None:
    monkeypatch.setattr("dh2o.rapids.ordering.PARALLEL_ROWS", 1)
    for n_many in (2000, 6, 5):
        sides = _sides(n_many, FEW, many_is_left)
        joined = _found(sides, keep).joined()
        pairs = list(zip(joined.left.tolist(), joined.right.tolist(), strict=True))
        assert pairs == _slowly(sides, keep)
        assert joined.n_rows == len(pairs)
        for k, keys in enumerate(joined.layout.unpack(joined.keys)):
            at_left = joined.left >= 0
            np.testing.assert_array_equal(keys[at_left], sides[0][k][joined.left[at_left]])
            np.testing.assert_array_equal(keys[~at_left], sides[1][k][joined.right[~at_left]])


def test_keys_that_are_not_this_simple_are_left_to_others(engine: Engine) -> None:
    twice = [np.array([3.0, 3.0]), np.array([1.0, 1.0])]
    assert _found(_sides(9, twice, True), (False, False)) is None
    unknown = [np.array([np.nan, 3.0]), np.array([1.0, 1.0])]
    sides = _sides(2000, unknown, True)
    assert _found(sides, (True, True)) is None  # rows of NA on both sides stay: two runs of one key
    for keep in KEEPS[:3]:
        joined = _found(sides, keep).joined()
        pairs = list(zip(joined.left.tolist(), joined.right.tolist(), strict=True))
        assert pairs == _slowly(sides, keep)


def test_unknown_keys_of_rows_that_go_may_occur_twice(engine: Engine) -> None:
    unknown = [np.array([np.nan, np.nan, 3.0]), np.array([1.0, 1.0, 1.0])]
    sides = _sides(300, unknown, True)
    joined = _found(sides, (True, False)).joined()
    assert list(zip(joined.left, joined.right, strict=True)) == _slowly(sides, (True, False))


def _tables() -> tuple[pa.Table, pa.Table]:
    """Return a long table and a short one with columns of every kind, some of them NA."""
    draw = np.random.default_rng(3)
    n = 900

    def columns(key: Any, n: int, mark: str) -> dict[str, Any]:
        ints = draw.integers(0, 70_000, n)
        missing = draw.random(n) < 0.1
        moments = draw.integers(0, 10**12, n) * 1000
        return {
            "key": pa.array(key).dictionary_encode(),
            mark + "few": pa.array(ints % 5),
            mark + "int": pa.array(ints, mask=missing),
            mark + "large": pa.array(ints * 10**12),
            mark + "real": pa.array(draw.normal(size=n), mask=missing),
            mark + "decimal": pa.array(np.round(draw.random(n), 3)),
            mark + "text": pa.array([f"{mark} {i}" for i in ints], mask=missing),
            mark + "time": pa.array(moments, pa.timestamp("us")),
            mark + "none": pa.array([None] * n, pa.float64()),
        }

    keys = [f"k{i}" for i in draw.integers(0, 40, n)]
    few = [f"k{i}" for i in range(5, 60, 2)]
    return pa.table(columns(keys, n, "x")), pa.table(columns(few, len(few), "y"))


@pytest.mark.parametrize("keep", KEEPS)
def test_columns_of_every_kind_are_joined(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, keep: tuple[bool, bool]
) -> None:
    long, short = (H2OFrame(table) for table in _tables())
    for left, right in ((long, short), (short, long)):
        expected = _rows(left.merge(right, *keep, by_x=["key"], by_y=["key"]))
        for tile_rows in (1, 64, 10_000):
            with monkeypatch.context() as patch:
                patch.setattr(rearrange, "SMALL_CELLS", 0)
                patch.setattr(rearrange, "PARALLEL_ROWS", 1)
                patch.setattr(spread, "TILE_ROWS", tile_rows)
                found = _rows(left.merge(right, *keep, by_x=["key"], by_y=["key"]))
            assert found == expected


def _rows(frame: Any) -> Any:
    rows = frame.to_arrow().to_pylist()
    return [{k: None if v != v else v for k, v in row.items()} for row in rows]  # noqa: PLR0124


def test_no_row_has_a_partner(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rearrange, "PARALLEL_ROWS", 1)
    monkeypatch.setattr(rearrange, "SMALL_CELLS", -1)
    left = H2OFrame({"k": [1.0, 2.0, 2.0], "a": ["u", "v", None]})
    right = H2OFrame({"k": [5.0], "b": [7.0]})
    joined = left.merge(right)
    assert (joined.nrow, joined.names) == (0, ["k", "a", "b"])
    both = left.merge(right, True, True)
    assert [both[i, "b"] for i in range(4)][3] == 7.0


def test_levels_are_those_of_the_side_that_leads(engine: Engine) -> None:
    left = H2OFrame(pa.table({"k": pa.array(["b", "a", "c"]).dictionary_encode(), "x": [1, 2, 3]}))
    right = H2OFrame(pa.table({"k": pa.array(["d", "b", "d"]).dictionary_encode(), "y": [4, 5, 6]}))
    levels = left["k"].levels()[0]
    assert left.merge(right)["k"].levels() == [levels]
    assert left.merge(right, all_x=True)["k"].levels() == [levels]
    of_right = left.merge(right, all_y=True)
    assert of_right["k"].levels() == [right["k"].levels()[0]]
    assert of_right.nrow == 3
    assert set(left.merge(right, True, True)["k"].levels()[0]) == {"a", "b", "c", "d"}
