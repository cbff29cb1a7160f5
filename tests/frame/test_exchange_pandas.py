from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.frame.tables import pandas_frames

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(data=pandas_frames())
def test_round_trip_is_the_identity(engine: Engine, data: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(Frame.from_pandas(data).to_pandas(), data, check_exact=True)


def everything() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Int64": pd.array([2**53 + 1, None, -1], "Int64"),
            "float": [1.5, np.nan, -0.0],
            "str": ["a", None, "é"],
            "cat": pd.Categorical(["b", None, "b"], ["c", "b"], ordered=True),
            "tz": pd.to_datetime([1577836800123456789, None, -(10**18)], unit="ns", utc=True),
            "delta": pd.to_timedelta([1, None, 3], unit="ns"),
            "bool": [True, False, True],
        }
    )


def test_round_trip_in_many_blocks(any_engine: Engine) -> None:
    data = pd.concat([everything()] * 10, ignore_index=True)
    frame = Frame.from_pandas(data).rebalance((3, 0, 20, 7))
    pd.testing.assert_frame_equal(frame.to_pandas(), data, check_exact=True)


@pytest.mark.parametrize(
    "values",
    [
        [dt.date(2020, 1, 1), None],
        [Decimal("1.25"), None],
        [True, None],
        [1, 2],
        ["x", None],
    ],
)
def test_objects_come_back_as_the_objects(engine: Engine, values: list[object]) -> None:
    data = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    pd.testing.assert_frame_equal(Frame.from_pandas(data).to_pandas(), data)


def test_mixed_objects_become_text(engine: Engine) -> None:
    frame = Frame.from_pandas(pd.DataFrame({"x": pd.Series([1, "a", None], dtype=object)}))
    assert frame.to_pandas()["x"].tolist() == ["1", "a", None]


def test_bools_are_an_enum(engine: Engine) -> None:
    frame = Frame.from_pandas(pd.DataFrame({"x": [True, False]}))
    assert frame.vec("x").domain == ("False", "True")


def test_the_index_is_left_out_and_names_become_text(engine: Engine) -> None:
    frame = Frame.from_pandas(pd.DataFrame({3: [1, 2]}, index=["p", "q"]))
    assert frame.names == ("3",)
    assert Frame.from_pandas(pd.Series([1], name="s")).names == ("s",)


def test_intervals_become_levels(engine: Engine) -> None:
    cut = pd.cut(pd.Series([1.0, 2.0, 9.0]), [0, 5, 10])
    assert Frame.from_pandas(cut.to_frame("x")).vec("x").domain == ("(0, 5]", "(5, 10]")


@pytest.mark.parametrize(
    "values", [pd.period_range("2020", periods=2, freq="M"), pd.interval_range(0, 2), [1j, 2j]]
)
def test_dtypes_without_a_column_type_are_refused(engine: Engine, values: object) -> None:
    with pytest.raises(FrameError, match="'x'"):
        Frame.from_pandas(pd.DataFrame({"x": values}))


def test_integers_with_na_that_did_not_come_from_pandas(engine: Engine) -> None:
    import pyarrow as pa

    small = Frame.from_arrow(pa.table({"x": [1, None]})).to_pandas()
    large = Frame.from_arrow(pa.table({"x": [2**53 + 1, None]})).to_pandas()
    assert small["x"].dtype == "float64"
    assert large["x"].dtype == "Int64"
    assert large["x"][0] == 2**53 + 1


def test_sparse_columns_come_back_sparse(engine: Engine) -> None:
    x = pd.arrays.SparseArray([0.0, 0.0, 1.5], fill_value=0.0)
    flag = pd.arrays.SparseArray([True, False, False])
    data = pd.DataFrame({"x": x, "nan": pd.arrays.SparseArray([1.0, np.nan, 2.0]), "flag": flag})
    pd.testing.assert_frame_equal(Frame.from_pandas(data).to_pandas(), data)
