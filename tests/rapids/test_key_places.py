"""Places on a grid: keys packed from codes are those packed from doubles, and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Chunk, encode_floats
from dh2o.chunks.bounds import bounds_of_floats, grid_bounds
from dh2o.chunks.places import few_values, places_chunk, plain_grid
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame
from dh2o.rapids.keys import KeyLayout, Stretch, key_layout
from dh2o.rapids.passes import store

NA = np.nan
COLUMNS: dict[str, Any] = {
    "bits": np.tile([0.0, 1, 1, NA], 30),
    "nibbles": np.arange(100.0) % 13,
    "bytes": np.append(np.arange(200.0) - 50, NA),
    "words": np.append(np.arange(60_000.0), NA),
    "integers": np.arange(0, 3e8, 1e6 + 1),
    "decimals": np.round(np.linspace(-3, 90, 500), 3),
    "steps": np.arange(0, 5e9, 1e7),
    "few": np.tile([1e6, 0.25, -7.5, NA], 40),
    "few and huge": np.tile([2.0**45, 0.0, NA], 40),
    "mostly one": np.append(np.full(300, 4.0), [70_000.0, NA]),
    "negative zero": np.append(np.arange(90.0), -0.0),
    "one": np.full(40, 7.0),
    "one decimal": np.full(40, 0.1),
    "all NA": np.full(40, NA),
    "none": np.empty(0),
    "one row": np.array([3.0]),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("down", [False, True])
def test_a_chunk_packs_the_keys_its_values_pack(name: str, down: bool) -> None:
    values = COLUMNS[name]
    chunk = encode_floats(values)
    bounds = grid_bounds(chunk)
    assert bounds | bounds_of_floats(values) == bounds
    layout = KeyLayout.of([bounds], [down])
    for start, stop in [(0, len(values)), (len(values) // 3, len(values) * 2 // 3)]:
        expected = layout.packed([values[start:stop]], stop - start)
        found = np.zeros_like(expected)
        layout.pack([Stretch(chunk, start, stop)], found)
        np.testing.assert_array_equal(found, expected)
    again = layout.fields[0].chunk(layout.packed([values], len(values)), "number")
    np.testing.assert_array_equal(again.floats(), values + 0.0)


def test_what_a_chunk_says_of_itself() -> None:
    assert plain_grid(encode_floats(COLUMNS["words"])) is not None
    assert plain_grid(encode_floats(COLUMNS["negative zero"])) is None
    assert few_values(encode_floats(COLUMNS["words"])) is None
    few = few_values(encode_floats(COLUMNS["one"]))
    assert few is not None
    assert (few.values.tolist(), few.width) == ([7.0], 0)


def test_places_that_span_too_much_are_refused() -> None:
    assert places_chunk(np.array([1, 1 << 33], np.uint64), 0, 0, "number") is None


def test_levels_stay_levels() -> None:
    made = places_chunk(np.array([0, 2, 1], np.uint64), 0, 0, "code")
    assert isinstance(made, Chunk)
    assert made.codes().tolist() == [-1, 1, 0]


def test_bounds_of_a_stored_column_are_looked_for_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = H2OFrame({"k": [3.0, 7.0, np.nan], "half": [0.5, 1.0, 1.5]})
    table = store(frame._table())
    found = key_layout([(table, table.columns)])
    monkeypatch.setattr("dh2o.rapids.keys.reduce", None)  # a pass would fail
    assert key_layout([(table, table.columns)]) == found
    assert [(f.lowest, f.n_codes, f.decimals) for f in found.fields] == [(3, 5, 0), (5, 11, 1)]
