from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine


def columns(data: Any, **options: Any) -> dict[str, list[Any]]:
    return Frame.from_any(data, **options).to_arrow().to_pydict()


def polars_table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "enum": pl.Series(["a", "b", None], dtype=pl.Enum(["b", "a", "unused"])),
            "cat": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "date": [dt.date(2020, 1, 1), None, dt.date(1900, 1, 1)],
            "time": [dt.time(1, 2, 3, 4), None, dt.time(0)],
            "span": [dt.timedelta(1, 2, 3), None, dt.timedelta(0)],
            "when": pl.Series([1_577_836_800_000_007, None, -(10**15)]).cast(pl.Datetime("us")),
            "dec": pl.Series(["1.25", "2.5", None]).cast(pl.Decimal(10, 2)),
            "u8": pl.Series([1, 2, None], dtype=pl.UInt8),
            "text": ["x", None, "zz"],
            "flag": [True, None, False],
            "none": [None] * 3,
            "real": [1.5, None, -0.0],
            "nan": [1.5, float("nan"), -0.0],
        }
    )


def test_polars_round_trip(any_engine: Engine) -> None:
    table = pl.concat([polars_table()] * 5)
    frame = Frame.from_polars(table).rebalance((4, 0, 11))
    assert_frame_equal(frame.to_polars(), table)


def test_polars_without_rows(engine: Engine) -> None:
    table = polars_table().clear()
    assert Frame.from_polars(table).to_polars().schema == table.schema


def test_polars_lazy_and_series(engine: Engine) -> None:
    assert columns(pl.LazyFrame({"a": [1]})) == {"a": [1]}
    assert columns(pl.Series("s", [1.5])) == {"s": [1.5]}


def test_polars_nested_is_refused(engine: Engine) -> None:
    with pytest.raises(FrameError, match="'x' has Polars dtype List"):
        Frame.from_polars(pl.DataFrame({"x": [[1]]}))


@pytest.mark.parametrize(
    ("data", "want"),
    [
        ([1, 2.5, None], {"C1": [1.0, 2.5, None]}),
        ([[1, 2], [3]], {"C1": [1, 3], "C2": [2, None]}),
        (((1, "a"), (2, None)), {"C1": [1, 2], "C2": ["a", None]}),
        ({"a": [1, 2], "b": 3}, {"a": [1, 2], "b": [3, None]}),
        ([{"a": 1}, {"b": "x"}], {"a": [1, None], "b": [None, "x"]}),
        (range(3), {"C1": [0, 1, 2]}),
        ([range(2), [3]], {"C1": [0, 3], "C2": [1, None]}),
        (7, {"C1": [7]}),
        ("text", {"C1": ["text"]}),
        ([1, "a"], {"C1": ["1", "a"]}),
        ([True, None], {"C1": [True, None]}),
        ([2**70, 1], {"C1": [float(2**70), 1.0]}),
        ([float("nan"), "a"], {"C1": [None, "a"]}),
    ],
)
def test_python_data_as_h2o_reads_them(
    engine: Engine, data: Any, want: dict[str, list[Any]]
) -> None:
    assert columns(data) == want


def test_python_header_and_names(engine: Engine) -> None:
    assert columns([["a", "b"], [1, 2]], header=True) == {"a": [1], "b": [2]}
    assert columns([[1, 2]], names=["p", "q"]) == {"p": [1], "q": [2]}
    with pytest.raises(FrameError, match="3 names were given for 2 columns"):
        columns([[1, 2]], names=["p", "q", "r"])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ([[1], 2], "Row 1"),
        ([[1, [2]]], "Row 0"),
        ({"a": [[1]]}, "'a' must be a flat"),
        ([object()], "holds object"),
    ],
)
def test_python_data_that_are_no_table(engine: Engine, data: Any, what: str) -> None:
    with pytest.raises(FrameError, match=what):
        Frame.from_any(data)


def test_uuids(engine: Engine) -> None:
    one = uuid.UUID(int=7)
    frame = Frame.from_any({"id": [one, None]})
    assert frame.types == {"id": "uuid"}
    assert frame.to_arrow().column("id").to_pylist() == [one, None]


@pytest.mark.parametrize(
    ("array", "want"),
    [
        (np.arange(3), {"C1": [0, 1, 2]}),
        (np.array([[1.0, 2.0], [3.0, np.inf]]), {"C1": [1.0, 3.0], "C2": [2.0, np.inf]}),
        (np.array([(1, "x")], [("a", "i4"), ("b", "U1")]), {"a": [1], "b": ["x"]}),
        (np.array([1, 2], ">i2"), {"C1": [1, 2]}),
        (np.ma.masked_array([1, 2], [False, True]), {"C1": [1, None]}),
        (np.array(["2020-01-01"], "M8[D]"), {"C1": [dt.date(2020, 1, 1)]}),
        (np.array(["a", None], object), {"C1": ["a", None]}),
        (np.array([b"a"]), {"C1": ["a"]}),
        (np.arange(6).reshape(2, 3)[:, ::2], {"C1": [0, 3], "C2": [2, 5]}),
    ],
)
def test_numpy(engine: Engine, array: Any, want: dict[str, list[Any]]) -> None:
    assert columns(array) == want


@pytest.mark.parametrize("array", [np.zeros((1, 1, 1)), np.array([1j])])
def test_numpy_that_is_no_table(engine: Engine, array: Any) -> None:
    with pytest.raises(FrameError):
        Frame.from_any(array)


def test_to_numpy(any_engine: Engine) -> None:
    frame = Frame.from_any({"a": [1, None, 3], "b": [True, False, None]}).rebalance((1, 2))
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 1], [np.nan, 0], [3, np.nan]])
    with pytest.raises(FrameError, match="'s' holds text"):
        Frame.from_any({"s": ["x"]}).to_numpy()


def test_sparse_matrices(engine: Engine) -> None:
    from scipy import sparse

    matrix = sparse.random(50, 4, density=0.1, random_state=1, format="coo")
    frame = Frame.from_any(matrix, names=list("abcd"))
    assert frame.names == ("a", "b", "c", "d")
    np.testing.assert_array_equal(frame.to_numpy(), matrix.toarray())
    assert Frame.from_any(sparse.csr_array((0, 2))).shape == (0, 2)
