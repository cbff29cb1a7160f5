from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.frame.tables import a_bit_of_everything, same_arrow

LAYOUT = (0, 70, 1, 0, 99, 30)


@pytest.fixture
def table() -> pa.Table:
    return a_bit_of_everything(200)


@pytest.fixture
def frame(any_engine: Engine, table: pa.Table) -> Frame:
    return Frame.from_arrow(table).rebalance(LAYOUT)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 200), (0, 0), (65, 75), (70, 71), (199, 999), (5, 3)]
)
def test_slice(frame: Frame, table: pa.Table, start: int, stop: int) -> None:
    same_arrow(frame.slice_rows(start, stop).to_arrow(), table.slice(start, max(0, stop - start)))


def test_take_in_any_order_with_repeats(frame: Frame, table: pa.Table) -> None:
    rows = [199, 0, 0, 71, 70, 69, 5]
    same_arrow(frame.take(rows).to_arrow(), table.take(rows))


def test_take_many(frame: Frame, table: pa.Table) -> None:
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(200), 3))
    taken = frame.take(rows)
    assert taken.n_blocks > 1
    same_arrow(taken.to_arrow(), table.take(rows))


def test_take_from_more_blocks_than_one_task_takes(any_engine: Engine, table: pa.Table) -> None:
    frame = Frame.from_arrow(table).rebalance((8,) * 25)
    rows = np.random.default_rng(2).permutation(200)
    taken = frame.take(rows)
    assert taken.n_blocks == 25
    same_arrow(taken.to_arrow(), table.take(rows))


def test_few_rows_of_many_blocks_are_put_together(engine: Engine) -> None:
    frame = Frame.from_numpy(np.arange(800.0)).rebalance((8,) * 100)
    few = frame.filter(lambda block: block.floats(0) % 50 == 0)
    assert few.layout == (8, 8)
    assert few.to_numpy()[:, 0].tolist() == list(range(0, 800, 50))
    assert frame.filter(lambda block: block.floats(0) % 2 == 0).n_blocks == 100


@pytest.mark.parametrize(
    ("rows", "what"), [([200], "Row 200"), ([-1], "Row -1"), ([0.5], "integers")]
)
def test_take_refuses_rows_that_are_not_there(frame: Frame, rows: list[int], what: str) -> None:
    with pytest.raises(FrameError, match=what):
        frame.take(rows)


def test_take_nothing(frame: Frame, table: pa.Table) -> None:
    same_arrow(frame.take([]).to_arrow(), table.slice(0, 0))


def test_filter_by_column_of_another_layout(frame: Frame, table: pa.Table) -> None:
    mask = [1.0, 0.0, None, 2.0] * 50
    kept = frame.filter(Frame.from_python(mask))
    same_arrow(kept.to_arrow(), table.filter(pa.array([m in (1.0, 2.0) for m in mask])))
    assert kept.n_blocks == frame.n_blocks


def test_filter_by_function(frame: Frame, table: pa.Table) -> None:
    kept = frame.filter(lambda block: block.floats("int") > 3)
    wanted = pa.compute.greater(table.column("int"), 3).fill_null(False)
    same_arrow(kept.to_arrow(), table.filter(wanted))


def test_filter_that_keeps_nothing(frame: Frame) -> None:
    assert frame.filter(lambda block: np.zeros(block.n_rows, bool)).n_rows == 0


def test_filter_needs_one_column_and_as_many_rows(frame: Frame) -> None:
    with pytest.raises(FrameError, match="this one has 10"):
        frame.filter(frame)
    with pytest.raises(FrameError, match="has 1 rows, the frame 200"):
        frame.filter(Frame.from_python([1]))


def test_head_and_tail_are_local_blocks(frame: Frame, table: pa.Table) -> None:
    head, tail = frame.head(3), frame.tail(2)
    assert head.names == frame.names
    assert head.strings("text").to_pylist() == table.column("text").to_pylist()[:3]
    assert (tail.n_rows, tail.row_start) == (2, 198)
    assert frame.rows(500, 600).n_rows == 0


def test_rebalance_checks_the_row_count(frame: Frame) -> None:
    with pytest.raises(FrameError, match="199 rows does not fit 200"):
        frame.rebalance((100, 99))


def test_rebalance_by_the_data_alone(frame: Frame, table: pa.Table) -> None:
    small = frame.rebalance()
    assert small.layout == (200,)
    same_arrow(small.to_arrow(), table)


def test_rows_of_an_empty_frame(engine: Engine) -> None:
    frame = Frame.from_arrow(a_bit_of_everything(0))
    assert frame.head().n_rows == 0
    assert frame.slice_rows(0, 5).n_rows == 0
    assert frame.take([]).n_rows == 0
    assert frame.filter(frame.select("int")).n_rows == 0


def test_input_blocks_stay_as_they_were(frame: Frame, table: pa.Table) -> None:
    frame.take([3, 1]).rollups()
    frame.filter(lambda block: block.floats("int") > 0).rollups()
    same_arrow(frame.to_arrow(), table)
