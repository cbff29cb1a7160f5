"""A parse gives the same table wherever the ranges are cut, and that table is the csv module's."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.parse import ParseSetup, ranges

TEXTS = st.text(alphabet='ab,"\n\r ;é', max_size=6).filter(lambda t: t == t.lstrip(" "))
TABLES = st.lists(st.tuples(TEXTS, TEXTS, st.integers(-99, 99)), min_size=1, max_size=8)


def write(rows: list[tuple[Any, ...]], quoting: int, line_end: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=line_end).writerows(rows)
    return out.getvalue()


def expected(text: str, quoting: int = csv.QUOTE_MINIMAL) -> list[tuple[Any, ...]]:
    """The csv module's reading; empty cells are NA where they are not quoted."""
    empty = None if quoting == csv.QUOTE_MINIMAL else ""
    return [
        (row[0] or empty, row[1] or empty, float(row[2]))
        for row in csv.reader(io.StringIO(text, newline=""))
        if row
    ]


def parse(text: str, cut: int) -> Any:
    from .conftest import run

    setup = ParseSetup(
        separator=44,
        check_header=-1,
        number_columns=3,
        column_types=("Enum", "String", "Numeric"),
        custom_non_data_line_markers="",
        chunk_size=cut,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(text.encode())
        return run(setup, [path])


@settings(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]), st.data())
def test_every_cut_gives_the_same_table(rows: Any, quoting: int, data: Any) -> None:
    # csv.writer leaves a lone CR bare unless CR is part of the line end.
    ends = ["\r\n"] if quoting == csv.QUOTE_MINIMAL else ["\n", "\r\n"]
    text = write(rows, quoting, data.draw(st.sampled_from(ends)))
    cut = data.draw(st.integers(1, len(text.encode()) + 1))
    got = parse(text, cut)
    assert list(zip(*got.columns.values(), strict=True)) == expected(text, quoting)


def test_all_cuts_of_one_awkward_text() -> None:
    rng = random.Random(4)
    cells = ["", "x", 'q"q', "two\nlines", "a,b", "\n\n", '"', "\r\n", "long" * 5]
    rows = [(rng.choice(cells), rng.choice(cells), i) for i in range(12)]
    text = write(rows, csv.QUOTE_MINIMAL, "\r\n")
    want = expected(text)
    for cut in range(1, len(text.encode()) + 2):
        got = parse(text, cut)
        assert list(zip(*got.columns.values(), strict=True)) == want, cut


def test_only_wrong_guesses_are_read_again(parse_text: Any) -> None:
    plain = "".join(f"{i},x{i % 3}\n" for i in range(200))
    assert "parse-again" not in parse_text("a,b\n" + plain, cut=100).engine.n_tasks
    quoted = "".join(f'{i},"x\n{i % 3}"\n' for i in range(200))
    n_tasks = parse_text("a,b\n" + quoted, cut=100).engine.n_tasks
    assert 0 < n_tasks["parse-again"] < n_tasks["parse"]


def test_a_quote_that_never_closes_is_told(parse_text: Any) -> None:
    got = parse_text('a,b\n1,x\n2,"y\n3,z\n4,w\n', cut=6, column_types={"b": "String"})
    assert got["b"] == ["x", "y\n3,z\n4,w\n"]
    assert any("never closed" in text for text in got.told.warnings)


def test_rows_longer_than_ranges(parse_text: Any) -> None:
    rows = [("k" * 50, i) for i in range(5)]
    text = "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)
    for cut in (1, 7, 60):
        assert parse_text(text, cut=cut)["b"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("nbytes", [1, 2, 9, 64, 1000])
@pytest.mark.parametrize("cut", [1, 40, 10**6])
def test_rows_headers_and_marks_longer_than_windows(
    nbytes: int, cut: int, parse_text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "_WINDOW_NBYTES", nbytes)
    rows = [(f'"{i}\n,{"k" * (i % 70)}"', i / 7, "") for i in range(90)]
    text = "\ufeffa name of some length,b,c\r\n"
    text += "".join(f"{a},{b},{c}\r\n" for a, b, c in rows)
    got = parse_text(text, cut=cut, column_types={"a name of some length": "String"})
    assert got["a name of some length"] == [a.strip('"') for a, _, _ in rows]
    assert got["b"] == [b for _, b, _ in rows]
    assert parse_text("x,y\n1,2", cut=cut)["y"] == [2.0]
