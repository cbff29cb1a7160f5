"""SVMLight and ARFF."""

from __future__ import annotations

from typing import Any

import pytest

from dh2o.errors import ParseError
from dh2o.parse import svmlight

SVM = "1 1:2 3:4.5\n-1 2:7 # comment\n\n0\n# a line of comment\n2 4:1e3 1:-1\n"


@pytest.mark.parametrize("cut", [4, 11, 1000])
def test_svmlight(parse_text: Any, cut: int) -> None:
    got = parse_text(SVM, cut=cut)
    assert got.setup.parse_type == "SVMLight"
    assert got.columns == {
        "C1": [1, -1, 0, 2],
        "C2": [2, 0, 0, -1],
        "C3": [0, 7, 0, 0],
        "C4": [4.5, 0, 0, 0],
        "C5": [0, 0, 0, 1000],
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1 1000:2.72", "SVMLight"),
        ("1 3:1 5:2\n2\n", "SVMLight"),
        ("1 3:1\n2 4", "SVMLight"),  # as in H2O: the last line may go on
        ("1 3:1\nabc def\n", "CSV"),
        ("12:30", "CSV"),
    ],
)
def test_svmlight_is_told_from_few_lines(parse_text: Any, text: str, kind: str) -> None:
    assert parse_text(text).setup.parse_type == kind


def test_svmlight_lines_of_many_values(parse_text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svmlight, "_N_CELLS", 16)
    line = "1 " + " ".join(f"{i}:{i}" for i in range(1, 300)) + "\n"
    got = parse_text(line * 3)
    assert got.frame.n_cols == 300
    assert got["C300"] == [299] * 3


def test_svmlight_faults_are_told(parse_text: Any) -> None:
    got = parse_text("1 1:2\n2 x:3 2:y\n", parse_type="SVMLight")
    assert got["C3"] == [0, None]
    assert "'x:3' in row 2" in got.told.warnings[0]


def test_svmlight_takes_no_skipped_columns(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="skipped_columns are not supported"):
        parse_text(SVM, skipped_columns=[1])


ARFF = """% a comment
@RELATION iris

@ATTRIBUTE 'sepal length' NUMERIC
@attribute class {setosa, 'Iris, other',virginica}
@attribute note string
@attribute day DATE "yyyy-MM-dd"
@DATA
5.1,setosa,'it''s',2020-01-02
?,virginica,?,?
% between
4.7,'Iris, other',x,2020-01-03
1,unheard of,y,2020-01-04
"""


@pytest.mark.parametrize("cut", [20, 1000])
def test_arff(parse_text: Any, cut: int) -> None:
    got = parse_text(ARFF, cut=cut)
    assert got.setup.parse_type == "ARFF"
    assert got["sepal length"] == [5.1, None, 4.7, 1]
    assert got.domains["class"] == ("setosa", "Iris, other", "virginica")
    assert got["class"] == ["setosa", "virginica", "Iris, other", None]
    assert got["note"] == ["it's", None, "x", "y"]
    assert got["day"] == [
        None if i == 1 else 1577923200000 + 86_400_000 * max(i - 1, 0) for i in range(4)
    ]


def test_arff_of_one_row(parse_text: Any) -> None:
    got = parse_text("@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n1,y\n")
    assert got.columns == {"a": [1], "b": ["y"]}


def test_arff_types_that_are_unknown(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="'relational' is not known"):
        parse_text("@relation r\n@attribute a relational\n@data\n1\n")


def test_arff_without_rows(parse_text: Any) -> None:
    got = parse_text("@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n")
    assert got.columns == {"a": [], "b": []}
    assert got.domains["b"] == ("x", "y")


def test_arff_levels_may_have_spaces_around_them(parse_text: Any) -> None:
    got = parse_text(
        "@relation r\n@attribute a real\n@attribute b { x , y }\n@data\n1, x \n2,y\t\n"
    )
    assert got.columns == {"a": [1, 2], "b": ["x", "y"]}
