"""Codes packed into bytes: the kernels do what numpy does, and back again."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.chunks import bits


@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("n", [0, 1, 3, 4095, 4096, 4097, 4098, 4099, 10_001])
def test_codes_come_back(width: int, n: int) -> None:
    codes = np.random.default_rng(n).integers(0, 1 << width, n).astype(np.uint8)
    packed = bits.pack_bits(codes, width)
    assert len(packed) == -(-n * width // 8)
    if width < 8:
        np.testing.assert_array_equal(bits.bytes_of(packed, width, n), codes)
    out = np.empty(n, dtype=np.uint8)
    bits.unpack_into(packed, width, np.arange(1 << width, dtype=np.uint8), 0, out)
    np.testing.assert_array_equal(out, codes)


@pytest.mark.parametrize("width", [2, 4])
def test_kernels_do_what_numpy_does(width: int) -> None:
    for n in range(bits.KERNEL_CODES, bits.KERNEL_CODES + 5):
        codes = np.random.default_rng(n).integers(0, 1 << width, n).astype(np.uint8)
        packed = bits.pack_bits(codes, width)
        np.testing.assert_array_equal(packed, bits.pack_bits_numpy(codes, width))
        found = bits.bytes_of(packed, width, n)
        np.testing.assert_array_equal(found, bits.bytes_of_numpy(packed, width)[:n])
