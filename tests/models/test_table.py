from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from dh2o.models import TwoDimTable


def table() -> TwoDimTable:
    columns = {
        "": ("string", ["first", "<b>second</b>"]),
        "n": ("int", np.array([1, 2])),
        "x": ("double", "%.3f", [0.123456789, float("nan")]),
        "note": ("string", [None, "yes"]),
    }
    return TwoDimTable.of("Sums", columns, "what they are")


def test_cells_are_plain_python() -> None:
    assert [type(cell) for cell in table().rows[0]] == [str, int, float, type(None)]
    assert table()["n"] == [1, 2]
    assert table().n_rows == len(table()) == 2
    assert table().col_formats == ("%s", "%d", "%.3f", "%s")


def test_text_aligns_columns_and_leaves_na_cells_empty() -> None:
    lines = str(table()).splitlines()
    assert lines[0] == "Sums: what they are"
    assert lines[1].split() == ["n", "x", "note"]
    assert lines[3].startswith("first          1  0.1234568")
    assert lines[4].endswith("yes")


def test_html_escapes_cells() -> None:
    html = table()._repr_html_()
    assert "&lt;b&gt;second" in html
    assert "<b>" not in html


def test_long_tables_are_shortened_in_print_only() -> None:
    long = TwoDimTable.of("Long", {"n": ("int", range(1000))})
    assert len(str(long).splitlines()) < 30
    assert "[1000 rows x 1 columns]" in str(long)
    assert long.n_rows == 1000


def test_rows_and_columns_make_the_same_table() -> None:
    header = [("a", "int"), ("b", "double")]
    by_rows = TwoDimTable.of_rows("T", header, [[1, 2.0], [3, 4.0]])
    assert by_rows == TwoDimTable.of("T", {"a": ("int", [1, 3]), "b": ("double", [2.0, 4.0])})
    assert TwoDimTable.of_rows("T", header, []).n_rows == 0


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        TwoDimTable.of("T", {"a": ("int", [1]), "b": ("int", [1, 2])})


def test_round_trips() -> None:
    frame = table().as_data_frame()
    assert list(frame.columns) == ["", "n", "x", "note"]
    assert str(pickle.loads(pickle.dumps(table()))) == str(table())
    simple = TwoDimTable.of("T", {"a": ("int", [1, 3])})
    assert TwoDimTable.from_json(json.loads(json.dumps(simple.to_json()))) == simple
