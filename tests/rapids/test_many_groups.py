"""Groups found in one process have the bits of those that blocks bring and merge along a tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import Engine
from dh2o.rapids.columns import local_table
from dh2o.rapids.groups import (
    EXACT,
    MOMENTS,
    RANGE,
    SUMS,
    GroupTask,
    deviations,
    exact_where_possible,
    table_slots,
)
from dh2o.rapids.keys import key_layout
from dh2o.rapids.many_groups import grouped_here
from dh2o.rapids.passes import reduce, store_local

WANTED = (
    frozenset({SUMS}),
    frozenset({MOMENTS, RANGE}),
    frozenset({SUMS, RANGE}),
    frozenset({MOMENTS, EXACT}),
)


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
    counts = np.where(draw.random(n_rows) < 0.1, np.nan, draw.integers(-3, 9, n_rows))
    columns = [key, key * 0.5 + 0.25, *values, counts]
    made = local_table(["a", "b", "x", "y", "z", "n"], columns)
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


PACKED = {
    "bits": np.array([0.0, 1, 1, 0, 1]),
    "nibbles": np.array([1.0, 12, 5, 5, 9]),
    "bytes": np.array([-100.0, 90, 3, 4, 5]),
    "words": np.array([70_000.0, 1, 2, 3, np.nan]),
    "decimals": np.array([0.25, 1.5, np.nan, 1.25, 3.75]),
    "tenths": np.array([0.1, 0.2, 0.3, 0.7, 1000.4]),
    "huge": np.array([2.0**51, 1, 2.0**51, 3, 5]),
    "doubles": np.array([np.pi, 1.0, -np.inf, 2.5, 7.0]),
    "one": np.full(5, 3.0),
    "none": np.full(5, np.nan),
}


@pytest.mark.parametrize("wanted", [{SUMS}, {MOMENTS, EXACT}, {MOMENTS}, {SUMS, RANGE}])
@pytest.mark.parametrize("name", PACKED)
def test_packed_rows_add_up_as_their_doubles_do(
    engine: Engine, name: str, wanted: set[str]
) -> None:
    n_rows = 70_001  # more than a tile
    draw = np.random.default_rng(4)
    key, values = draw.integers(0, 20, n_rows) * 1.0, draw.choice(PACKED[name], n_rows)
    held = local_table(["k", "v"], [key, values])
    stored = store_local(held, engine, (n_rows,))
    wants = (frozenset(wanted),)
    found = []
    for table in (held, stored):
        layout = key_layout([(table, table.columns[:1])])
        slots = table_slots(stored, layout)
        exprs = [c.expr for c in table.columns]
        grouped = reduce(table, exprs, lambda p: GroupTask(p, layout, wants, slots))
        found.append(grouped.stats[0])
    for mine, theirs in ((found[0].sums, found[1].sums), (found[0].ranges, found[1].ranges)):
        np.testing.assert_array_equal(mine, theirs)


def test_integers_whose_squares_add_up_exactly_are_known(engine: Engine) -> None:
    columns = [np.array([1.0, 5, np.nan]), np.array([3e8, 1, 2]), np.array([0.5, 1, 2])]
    table = store_local(local_table(["a", "b", "c"], columns), engine)
    moments = frozenset({MOMENTS, SUMS})
    wants = exact_where_possible(table, table.columns, [moments] * 3)
    assert [EXACT in one for one in wants] == [True, False, False]
    assert exact_where_possible(table, table.columns[:1], [frozenset({SUMS})]) == ({SUMS},)


def test_deviations_are_those_of_whole_numbers() -> None:
    draw = np.random.default_rng(6)
    for _ in range(200):
        n = int(draw.integers(1, 1000))
        values = (10**6 + draw.integers(0, 3, n)).tolist()
        total, squares = sum(values), sum(v * v for v in values)
        exact = (n * squares - total * total) / n
        found = deviations(*(np.array([float(x)]) for x in (n, total, squares)))[0]
        assert found == pytest.approx(exact, rel=1e-15)
    assert deviations(np.zeros(1), np.zeros(1), np.zeros(1)).tolist() == [0.0]
