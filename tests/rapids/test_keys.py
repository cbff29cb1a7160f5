"""Packed keys: order, groups and joins as pandas has them, whatever the keys are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import RapidsError
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame, ordering
from dh2o.rapids.columns import local_table
from dh2o.rapids.groups import group_rows
from dh2o.rapids.keys import key_layout
from dh2o.rapids.ordering import ordered

KEYS: dict[str, list[Any]] = {
    "ints": [np.array([3.0, np.nan, -7, 3, 0])],
    "decimals": [np.array([0.1, 2.25, np.nan, -3.5, 0.1])],
    "doubles": [np.array([np.pi, -np.inf, np.inf, np.nan, -0.0, 0.0, -1e-300])],
    "huge": [np.array([2.0**60, -(2.0**60), np.nan, 1.0])],
    "all NA": [np.full(3, np.nan)],
    "one row": [np.array([4.0])],
    "none": [np.empty(0)],
    "two words": [np.array([1.5, np.pi, np.nan, np.pi]), np.array([np.e, 1.0, 2.0, -1.0])],
}


def _layout(keys: list[Any], down: list[bool]) -> tuple[Any, Any]:
    table = local_table([str(i) for i in range(len(keys))], keys)
    layout = key_layout([(table, table.columns)], down)
    return layout, layout.packed(keys, len(keys[0]))


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("down", [False, True])
def test_keys_come_back_in_order_na_first(engine: Engine, name: str, down: bool) -> None:
    keys = KEYS[name]
    layout, words = _layout(keys, [down] * len(keys))
    for key, again in zip(keys, layout.unpack(words), strict=True):
        np.testing.assert_array_equal(again, key + 0.0)
    ranks = [np.where(np.isnan(k), -np.inf, 0) for k in keys]
    values = [
        np.nan_to_num(-k if down else k, nan=0.0, posinf=np.inf, neginf=-np.inf) for k in keys
    ]
    columns = [c for pair in zip(ranks, values, strict=True) for c in pair]
    expected = np.lexsort(columns[::-1])
    np.testing.assert_array_equal(ordered(words, layout.word_bits).rows, expected)


def test_large_arrays_are_sorted_by_all_threads(engine: Engine) -> None:
    draw = np.random.default_rng(1)
    keys = [draw.integers(0, 50, 400_000).astype(float), np.round(draw.normal(size=400_000), 2)]
    layout, words = _layout(keys, [False, True])
    found = ordered(words, layout.word_bits, spread=True)
    np.testing.assert_array_equal(found.rows, np.lexsort((-keys[1], keys[0])))
    np.testing.assert_array_equal(found.keys, words[:, found.rows])


def test_groups_are_numbered_in_the_order_of_their_keys(engine: Engine) -> None:
    groups, (first, second) = group_rows(
        [np.array([2.0, np.nan, 2, 1]), np.array([0.5, 1, 0.5, 1])]
    )
    assert groups.tolist() == [2, 0, 2, 1]
    assert np.isnan(first[0])
    assert first[1:].tolist() == [1, 2]
    assert second.tolist() == [1, 1, 0.5]


def _data(n_rows: int, n_levels: int, value: str, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    levels = [f"L{i}" for i in range(n_levels)]
    return pd.DataFrame(
        {
            "k": np.where(draw.random(n_rows) < 0.05, np.nan, draw.integers(0, n_levels, n_rows)),
            "r": np.round(draw.normal(size=n_rows), 1),
            "c": pd.Categorical.from_codes(draw.integers(0, n_levels, n_rows), levels),
            value: draw.random(n_rows),
        }
    )


@pytest.mark.parametrize("by", [["k"], ["c"], ["r"], ["c", "k", "r"]])
@pytest.mark.parametrize("n_rows", [300, 120_000])
def test_groups_as_pandas_has_them(any_engine: Engine, by: list[str], n_rows: int) -> None:
    data = _data(n_rows, 40, "v", 3)
    grouped = data.groupby(by, dropna=False, observed=True)["v"]
    expected = grouped.agg(["size", "sum", "mean", "var", "min", "max", "median"]).reset_index()
    expected = expected.sort_values(by, na_position="first", ignore_index=True)
    frame = H2OFrame(data)
    made = frame.group_by(by).count().sum("v").mean("v").var("v").min("v").max("v").median("v")
    found = made.get_frame().as_data_frame()
    assert len(found) == len(expected)
    for ours, theirs in zip(found.columns[len(by) :], expected.columns[len(by) :], strict=True):
        np.testing.assert_allclose(found[ours], expected[theirs].astype(float), rtol=1e-9)


@pytest.mark.parametrize("by", [["k"], ["c"], ["r", "k"]])
@pytest.mark.parametrize(("all_x", "all_y"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("n_rows", [200, 60_000])
def test_joins_as_pandas_has_them(
    any_engine: Engine, by: list[str], all_x: bool, all_y: bool, n_rows: int
) -> None:
    left = _data(n_rows, n_rows // 2, "x", 5)[[*by, "x"]]
    right = _data(n_rows, n_rows // 2, "y", 6)[[*by, "y"]]
    how = "left" if all_x else "right" if all_y else "inner"
    known = [side[side[by].notna().all(axis=1)] for side in (left, right)]
    expected = known[0].merge(known[1], on=by, how=how)
    found = H2OFrame(left).merge(H2OFrame(right), all_x=all_x, all_y=all_y, by_x=by, by_y=by)
    table = found.as_data_frame()
    kept = table[table[by].notna().all(axis=1)]
    assert len(kept) == len(expected)
    for name in ("x", "y"):
        np.testing.assert_allclose(kept[name].sum(), expected[name].sum(), rtol=1e-9)
        assert kept[name].isna().sum() == expected[name].isna().sum()
    first = table[by[0]] if by[0] != "c" else None
    if first is not None:
        assert first.dropna().is_monotonic_increasing


def test_keys_that_would_fill_the_memory_are_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    frame = H2OFrame({"x": list(range(1000))})
    few = psutil.virtual_memory()._replace(available=20_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: few)
    monkeypatch.setattr(ordering, "ALWAYS_FREE", 0)
    with pytest.raises(RapidsError, match=r"1000 rows .* GiB are free"):
        assert frame.sort("x").nrow


@pytest.mark.parametrize("n_words", [1, 2])
def test_ranks_count_rows_without_na_in_their_group(engine: Engine, n_words: int) -> None:
    draw = np.random.default_rng(2)
    data = pd.DataFrame({"g": draw.integers(0, 7, 300), "h": draw.integers(0, 3, 300)})
    data["v"] = draw.permutation(300) + (0.5 if n_words == 1 else np.pi)
    data.loc[draw.random(300) < 0.2, "v"] = np.nan
    found = H2OFrame(data).rank_within_group_by(["g", "h"], ["v"], [False], "rank").as_data_frame()
    keys = [found["g"], found["h"]]
    expected = found.groupby(keys)["v"].rank(ascending=False, method="first")
    np.testing.assert_array_equal(found["rank"], expected)
