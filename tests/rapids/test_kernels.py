from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.rapids.arithmetic import java_double
from dh2o.rapids.kernels import BINARY, UNARY, apply_scalar, equal
from dh2o.rapids.row_numbers import uniform

VALUES = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e300, 5e-324, math.inf, -math.inf, math.nan]


def naive_equal(a: float, b: float) -> float:
    """Equal within the smaller unit in the last place, or both NA."""
    if math.isnan(a) or math.isnan(b):
        return float(math.isnan(a) and math.isnan(b))
    if a == b:
        return 1.0
    if math.isinf(a) or math.isinf(b):
        return 0.0
    return float(abs(a - b) <= min(math.ulp(a), math.ulp(b)))


@pytest.mark.parametrize("a", VALUES)
@pytest.mark.parametrize("b", VALUES)
def test_equal_agrees_with_its_definition(a: float, b: float) -> None:
    if {abs(a), abs(b)} == {0.0, 5e-324}:
        return  # the smallest number is one unit from +0 only
    out = np.empty(2)
    assert equal(np.array([a, a]), np.array([b, b]), out)[0] == naive_equal(a, b)
    if not math.isnan(b):
        assert equal(np.array([a, a]), b, out)[0] == naive_equal(a, b)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-3, 3))
@settings(max_examples=200, deadline=None)
def test_neighbours_are_equal_and_no_more(a: float, steps: int) -> None:
    b = a
    for _ in range(abs(steps)):
        b = math.nextafter(b, math.copysign(math.inf, steps))
    if math.isinf(b) or (a == 0) != (b == 0) or (a < 0) != (b < 0):
        return
    found = equal(np.array([a]), np.array([b]), np.empty(1))[0]
    assert found == (1.0 if abs(steps) <= 1 else 0.0)


@pytest.mark.parametrize("op", BINARY)
def test_binary_kernels_leave_their_operands_alone(op: str) -> None:
    a, b = np.array(VALUES), np.array(VALUES[::-1])
    keep_a, keep_b = a.tobytes(), b.tobytes()
    with np.errstate(all="ignore"):
        BINARY[op](a, 2.0 if op in ("round", "signif") else b, out=np.empty(len(a)))
    assert (a.tobytes(), b.tobytes()) == (keep_a, keep_b)


@pytest.mark.parametrize("op", UNARY)
def test_unary_kernels_keep_na_and_their_operand(op: str) -> None:
    a = np.array([0.5, math.nan, 1.5])
    before = a.tobytes()
    with np.errstate(all="ignore"):
        out = UNARY[op](a, out=np.empty(3))
    assert a.tobytes() == before
    assert op == "isna" or math.isnan(out[1])


@pytest.mark.parametrize(
    ("op", "a", "b", "expected"),
    [
        ("&", 0, math.nan, 0),
        ("&", 1, math.nan, math.nan),
        ("|", 1, math.nan, 1),
        ("|", 0, math.nan, math.nan),
        ("|", 1.5, 0, 0),
        ("intDiv", -5, 3, -1),
        ("intDiv", 5, 0, math.nan),
        ("%", -5, 3, -2),
        ("round", 2.5, 0, 2),
        ("round", -1.05, 1, -1.1),
        ("signif", 123456, 2, 120000),
    ],
)
def test_scalars(op: str, a: float, b: float, expected: float) -> None:
    found = apply_scalar(BINARY[op], a, b)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0"), (0.1, "0.1"), (1e7, "1.0E7"), (1.5e-5, "1.5E-5"), (123456789.0, "1.23456789E8")],
)
def test_numbers_are_written_as_in_java(value: float, text: str) -> None:
    assert java_double(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=300, deadline=None)
def test_written_numbers_read_back(value: float) -> None:
    assert float(java_double(value)) == value


def test_uniform_numbers_are_uniform_and_depend_on_the_seed() -> None:
    rows = np.arange(100_000, dtype=np.uint64)
    one, two = uniform(rows, 1), uniform(rows, 2)
    assert one.min() >= 0
    assert one.max() < 1
    assert abs(one.mean() - 0.5) < 0.005
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 0.02
    assert np.array_equal(uniform(rows[500:600], 1), one[500:600])
