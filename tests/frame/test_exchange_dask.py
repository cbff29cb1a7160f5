from __future__ import annotations

import threading
import weakref
from typing import ClassVar

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.killing import kill_worker


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


class Alive:
    """How many partitions there are at a time; in this process, as the workers are."""

    lock = threading.Lock()
    now = 0
    seen: ClassVar[list[int]] = []

    @classmethod
    def change(cls, by: int) -> None:
        with cls.lock:
            cls.now += by
            cls.seen.append(cls.now)


def watched_partition(i: int) -> pd.DataFrame:
    made = pd.DataFrame({"x": np.arange(i, i + 50_000.0), "c": pd.Categorical(["a"] * 50_000)})
    Alive.change(1)
    weakref.finalize(made, Alive.change, -1)
    return made


def test_partitions_are_consumed_one_by_one(engine: Engine) -> None:
    """No second full copy: a partition is compressed and let go before the last one is made."""
    n = 24
    frame = Frame.from_dask([dask.delayed(watched_partition)(i) for i in range(n)])
    assert frame.shape == (n * 50_000, 2)
    assert n / 2 >= max(Alive.seen) > 0


def test_delayed_tables_futures_and_what_they_give(engine: Engine) -> None:
    parts = [
        dask.delayed(pd.DataFrame)({"a": [1, 2], "b": ["x", None]}),
        engine.client.submit(pa.table, {"a": [3.5], "b": ["y"]}, pure=False),
        dask.delayed(list)([{"a": None, "b": "z"}]),
    ]
    frame = Frame.from_dask(parts)
    assert frame.layout == (2, 1, 1)
    assert frame.to_arrow().to_pydict() == {"a": [1, 2, 3.5, None], "b": ["x", None, "y", "z"]}
    one = Frame.from_any(dask.delayed(np.ones)((2, 3)), names=["u", "v", "w"])
    assert (one.names, one.shape) == (("u", "v", "w"), (2, 3))


def test_bags_of_records_may_lack_fields(engine: Engine) -> None:
    rows = [{"k": "a", "v": 1}, {"k": "b"}, {"v": 2.5, "w": True}, {"k": None, "v": None}]
    frame = Frame.from_any(db.from_sequence(rows, npartitions=2), strings="guess")
    assert frame.to_arrow().to_pydict() == {
        "k": ["a", "b", None, None],
        "v": [1, None, 2.5, None],
        "w": [None, None, True, None],
    }
    values = Frame.from_any(db.from_sequence([3, 1, 2], npartitions=2))
    assert values.to_numpy().ravel().tolist() == [3, 1, 2]


def test_types_are_unified_over_partitions(engine: Engine) -> None:
    parts = [
        pa.table({"t": pa.array([1], pa.timestamp("ns")), "s": ["x"], "n": pa.nulls(1)}),
        pa.table({"t": pa.array([None], pa.timestamp("s")), "s": pa.nulls(1), "n": [2**60]}),
        pa.table({"t": pa.nulls(0), "s": pa.nulls(0), "n": pa.nulls(0)}),
    ]
    frame = Frame.from_any([dask.delayed(part) for part in parts], strings="enum")
    assert (frame.types["s"], frame.vec("s").domain) == ("enum", ("x",))
    assert frame.to_arrow().column("t").to_pylist()[0].nanosecond == 1
    assert frame.to_arrow().column("n").to_pylist() == [None, 2**60]


def test_texts_that_are_hardly_ever_the_same_stay_texts(engine: Engine) -> None:
    ids = [f"id{i}" for i in range(60)]
    lazy = dd.from_pandas(pd.DataFrame({"id": ids, "c": ["u", "v"] * 30}), npartitions=3)
    frame = Frame.from_any(lazy, strings="guess")
    assert frame.types == {"id": "string", "c": "enum"}
    assert frame.to_arrow().column("id").to_pylist() == ids


def test_other_columns_in_a_partition_are_named(engine: Engine) -> None:
    parts = [dask.delayed(pd.DataFrame)({"a": [1]}), dask.delayed(pd.DataFrame)({"b": [1]})]
    with pytest.raises(FrameError, match=r"Partition 1 .* lacks \['a'\], has \['b'\]"):
        Frame.from_dask(parts)


def test_what_a_partition_raises_is_said(engine: Engine) -> None:
    def fail() -> None:
        raise OSError("no such bucket")

    with pytest.raises(Exception, match="no such bucket"):
        Frame.from_dask([dask.delayed(fail)()])


def test_unknown_chunk_sizes(engine: Engine) -> None:
    values = da.from_array(np.arange(10.0), chunks=4)
    frame = Frame.from_dask(values[values > 2])
    assert frame.to_numpy().ravel().tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_arrays_bags_and_delayed_out(engine: Engine, data: pd.DataFrame) -> None:
    frame = Frame.from_pandas(data).rebalance((2, 0, 4))
    numbers = frame.select(["n", "r", "c"]).to_dask_array()
    assert numbers.chunks == ((2, 4), (3,))
    with engine.client.as_current():
        found = numbers.compute()
        rows = frame.select(["s", "r"]).to_dask_bag().compute()
        parts = dask.compute(*frame.to_delayed())
    np.testing.assert_array_equal(found, frame.select(["n", "r", "c"]).to_numpy())
    assert rows[1]["s"] is None
    assert np.isnan(rows[1]["r"])
    assert [len(part) for part in parts] == [2, 0, 4]
    with pytest.raises(FrameError, match="'s' holds text"):
        frame.to_dask_array()


def test_a_plain_column_leaves_without_a_copy(engine: Engine) -> None:
    values = np.random.default_rng(1).normal(size=1000)
    frame = Frame.from_numpy(values)
    [block] = engine.gather(frame)
    inside = block.chunks[0].lying_floats()
    assert not inside.flags.writeable
    with engine.client.as_current():
        [[part]] = frame.to_dask_array().to_delayed()
        assert np.shares_memory(part.compute(), inside)
        assert np.shares_memory(frame.to_dask().compute()["C1"].to_numpy(), inside)


@pytest.mark.cluster
def test_blocks_made_of_partitions_come_back_after_a_kill(cluster3: Engine) -> None:
    with cluster3.client.as_current():
        lazy = da.arange(3000.0, chunks=500)
        frame = Frame.from_dask(lazy)
        kill_worker(cluster3, cluster3.places(frame)[0])
        assert frame.to_numpy().sum() == 3000 * 2999 / 2
