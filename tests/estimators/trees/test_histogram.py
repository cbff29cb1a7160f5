"""Histogram kernels against a loop in Python."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.estimators.trees.arrays import PAD
from dh2o.estimators.trees.binning import BinMap, code_features, number_features
from dh2o.estimators.trees.histogram import add_rows, route_and_add

N = 1500
FEATURES = (
    number_features("a", np.arange(9, dtype=np.float32)),
    code_features("w", 400, 1024),
    code_features("b", 5, 1024),
)
MAP = BinMap(FEATURES)


@pytest.fixture
def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    narrow = np.zeros((N, MAP.width), np.uint8)
    narrow[:, 0] = rng.integers(0, 11, N)
    narrow[:, 1] = rng.integers(0, 6, N)
    words = (rng.integers(-1000, 1000, N + PAD) << 20) + rng.integers(1, 4, N + PAD)
    rows = np.zeros(N + PAD, np.int32)
    rows[:N] = rng.permutation(N)
    return {
        "bins": np.concatenate([narrow.reshape(-1), np.zeros(PAD, np.uint8)]),
        "wide": rng.integers(0, 401, N).astype(np.uint16),
        "rows": rows,
        "words": words,
    }


def naive(data: dict[str, np.ndarray], rows: list[int], words: list[int]) -> np.ndarray:
    hist = np.zeros(MAP.n_slots, np.int64)
    for row, word in zip(rows, words, strict=True):
        for k in range(MAP.width):
            hist[k * MAP.stretch + int(data["bins"][row * MAP.width + k])] += word
        hist[MAP.wide_start[0] + int(data["wide"][row])] += word
    return hist


def test_add_rows(data: dict[str, np.ndarray]) -> None:
    hist = np.zeros(MAP.n_slots, np.int64)
    add_rows(
        data["bins"], MAP.width, data["wide"], MAP.wide_start, data["rows"], data["words"], 100,
        900, MAP.stretch, hist,
    )  # fmt: skip
    rows, words = data["rows"][100:900].tolist(), data["words"][100:900].tolist()
    np.testing.assert_array_equal(hist, naive(data, rows, words))


@pytest.mark.parametrize("builds", [0, 1, 2])
@pytest.mark.parametrize("column", [0, 1, -1])
def test_route_and_add(data: dict[str, np.ndarray], builds: int, column: int) -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2, 401).astype(np.uint8)
    segments = np.array([[0, 0], [0, 700], [700, N]], np.int64)
    n = len(segments)
    to_rows, to_words = np.zeros_like(data["rows"]), np.zeros_like(data["words"])
    hists = np.zeros((n, MAP.n_slots), np.int64)
    counts, squares = np.zeros(n, np.int64), np.zeros(n, np.int64)
    route_and_add(
        data["bins"], MAP.width, data["wide"], MAP.wide_start, data["rows"], data["words"],
        to_rows, to_words, segments, np.full(n, column, np.int32), table, np.zeros(n, np.int64),
        np.full(n, builds, np.int8), np.arange(n, dtype=np.int32), MAP.stretch, hists, 22, 0,
        counts, squares,
    )  # fmt: skip
    for s, (start, stop) in enumerate(segments):
        rows, words = data["rows"][start:stop], data["words"][start:stop]
        if column >= 0:
            codes = data["bins"][rows.astype(int) * MAP.width + column]
        else:
            codes = data["wide"][rows]
        left = table[codes] == 1
        middle = start + counts[s]
        assert sorted(to_rows[start:middle]) == sorted(rows[left])
        assert sorted(to_rows[middle:stop]) == sorted(rows[~left])
        word_of = dict(zip(rows.tolist(), words.tolist(), strict=True))
        moved = to_rows[start:stop].tolist()
        assert [word_of[row] for row in moved] == to_words[start:stop].tolist()
        assert squares[s] == sum(int(w >> 22) ** 2 for w in words[left])
        chosen = {0: [], 1: rows[left].tolist(), 2: rows[~left].tolist()}[builds]
        expected = naive(data, chosen, [word_of[row] for row in chosen])
        np.testing.assert_array_equal(hists[s], expected)
