"""Columns encoded together are those encoded one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dh2o.chunks import Chunk, encode_floats
from dh2o.chunks.wide import encode_float_columns, encode_sparse_columns
from tests.chunks.contract import assert_same

DRAW = np.random.default_rng(5)
ROWS = [1, 2, 31, 32, 33, 100, 700, 1500]


def kinds_of_columns(n_rows: int) -> np.ndarray:
    """Return columns of all kinds: constants, bits, steps, decimals, odd numbers, NA."""
    columns = []
    for share_of_na in (0.0, 0.3):
        some = (
            np.full(n_rows, math.nan),
            np.full(n_rows, 7.0),
            np.full(n_rows, 0.25),
            np.full(n_rows, -0.0),
            np.full(n_rows, math.inf),
            np.where(DRAW.random(n_rows) < 0.5, -0.0, 0.0),
            np.where(DRAW.random(n_rows) < 0.5, -0.0, 0.5),
            np.where(DRAW.random(n_rows) < 0.02, 9.0, 0.0),
            np.where(DRAW.random(n_rows) < 0.02, 0.25, math.nan),
            *(DRAW.integers(0, k, n_rows).astype(float) for k in (2, 3, 9, 200, 60_000)),
            DRAW.integers(-(2**31), 2**31, n_rows).astype(float),
            DRAW.integers(-(2**62), 2**62, n_rows).astype(float),
            DRAW.integers(0, 2**20, n_rows) * 1000.0,
            DRAW.integers(0, 2**20, n_rows) * 2.0**33,
            DRAW.integers(0, 9, n_rows) * 123456789.0,
            DRAW.integers(-4, 900, n_rows) / 10,
            DRAW.integers(0, 10**6, n_rows) / 10**5,
            DRAW.integers(0, 10**9, n_rows) / 10**4,
            DRAW.normal(size=n_rows),
            DRAW.normal(size=n_rows).astype(np.float32).astype(float),
            DRAW.choice([0.1, 2.0**60, -math.inf], n_rows),
            DRAW.choice(DRAW.normal(size=4), n_rows),
            DRAW.choice([1e300, 0.5, 2.0**63], n_rows),
        )
        columns += [np.where(DRAW.random(n_rows) < share_of_na, math.nan, each) for each in some]
    return np.array(columns)


def assert_same_chunk(got: Chunk, want: Chunk) -> None:
    assert (got.codec, got.kind, got.n_rows) == (want.codec, want.kind, want.n_rows)
    for a, b in zip(got.stored.buffers, want.stored.buffers, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        assert not a.flags.writeable
    for a, b in zip(got.stored.children, want.stored.children, strict=True):
        assert_same_chunk(a, b)


@pytest.mark.parametrize("n_rows", ROWS)
def test_every_kind_of_column(n_rows: int) -> None:
    columns = kinds_of_columns(n_rows)
    for got, column in zip(encode_float_columns(columns), columns, strict=True):
        assert_same_chunk(got, encode_floats(column))


@settings(max_examples=60, deadline=None)
@given(
    st.data(),
    st.integers(1, 70),
    st.sampled_from(
        [
            st.integers(-5, 300).map(float),
            st.integers(-(10**7), 10**7).map(lambda k: k / 100),
            st.floats(width=32),
            st.floats(),
            st.sampled_from([math.nan, -0.0, 0.0, 1.0, 0.5, math.inf]),
        ]
    ),
)
def test_any_numbers(data: st.DataObject, n_rows: int, numbers: st.SearchStrategy[float]) -> None:
    columns = data.draw(arrays(np.float64, (16, n_rows), elements=numbers))
    for got, column in zip(encode_float_columns(columns), columns, strict=True):
        assert_same_chunk(got, encode_floats(column))


def test_a_chunk_keeps_no_other_column() -> None:
    for chunk in encode_float_columns(DRAW.normal(size=(64, 50)).round(3)):
        [own] = chunk.stored.buffers
        assert own.base is None or own.base.nbytes == own.nbytes


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (40, 0), (3, 9), (17, 5000)])
def test_other_shapes(shape: tuple[int, int]) -> None:
    columns = DRAW.integers(0, 99, shape).astype(float)
    made = encode_float_columns(columns)
    assert len(made) == shape[0]
    for got, column in zip(made, columns, strict=True):
        assert_same_chunk(got, encode_floats(column))


@pytest.mark.parametrize("n_rows", [1, 20, 40, 3000, 70_000])
def test_sparse_columns(n_rows: int) -> None:
    kinds = [
        np.ones,
        lambda n: np.full(n, 2.5),
        lambda n: DRAW.integers(1, 300, n).astype(float),
        lambda n: DRAW.integers(-900, 900, n) / 100,
        lambda n: DRAW.normal(size=n),
        lambda n: DRAW.choice([math.nan, -0.0, 0.0, 7.0, math.inf], n),
        lambda n: np.full(n, math.nan),
        lambda n: np.full(n, -0.0),
    ]
    ends, rows, values, dense = [0], [], [], []
    for share in (0.0, 0.001, 0.05, 0.4, 1.0):
        for kind in kinds:
            some = np.sort(DRAW.choice(n_rows, int(share * n_rows), replace=False))
            own = kind(len(some))
            column = np.zeros(n_rows)
            column[some] = own
            dense.append(column)
            if len(some):  # an entry that the next one replaces
                some, own = np.append(some[0], some), np.append(99.0, own)
            rows.append(some)
            values.append(own)
            ends.append(ends[-1] + len(some))
    flat = np.concatenate(rows), np.concatenate(values)
    made = encode_sparse_columns(n_rows, np.array(ends), *flat)
    assert len(made) == len(dense)
    for chunk, column, listed in zip(made, dense, rows, strict=True):
        assert_same(chunk.floats(), column)
        plain = encode_floats(column)
        assert chunk.is_integer == plain.is_integer
        assert chunk.nbytes <= plain.nbytes + 4 * len(listed)
