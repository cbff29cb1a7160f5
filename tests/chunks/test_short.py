"""Rows of many short chunks at once, beside one chunk after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dh2o.chunks import Block, Chunk, all_na, encode_floats, encode_strings
from dh2o.chunks.bank import bank_of
from dh2o.chunks.short import gather_each

from .test_many import bits, many, number_chunks

RNG = np.random.default_rng(23)


def assert_same(found: Sequence[Chunk], expected: Sequence[Chunk]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert (a.codec, a.kind, a.n_rows) == (b.codec, b.kind, b.n_rows)
        if b.kind == "string":
            assert a.strings().equals(b.strings())
        elif b.is_integer:
            assert a.ints().tolist() == b.ints().tolist()
        else:
            assert bits(a.floats()) == bits(b.floats())


@pytest.mark.parametrize("n_rows", [1, 3, 41, 200])
@pytest.mark.parametrize("n_taken", [0, 1, 60])
def test_rows_are_taken_as_from_each(n_rows: int, n_taken: int) -> None:
    chunks = [
        *many(number_chunks(n_rows)),
        encode_strings(["a", None, "b"] * n_rows).slice(0, n_rows),
    ]
    rows = RNG.integers(0, n_rows, n_taken)
    found = Block(n_rows, tuple(chunks)).take(rows)
    assert found.n_rows == n_taken
    assert_same(found.chunks, [chunk.take(rows) for chunk in chunks])


@pytest.mark.parametrize("sizes", [(3, 200), (1, 0, 41), (0, 0), (0, 8), (8, 8, 8)])
def test_parts_are_put_together_as_each(sizes: tuple[int, ...]) -> None:
    parts = [[*many(number_chunks(n)), encode_strings(["x"] * n)] for n in sizes]
    found = Block.concat([Block(n, tuple(part)) for n, part in zip(sizes, parts, strict=True)])
    assert_same(found.chunks, [Chunk.concat(column) for column in zip(*parts, strict=True)])


def test_na_of_numbers_goes_with_text() -> None:
    first = [*many(number_chunks(8)), all_na(8)]
    second = [*many(number_chunks(3)), encode_strings(["a", "b", "c"])]
    found = Block.concat([Block(8, tuple(first)), Block(3, tuple(second))])
    assert found.chunks[-1].strings().to_pylist() == [None] * 8 + ["a", "b", "c"]


def test_integers_beyond_doubles_stay_exact() -> None:
    odd = encode_floats(np.arange(3.0)), Chunk.concat(number_chunks(3)[20:21])
    block = Block(3, tuple(odd * 200))
    assert block.take([2, 0]).chunks[1].ints().tolist() == odd[1].ints()[[2, 0]].tolist()


def test_rows_are_gathered_as_from_banks() -> None:
    parts = [[*many(number_chunks(n)), encode_strings(["x"] * n)] for n in (41, 0, 3)]
    columns = list(zip(*parts, strict=True))
    rows = [np.array([43, -1, 0, 7, 7]), np.empty(0, np.int64), RNG.integers(-1, 44, 60)]
    found = gather_each(columns, rows, lambda fn, items: [fn(item) for item in items])
    for column, chunks in zip(columns, found, strict=True):
        bank = bank_of(column)
        for chunk, wanted in zip(chunks, rows, strict=True):
            expected = bank.take(wanted)
            assert (chunk.kind, chunk.n_rows) == (expected.kind, len(wanted))
            if chunk.kind == "string":
                assert chunk.strings().equals(expected.strings())
            elif chunk.is_integer and expected.is_integer:
                assert chunk.ints().tolist() == expected.ints().tolist()
            else:
                assert bits(chunk.floats()) == bits(expected.floats())
