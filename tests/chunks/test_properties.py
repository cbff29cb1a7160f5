"""Laws of encode_*, the naive twins of the kernels, and the stats, on values hypothesis invents."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats, encode_ints, encode_strings
from dh2o.chunks.codec import NA_INT, read_only
from dh2o.chunks.dictionary import MAX_UNIQUES, bit_patterns, dictionary_numpy
from dh2o.chunks.integer import GridCodec
from dh2o.chunks.kernels import dictionary_kernel, grid_codes_kernel, scan_floats_kernel
from dh2o.chunks.scan import (
    POWERS_OF_10,
    grid_codes_numpy,
    look_at_few,
    scan_floats_numpy,
    scan_foreseen,
)
from tests.chunks.contract import assert_same

decimals = st.builds(lambda k, d: k / 10**d, st.integers(-(10**9), 10**9), st.integers(0, 6))
awkward = st.sampled_from([math.nan, -0.0, 0.0, math.inf, -math.inf, 1e300, 2.0**53, 1.0, 0.1])
whole = st.integers(-(2**60), 2**60).map(float)
element = st.one_of(decimals, awkward, whole, st.floats(width=32), st.floats())
floats = st.one_of(
    arrays(np.float64, st.integers(0, 200), elements=element, fill=awkward),
    arrays(np.float64, st.integers(0, 200), elements=decimals),
    arrays(np.float64, st.integers(0, 200), elements=st.one_of(decimals, st.just(math.nan))),
)
ints = arrays(
    np.int64,
    st.integers(0, 200),
    elements=st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 300)),
    fill=st.integers(0, 5),
)
chunk_settings = settings(max_examples=80)


@chunk_settings
@given(floats, st.data())
def test_floats_come_back_bit_for_bit(values: np.ndarray, data: st.DataObject) -> None:
    chunk = encode_floats(values)
    assert_same(chunk.floats(), values)
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    assert_same(chunk.slice(start, stop).floats(), values[start:stop])
    parts = [chunk.slice(0, start), chunk.slice(start, len(values))]
    assert_same(Chunk.concat(parts).floats(), values)


@chunk_settings
@given(ints)
def test_ints_come_back_exactly(values: np.ndarray) -> None:
    chunk = encode_ints(values)
    assert chunk.is_integer
    np.testing.assert_array_equal(chunk.ints(), values)
    np.testing.assert_array_equal(chunk.na_mask(), values == NA_INT)
    np.testing.assert_array_equal(chunk.floats()[values != NA_INT], values[values != NA_INT])


@chunk_settings
@given(arrays(np.int32, st.integers(0, 200), elements=st.integers(-1, 2**31 - 1)))
def test_codes_come_back_exactly(codes: np.ndarray) -> None:
    np.testing.assert_array_equal(encode_codes(codes).codes(), codes)


@chunk_settings
@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=60))
def test_strings_come_back(values: list[str | None]) -> None:
    chunk = encode_strings(values)
    again = Block.from_frames(*Block.of([chunk]).to_frames()).chunks[0]
    assert chunk.strings().to_pylist() == again.strings().to_pylist() == values


@chunk_settings
@given(floats)
def test_scan_kernel_equals_its_twin(values: np.ndarray) -> None:
    want = scan_floats_numpy(values)
    got = scan_floats_kernel(read_only(values), POWERS_OF_10)
    assert tuple(got) == tuple(want)


@chunk_settings
@given(floats, st.integers(0, 3))
def test_what_a_few_values_foresee_is_what_all_show(values: np.ndarray, more: int) -> None:
    values = np.concatenate([values, np.tile(values[:9] / 8, more)])
    found = scan_foreseen(values, look_at_few(values))
    assert found in {None, scan_floats_numpy(values)}


@chunk_settings
@given(arrays(np.float64, st.integers(0, 99), elements=st.integers(-90, 90).map(lambda k: k / 10)))
def test_grid_kernel_equals_its_twin(values: np.ndarray) -> None:
    values[::5] = np.nan
    values[1::7] = -0.0
    grid = GridCodec(8, -100, 1, 1, has_na=True, has_negative_zero=True)
    codes = np.empty(len(values), dtype=np.uint32)
    specials = grid.na_code, grid.negative_zero_code
    grid_codes_kernel(read_only(values), 10.0, grid.bias, *specials, codes)
    np.testing.assert_array_equal(codes, grid_codes_numpy(values, grid))


@chunk_settings
@given(floats)
def test_dictionary_kernel_equals_its_twin(values: np.ndarray) -> None:
    bits = bit_patterns(values)
    table, codes = np.empty(MAX_UNIQUES, dtype=np.int64), np.empty(len(bits), dtype=np.uint8)
    n_uniques = dictionary_kernel(read_only(bits), table, codes)
    want = dictionary_numpy(bits)
    assert want is not None
    np.testing.assert_array_equal(table[codes], want[0][want[1]])
    assert n_uniques == len(want[0])


def test_dictionary_kernel_stops_at_the_257th_value() -> None:
    bits = np.arange(257)
    table, codes = np.empty(MAX_UNIQUES, dtype=np.int64), np.empty(len(bits), dtype=np.uint8)
    assert dictionary_kernel(read_only(bits), table, codes) == -1
    assert dictionary_numpy(bits) is None
