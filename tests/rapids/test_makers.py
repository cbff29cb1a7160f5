"""Frames of random values, NA punched in, columns crossed: the same on every cluster."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import dh2o
from dh2o.errors import ParameterError
from dh2o.frame import Frame, VecType
from dh2o.mrtask import Engine
from dh2o.rapids.makers import insert_missing, interaction
from dh2o.rapids.random_frames import CreateFrameSpec, create_frame

# what real H2O 3.46.0.11 makes of the spec of the test below, and of NA put into it
FRAME_OF_H2O = [
    '"response","C1","C2","C3","C4","C5","C6","C7"',
    ',10.943511736761513,-77.1047133955004,94,1171716956022,"c5.l1",0,"CXLYLKWQ"',
    '"0",39.10130357172654,-95.82913740405037,,81615640832,"c5.l0",0,"AWXKSYNJ"',
    '"0",-57.95827926536297,27.414772334678418,27,1257927807362,"c5.l4",0,"NUKECBLJ"',
]
NA_OF_H2O = [
    FRAME_OF_H2O[0],
    ',10.943511736761513,-77.1047133955004,94,1171716956022,"c5.l1",0,',
    '"0",39.10130357172654,-95.82913740405037,,81615640832,,0,"AWXKSYNJ"',
    '"0",,27.414772334678418,27,1257927807362,"c5.l4",0,',
]


def texts(frame: Frame) -> bytes:
    return b"".join(frame.to_csv_stream())


def test_types_come_in_the_fractions_asked_for(engine: Engine) -> None:
    spec = CreateFrameSpec(
        rows=500, cols=20, seed=3, categorical_fraction=0.2, integer_fraction=0.2,
        binary_fraction=0.1, time_fraction=0.1, string_fraction=0.1, factors=5, has_response=True,
    )  # fmt: skip
    frame = create_frame(spec)
    kinds = [vec.type for vec in frame.vecs]
    assert frame.names[:2] == ("response", "C1")
    assert kinds.count(VecType.ENUM) == 1 + 4
    assert kinds.count(VecType.TIME) == kinds.count(VecType.STRING) == 2
    n_na = sum(r.n_na for r in frame.rollups())
    assert n_na == pytest.approx(500 * 21 * 0.01, rel=0.4)
    assert frame.vecs[0].domain == ("0", "1")


def test_a_seed_makes_the_frame_that_it_makes_in_real_h2o(engine: Engine) -> None:
    spec = CreateFrameSpec(
        rows=3, cols=7, seed=123, factors=5, has_response=True, integer_fraction=0.15,
        categorical_fraction=0.15, binary_fraction=0.15, binary_ones_fraction=0.5,
        time_fraction=0.15, string_fraction=0.15, missing_fraction=0.1,
    )  # fmt: skip
    assert texts(create_frame(spec)).decode().splitlines() == FRAME_OF_H2O
    assert texts(insert_missing(create_frame(spec), 0.3, 5)).decode().splitlines() == NA_OF_H2O


def test_symbols_of_series_are_those_of_h2o(engine: Engine) -> None:
    shape = {"cols": 256, "real_fraction": 1, "missing_fraction": 0}
    series = dh2o.create_frame(rows=1, seed=123, **shape).cumsum(axis=1)
    found = series.isax(num_words=10, max_cardinality=10)[0, 0]
    assert found == "0^10_0^10_0^10_0^10_5^10_7^10_8^10_9^10_9^10_8^10"
    shape["cols"] = 41
    series = dh2o.create_frame(rows=30, seed=6, **shape).cumsum(axis=1)
    found = series.isax(num_words=5, max_cardinality=4, optimize_card=True)[0, 0]
    assert found == "0^4_1^4_1^3_2^4_1^4"


def test_a_constant_frame(engine: Engine) -> None:
    spec = CreateFrameSpec(
        rows=10, cols=2, randomize=False, value=7, categorical_fraction=0, integer_fraction=0,
        binary_fraction=0, missing_fraction=0,
    )  # fmt: skip
    assert all(r.min == r.max == 7 for r in create_frame(spec).rollups())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": 0}, "rows and cols"),
        ({"categorical_fraction": 1.5}, "categorical_fraction: expected 0 to 1"),
        ({"integer_fraction": 0.9}, "add up to at most 1"),
        ({"factors": 1}, "factors: expected 2"),
        ({"value": 3}, "randomize=False"),
        ({"randomize": False}, "randomize=True"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(changes: dict[str, float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        CreateFrameSpec(**changes).check()  # type: ignore[arg-type]


@pytest.mark.cluster
def test_the_cluster_makes_no_difference(engine: Engine, cluster3: Engine) -> None:
    spec = CreateFrameSpec(rows=2000, cols=6, seed=9)
    from dh2o.mrtask import use_engine

    with use_engine(engine):
        one = create_frame(spec)
        here = texts(one), texts(insert_missing(one, 0.3, 4))
    with use_engine(cluster3):
        three = create_frame(spec)
        there = texts(three), texts(insert_missing(three, 0.3, 4))
    assert here == there


def test_na_goes_into_every_kind_of_column(engine: Engine) -> None:
    frame = Frame.from_python({"i": [1, 2, 3], "r": [0.5, 1.5, 2.5], "s": ["a", "b", "c"]})
    assert [r.n_na for r in insert_missing(frame, 1.0, 1).rollups()] == [3, 3, 3]
    assert [r.n_na for r in insert_missing(frame, 0.0, 1).rollups()] == [0, 0, 0]


def crossed(a: list[str | None], b: list[str | None], **options: int) -> tuple[list[str], Frame]:
    table = pa.table({"a": pa.array(a).dictionary_encode(), "b": pa.array(b).dictionary_encode()})
    made = interaction(
        Frame.from_arrow(table), ["a", "b"], False,
        options.get("max_factors", 100), options.get("min_occurrence", 1),
    )  # fmt: skip
    return list(made.vecs[0].domain or ()), made


def test_levels_go_by_count_then_as_in_h2o(engine: Engine) -> None:
    levels, made = crossed(["x", "y", "x", None, "y", "x"], ["1", "2", "1", "1", "2", "2"])
    assert made.names == ("a_b",)
    assert levels == ["x_1", "y_2", "x_2", "NA_1"]
    codes = made.head(6).chunk(0).codes()
    assert np.array_equal(codes, [0, 1, 0, 3, 1, 2])


def test_rare_levels_become_other(engine: Engine) -> None:
    assert crossed(["x", "y", "x"], ["1", "1", "1"], max_factors=1)[0] == ["x_1", "other"]
    assert crossed(["x", "y", "x"], ["1", "1", "1"], min_occurrence=2)[0] == ["x_1", "other"]


def test_a_number_cannot_be_crossed(engine: Engine) -> None:
    frame = Frame.from_python({"n": [1, 2], "m": [1, 2]})
    with pytest.raises(ParameterError, match="Column n is not categorical"):
        interaction(frame, ["n", "m"], False, 10, 1)
    with pytest.raises(ParameterError, match="Column z not found"):
        interaction(frame, ["z"], False, 10, 1)
