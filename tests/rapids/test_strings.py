from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from helpers import run

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.rapids import Session
from dh2o.rapids.string_distance import DISTANCES
from dh2o.rapids.tile_strings import java_replacement, split_texts, text_function

SPLITS = {
    ("a b c", " "): ["a", "b", "c"],
    ("a  b", " "): ["a", "", "b"],
    (" a", " "): ["", "a"],
    ("a  ", " "): ["a"],
    ("", " "): [""],
    ("   ", " "): [],
    ("abc", ""): ["a", "b", "c"],
    ("abc", "x*"): ["a", "b", "c"],
    ("boo:and:foo", "o"): ["b", "", ":and:f"],
    ("boo:and:foo", ":"): ["boo", "and", "foo"],
}


@pytest.mark.parametrize("case", SPLITS)
def test_splits_as_java_does(case: tuple[str, str]) -> None:
    text, pattern = case
    assert split_texts(pa.array([text, None], pa.large_string()), pattern) == [SPLITS[case], []]


@pytest.mark.parametrize("texts", [["aB", None, ""], ["aB", "Äß", None], ["Äß", "aB"], [None], []])
@pytest.mark.parametrize(
    ("name", "plain"),
    [("tolower", str.lower), ("toupper", str.upper), ("strlen", len)],
)
def test_bytes_are_taken_for_characters_only_where_they_are(
    name: str, plain: Callable[[str], Any], texts: list[str | None]
) -> None:
    array = pa.array(texts, pa.large_string())
    for part in (array, array.slice(1), array.slice(0, 1)):
        want = [None if text is None else plain(text) for text in part.to_pylist()]
        assert text_function(name, [])(part).to_pylist() == want


@pytest.mark.parametrize(
    ("java", "re2"), [("$1-$2", r"\1-\2"), (r"a\$b", "a$b"), (r"\\", r"\\"), ("plain", "plain")]
)
def test_java_replacements(java: str, re2: str) -> None:
    assert java_replacement(java) == re2


@pytest.mark.parametrize("measure", DISTANCES)
@pytest.mark.parametrize(("a", "b"), [("", ""), ("a", ""), ("abc", "abc"), ("abc", "xyz")])
def test_similarities_lie_between_0_and_1(measure: str, a: str, b: str) -> None:
    found = DISTANCES[measure](a, b)
    assert 0 <= found <= 1
    assert (found == 1) or a != b
    assert found == pytest.approx(DISTANCES[measure](b, a))


@pytest.mark.parametrize(
    "call", ['strsplit k "(?=a)"', 'replaceall k "(a" "b" 0', 'grep k "[" 0 0 0']
)
def test_patterns_that_cannot_be_used_are_refused_at_once(session: Session, call: str) -> None:
    Frame.from_python({"s": ["abc", "b"]}).put("k")
    with pytest.raises(RapidsError, match="pattern cannot be used"):
        session.execute(f"({call})")
    session.execute("(rm k)")


def test_catastrophic_patterns_take_no_time(session: Session) -> None:
    Frame.from_python({"s": ["a" * 200 + "b"]}).put("k")
    assert run(session, '(grep k "(a+)+$" 0 0 1)') == {"C1": [0]}
    assert run(session, '(strsplit k "")')["C201"] == ["b"]
    session.execute("(rm k)")


def test_levels_are_changed_not_rows(session: Session) -> None:
    Frame.from_python({"s": ["xa", "ya", "xb", None]}).put("k")
    session.execute("(tmp= e (as.factor k))")
    assert run(session, "(substring e 0 1)") == {"C1": ["x", "y", "x", None]}
    assert run(session, "(levels (substring e 0 1))") == {"C1": ["x", "y"]}
    assert run(session, "(countmatches e ['a' 'x'])") == {"C1": [2, 1, 1, None]}
    session.execute("(rm k)")


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        *(("Robert", "Rupert", 0.9), ("robert", "Robert", 0.0), ("Ashcraft", "Ashcroft", 0.9)),
        *(("Pfister", "Pister", 0.0), ("12", "13", 0.9), ("12", "1x", 0.0), ("1b", "2b", 0.0)),
        *(("Lloyd", "Lyd", 0.0), ("Tom", "Thom", 0.9), ("Acwkb", "Acb", 0.0), ("", "a", 0.0)),
        *(("a-b", "ab", 0.9), ("Z\u00fcrich", "Zurich", 0.9), ("bob", "bob", 1.0)),
    ],
)
def test_texts_that_sound_alike_for_h2o(a: str, b: str, alike: float) -> None:
    assert DISTANCES["soundex"](a, b) == alike


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        *(("  pad ", "hello world", 0.41919191919), ("foo bar foo", "hello world", 0.49242424242)),
        *(("aaa", "abc", 0.6), ("aab", "abb", 0.8), ("aaaa", "ab", 0.625)),
        *(("martha", "marhta", 0.96111111111), ("dixon", "dicksonx", 0.81333333333)),
    ],
)
def test_characters_match_once(a: str, b: str, alike: float) -> None:
    assert DISTANCES["jw"](a, b) == pytest.approx(alike) == DISTANCES["jw"](b, a)


def test_case_of_letters_that_become_several(session: Session) -> None:
    Frame.from_python({"s": ["Straße", None, "İ", "abc"]}).put("cased")
    assert run(session, "(toupper cased)") == {"C1": ["STRASSE", None, "İ", "ABC"]}
    assert run(session, "(tolower cased)") == {"C1": ["straße", None, "i\u0307", "abc"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('(dropdup ids [0] "first")', "'u': it is of type UUID"),
        ('(GB ids [0] nrow 1 "all")', "'u': it is of type UUID"),
        ("(ifelse (cols ids 1) (cols ids 0) (cols ids 0))", "ifelse on UUID columns"),
        ("(:= ids NaN [0] [1])", "into a vector of type UUID"),
    ],
)
def test_ids_are_shown_as_h2o_shows_them_and_are_no_keys(
    session: Session, text: str, told: str
) -> None:
    Frame.from_python({"u": [uuid.UUID(int=10), None], "x": [1, 0]}).put("ids")
    assert run(session, "(as.character (cols ids 0))") == {
        "u": ["00000000-0000-0000-0000-00000000000A", None]
    }
    with pytest.raises(RapidsError, match=told):
        run(session, text)
