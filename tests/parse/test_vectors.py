"""What H2O 3.46.0.12 was seen to make of small inputs, and where dh2o differs on purpose."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import pytest

from dh2o.errors import ParseError
from dh2o.parse.plan import check_setup

DAY = 1577923200000


def test_times_iso_included(parse_text: Any) -> None:
    got = parse_text("d,v\n2020-01-02,1\n2020-01-03 10:11:12,2\n2020-01-04T10:11:12Z,3\n")
    assert got["d"] == [DAY, 1578046272000, 1578132672000]  # H2O: NA for the third


def test_american_and_named_months(parse_text: Any) -> None:
    got = parse_text("a,b\n1/2/2020,05-JAN-21\n1/2/2020,05-JAN-21\n")
    assert got["a"] == [DAY, DAY]
    assert got["b"] == [1609804800000] * 2


def test_embedded_newlines_and_doubled_quotes(parse_text: Any) -> None:
    got = parse_text('a,b\n1,"x\ny"\n2,"he said ""hi"""\n')
    assert got.setup.column_types == ("Numeric", "String")
    assert got["b"] == ["x\ny", 'he said "hi"']


def test_semicolon_with_decimal_commas(parse_text: Any) -> None:
    got = parse_text("a;b\n1,5;2\n1,7;3\n")
    assert got.setup.separator == ord(";")
    assert got["a"] == ["1,5", "1,7"]


def test_currency_and_percent(parse_text: Any) -> None:
    got = parse_text("a,b\n1,1\n$6.5,20%\n")
    assert (got["a"], got["b"]) == ([1, 6.5], [1, 0.2])


def test_zero_among_texts_is_na(parse_text: Any) -> None:
    got = parse_text("v,n\n0,1\nfoo,2\nbar,3\nfoo,4\nbar,5\nfoo,6\n")
    assert got.setup.na_strings == (("0",), None)
    assert got["v"] == [None, "foo", "bar", "foo", "bar", "foo"]


def test_domain_is_in_byte_order(parse_text: Any) -> None:
    got = parse_text("c,n\n" + "B,1\na,2\nA,3\nb,4\n" * 10)
    assert got.domains["c"] == ("A", "B", "a", "b")


def test_gaps_and_blank_lines(parse_text: Any) -> None:
    got = parse_text("a,b\n1,\n,2\n\n3,4\n")
    assert (got["a"], got["b"]) == ([1, None, 3], [None, 2, 4])


def test_zip_of_two_tables(parse_text: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x.csv", "a,b\n1,2\n3,4\n")
        archive.writestr("y.csv", "a,b\n5,6\n7,8\n")
    assert parse_text(packed.getvalue())["a"] == [1, 3, 5, 7]


def test_gzip_members_are_one_stream(parse_text: Any) -> None:
    one = gzip.compress(b"a,b\n1,2\n3,4\n")
    got = parse_text(one + one)
    assert got["a"] == [1, 3, None, 1, 3]
    assert "'a'" in got.told.warnings[0]


def test_single_quotes(parse_text: Any) -> None:
    text = "a,b\n'x,1',2\n'y,1',3\n"
    assert parse_text(text, single_quotes=True)["a"] == ["x,1", "y,1"]
    got = parse_text(text)
    assert got.frame.names == ("a", "b", "C3")
    assert got["b"] == ["1'", "1'"]


def test_numbers_as_enum_and_string(parse_text: Any) -> None:
    got = parse_text("a,b\n1,2\n3,4\n", column_types=["Enum", "String"])
    assert got.domains["a"] == ("1", "3")
    assert got["b"] == ["2", "4"]


@pytest.mark.parametrize(("mark", "code"), [("\t", 9), (" ", 32), ("|", 124), ("\x01", 1)])
def test_separators_are_guessed(parse_text: Any, mark: str, code: int) -> None:
    got = parse_text(f"a{mark}b\n1{mark}2\n3{mark}4\n")
    assert got.setup.separator == code
    assert got["b"] == [2, 4]


def test_duplicate_names_fail_at_parse(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="Found duplicate column name a"):
        parse_text("a,a\n1,2\n")


def test_overflow_is_infinite(parse_text: Any) -> None:
    assert parse_text("a,b\n1e400,1\n-1e400,1\n")["a"] == [float("inf"), float("-inf")]


def test_currency_in_the_second_line_hides_the_header(parse_text: Any) -> None:
    got = parse_text("a,b\n$5,10%\n")
    assert got.setup.check_header == -1
    assert got.frame.names == ("C1", "C2")


def test_all_text_has_no_header(parse_text: Any) -> None:
    assert parse_text("x,y\na,b\nc,d\n").frame.names == ("C1", "C2")


@pytest.mark.parametrize("word", ["NA", "none"])
def test_ids_with_another_text_are_ids(parse_text: Any, word: str) -> None:
    ids = [f"550e8400-e29b-41d4-a716-4466554400{i:02d}" for i in range(5)]
    got = parse_text("u,n\n" + "".join(f"{text},1\n" for text in [*ids, word]))
    assert got.setup.column_types[0] == "UUID"
    assert got["u"] == [*(text.replace("-", "") for text in ids), None]


def test_two_distinct_texts_are_strings(parse_text: Any) -> None:
    assert parse_text("v\nx\ny\n", check_header=1).setup.column_types == ("String",)


def test_trailing_spaces_stay_leading_ones_go(parse_text: Any) -> None:
    got = parse_text("a,n\n  x y ,1\n z  ,2\n' q',3\n", column_types={"a": "String"})
    assert got["a"] == ["x y ", "z  ", "' q'"]


def test_names_keep_their_spaces_but_those_before_them(parse_text: Any) -> None:
    got = parse_text(' a b , c ,"  d ", ," "\n1,2,3,4,5\n')
    assert got.frame.names == ("a b ", "c ", "  d ", "C4", " ")


def test_a_header_comes_again_with_other_spaces(parse_text: Any) -> None:
    assert parse_text("a ,b\n1,2\n", "A, b \n3,4\n").columns == {"a ": [1, 3], "b": [2, 4]}


def test_bom_is_stripped(parse_text: Any) -> None:
    assert parse_text(b"\xef\xbb\xbfa,b\n1,2\n").frame.names == ("a", "b")


def test_invalid_utf8_shows_as_hex(parse_text: Any) -> None:
    got = parse_text(b"c,n\n" + b"caf\xe9,1\n\xff\xfe,2\n" * 20)
    assert got.domains["c"] == ("<0xFFFE>", "caf<0xE9>")
    got = parse_text(b"c,n\ncaf\xe9,1\n\xff\xfe,2\n", column_types={"c": "String"})
    assert got["c"] == ["caf<0xE9>", "<0xFFFE>"]


def test_sources_may_not_be_the_destination() -> None:
    from dh2o.parse import ParseSetup

    setup = ParseSetup(source_frames=("k",), number_columns=1)
    with pytest.raises(ParseError, match="Choose another key"):
        check_setup(setup, "k")


def test_empty_quotes_are_an_empty_text(parse_text: Any) -> None:
    text = 'a,b,c\n"",x,""\n,y,\nz,"",1\n'
    types = ["Enum", "String", "Numeric"]
    got = parse_text(text, column_types=types, check_header=1)
    assert got["a"] == ["", None, "z"]
    assert got["b"] == ["x", "y", ""]
    assert got["c"] == [None, None, 1]
    assert not got.told.warnings
    got = parse_text(text, column_types=types, check_header=1, na_strings=[""])
    assert got["a"] == [None, None, "z"]
    assert got["b"] == ["x", "y", None]


def test_names_and_types_of_what_is_not_skipped(parse_text: Any) -> None:
    text = "a,b,c\n1,2,3\n4,5,6\n"
    for names, types in [(["x", "z"], ["Enum", None]), (["x", "y", "z"], ["Enum", None, None])]:
        got = parse_text(text, skipped_columns=[1], column_names=names, column_types=types)
        assert got.columns == {"x": ["1", "4"], "z": [3, 6]}
    assert parse_text(text, skipped_columns=["a", "c"]).columns == {"b": [2, 5]}
    with pytest.raises(ParseError, match="all columns"):
        parse_text(text, skipped_columns=[0, 1, 2])


def test_zeros_stay_where_the_guess_is_overruled(parse_text: Any) -> None:
    text = "v,n\n0,1\nfoo,2\nbar,3\nfoo,4\nbar,5\nfoo,6\n"
    got = parse_text(text, column_types=["Numeric", "Numeric"], na_strings=[["0"], None])
    assert got["v"] == [0, None, None, None, None, None]


def test_na_strings_of_one_column(parse_text: Any) -> None:
    text = "a,b\n1,-\n-,x\n-9,y\n"
    got = parse_text(text, na_strings={"a": ["-", "-9"]}, column_types={"b": "Enum"})
    assert (got["a"], got["b"]) == ([1, None, None], ["-", "x", "y"])
    assert not got.told.warnings


def test_a_quote_within_a_word_opens_nothing(parse_text: Any) -> None:
    got = parse_text('a,b\n5" x,1\n6" y,2\n7,3\n8 5",4\n', column_types={"a": "String"})
    assert got.columns == {"a": ['5" x', '6" y', "7", '8 5"'], "b": [1, 2, 3, 4]}
    assert parse_text('a 5",b\n1,2\n').frame.names == ('a 5"', "b")


def test_a_header_that_opens_a_quote_has_to_close_it(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="header is never closed"):
        parse_text('a,"b\n1,2\n3,4\n')
