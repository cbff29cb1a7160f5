"""H2OFrame's arguments: what is short for what, and what is refused instead of passed over."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from dh2o import H2OFrame
from dh2o.errors import RapidsError
from dh2o.mrtask import Engine


@pytest.fixture
def frame(engine: Engine) -> H2OFrame:
    return H2OFrame({"k": ["a", "b", "a"], "x": [1, 2, 4], "y": [1, None, 3]})


def rows(frame: H2OFrame) -> list[list[str]]:
    made: list[list[str]] = frame.as_data_frame(use_pandas=False)
    return made


def test_texts_asked_for_as_time_are_read_as_times(engine: Engine) -> None:
    texts = ["2020-01-01", "1970-01-02 00:00:01", "no time", None]
    made = H2OFrame({"t": texts, "x": [1, 2, 3, 4]}, column_types={"t": "time"})
    assert made.types == {"t": "time", "x": "int"}
    assert made["t"].asnumeric().isna().sum() == 2
    assert made["t"].asnumeric()[1, 0] == 86_401_000


def test_categories_asked_for_as_time_are_read_as_times(engine: Engine) -> None:
    made = H2OFrame({"t": ["2020-01-01"] * 30}, column_types=["time"])
    assert made.types == {"t": "time"}
    assert made["t"].year().mean() == [2020]


def test_one_name_is_a_list_of_one(frame: H2OFrame) -> None:
    assert rows(frame.melt("k", "x")) == rows(frame.melt(["k"], ["x"]))
    assert frame.concat(frame).ncols == 6
    assert rows(frame["x"].quantile(0.5)) == rows(frame["x"].quantile([0.5]))


def test_none_is_na(frame: H2OFrame) -> None:
    chosen = (frame["x"] > 1).ifelse(None, 7)
    assert [str(v) for v in chosen.to_numpy()[:, 0]] == ["7.0", "nan", "nan"]
    used = frame.impute("y", values=[None, None, 9])
    assert used[2] == 9
    assert math.isnan(used[0])
    assert frame["y"].to_numpy()[:, 0].tolist() == [1, 9, 3]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda f: H2OFrame(f, column_types=["enum"]), "1 column types for 3 columns"),
        (lambda f: f.concat([f], axis=2), "axis must be 1"),
        (lambda f: f.drop("k", axis=0), "dropped by number, got 'k'"),
        (lambda f: f.type("z"), "Column 'z' not found"),
        (lambda f: f["x"].hist(breaks="many"), "unknown rule 'many'. Expected one of: sturges"),
    ],
)
def test_refused(frame: H2OFrame, call: Callable[[H2OFrame], object], told: str) -> None:
    with pytest.raises(RapidsError, match=told):
        call(frame)


def test_strings_left_out_of_groups_are_told(engine: Engine) -> None:
    frame = H2OFrame({"k": ["a", "b", "a"], "s": ["u", "v", "w"]}, column_types={"s": "string"})
    with pytest.warns(RuntimeWarning, match="'s' holds strings and is left out"):
        frame.group_by("k").max("s")


def test_levels_of_the_same_text_become_one(frame: H2OFrame) -> None:
    low = frame["k"].asfactor().set_levels(["low", "low"])
    assert low.levels() == [["low"]]
    assert rows(low)[1:] == [["low"]] * 3
    assert low.table()["Count"].to_numpy().tolist() == [[3]]


def test_options_of_h2o_are_taken_and_others_refused(frame: H2OFrame) -> None:
    named = frame.frame_id
    assert H2OFrame.get_frame(named, rows=5, light=True).dim == [3, 3]
    assert len(frame.as_data_frame(use_multi_thread=True)) == 3
    with pytest.raises(TypeError, match="nrows"):
        H2OFrame.get_frame(named, nrows=5)
    with pytest.raises(TypeError, match="pandas"):
        frame.as_data_frame(pandas=False)
