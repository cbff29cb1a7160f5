"""Many chunks of few rows at once, beside one chunk after the other."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from dh2o.chunks import (
    NA_INT,
    Block,
    Chunk,
    ChunkStats,
    ColumnStats,
    all_na,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.many import FEW_ROWS, MANY, floats_of_chunks

RNG = np.random.default_rng(17)
N_ROWS = [0, 1, 3, 8, 41, 200, FEW_ROWS]


def number_chunks(n: int) -> list[Chunk]:
    """Chunks of `n` rows of all codecs of numbers, and of values that are easily got wrong."""
    with_na = np.where(RNG.random(n) < 0.3, np.nan, RNG.integers(-5, 40, n))
    ends = RNG.choice([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.5, -7.25e-300], n)
    doubles = [
        RNG.integers(0, 2, n) * 1.0,
        RNG.integers(0, 4, n) * 1.0,
        RNG.integers(0, 16, n) * 10.0 - 30.0,
        with_na,
        np.where(np.isnan(with_na), -0.0, with_na),
        RNG.integers(-90, 90, n) / 100,
        RNG.integers(-9000, 9000, n) / 1000,
        RNG.integers(-(10**8), 10**8, n) / 1e5,
        RNG.normal(size=n),
        RNG.normal(size=n).astype(np.float32).astype(np.float64),
        ends,
        RNG.choice([1.7e308, -3e-320, np.inf], n),
        np.full(n, 1.7e308),
        np.full(n, 0.1),
        np.full(n, -0.0),
        np.full(n, np.nan),
        np.full(n, np.inf),
        np.where(RNG.random(n) < 0.02, 3.5, 0.0),
        np.where(RNG.random(n) < 0.02, RNG.integers(0, 9, n), np.nan),
        RNG.choice([0.1, 1e-9, 1e30], n),
    ]
    huge = RNG.integers(2**53, 2**62, n)
    ints = [
        huge,
        np.where(RNG.random(n) < 0.5, NA_INT, huge),
        huge[:1].repeat(n) if n else huge,
        RNG.integers(0, 2**31, n),
        np.where(RNG.random(n) < 0.03, huge, 7),
        RNG.choice([2**60, -(2**60), NA_INT, 1], n),
    ]
    codes = RNG.integers(-1, 300, n).astype(np.int32)
    return [
        *map(encode_floats, doubles),
        *map(encode_ints, ints),
        encode_codes(codes),
        encode_codes(np.minimum(codes, 1)),
        all_na(n),
        all_na(n, "code"),
    ]


def bits(values: object) -> list[int]:
    return np.asarray(values, dtype=np.float64).reshape(-1).view(np.int64).tolist()


def many(chunks: list[Chunk]) -> list[Chunk]:
    """So often the same chunks that they are worked on together."""
    return chunks * -(-MANY // len(chunks))


def column(stats: ColumnStats, k: int) -> ChunkStats:
    mins, maxs = (tuple(ends[k][~np.isnan(ends[k])]) for ends in (stats.mins, stats.maxs))
    counts = (int(n[k]) for n in (stats.n_na, stats.n_zero, stats.n_pinf, stats.n_ninf))
    moments = float(stats.mean[k]), float(stats.m2[k])
    whole, nbytes = bool(stats.is_int[k]), int(stats.nbytes[k])
    return ChunkStats(stats.n_rows, *counts, *moments, whole, mins, maxs, nbytes)


def same(a: ChunkStats, b: ChunkStats) -> bool:
    """Whether all figures are equal, -0.0 and 0.0 not being so."""
    ends = bits([a.mean, a.m2, *a.mins, *a.maxs]) == bits([b.mean, b.m2, *b.mins, *b.maxs])
    return a == b and ends


def test_the_chunks_are_of_all_codecs() -> None:
    names = {chunk.codec.tag for chunk in number_chunks(200)}
    assert names == {"constant", "grid", "int64", "float64", "float32", "sparse", "dictionary"}
    assert {1, 2, 4, 8, 16, 32} <= {getattr(c.codec, "width", 0) for c in number_chunks(200)}


@pytest.mark.parametrize("n_rows", N_ROWS)
def test_decoded_together_as_one_by_one(n_rows: int) -> None:
    chunks = many(number_chunks(n_rows))
    found = np.empty((len(chunks), n_rows))
    floats_of_chunks(chunks, found)
    for k, chunk in enumerate(chunks):
        assert np.array_equal(found[k], chunk.floats(), equal_nan=True), chunk
        zeros = found[k] == 0
        assert (np.signbit(found[k]) == np.signbit(chunk.floats()))[zeros].all(), chunk


@pytest.mark.parametrize("n_rows", N_ROWS)
def test_stats_together_have_the_bits_of_one_by_one(n_rows: int) -> None:
    chunks = many(number_chunks(n_rows))
    found = ColumnStats.of(Block(n_rows, tuple(chunks)))
    for k, chunk in enumerate(chunks):
        assert same(column(found, k), chunk.stats()), chunk


def test_text_and_ids_among_many_numbers() -> None:
    text = encode_strings(["a", None, "b"])
    ids = encode_uuids([uuid.UUID(int=5), None, None])
    numbers = many(number_chunks(3))
    chunks = (text, *numbers[:100], ids, *numbers[100:], all_na(3, "string"))
    found = ColumnStats.of(Block(3, chunks))
    for k in (0, 5, 101, 120, len(chunks) - 1):
        assert same(column(found, k), chunks[k].stats())


@pytest.mark.parametrize("second", [0, 1, 41])
def test_sums_are_those_of_the_columns(second: int) -> None:
    a, b = number_chunks(8), number_chunks(second)
    found = ColumnStats.of(Block(8, tuple(a))) + ColumnStats.of(Block(second, tuple(b)))
    for k, (left, right) in enumerate(zip(a, b, strict=True)):
        assert same(column(found, k), left.stats() + right.stats()), (left, right)


def test_nothing_found_adds_nothing() -> None:
    chunks = number_chunks(8)
    nothing, some = ColumnStats.empty(len(chunks)), ColumnStats.of(Block(8, tuple(chunks)))
    for total in (nothing + some, some + nothing):
        assert all(same(column(total, k), chunk.stats()) for k, chunk in enumerate(chunks))


def test_columns_of_one_value_have_that_mean_and_no_spread() -> None:
    stats = encode_floats(np.full(777, 0.1)).stats()
    assert (stats.mean, stats.m2) == (0.1, 0.0)
