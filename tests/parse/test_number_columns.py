"""Columns of numbers that start as small integers and turn out to hold something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dh2o.parse.number_columns import NumberColumns
from dh2o.parse.tokenise import dialect_of

DIALECT = dialect_of(ord(","), ord('"'), 0, b"")


def column_of(*tiles: list[str]) -> tuple[list[float], Any, NumberColumns]:
    """Return the values, the chunk and the reader of one column that comes in tiles."""
    reader = NumberColumns(DIALECT, 1)
    at = 0
    for texts in tiles:
        raw = [text.encode() for text in texts]
        ends = np.cumsum([len(text) for text in raw]) + 9
        cells = np.stack([ends - [len(text) for text in raw], ends], 1)[:, None].astype(np.int32)
        buf = np.frombuffer(b" " * 9 + b"".join(raw) + b" " * 9, np.uint8)
        reader.read(buf, cells, len(raw), np.array([0]), at, 0)
        at += len(raw)
    [chunk] = reader.finish(at)
    return chunk.floats().tolist(), chunk, reader


@pytest.mark.parametrize(
    "later",
    ["0.5", "-0", "1e3", "123456789012", "9007199254740993", "1" * 25, "-0.0", "5%"],
)
def test_what_was_read_as_integers_stays(later: str) -> None:
    first = ["1", "", "-20", "NA", "99999999", "0"]
    values, chunk, _ = column_of(first, ["7", later], ["8"])
    want = [1, np.nan, -20, np.nan, 99999999, 0, 7, *_value(later), 8]
    np.testing.assert_array_equal(values, want)
    assert np.signbit(values[7]) == later.startswith("-")
    if later == "9007199254740993":
        assert chunk.ints()[7] == 9007199254740993


def _value(text: str) -> list[float]:
    return [0.05] if text == "5%" else [float(text)]


def test_bad_cells_are_counted_once() -> None:
    _, _, reader = column_of(["1", "one"], ["two", "2.5", "three"], ["four"])
    [bad] = reader.bad
    assert (bad.count, bad.row, bad.text) == (4, 1, "one")


def test_integers_of_many_tiles_are_integers() -> None:
    values, chunk, _ = column_of(
        *[[str(i) for i in range(k, k + 700)] for k in range(0, 7000, 700)]
    )
    assert values == list(range(7000))
    assert chunk.is_integer


def test_quoted_numbers_among_others(parse_text: Callable[..., Any]) -> None:
    lines = [f'{i},"{i * 2}"' if i % 3 else f'{i},"a""b"' for i in range(400)]
    parsed = parse_text("a,b\n" + "\n".join(lines) + "\n", cut=700, column_types=["int", "enum"])
    assert parsed["a"] == list(range(400))
    assert parsed["b"] == [str(i * 2) if i % 3 else 'a"b' for i in range(400)]
