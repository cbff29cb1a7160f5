"""Histogram and partition kernels against loops in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.trees.binning import BinMap, code_features, number_features
from dh2o.estimators.trees.histogram import add_chosen, add_rows
from dh2o.estimators.trees.partition import TILE, mark_weightless, route_and_add, sort_out
from dh2o.estimators.trees.records import NO_GRADIENT, NO_WORD, ROW_MASK, RecordLayout, Records

N = 7 * TILE + 33
NARROW = {"few": 2, "odd": 5, "many": 27}  # byte-wide features: records of 12 to 40 bytes
SHIFT = 20


@pytest.fixture(params=[4, 8], ids=["gradients", "words"])
def data(request: pytest.FixtureRequest) -> dict[str, Any]:
    return made(2, request.param)


def made(n_narrow: int, word_nbytes: int) -> dict[str, Any]:
    """Return records of random bins and words, and what is in them."""
    rng = np.random.default_rng(0)
    narrow = [number_features(f"a{k}", np.arange(9, dtype=np.float32)) for k in range(n_narrow)]
    bin_map = BinMap((narrow[0], code_features("w", 400, 1024), *narrow[1:]))
    records = Records.empty(RecordLayout.of(bin_map, None), N)
    layout = RecordLayout(records.layout.width, records.layout.n_wide, word_nbytes, SHIFT)
    records = Records.empty(layout, N)
    size, width = layout.nbytes, layout.width
    table = records.bytes.reshape(N, size)
    table[:, :n_narrow] = rng.integers(0, 11, (N, n_narrow))
    wide = rng.integers(0, 401, N).astype(np.uint16)
    records.pairs.reshape(N, size // 2)[:, width // 2] = wide
    gradients = rng.integers(-1000, 1000, N)
    weights = 1 if word_nbytes == 4 else rng.integers(1, 4, N)
    words = (gradients << SHIFT) + weights
    own = gradients.astype(np.int32) if word_nbytes == 4 else words
    table[:, layout.word_at :] = own.view(np.uint8).reshape(N, word_nbytes)
    return {
        "map": bin_map,
        "bins": table[:, :width].copy(),
        "wide": wide,
        "words": words,
        "records": records,
        "tags": (rng.integers(0, 1 << 30, N) << 32) + np.arange(N),
        "arrays": (records.bytes, layout.place, bin_map.wide_start),
    }


def test_words_of_records(data: dict[str, Any]) -> None:
    np.testing.assert_array_equal(data["records"].full_words(N), data["words"])


def naive(data: dict[str, Any], rows: Any) -> np.ndarray:
    bin_map = data["map"]
    hist = np.zeros(bin_map.n_slots, np.int64)
    for k in range(bin_map.width):
        np.add.at(
            hist, k * bin_map.stretch + data["bins"][rows, k].astype(int), data["words"][rows]
        )
    np.add.at(hist, bin_map.wide_start[0] + data["wide"][rows].astype(int), data["words"][rows])
    return hist


@pytest.mark.parametrize("n_narrow", NARROW.values(), ids=NARROW)
def test_add_rows(n_narrow: int) -> None:
    data = made(n_narrow, 4)
    hist = np.zeros(data["map"].n_slots, np.int64)
    add_rows(*data["arrays"], 100, 900, data["map"].stretch, hist)
    np.testing.assert_array_equal(hist, naive(data, np.arange(100, 900)))


@pytest.mark.parametrize("flags", [(1, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 1)])
def test_histograms_of_chosen_features(data: dict[str, Any], flags: tuple[int, ...]) -> None:
    bin_map = data["map"]
    hist = np.zeros(bin_map.n_slots, np.int64)
    chosen = bin_map.chosen(np.array(flags, np.uint8))
    add_chosen(*data["arrays"], chosen, 100, 900, bin_map.stretch, hist)
    expected = naive(data, np.arange(100, 900))
    wanted = np.zeros(bin_map.n_slots, bool)
    for (start, n_bins, *_), flag in zip(bin_map.table().tolist(), flags, strict=True):
        wanted[start : start + n_bins + 1] = flag
    np.testing.assert_array_equal(hist, np.where(wanted, expected, 0))


def rows_at(data: dict[str, Any], before: Records, start: int, stop: int) -> np.ndarray:
    """Return the rows at these places; their records and tags must be those they had."""
    rows = data["tags"][start:stop] & ROW_MASK
    np.testing.assert_array_equal(data["tags"][start:stop], data["old"][rows])
    size = before.layout.nbytes
    moved = data["records"].bytes.reshape(N, size)[start:stop]
    np.testing.assert_array_equal(moved, before.bytes.reshape(N, size)[rows])
    return rows


def kept(data: dict[str, Any]) -> Records:
    """Return a copy of the records, which are about to move."""
    data["old"] = data["tags"].copy()
    return Records(data["records"].layout, data["records"].bytes.copy())


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("builds", [0, 1, 2])
@pytest.mark.parametrize("is_wide", [False, True])
def test_route_and_add(data: dict[str, Any], builds: int, is_wide: bool, share: float) -> None:
    route(data, builds, is_wide, share)


@pytest.mark.parametrize("n_narrow", NARROW.values(), ids=NARROW)
def test_records_of_every_size_move_whole(n_narrow: int) -> None:
    route(made(n_narrow, 4), 1, True, 0.3)


def route(data: dict[str, Any], builds: int, is_wide: bool, share: float) -> None:
    table = (np.random.default_rng(1).random(401) < share).astype(np.uint8)
    table[:2] = 0, 1
    bin_map, before = data["map"], kept(data)
    segments = np.array([[0, 0], [0, 700], [700, 701], [701, N]], np.int64)
    n = len(segments)
    bounds = np.concatenate([segments, np.zeros((2 * n, 2), np.int64)])
    hists = np.zeros((n, bin_map.n_slots), np.int64)
    counts, squares = np.zeros(n, np.int64), np.zeros(n, np.int64)
    records, place, wide_start = data["arrays"]
    column = int(bin_map.columns[1 if is_wide else 0])
    for first, last in ((0, 2), (2, 4)):
        route_and_add(
            records, data["tags"], place, wide_start, np.zeros(0, np.int32), bounds, np.arange(n),
            n, first, last, np.full(n, column, np.int32), table, np.zeros(n, np.int64),
            np.full(n, builds, np.int8), np.arange(n, dtype=np.int32), bin_map.stretch, hists,
            SHIFT + 2, 0, counts, squares,
        )  # fmt: skip
    goes = table[data["wide"] if is_wide else data["bins"][:, 0]] == 1
    for s, (start, stop) in enumerate(segments):
        middle = start + counts[s]
        assert bounds[n + 2 * s : n + 2 * s + 2].tolist() == [[start, middle], [middle, stop]]
        rows = np.arange(start, stop)
        left, right = rows[goes[start:stop]], rows[~goes[start:stop]]
        assert sorted(rows_at(data, before, start, middle)) == left.tolist()
        assert sorted(rows_at(data, before, middle, stop)) == right.tolist()
        assert squares[s] == ((data["words"][left] >> (SHIFT + 2)) ** 2).sum()
        chosen = {0: left[:0], 1: left, 2: right}[builds]
        np.testing.assert_array_equal(hists[s], naive(data, chosen))


@pytest.mark.parametrize("n_out", [0, 1, 900, N])
def test_records_that_the_tree_is_not_grown_on_come_last(data: dict[str, Any], n_out: int) -> None:
    out = np.sort(np.random.default_rng(2).permutation(N)[:n_out])
    weights = np.ones(N, np.float32)
    weights[out] = 0.0
    place = data["records"].layout.place
    assert mark_weightless(data["records"].bytes, place, weights, 0, N) == n_out
    marked = NO_GRADIENT << SHIFT if place[4] else NO_WORD
    assert (data["records"].full_words(N)[out] >> SHIFT == marked >> SHIFT).all()
    before = kept(data)
    first = sort_out(data["records"].bytes, data["tags"], place, 0, N)
    assert first == N - n_out
    assert sorted(rows_at(data, before, first, N)) == out.tolist()
    assert len(set(rows_at(data, before, 0, first))) == first
