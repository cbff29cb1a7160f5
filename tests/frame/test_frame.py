from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from dh2o.errors import FrameError
from dh2o.frame import Frame, VecType
from dh2o.mrtask import Engine


def small(n_rows: int = 3) -> Frame:
    return Frame.from_python({"a": list(range(n_rows)), "b": [0.5] * n_rows, "c": ["x"] * n_rows})


def test_shape_and_names(engine: Engine) -> None:
    frame = small()
    assert frame.shape == (3, 3)
    assert frame.names == ("a", "b", "c")
    assert [vec.type for vec in frame.vecs] == [VecType.NUMERIC, VecType.NUMERIC, VecType.STRING]
    assert "a" in frame
    assert list(frame) == ["a", "b", "c"]
    assert len(frame) == 3


def test_select_and_drop_make_no_task(engine: Engine) -> None:
    frame = small()
    assert frame.select(["c", 0]).names == ("c", "a")
    assert frame["b"].names == ("b",)
    assert frame.drop("b").names == ("a", "c")
    assert frame.select([-1]).columns == (frame.columns[2],)


def test_rename_by_mapping_and_by_list(engine: Engine) -> None:
    assert small().rename({"a": "z"}).names == ("z", "b", "c")
    assert small().rename(["p", "q", "r"]).names == ("p", "q", "r")
    with pytest.raises(FrameError, match="'nope' not in frame"):
        small().rename({"nope": "z"})


@pytest.mark.parametrize(
    ("column", "what"), [("z", "'a', 'b', 'c'"), (3, "out of range"), (-4, "range")]
)
def test_unknown_columns_are_named(engine: Engine, column: str | int, what: str) -> None:
    with pytest.raises(FrameError, match=what):
        small().vec(column)


def test_many_columns_are_found_by_name_and_number(engine: Engine) -> None:
    frame = Frame.from_python({f"c{i}": [i] for i in range(20)})
    assert frame.select([*frame.names[:10], -1]).names == (*frame.names[:10], "c19")
    with pytest.raises(FrameError, match="'nope' not in frame"):
        frame.select([*frame.names, "nope"])


def test_duplicate_names_are_refused(engine: Engine) -> None:
    with pytest.raises(FrameError, match="duplicate column name 'a'"):
        small().rename({"b": "a"})


def test_with_columns_replaces_appends_and_realigns(engine: Engine) -> None:
    frame = small(6)
    other = Frame.from_python([5, 4, 3, 2, 1, 0]).rebalance((2, 4))
    both = frame.with_columns({"a": other, "new": frame.select("b")})
    assert both.names == ("a", "b", "c", "new")
    assert both.to_arrow().column("a").to_pylist() == [5, 4, 3, 2, 1, 0]
    with pytest.raises(FrameError, match="'a' has 3 rows"):
        frame.with_columns({"a": small().select("a")})


def test_metadata_survives_pickle(engine: Engine) -> None:
    frame = small()
    rollups = frame.rollups()
    again = pickle.loads(pickle.dumps(frame))
    assert again.names == frame.names
    assert repr(again.vecs[0].cell.rollups) == repr(rollups[0])
    assert again.to_arrow().equals(frame.to_arrow())


def test_compact_makes_one_blocks_of_several(engine: Engine) -> None:
    frame = small().with_columns({"d": Frame.from_python([1, 2, 3])}).drop("b")
    assert len({ref[0].uid for ref in frame.columns}) == 2
    compact = frame.compact()
    assert len({ref[0].uid for ref in compact.columns}) == 1
    assert compact.to_arrow().equals(frame.to_arrow())


def test_repr_tells_the_size(engine: Engine) -> None:
    assert repr(small()) == "Frame(3 rows x 3 columns, 1 blocks)"


def test_nbytes_counts_hidden_parts_of_milliseconds(engine: Engine) -> None:
    when = pa.array(range(1, 1001), pa.int64()).view(pa.timestamp("ns"))
    frame = Frame.from_arrow(pa.table({"t": when}))
    assert frame.vecs[0].sub_ms is not None
    assert frame.nbytes > frame.rollups()[0].nbytes
