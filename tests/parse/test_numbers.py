from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.parse import numbers


def read(text: str) -> tuple[int, float]:
    buf = np.frombuffer(text.encode() or b" ", np.uint8).copy()
    kind, value, _, _ = numbers.number_at(buf, 0, len(text.encode()))
    return kind, numbers.hard_number(text) if kind == numbers.HARD else value


FORMS = [repr, "{:.3f}".format, "{:.17g}".format, "{:.25e}".format, "{:.19E}".format, "{:+.6e}".format]


@settings(max_examples=400)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FORMS))
def test_every_double_is_read_as_python_reads_it(x: float, form: Any) -> None:
    assert read(form(x))[1] == float(form(x))


@settings(max_examples=400)
@given(st.integers(0, 10**25), st.integers(-360, 330))
def test_mantissa_and_exponent(mantissa: int, exponent: int) -> None:
    text = f"{mantissa}e{exponent}"
    assert read(text)[1] == float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5%", 0.05),
        ("$6.5", 6.5),
        (" 7 ", 7.0),
        ("\t7", 7.0),
        ("+3", 3.0),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("007", 7.0),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("1e-400", 0.0),
        ("99999999999999999999999", 1e23),
        ("0.1%", 0.001),
        ("12.34567890123456789012345%", 0.1234567890123456789),
        ("2.4703282292062327208e-324", 0.0),
        ("2.4703282292062328e-324", 5e-324),
    ],
)
def test_spellings(text: str, value: float) -> None:
    assert read(text)[1] == value


@pytest.mark.parametrize("text", ["-", "+", ".", "e5", "1e", "1e+", "1.2.3", "x", "1x", "inf", "--1", "$"])
def test_what_is_no_number(text: str) -> None:
    assert read(text)[0] == numbers.WORD


@pytest.mark.parametrize("text", ["NA", "na", "NaN", "N/A", "null", "None", "NONE"])
def test_words_that_mean_na_are_not_bad(text: str) -> None:
    assert read(text)[0] == numbers.NA_WORD


def test_integers_are_exact_to_64_bits(parse_text: Any) -> None:
    values = [2**63 - 1, -(2**63) + 1, 9007199254740993, 5]
    got = parse_text("a,b\n" + "".join(f"{v},1\n" for v in values) + ",1\n")
    block = got.frame.vecs[0].ref[0][0]
    assert block.ints(0).tolist()[:4] == values
    assert block.chunk(0).na_mask().tolist() == [False] * 4 + [True]


def test_wide_integers_beside_fractions_are_doubles(parse_text: Any) -> None:
    assert parse_text("a,b\n9007199254740993,1\n0.5,1\n")["a"] == [9007199254740992.0, 0.5]


def test_bad_numbers_are_na_and_told(parse_text: Any) -> None:
    rows = "".join(f"{i},{'oops' if i in (7, 9) else i}\n" for i in range(1, 20))
    got = parse_text("a,b\n" + rows, cut=30)
    assert [i for i, x in enumerate(got["b"], 1) if x is None] == [7, 9]
    assert "Column 'b': 2 cells are no number" in got.told.warnings[0]
    assert "'oops' in row 7" in got.told.warnings[0]
