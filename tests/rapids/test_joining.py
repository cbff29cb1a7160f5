"""The rows of a join against a loop over keys, whichever way the keys are brought in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import Engine
from dh2o.rapids.columns import local_table
from dh2o.rapids.joining import pairs_of
from dh2o.rapids.keys import key_layout

WAYS: dict[str, Any] = {  # draws n keys with NA: how they are ordered depends on their bits
    "counted": lambda draw, n: [draw.integers(0, 40, n)],
    "sorted": lambda draw, n: [draw.integers(0, 5000, n)],
    "of two columns": lambda draw, n: [draw.integers(0, 60, n), draw.integers(0, 90, n)],
    "doubles": lambda draw, n: [draw.choice(np.random.default_rng(0).random(3000), n)],
    "of two words": lambda draw, n: [draw.choice([0.1, np.pi, np.e], n), draw.integers(0, 900, n)],
}


def _sides(way: str, sizes: tuple[int, int]) -> list[list[Any]]:
    draw = np.random.default_rng(7)
    sides = [[k.astype(float) for k in WAYS[way](draw, n)] for n in sizes]
    for side, n in zip(sides, sizes, strict=True):
        side[0][draw.random(n) < 0.01] = np.nan
    return sides


def _slowly(sides: list[list[Any]], keep: tuple[bool, bool]) -> list[tuple[int, int]]:
    """Return the pairs of rows by key (NA first), then by row."""
    rows: list[dict[Any, list[int]]] = [{}, {}]
    for side, found in zip(sides, rows, strict=True):
        for i, key in enumerate(zip(*side, strict=True)):
            found.setdefault(tuple(-np.inf if k != k else k for k in key), []).append(i)  # noqa: PLR0124
    out = []
    for key in sorted({*rows[0], *rows[1]}):
        left, right = rows[0].get(key, []), rows[1].get(key, [])
        if left and right and -np.inf not in key:
            out += [(i, j) for i in left for j in right]
        else:
            out += [(i, -1) for i in left if keep[0]] + [(-1, j) for j in right if keep[1]]
    return out


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("keep", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("sizes", [(2000, 300), (0, 50), (50, 0), (0, 0), (1, 1)])
def test_pairs_are_those_of_a_loop(
    engine: Engine, way: str, keep: tuple[bool, bool], sizes: tuple[int, int]
) -> None:
    sides = _sides(way, sizes)
    found = _pairs(sides, keep)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == _slowly(sides, keep)


@pytest.mark.parametrize("way", WAYS)
def test_threads_share_long_sides(engine: Engine, way: str, monkeypatch: Any) -> None:
    from dh2o.rapids import ordering

    monkeypatch.setattr(ordering, "PARALLEL_ROWS", 1)
    sides = _sides(way, (3000, 1500))
    found = _pairs(sides, (True, True))
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == _slowly(sides, (True, True))
    n_fields = len(sides[0])
    for k, keys in enumerate(found.layout.unpack(found.keys)):
        there = found.left >= 0
        np.testing.assert_array_equal(keys[there], sides[0][k][found.left[there]])
        np.testing.assert_array_equal(keys[~there], sides[1][k][found.right[~there]])
    assert n_fields == len(found.layout.fields)


def _pairs(sides: list[list[Any]], keep: tuple[bool, bool]) -> Any:
    tables = [local_table([str(i) for i in range(len(s))], s) for s in sides]
    layout = key_layout([(table, table.columns) for table in tables])
    words = [layout.packed(s, len(s[0])) for s in sides]
    return pairs_of(words, layout, keep)
