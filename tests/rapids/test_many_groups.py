"""Groups found in one process have the bits of those that blocks bring and merge along a tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import Engine
from dh2o.rapids.columns import local_table
from dh2o.rapids.groups import MOMENTS, RANGE, SUMS, GroupTask
from dh2o.rapids.keys import key_layout
from dh2o.rapids.many_groups import grouped_here
from dh2o.rapids.passes import reduce, store_local

WANTED = (frozenset({SUMS}), frozenset({MOMENTS, RANGE}), frozenset({SUMS, RANGE}))


def _table(engine: Engine, layout: tuple[int, ...], n_keys: int) -> Any:
    draw = np.random.default_rng(len(layout))
    n_rows = sum(layout)
    key = draw.integers(0, n_keys, n_rows).astype(float)
    key[draw.random(n_rows) < 0.02] = np.nan
    values = draw.normal(size=(3, n_rows)) * 10.0 ** draw.integers(-8, 8, (3, n_rows))
    values[draw.random((3, n_rows)) < 0.1] = np.nan
    values[2, key == 1] = np.nan
    values[1, draw.random(n_rows) < 0.05] = -np.inf
    values[1, draw.random(n_rows) < 0.1] = -0.0
    made = local_table(["a", "b", "x", "y", "z"], [key, key * 0.5 + 0.25, *values])
    return store_local(made, engine, layout)


@pytest.mark.parametrize(
    "layout", [(400,), (100, 300), (90, 0, 60, 80, 40, 110, 30, 20, 70, 60, 50), (1,), (0,)]
)
@pytest.mark.parametrize("n_keys", [3, 60, 5000])
def test_the_bits_are_those_of_the_tree(
    engine: Engine, layout: tuple[int, ...], n_keys: int
) -> None:
    table = _table(engine, layout, n_keys)
    keys, columns = table.columns[:2], table.columns[2:]
    key_bits = key_layout([(table, keys)])
    exprs = [c.expr for c in table.columns]
    expected = reduce(table, exprs, lambda p: GroupTask(p, key_bits, WANTED, 0))
    found = grouped_here(table, (keys, key_bits), columns, WANTED)
    np.testing.assert_array_equal(found.n_rows, expected.n_rows)
    for mine, theirs in zip(found.keys, expected.keys, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for ours, blocks in zip(found.stats, expected.stats, strict=True):
        for mine, theirs in ((ours.sums, blocks.sums), (ours.ranges, blocks.ranges)):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert mine.tobytes() == theirs.tobytes()


def test_groups_may_only_be_counted(engine: Engine) -> None:
    table = _table(engine, (50, 70), 9)
    keys = table.columns[:1]
    found = grouped_here(table, (keys, key_layout([(table, keys)])), [], [])
    assert found.n_rows.sum() == 120
    assert found.stats == []
