"""Histogram kernels against a loop in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.trees.arrays import PAD
from dh2o.estimators.trees.binning import BinMap, code_features, number_features
from dh2o.estimators.trees.histogram import add_chosen, add_rows, route_and_add
from dh2o.estimators.trees.records import RecordLayout, Records

N = 1500
FEATURES = (
    number_features("a", np.arange(9, dtype=np.float32)),
    code_features("w", 400, 1024),
    code_features("b", 5, 1024),
)
MAP = BinMap(FEATURES)
WIDE = MAP.width // 2  # the first pair of bytes after the byte-wide bins
SHIFT = 20


@pytest.fixture(params=[4, 8], ids=["gradients", "words"])
def data(request: pytest.FixtureRequest) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    records = Records.empty(RecordLayout(MAP.width, MAP.n_wide, request.param, SHIFT), N)
    size = records.layout.nbytes
    table = records.bytes.reshape(N, size)
    table[:, 0] = rng.integers(0, 11, N)
    table[:, 1] = rng.integers(0, 6, N)
    wide = rng.integers(0, 401, N).astype(np.uint16)
    records.pairs.reshape(N, size // 2)[:, WIDE] = wide
    gradients = rng.integers(-1000, 1000, N)
    words = records.words.reshape(N, -1)
    at = int(records.layout.place[5])
    weights = 1 if request.param == 4 else rng.integers(1, 4, N)
    words[:, at] = gradients if request.param == 4 else (gradients << SHIFT) + weights
    rows = np.zeros(N + PAD, np.int32)
    rows[:N] = rng.permutation(N)
    arrays = (records.bytes, records.pairs, records.words, records.layout.place)
    return {
        "bins": table[:, : MAP.width],
        "wide": wide,
        "rows": rows,
        "words": (gradients << SHIFT) + weights,
        "records": records,
        "arrays": (*arrays, MAP.wide_start),
    }


def test_words_of_records(data: dict[str, Any]) -> None:
    np.testing.assert_array_equal(data["records"].full_words(N), data["words"])


def naive(data: dict[str, Any], rows: list[int]) -> np.ndarray:
    hist = np.zeros(MAP.n_slots, np.int64)
    for row in rows:
        word = data["words"][row]
        for k in range(MAP.width):
            hist[k * MAP.stretch + int(data["bins"][row, k])] += word
        hist[MAP.wide_start[0] + int(data["wide"][row])] += word
    return hist


def test_add_rows(data: dict[str, Any]) -> None:
    hist = np.zeros(MAP.n_slots, np.int64)
    add_rows(*data["arrays"], data["rows"], 100, 900, MAP.stretch, hist)
    np.testing.assert_array_equal(hist, naive(data, data["rows"][100:900].tolist()))


@pytest.mark.parametrize("flags", [(1, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 1)])
def test_histograms_of_chosen_features(data: dict[str, Any], flags: tuple[int, ...]) -> None:
    hist = np.zeros(MAP.n_slots, np.int64)
    chosen = MAP.chosen(np.array(flags, np.uint8))
    add_chosen(*data["arrays"], chosen, data["rows"], 100, 900, MAP.stretch, hist)
    expected = naive(data, data["rows"][100:900].tolist())
    wanted = np.zeros(MAP.n_slots, bool)
    for (start, n_bins, *_), flag in zip(MAP.table().tolist(), flags, strict=True):
        wanted[start : start + n_bins + 1] = flag
    np.testing.assert_array_equal(hist, np.where(wanted, expected, 0))


@pytest.mark.parametrize("builds", [0, 1, 2])
@pytest.mark.parametrize("column", [0, 1, -WIDE - 1])
def test_route_and_add(data: dict[str, Any], builds: int, column: int) -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2, 401).astype(np.uint8)
    segments = np.array([[0, 0], [0, 700], [700, N]], np.int64)
    n = len(segments)
    bounds = np.concatenate([segments, np.zeros((2 * n, 2), np.int64)])
    to_rows = np.zeros_like(data["rows"])
    hists = np.zeros((n, MAP.n_slots), np.int64)
    counts, squares = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for first, last in ((0, 2), (2, 3)):
        route_and_add(
            *data["arrays"], np.zeros(0, np.int32), data["rows"], to_rows, bounds, np.arange(n), n,
            first, last, np.full(n, column, np.int32), table, np.zeros(n, np.int64),
            np.full(n, builds, np.int8), np.arange(n, dtype=np.int32), MAP.stretch, hists,
            SHIFT + 2, 0, counts, squares,
        )  # fmt: skip
    for s, (start, stop) in enumerate(segments):
        rows = data["rows"][start:stop]
        codes = data["bins"][rows, column] if column >= 0 else data["wide"][rows]
        left = table[codes] == 1
        middle = start + counts[s]
        assert bounds[n + 2 * s : n + 2 * s + 2].tolist() == [[start, middle], [middle, stop]]
        assert to_rows[start:middle].tolist() == rows[left].tolist()
        assert to_rows[middle:stop].tolist() == rows[~left][::-1].tolist()
        assert squares[s] == sum(int(w >> (SHIFT + 2)) ** 2 for w in data["words"][rows[left]])
        chosen = {0: [], 1: rows[left].tolist(), 2: rows[~left].tolist()}[builds]
        np.testing.assert_array_equal(hists[s], naive(data, chosen))
