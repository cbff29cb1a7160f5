from __future__ import annotations

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine


@pytest.fixture
def data() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": pd.array([1, None, 3, 4, 5, 6], "Int64"),
            "r": [0.5, np.nan, 2, 3, 4, 5],
            "c": pd.Categorical(list("abcabc")),
            "s": ["x", None, "z", "u", "v", "w"],
            "t": pd.date_range("2020", periods=6, freq="ns", tz="UTC").as_unit("ns"),
        }
    )


def test_round_trip_on_three_workers(cluster3: Engine, data: pd.DataFrame) -> None:
    with cluster3.client.as_current():
        lazy = dd.from_pandas(data, npartitions=3)
        frame = Frame.from_dask(lazy)
        assert frame.layout == (2, 2, 2)
        pd.testing.assert_frame_equal(frame.to_pandas(), lazy.compute())
        pd.testing.assert_frame_equal(frame.to_dask().compute(), lazy.compute())


def test_unknown_lengths_and_empty_partitions(engine: Engine, data: pd.DataFrame) -> None:
    lazy = dd.from_pandas(data, npartitions=3)
    frame = Frame.from_dask(lazy[lazy.r > 1])
    assert frame.layout == (0, 2, 2)
    assert frame.to_pandas()["r"].tolist() == [2, 3, 4, 5]


def test_categories_are_unified_over_partitions(engine: Engine) -> None:
    parts = [pd.DataFrame({"c": pd.Categorical(list(text))}) for text in ("ba", "cb", "")]
    lazy = dd.from_map(lambda i: parts[i], range(3), meta=parts[0].iloc[:0])
    frame = Frame.from_dask(lazy)
    assert frame.vec("c").domain == ("a", "b", "c")
    assert frame.to_pandas()["c"].tolist() == ["b", "a", "c", "b"]


def test_a_partition_of_na_only_takes_the_type_of_the_others(engine: Engine) -> None:
    parts = [
        pd.DataFrame({"s": pd.Series([None], dtype=object), "r": [1]}),
        pd.DataFrame({"s": pd.Series(["a"], dtype=object), "r": [0.5]}),
    ]
    frame = Frame.from_dask(dd.from_map(lambda i: parts[i], range(2), meta=parts[1].iloc[:0]))
    assert frame.types == {"s": "string", "r": "real"}
    assert frame.to_arrow().to_pydict() == {"s": [None, "a"], "r": [1.0, 0.5]}


def test_partitions_do_not_pass_through_the_client(
    engine: Engine, data: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("data went to the client")

    monkeypatch.setattr(type(engine.spool), "create", refuse)
    assert Frame.from_dask(dd.from_pandas(data, npartitions=2)).n_rows == 6


def test_arrays(engine: Engine) -> None:
    values = np.arange(12.0).reshape(6, 2)
    frame = Frame.from_dask(da.from_array(values, chunks=(4, 1)))
    assert (frame.names, frame.layout) == (("C1", "C2"), (4, 2))
    np.testing.assert_array_equal(frame.to_numpy(), values)
    assert Frame.from_dask(da.ones(3, chunks=2)).layout == (2, 1)
    with pytest.raises(FrameError, match="two dimensions"):
        Frame.from_dask(da.ones((2, 2, 2)))


def test_to_dask_is_lazy_and_typed(engine: Engine, data: pd.DataFrame) -> None:
    frame = Frame.from_pandas(data).rebalance((2, 4))
    with engine.client.as_current():
        lazy = frame.to_dask()
        assert lazy.npartitions == 2
        assert lazy.divisions == (0, 2, 5)
        assert lazy.dtypes["n"] == "Int64"
        assert lazy["r"].sum().compute() == 14.5
        pd.testing.assert_frame_equal(lazy.compute(), data)


def test_to_dask_without_rows(engine: Engine, data: pd.DataFrame) -> None:
    with engine.client.as_current():
        lazy = Frame.from_pandas(data.iloc[:0]).to_dask()
        assert len(lazy) == 0
    assert lazy.columns.tolist() == data.columns.tolist()
