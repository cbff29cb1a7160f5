from __future__ import annotations

import gc
import io
import math
import uuid
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from helpers import day

from dh2o.errors import FrameError, RapidsError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame


@pytest.fixture
def fr(engine: Engine) -> H2OFrame:
    return H2OFrame(
        {
            "a": [1.5, None, -2.25, 4.0, 1.5],
            "b": [1, 2, 3, 4, 5],
            "c": ["x", "y", "x", "z", None],
        }
    )


def column(frame: H2OFrame, name: str | int = 0) -> list[object]:
    values = frame[name].to_arrow().column(0).to_pylist()
    return [None if isinstance(v, float) and math.isnan(v) else v for v in values]


def test_shape_names_and_types(fr: H2OFrame) -> None:
    assert (fr.shape, fr.dim, len(fr), fr.nrow, fr.ncol) == ((5, 3), [5, 3], 5, 5, 3)
    assert fr.names == fr.columns == fr.col_names == ["a", "b", "c"]
    assert fr.types == {"a": "real", "b": "int", "c": "enum"}
    assert fr.type("b") == "int"


def test_makes_frames_of_everything(engine: Engine) -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    data = {"p": [1, 2], "q": ["u", "u"]}
    for made in (data, pd.DataFrame(data), pl.DataFrame(data), pa.table(data)):
        assert H2OFrame(made).shape == (2, 2)
    assert H2OFrame(np.eye(2)).names == ["C1", "C2"]
    assert H2OFrame([[1, 2], [3, 4]], column_names=["r", "s"]).names == ["r", "s"]
    typed = H2OFrame(data, column_types={"p": "enum"})
    assert typed.types["p"] == "enum"
    assert column(H2OFrame({"q": ["u", "-", "u"]}, na_strings=["-"])) == ["u", None, "u"]
    assert H2OFrame(H2OFrame(data)).shape == (2, 2)
    assert H2OFrame(Frame.from_python(data)).shape == (2, 2)


REFUSED = {
    "a text among numbers": lambda fr: fr.__setitem__((0, "a"), "text"),
    "a column of one text": lambda fr: fr.__setitem__("a", "text"),
    "no level": lambda fr: fr.__setitem__((0, "c"), "w"),
    "a row beyond the end": lambda fr: fr.__setitem__((7, "a"), 1),
    "a column beyond the end": lambda fr: fr.__setitem__((0, 9), 1),
    "some rows of a new column": lambda fr: fr.__setitem__((0, "new"), 1),
    "too few rows": lambda fr: fr.__setitem__("new", H2OFrame({"x": [1, 2]})),
    "two columns for one": lambda fr: fr.__setitem__("a", fr[["a", "b"]]),
    "a list": lambda fr: fr.__setitem__("new", [1, 2, 3, 4, 5]),
    "an object": lambda fr: fr.__setitem__("a", object()),
    "a text that is no date": lambda fr: fr.__setitem__("new", fr["c"].as_date("yyyy")),
    "values of a frame by condition": lambda fr: fr.__setitem__((fr["b"] > 2, "a"), fr["b"]),
    "too few names": lambda fr: setattr(fr, "names", ["x"]),
    "a name twice": lambda fr: setattr(fr, "names", ["x", "y", "x"]),
    "no column to take out": lambda fr: fr.pop("w"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_assigned_leaves_the_frame_as_it_was(fr: H2OFrame, what: str) -> None:
    with pytest.raises(RapidsError):
        REFUSED[what](fr)
    assert fr.types == {"a": "real", "b": "int", "c": "enum"}
    assert [column(fr, name) for name in fr.names] == [
        [1.5, None, -2.25, 4, 1.5],
        [1, 2, 3, 4, 5],
        ["x", "y", "x", "z", None],
    ]


def test_operators_both_ways(fr: H2OFrame) -> None:
    b = fr["b"]
    assert column(1 + b) == [2, 3, 4, 5, 6]
    assert column(10 - b) == [9, 8, 7, 6, 5]
    assert column(2**b) == [2, 4, 8, 16, 32]
    assert column(b // 2) == [0, 1, 1, 2, 2]
    assert column(12 / b)[1:4] == [6, 4, 3]
    assert column(-b) == [-1, -2, -3, -4, -5]
    assert column((b > 1) & (b < 4)) == [0, 1, 1, 0, 0]
    assert column(~(b > 1)) == [1, 0, 0, 0, 0]
    assert column(fr["c"] == "x") == [1, 0, 1, 0, 0]
    assert column(abs(fr["a"])) == [1.5, None, 2.25, 4, 1.5]
    assert 3 in b
    with pytest.raises(RapidsError, match="parentheses"):
        bool(b > 1)


def test_choosing(fr: H2OFrame) -> None:
    assert fr[0].names == ["a"]
    assert fr[-1].names == ["c"]
    assert fr[1:].names == ["b", "c"]
    assert fr[["c", "a"]].names == ["c", "a"]
    assert fr[1, "b"] == 2
    assert fr[0, "c"] == "x"
    assert column(fr[1:3, "b"]) == [2, 3]
    assert column(fr[[4, 0], "b"]) == [1, 5]
    assert column(fr[-1, ["b"]]) == [5]
    assert column(fr[fr["b"] > 3, "b"]) == [4, 5]
    assert fr[fr["a"].isna(), :].shape == (1, 3)
    assert column(fr[0:5:2, 1]) == [1, 3, 5]
    with pytest.raises(RapidsError, match="Columns: 'a'"):
        fr["nope"]


def test_assignment_changes_only_this_frame(fr: H2OFrame) -> None:
    before = fr[["a", "b", "c"]]
    fr["d"] = fr["b"] * 2
    fr["b"] = fr["b"].asfactor()
    fr[1, "a"] = 7.0
    fr[fr["a"] < 0, "a"] = 0
    fr[[0, 2], "c"] = "z"
    assert column(fr, "d") == [2, 4, 6, 8, 10]
    assert column(fr, "a") == [1.5, 7, 0, 4, 1.5]
    assert column(fr, "c") == ["z", "y", "z", "z", None]
    assert fr.types["b"] == "enum"
    assert column(before, "a") == [1.5, None, -2.25, 4, 1.5]
    with pytest.raises(RapidsError, match="Its levels"):
        fr[0, "c"] = "new"


def test_statistics(fr: H2OFrame) -> None:
    assert fr[["a", "b"]].mean() == [1.1875, 3]
    assert fr["b"].sum() == 15
    assert math.isnan(fr["a"].sum(skipna=False))
    assert (fr["b"].min(), fr["b"].max(), fr["b"].prod()) == (1, 5, 120)
    assert fr["b"].sd() == [pytest.approx(1.5811388300841898)]
    assert fr["b"].var() == pytest.approx(2.5)
    assert fr["b"].median() == [3]
    assert fr.nacnt() == [1, 0, 1]
    assert fr["b"].kurtosis() == [pytest.approx(1.7)]
    assert column(fr[["a", "b"]].mean(axis=1)) == [1.25, 2, 0.375, 4, 3.25]
    assert fr.isfactor() == [False, False, True]
    assert (fr["b"].all(), (fr["b"] > 9).any(), fr.anyfactor()) == (True, False, True)
    assert fr["b"].cor(fr["b"]) == pytest.approx(1)


def test_categories(fr: H2OFrame) -> None:
    c = fr["c"]
    assert (c.levels(), c.nlevels(), c.categories()) == ([["x", "y", "z"]], [3], ["x", "y", "z"])
    assert c.relevel("z").categories() == ["z", "x", "y"]
    assert c.set_levels(["p", "q", "r"]).categories() == ["p", "q", "r"]
    assert column(c.isin(["x", "z"])) == [1, 0, 1, 1, 0]
    assert column(c.match(["z"])) == [None, None, None, 1, None]
    assert column(c.table(), "Count") == [2, 1, 1]
    assert column(c.unique()) == ["x", "y", "z"]


def test_grouping(fr: H2OFrame) -> None:
    made = fr.group_by("c").mean("b").count().get_frame()
    assert made.names == ["c", "mean_b", "nrow"]
    assert column(made, "c") == [None, "x", "y", "z"]
    assert column(made, "mean_b") == [5, 2, 2, 4]
    everything = fr.group_by("c").sum(na="rm").get_frame()
    assert everything.names == ["c", "sum_a", "sum_b"]
    with pytest.raises(RapidsError, match="na must be"):
        fr.group_by("c").mean(na="never")


def test_rows_rearranged(fr: H2OFrame) -> None:
    assert column(fr.sort("a"), "a") == [None, -2.25, 1.5, 1.5, 4]
    assert column(fr.sort(["a", "b"], ascending=[False, False]), "b") == [2, 4, 5, 1, 3]
    joined = fr[["c", "b"]].merge(fr[["c", "a"]])
    assert column(joined, "b") == [1, 1, 3, 3, 2, 4]
    assert fr.rbind(fr).shape == (10, 3)
    assert fr.cbind(fr["a"]).names == ["a", "b", "c", "a0"]
    assert fr.drop("b").names == ["a", "c"]
    assert column(fr.drop([0, 1], axis=0), "b") == [3, 4, 5]
    assert fr.na_omit().nrow == 3
    assert fr.drop_duplicates(["c"]).nrow == 4


def test_pop_and_names(fr: H2OFrame) -> None:
    assert column(fr.pop("b")) == [1, 2, 3, 4, 5]
    assert fr.names == ["a", "c"]
    fr.set_names(["p", "q"])
    fr.rename({"q": "r"})
    fr.set_name("p", "o")
    assert fr.names == ["o", "r"]
    with pytest.raises(RapidsError, match="already exists"):
        fr.set_name("o", "r")


def test_split_has_the_shares_asked_for(engine: Engine) -> None:
    frame = H2OFrame({"x": list(range(20_000))})
    parts = frame.split_frame([0.6, 0.3], seed=11)
    again = frame.split_frame([0.6, 0.3], seed=11)
    sizes = [p.nrow for p in parts]
    assert sum(sizes) == 20_000
    assert [p.nrow for p in again] == sizes
    assert np.allclose(np.array(sizes) / 20_000, [0.6, 0.3, 0.1], atol=0.01)
    joined = sorted(v for p in parts for v in column(p))  # type: ignore[type-var]
    assert joined == list(range(20_000))


def test_stratified_split_keeps_the_classes(engine: Engine) -> None:
    y = H2OFrame({"y": ["a"] * 90 + ["b"] * 10})
    parts = y.stratified_split(test_frac=0.2, seed=3)
    both = y.cbind(parts)
    made = both.group_by(["y", "test_train_split"]).count().get_frame()
    assert column(made, "nrow") == [72, 18, 8, 2]


def test_folds_are_balanced(engine: Engine) -> None:
    y = H2OFrame({"y": ["a"] * 30 + ["b"] * 9})
    folds = y.stratified_kfold_column(3, seed=1)
    made = y.cbind(folds).group_by(["y", "C1"]).count().get_frame()
    assert column(made, "nrow") == [10, 10, 10, 3, 3, 3]
    assert set(column(y.kfold_column(3, seed=1))) == {0, 1, 2}


def test_impute_and_fill(fr: H2OFrame) -> None:
    assert fr.impute("a", method="median")[0] == 1.5
    assert column(fr, "a") == [1.5, 1.5, -2.25, 4, 1.5]
    other = H2OFrame({"g": ["u", "u", "v"], "v": [2.0, None, None]})
    other.impute("v", by="g")
    assert column(other, "v") == [2, 2, None]
    assert column(H2OFrame({"v": [1.0, None, None]}).fillna(maxlen=1)) == [1, 1, None]
    counted = H2OFrame({"v": [3.0, 2.0, 3.0, None]})
    assert counted.impute("v", method="mode") == [3]
    assert column(counted) == [3, 2, 3, 3]


def test_apply_traces_the_function(fr: H2OFrame) -> None:
    numbers = fr[["a", "b"]]
    assert column(numbers.apply(lambda r: r.sum(), axis=1)) == [2.5, 2, 0.75, 8, 6.5]
    assert column(numbers.apply(lambda c: (c * 2).mean()), "b") == [6]
    assert column(numbers.apply(lambda r: r["b"] - 1, axis=1)) == [0, 1, 2, 3, 4]
    with pytest.raises(FrameError, match="apply"):
        numbers.apply(lambda c: c.names)


def test_strings_and_times(engine: Engine) -> None:
    texts = H2OFrame({"s": ["Foo bar", "Hello", None, "aaa"]}).ascharacter()
    assert column(texts.toupper()) == ["FOO BAR", "HELLO", None, "AAA"]
    assert texts.toupper().names == ["s"]
    assert column(texts.nchar()) == [7, 5, None, 3]
    assert column(texts.substring(0, 2)) == ["Fo", "He", None, "aa"]
    assert column(texts.gsub("l+", "L")) == ["Foo bar", "HeLo", None, "aaa"]
    assert column(texts.strsplit(" "), 1) == ["bar", None, None, None]
    assert column(texts.grep("o", output_logical=True)) == [1, 1, 0, 0]
    times = H2OFrame({"t": [day("2020-01-01"), day("2021-12-31")]})
    assert (column(times.year()), column(times.dayOfWeek())) == ([2020, 2021], ["Wed", "Fri"])
    assert H2OFrame.mktime(2020, 0, 0) == 1577836800000
    dates = H2OFrame({"d": ["2020-02-29", "2019-01-01"]}).ascharacter().as_date("yyyy-MM-dd")
    assert dates.types == {"d": "time"}


def test_looks(fr: H2OFrame) -> None:
    assert "a" in repr(fr)
    assert "<table" in fr._repr_html_()
    out = io.StringIO()
    fr.describe(out=out)
    assert "missing" in out.getvalue()
    assert fr.head(2).nrow == 2
    assert column(fr.tail(2), "b") == [4, 5]
    assert fr.as_data_frame().shape == (5, 3)
    assert fr.as_data_frame(use_pandas=False)[0] == ["a", "b", "c"]


def test_a_key_lives_as_long_as_its_frame(engine: Engine, fr: H2OFrame) -> None:
    made = fr[["a"]] + 1
    key = made.frame_id
    assert engine.dkv.contains(key)
    del made
    gc.collect()
    assert not engine.dkv.contains(key)
    fr.frame_id = "kept"
    assert H2OFrame.get_frame("kept").shape == (5, 3)
    engine.dkv.remove("kept")


def test_long_loops_stay_shallow(engine: Engine) -> None:
    x = H2OFrame({"x": [0.0, 1.0]})
    for _ in range(600):
        x = x + 1
    assert column(x) == [600, 601]


def test_any_with_and_without_na(engine: Engine) -> None:
    frame = H2OFrame({"x": [0.0, None]})
    assert frame.any()
    assert not frame.any_na_rm()
    assert H2OFrame({"x": [0.0, None, 2.0]}).any_na_rm()


def test_interaction_crosses_levels(engine: Engine) -> None:
    frame = H2OFrame({"p": ["u", "v", "u", "u"], "q": ["x", "x", "y", "x"]}).asfactor()
    made = frame.interaction(["p", "q"], pairwise=False, max_factors=10, min_occurrence=1)
    assert column(made) == ["u_x", "v_x", "u_y", "u_x"]


@pytest.mark.parametrize("is_stored", [True, False])
def test_rows_without_na_of_every_type(engine: Engine, is_stored: bool) -> None:
    import pandas as pd

    whole: dict[str, list[Any]] = {
        "row": list(range(8)),
        "real": [i / 3 for i in range(8)],
        "level": [f"l{i % 3}" for i in range(8)],
        "text": [f"a long text {i}" for i in range(8)],
        "when": [datetime(2020, 1, 1 + i) for i in range(8)],  # noqa: DTZ001
        "id": [uuid.UUID(int=i) for i in range(8)],
    }
    for row, name in enumerate(list(whole)[1:], start=1):
        whole[name][row] = None
    table = pd.DataFrame({**whole, "level": pd.Categorical(whole["level"])})
    frame = H2OFrame(table)
    if is_stored:
        frame = H2OFrame(frame.frame)
    assert column(frame.na_omit(), "row") == [0, 6, 7]
    assert frame.na_omit().nrow == 3
    assert frame.nacnt() == [0, 1, 1, 1, 1, 1]
