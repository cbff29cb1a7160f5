from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dh2o.frame import Frame
from dh2o.frame.rollups import Rollups
from dh2o.mrtask import Engine


def roll(values: object) -> Rollups:
    return Frame.from_arrow(pa.table({"x": values})).rollups()[0]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=60),
    cut=st.integers(0, 60),
)
def test_like_numpy_in_any_layout(engine: Engine, values: list[float | None], cut: int) -> None:
    cut = min(cut, len(values))
    frame = Frame.from_arrow(pa.table({"x": pa.array(values, pa.float64())}))
    rolled = frame.rebalance((cut, len(values) - cut)).rollups()[0]
    known = np.array([v for v in values if v is not None])
    assert rolled.n_na == len(values) - len(known)
    assert rolled.n_zero == np.count_nonzero(known == 0)
    if len(known):
        assert (rolled.min, rolled.max) == (known.min(), known.max())
        assert math.isclose(rolled.mean, known.mean(), rel_tol=1e-9, abs_tol=1e-9)
        sigma = known.std(ddof=1) if len(known) > 1 else 0.0
        assert math.isclose(rolled.sigma, sigma, rel_tol=1e-9, abs_tol=1e-6)


def test_same_bits_on_one_and_three_workers(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    values = pa.table({"x": np.random.default_rng(3).lognormal(size=4001)})
    layout = (1000, 1, 0, 999, 1500, 501)
    found = []
    for each in (engine, cluster3):
        with use_engine(each):
            found.append(Frame.from_arrow(values).rebalance(layout).rollups())
    assert found[0] == found[1]


def test_wide_frames_have_the_rollups_of_their_columns(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    values = np.random.default_rng(5).lognormal(size=(60, 400)).round(2)
    values[::7, ::3] = np.nan
    values[:, 5], values[3, 6] = np.nan, np.inf
    with use_engine(engine):
        frame = Frame.from_numpy(values).rebalance((20, 1, 0, 39))
        wide = list(map(repr, frame.rollups()))
        alone = Frame.from_numpy(values).rebalance((20, 1, 0, 39))
        assert [repr(alone.select(i).rollups()[0]) for i in range(8)] == wide[:8]
    with use_engine(cluster3):
        again = Frame.from_numpy(values).rebalance((20, 1, 0, 39))
        assert list(map(repr, again.rollups())) == wide


def test_bytes_need_no_rollups(engine: Engine) -> None:
    frame = Frame.from_python({"a": [1.5, 2.5], "b": ["x", None], "c": [1, 1]})
    before = frame.nbytes
    assert all(vec.cell.rollups is None for vec in frame.vecs)
    assert before == sum(rolled.nbytes for rolled in frame.rollups()) == frame.nbytes


def test_extremes(engine: Engine) -> None:
    rolled = roll([3, 1, 1, 2, 9, 9, 8])
    assert rolled.mins == (1, 1, 2, 3, 8)
    assert rolled.maxs == (9, 9, 8, 3, 2)
    assert roll([2, None]).mins[0] == 2
    assert all(math.isnan(v) for v in roll([2, None]).mins[1:])


def test_infinities_are_counted_apart(engine: Engine) -> None:
    rolled = roll([1.0, math.inf, -math.inf, 3.0])
    assert (rolled.n_pinf, rolled.n_ninf, rolled.n_na) == (1, 1, 0)
    assert (rolled.mean, rolled.min, rolled.max) == (2.0, 1.0, 3.0)


def test_all_na_and_no_rows(engine: Engine) -> None:
    nothing, empty = roll(pa.nulls(4)), roll(pa.array([], pa.float64()))
    assert (nothing.n_na, nothing.mean, nothing.sigma) == (4, 0.0, 0.0)
    assert math.isnan(nothing.min)
    assert (empty.n_rows, empty.n_na) == (0, 0)


def test_one_row_has_no_spread(engine: Engine) -> None:
    assert (roll([5.0]).mean, roll([5.0]).sigma) == (5.0, 0.0)


def test_enum_of_two_levels_has_a_mean_of_three_none(engine: Engine) -> None:
    two = Frame.from_arrow(pa.table({"x": ["a", "b", "b"]}), strings="enum").rollups()[0]
    three = Frame.from_arrow(pa.table({"x": ["a", "b", "c"]}), strings="enum").rollups()[0]
    assert two.mean == pytest.approx(2 / 3)
    assert math.isnan(three.mean)
    assert (three.min, three.max, three.n_zero) == (0, 2, 1)


def test_types_by_value(engine: Engine) -> None:
    frame = Frame.from_python({"i": [1.0, 2.0], "r": [1.0, 2.5], "na": [None, None]})
    assert frame.types == {"i": "int", "r": "real", "na": "int"}


def test_cached_once_and_shared_by_selections(engine: Engine) -> None:
    frame = Frame.from_python({"a": [1, 2], "b": [3, 4]})
    rolled = frame.rollups()
    assert frame.select("b").rename(["z"]).rollups()[0] is rolled[1]
    assert frame.rebalance((1, 1)).rollups()[0] is rolled[0]
    assert frame.slice_rows(0, 1).rollups()[0] is not rolled[0]
