from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.parse import numbers
from dh2o.parse.columns import NumberReader
from dh2o.parse.tokenise import dialect_of


def column(texts: list[str], room: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a buffer and cells that hold one column of texts, with some bytes on both sides."""
    ends = np.cumsum([room, *(len(text.encode()) + 1 for text in texts)])
    cells = np.empty((len(texts), 1, 2), np.int32)
    cells[:, 0, 0] = ends[:-1]
    cells[:, 0, 1] = ends[1:] - 1
    around = "9" * room
    data = f"{around}{','.join([*texts, ''])}{around}".encode() or b" "
    return np.frombuffer(data, np.uint8).copy(), cells


def read(*texts: str) -> list[float]:
    """Return the numbers, read the quick way, for which there must be room, and the thorough."""
    both = []
    for room in (0, 32):
        buf, cells = column(list(texts), room)
        reader = NumberReader(dialect_of(44, 34, 0, b""))
        reader.read(buf, cells, len(texts), 0, 0)
        both.append(reader.finish(len(texts)).floats())
    np.testing.assert_array_equal(both[0].view(np.int64), both[1].view(np.int64))
    return both[1].tolist()


def kind_of(text: str) -> int:
    buf, cells = column([text])
    bad = np.zeros(numbers.TALLY_LEN, np.int64)
    numbers.read_numbers(buf, cells, 1, 0, np.empty(1), 0, bad, np.empty(1, np.int64))
    start, stop = cells[0, 0].tolist()
    kind = int(numbers.kind_of(buf, start, stop, 34))
    kinds = np.empty((1, 1), np.uint8)
    counts = np.zeros((1, numbers.N_KINDS), np.int64)
    numbers.find_kinds(buf, cells, 1, 34, kinds, counts)
    assert kinds == kind
    assert counts[0].tolist() == [int(k == kind) for k in range(numbers.N_KINDS)]
    if kind == numbers.WORD and not bad[numbers.N_BAD]:
        return numbers.NA_WORD
    return kind


FORMS = [
    repr,
    "{:.3f}".format,
    "{:.17g}".format,
    "{:.25e}".format,
    "{:.19E}".format,
    "{:+.6e}".format,
    "{:.1f}".format,
    "{:.19f}".format,
]


@settings(max_examples=400, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FORMS))
def test_every_double_is_read_as_python_reads_it(x: float, form: Any) -> None:
    assert read(form(x)) == [float(form(x))]


DIGITS = st.text("0123456789", max_size=22)


@settings(max_examples=400, deadline=None)
@given(st.tuples(st.sampled_from(["", "-"]), DIGITS, st.sampled_from(["", ".", ".000"]), DIGITS))
def test_digits_of_any_number_on_both_sides_of_the_dot(pieces: tuple[str, ...]) -> None:
    text = "".join(pieces)
    if text.strip("-."):
        assert read(text) == [float(text)]


@pytest.mark.parametrize("usual", [3, 12, 18])
@pytest.mark.parametrize("odd", range(1, 24))
def test_numbers_of_unforeseen_length_among_others(usual: int, odd: int) -> None:
    digits = "4937105826" * 3
    texts = [f"-1.{digits[:usual]}"] * 40
    texts[3:39:5] = [f"{digits[:whole]}.{digits[:odd]}" for whole in range(8)]
    assert read(*texts) == [float(text) for text in texts]


@settings(max_examples=400, deadline=None)
@given(st.text("0123456789.-+eE$% naN/Aulo:_\xe9", max_size=12))
def test_kinds_are_those_of_the_whole_grammar(text: str) -> None:
    buf, cells = column([text], room=32)
    start, stop = cells[0, 0].tolist()
    want = numbers.parts(buf, start, stop)[0]
    if want == numbers.NA_WORD or (want == numbers.EMPTY and text):
        want = numbers.WORD
    want = numbers.NONZERO if want == numbers.HARD else want
    assert numbers.kind_of(buf, start, stop, 34) == want


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**25), st.integers(-360, 330))
def test_mantissa_and_exponent(mantissa: int, exponent: int) -> None:
    text = f"{mantissa}e{exponent}"
    assert read(text) == [float(text)]


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
    assert read(text) == [value]


@pytest.mark.parametrize(
    "text", ["-", "+", ".", "e5", "1e", "1e+", "1.2.3", "x", "1x", "inf", "--1", "$"]
)
def test_what_is_no_number(text: str) -> None:
    assert kind_of(text) == numbers.WORD


@pytest.mark.parametrize("text", ["NA", "na", "NaN", "N/A", "null", "None", "NONE"])
def test_words_that_mean_na_are_not_bad(text: str) -> None:
    assert kind_of(text) == numbers.NA_WORD


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


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FORMS)))
)
def test_columns_read_as_python_reads_each(numbers_and_forms: Any) -> None:
    texts = [form(x) for x, form in numbers_and_forms]
    assert read(*texts) == [float(text) for text in texts]


def test_zeros_keep_their_sign() -> None:
    assert str(read("-0", "0", "-0.0", "0e5")) == "[-0.0, 0.0, -0.0, 0.0]"
