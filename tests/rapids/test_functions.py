"""Python and numba functions on frames: what they are given, what comes back, how they fail."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dh2o.errors import FrameError, RapidsError
from dh2o.frame.mapped import without_gil
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame


@pytest.fixture
def fr(any_engine: Engine) -> H2OFrame:
    made = H2OFrame(
        {
            "a": [1.0, 2.0, None, 4.0, 5.0],
            "b": [1, 2, 3, 4, 5],
            "e": ["x", "y", "x", None, "z"],
        },
        column_types={"e": "enum"},
    )
    return H2OFrame(made.frame.rebalance([2, 2, 1]))


def column(frame: H2OFrame, name: str | int = 0) -> list[Any]:
    values = frame[name].to_arrow().column(0).to_pylist()
    return [None if isinstance(v, float) and math.isnan(v) else v for v in values]


def test_tables_of_every_library_keep_types(fr: H2OFrame) -> None:
    wider = fr.map_blocks(lambda df: df.assign(c=df.a + df.b))
    assert wider.types == {"a": "int", "b": "int", "e": "enum", "c": "int"}
    assert wider.frame.layout == (2, 2, 1)
    assert column(wider, "c") == [2, 4, None, 8, 10]
    assert wider["e"].categories() == ["x", "y", "z"]
    few = fr.map_blocks(lambda t: t.filter(t["b"].to_numpy() > 2), form="arrow")
    assert column(few, "b") == [3, 4, 5]
    assert column(few, "e") == ["x", None, "z"]
    made = fr.map_blocks(lambda t: t.select("e", "b"), form="polars")
    assert made.types == {"e": "enum", "b": "int"}


def test_arrays_in_and_out(fr: H2OFrame) -> None:
    assert column(fr.map_blocks(lambda a, _b, _e: a * 2, form="arrays")) == [2, 4, None, 8, 10]
    both = fr[["a", "b"]].map_blocks(lambda a, b, k: (a, b * k), 10, form="arrays")
    assert both.names == ["a", "b"]
    assert column(both, "b") == [10, 20, 30, 40, 50]
    matrix = fr[["a", "b"]].map_blocks(
        lambda *c: np.stack([*c, c[0]], axis=1), form="arrays", names=["p", "q", "r"]
    )
    assert matrix.names == ["p", "q", "r"]
    assert column(fr["b"].map_blocks(lambda b: float(b.sum()), form="arrays")) == [3, 7, 5]
    named = fr["b"].map_blocks(lambda b: {"n": len(b), "s": b.sum()}, form="arrays")
    assert (column(named, "n"), column(named, "s")) == ([2, 2, 1], [3, 7, 5])


def test_types_can_be_given(fr: H2OFrame) -> None:
    made = fr["b"].map_blocks(lambda b: b % 2, form="arrays", names=["odd"], types={"odd": "enum"})
    assert made.types == {"odd": "enum"}
    assert column(made) == ["1", "0", "1", "0", "1"]


def test_numba_functions_run_without_the_lock(fr: H2OFrame) -> None:
    import numba

    @numba.njit
    def scaled(a: Any, k: float) -> Any:
        return a * k + 1

    assert without_gil(scaled).targetoptions["nogil"]
    assert column(fr["a"].map_blocks(scaled, 3.0)) == [4, 7, None, 13, 16]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda b: 1 / (b[0] - 3), r"block 1 \(rows 2 to 3\): .*line \d+ of <lambda>"),
        (lambda _: None, r"block \d \(rows \d to \d\) is no table: it gave None"),
        (lambda b: {"x": b, "y": b[:1]}, "different lengths"),
        (lambda b: b if b[0] == 1 else (b, b), "other columns"),
    ],
)
def test_failures_name_the_block(engine: Engine, function: Any, message: str) -> None:
    frame = H2OFrame(H2OFrame({"b": [1, 2, 3, 4]}).frame.rebalance([2, 2]))

    def strict(b: Any) -> Any:
        with np.errstate(divide="raise"):
            return function(b)

    with pytest.raises(FrameError, match=message):
        frame.map_blocks(function if "gave" in message else strict, form="arrays")


def test_rows_given_to_python(fr: H2OFrame) -> None:
    def text(row: Any) -> str | None:
        return None if row["e"] is None else f"{row['e']}{int(row[1])}"

    made = fr.apply(text, axis=1)
    assert (made.names, column(made)) == (["C1"], ["x1", "y2", "x3", None, "z5"])
    pairs = fr.apply(lambda row: (math.floor(row["b"]), len(row)), axis=1)
    assert column(pairs, "C2") == [3] * 5
    named = fr.apply(lambda row: {"twice": row["b"] * 2 if row["b"] > 1 else 0}, axis=1)
    assert (named.names, column(named)) == (["twice"], [0, 4, 6, 8, 10])


def test_rows_given_to_numba(fr: H2OFrame) -> None:
    import numba

    @numba.njit
    def smaller(row: Any) -> float:
        return min(row[0], row[1]) if row[1] > 1 else -1.0

    @numba.njit
    def both(row: Any) -> Any:
        return row[::-1]

    numbers = fr[["b", "b"]]
    assert column(numbers.apply(smaller, axis=1)) == [-1, 2, 3, 4, 5]
    assert column(numbers.apply(both, axis=1), 1) == [1, 2, 3, 4, 5]


def test_columns_given_whole(fr: H2OFrame) -> None:
    spans = fr[["a", "b"]].apply(lambda c: float(np.nanmax(c) - np.nanmin(c)))
    assert (spans.names, column(spans, "a"), column(spans, "b")) == (["a", "b"], [4], [4])
    ranks = fr[["b"]].apply(lambda c: np.argsort(-c))
    assert (column(ranks), ranks.frame.layout) == ([4, 3, 2, 1, 0], (2, 2, 1))
    texts = fr[["e"]].apply(lambda c: "".join(t or "-" for t in c))
    assert column(texts) == ["xyx-z"]


def test_expressions_stay_expressions(fr: H2OFrame) -> None:
    made = fr[["a", "b"]].apply(lambda row: row["b"] - 1, axis=1)
    assert made._node.function.name == "apply"  # type: ignore[attr-defined]
    assert column(made) == [0, 1, 2, 3, 4]


def test_failures_name_the_row_or_column(fr: H2OFrame) -> None:
    with pytest.raises(FrameError, match=r"row 2 \(block 1\): ZeroDivisionError"):
        fr.apply(lambda row: 1 / (int(row["b"]) - 3), axis=1)
    with pytest.raises(FrameError, match=r"row \d.*the columns are a, b, e"):
        fr.apply(lambda row: float(row["nope"]), axis=1)
    with pytest.raises(FrameError, match=r"apply.*column 'a'.*names"):
        fr.apply(lambda c: c.names)
    with pytest.raises(RapidsError, match="different lengths: a 1, b 5"):
        fr[["a", "b"]].apply(lambda c: c if c[2] == 3 else 1.0)


def test_empty_frames(engine: Engine) -> None:
    empty = H2OFrame({"b": [1, 2]})
    empty = empty[empty["b"] > 5, :]
    assert empty.map_blocks(lambda df: df.assign(c=df.b)).shape == (0, 2)
    with pytest.raises(FrameError, match="form"):
        empty.map_blocks(len, form="list")
