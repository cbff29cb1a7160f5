from __future__ import annotations

import math

import numpy as np
import pytest

from dh2o.chunks import Chunk, LossyCodecError, encode_ints
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import DictionaryCodec
from dh2o.chunks.integer import GridCodec, Int64Codec
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.sparse import SparseCodec
from tests.chunks.contract import CodecContract

NAN, INF = math.nan, math.inf


class TestConstant(CodecContract):
    codec = ConstantCodec(2.5)
    representable = np.full(5, 2.5)
    unrepresentable = np.array([2.5, 2.4])


class TestConstantNegativeZero(CodecContract):
    codec = ConstantCodec(-0.0)
    representable = np.full(3, -0.0)
    unrepresentable = np.array([-0.0, 0.0])


class TestAllNA(CodecContract):
    codec = ConstantCodec(None)
    representable = np.full(4, NAN)
    unrepresentable = np.array([NAN, 0.0])


class TestBit(CodecContract):
    codec = GridCodec(1)
    representable = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1.0])
    unrepresentable = np.array([0, 1, 2.0])


class TestBitWithNA(CodecContract):
    codec = GridCodec(2, has_na=True)
    representable = np.array([0, 1, NAN, 2, 0, NAN, 1, 1, 0.0])
    unrepresentable = np.array([0, 3.0])


class TestNibble(CodecContract):
    codec = GridCodec(4, bias=1)
    representable = np.array([1, 12, 16, 3, 4, 7, 9.0])
    unrepresentable = np.array([1, 17.0])


class TestInt8(CodecContract):
    codec = GridCodec(8, bias=-10)
    representable = np.array([-10, 0, 245.0])
    unrepresentable = np.array([-10, NAN])


class TestInt8WithNA(CodecContract):
    codec = GridCodec(8, bias=-10, has_na=True)
    representable = np.array([-10, NAN, 244.0])
    unrepresentable = np.array([NAN, 245.0])


class TestInt16Steps(CodecContract):
    codec = GridCodec(16, bias=86_400_000, step=86_400_000, has_na=True)
    representable = np.array([1, 2, NAN, 30_000.0]) * 86_400_000
    unrepresentable = np.array([86_400_000.0, 86_400_001.0])


class TestInt32(CodecContract):
    codec = GridCodec(32, bias=-(2**31))
    representable = np.array([-(2.0**31), 0, 2.0**31 - 1])
    unrepresentable = np.array([0, 2.0**31])


class TestIntFarAway(CodecContract):
    codec = GridCodec(8, bias=2**62)
    representable = np.array([2.0**62, 2.0**62])
    unrepresentable = np.array([2.0**62, 2.0**62 + 4096])


class TestDecimal8(CodecContract):
    codec = GridCodec(8, bias=-10, decimals=2, has_na=True)
    representable = np.array([-0.10, NAN, 2.44, 0.07, 0.0])
    unrepresentable = np.array([0.0, 2.45])


class TestDecimal32WithNegativeZero(CodecContract):
    codec = GridCodec(32, bias=-100, decimals=3, has_na=True, has_negative_zero=True)
    representable = np.array([-0.1, -0.0, 0.0, 123456.789, NAN])
    unrepresentable = np.array([-0.1, 1e-4])


class TestNibbleWithNegativeZero(CodecContract):
    codec = GridCodec(4, bias=-3, has_negative_zero=True)
    representable = np.array([-3, -0.0, 0.0, 11, -0.0, 2, 1.0])
    unrepresentable = np.array([0.0, 12.0])


class TestInt64(CodecContract):
    codec = Int64Codec()
    representable = np.array([-(2.0**62), NAN, 0, 2.0**53])
    unrepresentable = np.array([1.0, 0.5])


class TestFloat32(CodecContract):
    codec = Float32Codec()
    representable = np.array([0.5, -0.0, INF, -INF, NAN, 2.0**100])
    unrepresentable = np.array([0.5, 0.1])


class TestFloat64(CodecContract):
    codec = Float64Codec()
    representable = np.array([0.1, -0.0, INF, NAN, 5e-324, 1.7976931348623157e308])


class TestDictionaryOfDoubles(CodecContract):
    codec = DictionaryCodec(2)
    representable = np.array([0.1, INF, NAN, -0.0, 0.1, NAN, INF])
    unrepresentable = np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.5])


class TestDictionaryOfIntegers(CodecContract):
    codec = DictionaryCodec(8, integers=True)
    representable = np.array([1e9, NAN, -(2.0**60), 1e9])
    unrepresentable = np.array([1.0, -0.0])


class TestSparse(CodecContract):
    codec = SparseCodec(0.0)
    representable = np.array([0, 0, 3.25, 0, NAN, 0, -0.0, 0, 0])


class TestSparseNA(CodecContract):
    codec = SparseCodec(None)
    representable = np.array([NAN, NAN, 2, NAN, 0.5])


@pytest.mark.parametrize(
    "codec", [GridCodec(16, bias=-5, has_na=True), GridCodec(4, has_na=True), Int64Codec()]
)
def test_integers_in_are_integers_out(codec: GridCodec) -> None:
    ints = np.array([3, np.iinfo(np.int64).min, 0])
    chunk = Chunk(codec, 3, "number", codec.encode(ints))
    np.testing.assert_array_equal(chunk.ints(), ints)


def test_integers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(LossyCodecError, match=r"int8.*row 1: 300"):
        GridCodec(8).encode(np.array([1, 300]))


def test_integers_beyond_doubles_stay_exact() -> None:
    values = np.array([2**63 - 1, -(2**63) + 1, 2**53 + 1, 0])
    np.testing.assert_array_equal(encode_ints(values).ints(), values)


def test_sparse_slices_keep_row_numbers_small() -> None:
    values = np.zeros(70_000)
    values[[5, 66_000]] = 1.5
    codec = SparseCodec(0.0)
    chunk = Chunk(codec, len(values), "number", codec.encode(values))
    part = chunk.slice(65_990, 66_010)
    assert chunk.stored.buffers[0].dtype == np.uint32
    assert part.stored.buffers[0].dtype == np.uint16
    np.testing.assert_array_equal(part.floats(), values[65_990:66_010])
