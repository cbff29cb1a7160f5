from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from dh2o.errors import FrameError
from dh2o.frame import Frame, VecType
from dh2o.mrtask import Engine
from tests.frame.tables import a_bit_of_everything, arrow_tables, same_arrow

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(table=arrow_tables())
def test_round_trip_is_the_identity(engine: Engine, table: pa.Table) -> None:
    same_arrow(Frame.from_arrow(table).to_arrow(), table)


def test_round_trip_in_many_blocks(any_engine: Engine) -> None:
    table = a_bit_of_everything()
    frame = Frame.from_arrow(table).rebalance((0, 70, 70, 0, 60))
    same_arrow(frame.to_arrow(), table)


def test_types_of_columns(engine: Engine) -> None:
    types = Frame.from_arrow(a_bit_of_everything()).types
    assert types == {
        "int": "int", "real": "real", "big": "int", "text": "string", "enum": "enum",
        "flag": "enum", "when": "time", "day": "time", "id": "uuid", "nothing": "int",
    }  # fmt: skip


def test_capsule_protocol_both_ways(engine: Engine) -> None:
    table = a_bit_of_everything(20)

    class Exporter:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.__arrow_c_stream__(requested_schema)

    same_arrow(pa.table(Frame.from_arrow(Exporter())), table)


def test_reader_is_cut_into_blocks(engine: Engine) -> None:
    schema = pa.schema([("x", pa.int64()), ("c", pa.dictionary(pa.int8(), pa.string()))])
    level = schema.field("c").type
    batches = [
        pa.record_batch(
            [
                pa.array(np.arange(200_000) + i),
                pa.array([f"l{i}"] * 200_000).dictionary_encode().cast(level),
            ],
            schema=schema,
        )
        for i in range(4)
    ]
    frame = Frame.from_arrow(pa.RecordBatchReader.from_batches(schema, iter(batches)))
    assert frame.n_rows == 800_000
    assert frame.n_blocks > 1
    assert frame.vec("c").domain == ("l0", "l1", "l2", "l3")
    assert frame.to_arrow().column("x").equals(pa.chunked_array([b.column(0) for b in batches]))


def test_empty_reader_keeps_the_columns(engine: Engine) -> None:
    schema = pa.schema([("x", pa.int8()), ("s", pa.string())])
    frame = Frame.from_arrow(pa.RecordBatchReader.from_batches(schema, iter([])))
    assert frame.to_arrow().schema == schema
    assert frame.n_rows == 0


def test_nan_stays_nan_and_null_stays_null(engine: Engine) -> None:
    nan, null = pa.array([1.0, np.nan]), pa.array([1.0, None])
    back = Frame.from_arrow(pa.table({"nan": nan, "null": null})).to_arrow()
    assert back.column("nan").null_count == 0
    assert np.isnan(back.column("nan")[1].as_py())
    assert back.column("null").null_count == 1


def test_dictionary_keeps_order_unused_levels_and_merges_chunks(engine: Engine) -> None:
    one = pa.DictionaryArray.from_arrays(
        pa.array([0, None], pa.int8()), ["z", "unused"], ordered=True
    )
    two = pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), ["z", "a"], ordered=True)
    frame = Frame.from_arrow(pa.table({"c": pa.chunked_array([one, two])}))
    assert frame.vec("c").domain == ("z", "unused", "a")
    back = frame.to_arrow().column("c")
    assert back.type.ordered
    assert back.to_pylist() == ["z", None, "a", "z"]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2], pa.int32()).dictionary_encode(),
        pa.array([1.5, -0.1]).dictionary_encode(),
        pa.array([0, 86_400_000], pa.int64()).view(pa.timestamp("ms")).dictionary_encode(),
    ],
)
def test_dictionaries_of_other_values_come_back(engine: Engine, array: pa.Array) -> None:
    back = Frame.from_arrow(pa.table({"c": array})).to_arrow().column("c")
    assert back.type == array.type
    assert back.to_pylist() == array.to_pylist()


def test_integers_beyond_63_bits_are_kept_where_doubles_are_exact(engine: Engine) -> None:
    table = pa.table(
        {
            "u": pa.array([2**63, 3, None], pa.uint64()),
            "i": pa.array([-(2**63), 1, None]),
            "d": pa.array([-(2**63), None, 7]).view(pa.duration("ns")),
        }
    )
    same_arrow(Frame.from_arrow(table).to_arrow(), table)


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (pa.array([1, 2**64 - 1], pa.uint64()), "row 1"),
        (pa.array([-(2**63), 2**53 + 1]), "row 1"),
        (pa.array([[1], [2]]), "Flatten"),
        (pa.array([{"a": 1}]), "Flatten"),
        (pa.array([b"xy"]), "Cast"),
        (pa.array([2**62], pa.int64()).view(pa.timestamp("s")), "292 million years"),
    ],
)
def test_what_would_lose_something_is_refused(engine: Engine, array: pa.Array, what: str) -> None:
    with pytest.raises(FrameError, match=what) as caught:
        Frame.from_arrow(pa.table({"bad": array})).rollups()
    assert "bad" in str(caught.value)


def test_wide_decimals_are_refused(engine: Engine) -> None:
    from decimal import Decimal

    with pytest.raises(FrameError, match="row 0"):
        Frame.from_arrow(pa.table({"d": pa.array([Decimal("12345678901234567.89")])})).rollups()


def test_strings_become_enums_when_asked_and_go_back_as_strings(engine: Engine) -> None:
    table = pa.table({"few": ["b", "a", "b", None] * 5, "many": [f"t{i}" for i in range(20)]})
    frame = Frame.from_arrow(table, strings="guess")
    assert frame.vec("few").domain == ("a", "b")
    assert frame.vec("many").type is VecType.STRING
    same_arrow(frame.to_arrow(), table)
    one = pa.table({"x": ["a", None]})
    assert Frame.from_arrow(one, strings="guess").vec("x").domain == ("a",)
    assert Frame.from_arrow(table, strings="enum").vec("many").n_levels == 20


def test_duplicate_names_are_refused(engine: Engine) -> None:
    with pytest.raises(FrameError, match="duplicate column name 'a'"):
        Frame.from_arrow(pa.table([[1], [2]], names=["a", "a"]))


def test_no_columns_and_no_rows(engine: Engine) -> None:
    assert Frame.from_arrow(pa.table({})).shape == (0, 0)
    assert Frame.from_arrow(pa.table({})).to_arrow().num_columns == 0
