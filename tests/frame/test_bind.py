from __future__ import annotations

import pyarrow as pa
import pytest

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.frame.tables import a_bit_of_everything, same_arrow


def enum(values: list[str | None]) -> Frame:
    return Frame.from_arrow(pa.table({"c": values}), strings="enum")


def test_rbind_is_concatenation(any_engine: Engine) -> None:
    table = a_bit_of_everything(60)
    parts = [
        Frame.from_arrow(table.slice(0, 20)),
        Frame.from_arrow(table.slice(20)).rebalance((7, 33)),
    ]
    bound = parts[0].rbind(parts[1])
    assert bound.layout == (20, 7, 33)
    same_arrow(bound.to_arrow(), table)


def test_rbind_merges_domains_by_text(engine: Engine) -> None:
    bound = enum(["b", "a"]).rbind(enum(["c", "a", None]), enum(["b"]))
    assert bound.vec("c").domain == ("a", "b", "c")
    assert bound.to_arrow().column("c").to_pylist() == ["b", "a", "c", "a", None, "b"]


def test_rbind_keeps_nanoseconds_of_either(engine: Engine) -> None:
    def at(ns: int) -> Frame:
        return Frame.from_arrow(pa.table({"t": pa.array([ns]).view(pa.timestamp("ns"))}))

    bound = at(2_000_000).rbind(at(7))
    assert bound.to_arrow().column("t").cast(pa.int64()).to_pylist() == [2_000_000, 7]


def test_rbind_takes_the_names_of_the_first_and_a_column_of_na(engine: Engine) -> None:
    bound = enum(["a"]).rbind(Frame.from_python({"other": [None, None]}))
    assert bound.names == ("c",)
    assert bound.to_arrow().column("c").to_pylist() == ["a", None, None]


def test_rbind_refuses_what_does_not_fit(engine: Engine) -> None:
    with pytest.raises(FrameError, match="'c' has types enum and numeric"):
        enum(["a"]).rbind(Frame.from_python({"c": [1]}))
    with pytest.raises(FrameError, match="as many columns"):
        enum(["a"]).rbind(Frame.from_python([[1, 2]]))


def test_rbind_of_int_and_real_is_real(engine: Engine) -> None:
    bound = Frame.from_python({"x": [1]}).rbind(Frame.from_python({"x": [0.5]}))
    assert bound.types == {"x": "real"}
    assert bound.to_arrow().column("x").to_pylist() == [1.0, 0.5]


def test_many_small_frames_are_rebalanced(engine: Engine) -> None:
    one = Frame.from_python({"x": [1]})
    bound = one.rbind(*[one] * 200)
    assert bound.n_rows == 201
    assert bound.n_blocks == 1


def test_cbind_numbers_equal_names_and_realigns(engine: Engine) -> None:
    left = Frame.from_python({"a": [1, 2, 3], "b": [4, 5, 6]})
    right = Frame.from_python({"a": [7, 8, 9], "a0": [0, 0, 0]}).rebalance((1, 2))
    bound = left.cbind(right)
    assert bound.names == ("a", "b", "a0", "a00")
    assert bound.to_arrow().column("a0").to_pylist() == [7, 8, 9]
    with pytest.raises(FrameError, match="3 and 1"):
        left.cbind(Frame.from_python([1]))


def test_binding_one_frame_is_that_frame(engine: Engine) -> None:
    frame = enum(["a"])
    assert frame.rbind() is frame
    assert frame.cbind().columns == frame.columns
