from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.building import coerce
from dh2o.estimators.building.coerce import CoercionError


@pytest.mark.parametrize("value", [True, 1, "true", "TRUE", "1", " t "])
def test_true(value: Any) -> None:
    assert coerce.to_boolean(value) is True


@pytest.mark.parametrize("value", [False, 0, "false", "F", "0"])
def test_false(value: Any) -> None:
    assert coerce.to_boolean(value) is False


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), ("3", 3), (3.0, 3), ("-3.0", -3), ("1e3", 1000)]
)
def test_whole_numbers(value: Any, number: int) -> None:
    assert coerce.to_integer(value) == number


def test_long_numbers_keep_all_digits() -> None:
    assert coerce.to_integer("9223372036854775807", coerce.LONG_MAX) == 2**63 - 1


@pytest.mark.parametrize("value", ["1.5", 1.5, "x", True, float("nan"), 2**40, None, []])
def test_what_is_no_int(value: Any) -> None:
    with pytest.raises(CoercionError):
        coerce.to_integer(value)


def test_numbers() -> None:
    assert coerce.to_number("Infinity") == float("inf")
    assert coerce.to_number("-Infinity") == -float("inf")
    assert coerce.to_number("1.5") == coerce.to_number(np.float32(1.5)) == 1.5
    for value in (True, "one", [1]):
        with pytest.raises(CoercionError, match="expected a number"):
            coerce.to_number(value)


VALUES = ("AUTO", "QuantilesGlobal", "L_BFGS", "COORDINATE_DESCENT", "mean_per_class_error", "MSE")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("auto", "AUTO"),
        ("quantiles_global", "QuantilesGlobal"),
        ("QUANTILESGLOBAL", "QuantilesGlobal"),
        ("l_bfgs", "L_BFGS"),
        ("coordinate_descent", "COORDINATE_DESCENT"),
        ("Mean_Per_Class_Error", "mean_per_class_error"),
        ('"mse"', "MSE"),
    ],
)
def test_enums_in_any_spelling(given: str, meant: str) -> None:
    assert coerce.to_enum(given, VALUES) == meant


def test_unknown_enum_names_the_known() -> None:
    with pytest.raises(CoercionError, match="expected one of AUTO, QuantilesGlobal"):
        coerce.to_enum("nope", VALUES)


@pytest.mark.parametrize(
    ("given", "items"),
    [
        ("[a,b]", ("a", "b")),
        ('["a","b"]', ("a", "b")),
        ("['a', 'b']", ("a", "b")),
        ('[a, "b,c"]', ("a", "b,c")),
        ('["with \\"quote\\""]', ('with "quote"',)),
        (["a", "b"], ("a", "b")),
        (("a",), ("a",)),
        ("a", ("a",)),
        ("[]", ()),
        ([], ()),
        ("[a b]", ("a b",)),
        (np.array(["a", "b"]), ("a", "b")),
    ],
)
def test_lists_of_names(given: Any, items: tuple[str, ...]) -> None:
    assert coerce.to_list(given, coerce.to_text) == items


@pytest.mark.parametrize("given", ["[0.1,0.5]", "[0.1, 0.5]", [0.1, 0.5], np.array([0.1, 0.5])])
def test_lists_of_numbers(given: Any) -> None:
    assert coerce.to_list(given, coerce.to_number) == (0.1, 0.5)


def test_one_number_is_a_list() -> None:
    assert coerce.to_list(0.5, coerce.to_number) == (0.5,)
    assert coerce.to_list("0.5", coerce.to_number) == (0.5,)


@pytest.mark.parametrize(
    "given",
    [
        {"a": 1, "b": -1},
        '{"a": 1, "b": -1}',
        "{'a': 1, 'b': -1}",
        '[{"key": "a", "value": 1}, {"key": "b", "value": -1}]',
        [{"key": "a", "value": 1.0}, {"key": "b", "value": "-1"}],
    ],
)
def test_maps(given: Any) -> None:
    assert coerce.to_number_map(given) == {"a": 1.0, "b": -1.0}


@pytest.mark.parametrize("given", ["nonsense", [1, 2], 5])
def test_what_is_no_map(given: Any) -> None:
    with pytest.raises(CoercionError):
        coerce.to_number_map(given)


def test_nested_lists_and_pairs() -> None:
    groups = (("a", "b"), ("c",))
    assert coerce.to_nested_list('[["a","b"],["c"]]') == groups
    assert coerce.to_nested_list("[[a,b],[c]]") == groups
    assert coerce.to_nested_list([["a", "b"], ["c"]]) == groups
    pairs = (("a", "b"), ("c", "d"))
    assert coerce.to_pairs([("a", "b"), ("c", "d")]) == pairs
    assert coerce.to_pairs('[{"a":"a","b":"b"},{"a":"c","b":"d"}]') == pairs
    assert coerce.to_pairs("[(a, b), (c, d)]") == pairs


@pytest.mark.parametrize(
    "given", ["[5, -1]", "[0.5]", "5", "true", '["ab"]', '[["a"]]', '[{"a": "x"}]', [None], 5]
)
def test_what_is_no_list_of_pairs(given: Any) -> None:
    with pytest.raises(CoercionError, match="expected pairs of column names"):
        coerce.to_pairs(given)


@pytest.mark.parametrize("given", ["0.5", "true", "1e300", '{"a": 1}', 5])
def test_what_is_no_list_of_lists(given: Any) -> None:
    with pytest.raises(CoercionError, match="expected a list of lists of names"):
        coerce.to_nested_list(given)


def test_things_with_keys_give_their_key() -> None:
    class Thing:
        frame_id = "f.hex"

    assert coerce.to_text(Thing()) == "f.hex"
    assert coerce.to_text({"column_name": "y"}) == "y"
    assert coerce.to_text('"quoted"') == "quoted"
    with pytest.raises(CoercionError, match="expected a name"):
        coerce.to_text(5)
