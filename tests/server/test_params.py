from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dh2o.errors import ParameterError
from dh2o.server.params import parse_value, read_schema
from dh2o.server.schemas.base import Key, encode
from dh2o.server.schemas.frames import FramesV3
from dh2o.server.texts import parse_list, parse_map


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("null", None),
        ("[a,b]", ["a", "b"]),
        ("[\"a, b\", 'c']", ["a, b", "c"]),
        (r'["say \"x\""]', ['say "x"']),
        ('[["NA"],["x","y"]]', [["NA"], ["x", "y"]]),
        ("[null, 1]", [None, "1"]),
        ("single", ["single"]),
        ("[/a/b c.csv,/d.csv]", ["/a/b c.csv", "/d.csv"]),
    ],
)
def test_lists_are_read_in_all_forms_that_clients_write(text: str, expected: object) -> None:
    assert parse_list(text) == expected


@pytest.mark.parametrize("text", ["[a", '["a]', "[a] b", "[" * 1000])
def test_a_broken_list_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_list(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", {}),
        (None, {}),
        ("{'a': [1, 2.5, x],'b': true}", {"a": [1, 2.5, "x"], "b": True}),
        ('{"a": ["x y", null]}', {"a": ["x y", None]}),
        ("{'a': [[C1,C2],[C3]], 'm': {'n': 'o'}}", {"a": [["C1", "C2"], ["C3"]], "m": {"n": "o"}}),
        ("{strategy: RandomDiscrete, seed: -1}", {"strategy": "RandomDiscrete", "seed": -1}),
    ],
)
def test_maps_are_read_in_all_forms_that_clients_write(text: str | None, expected: object) -> None:
    assert parse_map("m", text) == expected


@pytest.mark.parametrize(
    "text", ["[1]", "{'a': [1}", "{'a' 1}", "{'a': 1", "{'a': 1} x", "{a:" * 50]
)
def test_a_broken_map_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_map("m", text)


@given(st.text(alphabet="{}[]:,'\"ab1 ", max_size=40))
def test_any_map_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ParameterError):
        parse_map("m", text)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters='\\"'), max_size=8), max_size=5))
def test_quoted_texts_come_back(items: list[str]) -> None:
    text = "[" + ",".join(f'"{item}"' for item in items) + "]"
    assert parse_list(text) == items


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ParameterError):
        parse_list(text)


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("boolean", "True", True),
        ("boolean", "0", False),
        ("int", "44", 44),
        ("long", "1e3", 1000),
        ("double", "Infinity", math.inf),
        ("int", "null", None),
        ("Key<Frame>", '"a.hex"', Key("a.hex", "Frame")),
        ("Key<Frame>", {"name": "a.hex", "__meta": {}}, Key("a.hex", "Frame")),
        ("double[]", "[1, 2.5]", [1.0, 2.5]),
        ("string[]", ["a"], ["a"]),
    ],
)
def test_scalars_by_type(type_: str, text: object, expected: object) -> None:
    assert parse_value("x", type_, text) == expected


@pytest.mark.parametrize(
    ("type_", "text"), [("int", "1.5"), ("int", "abc"), ("boolean", "maybe"), ("double", "x")]
)
def test_a_wrong_scalar_names_parameter_and_type(type_: str, text: str) -> None:
    with pytest.raises(ParameterError, match=rf"n_rows: expected {type_}, got '{text}'"):
        parse_value("n_rows", type_, text)


def test_choices_match_in_any_case() -> None:
    assert parse_value("f", "enum", "CSV", ("csv", "parquet")) == "csv"
    with pytest.raises(ParameterError, match="expected one of csv, parquet"):
        parse_value("f", "enum", "xls", ("csv", "parquet"))


def test_unknown_parameters_are_named() -> None:
    with pytest.raises(ParameterError, match="Unknown parameter: colour"):
        read_schema(FramesV3, {"colour": "red"})
    with pytest.raises(ParameterError, match="Unknown parameter: frames"):
        read_schema(FramesV3, {"frames": "[]"})  # an answer's field


def test_numbers_that_json_has_not_become_texts() -> None:
    assert encode([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]


def test_lists_are_written_as_plain_values() -> None:
    nan, inf = float("nan"), float("inf")
    assert encode((1.5, nan, -inf, 2)) == [1.5, "NaN", "-Infinity", 2]
    assert encode([1e308, 1e308, -1.0]) == [1e308, 1e308, -1.0]  # whose sum is infinite
    assert encode(["a", None, True, 3]) == ["a", None, True, 3]
    assert encode([Key("k", "Frame"), (inf,)]) == [Key("k", "Frame").to_json(), ["Infinity"]]
    assert encode(np.array([[1.0, nan]])) == [[1.0, "NaN"]]
