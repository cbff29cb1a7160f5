from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest

from dh2o.chunks import (
    NA_INT,
    SMALL_NA,
    Chunk,
    LossyCodecError,
    encode,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_small_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.errors import FrameError
from tests.chunks.contract import assert_same

RNG = np.random.default_rng(5)
N = 1000
CASES = {
    "constant": np.full(N, 7.5),
    "bits1": RNG.integers(0, 2, N) * 1.0,
    "bits2": np.where(RNG.random(N) < 0.3, np.nan, RNG.integers(0, 2, N)),
    "bits4": RNG.integers(1, 13, N) * 1.0,
    "int8": RNG.integers(-100, 100, N) * 1.0,
    "int16": RNG.permutation(N) * 1.0,
    "int32": RNG.integers(0, 2**30, N) * 1.0,
    "int64": RNG.integers(0, 2**50, N) * 1.0,
    "decimal8": RNG.integers(0, 250, N) / 10,
    "decimal16": RNG.permutation(N) / 100,
    "decimal32": RNG.integers(0, 2**31, N) / 1000,
    "float32": RNG.normal(size=N).astype(np.float32).astype(np.float64),
    "float64": RNG.normal(size=N),
    "dictionary4": RNG.choice(RNG.normal(size=16), N),
    "dictionary8": RNG.choice(RNG.integers(0, 2**50, 60), N) * 1.0,
    "sparse": np.where(RNG.random(N) < 0.01, RNG.normal(size=N), 0.0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("n_times", [1, 40])  # 40,000 rows go through the compiled kernels
def test_floats_take_the_smallest_codec(name: str, n_times: int) -> None:
    values = np.tile(CASES[name], n_times)
    chunk = encode_floats(values)
    expected = {"dictionary8"} | {name} if n_times > 1 else {name}
    if n_times > 1 and name in ("int16", "int32", "int64", "decimal16", "decimal32", "float32"):
        expected |= {"dictionary16"}
    assert chunk.codec.name in expected
    assert_same(chunk.floats(), values)


MANY = RNG.normal(size=6000)
ONE_ODD = np.arange(6000) == 5999
FORESEEN = {
    "decimals": MANY.round(6),
    "decimals and NA": np.where(MANY > 1, np.nan, MANY.round(4)),
    "decimals and -0.0": np.where(MANY > 1, -0.0, MANY.round(4)),
    "one with a digit more": np.where(ONE_ODD, 0.1234567, MANY.round(6)),
    "one without a grid": np.where(ONE_ODD, np.pi, MANY.round(6)),
    "one far away": np.where(ONE_ODD, 1e300, MANY.round(6)),
    "one infinite": np.where(ONE_ODD, np.inf, MANY.round(6)),
    "a wide span": (MANY * 1e5).round(6),
    "a wide span of wide steps": (MANY * 1e6).round() * 1000 / 1e6 + 0.001,
    "wide steps but one": np.where(ONE_ODD, 0.000001, (MANY * 1e6).round() / 1e3 + 0.001),
    "decimals of floats": np.array([float(str(x)) for x in MANY.astype(np.float32)]),
    "few values": MANY[:100].round(6).repeat(60),
    "mostly one value": np.where(MANY > 2, MANY.round(6), 0.123456),
    "one value": np.full(6000, 0.123456),
}


@pytest.mark.parametrize("name", FORESEEN)
def test_foresight_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = FORESEEN[name]
    quick = encode_floats(values)
    monkeypatch.setattr(encode, "KERNEL_ROWS", len(values) + 1)
    monkeypatch.setattr(encode, "need_eight_bytes", lambda _values: False)
    slow = encode_floats(values)
    assert quick.codec == slow.codec
    assert_same(quick.floats(), values)
    for a, b in zip(quick.stored.buffers, slow.stored.buffers, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [n for n in CASES if encode_floats(CASES[n]).is_integer])
def test_ints_take_the_same_codec_as_floats(name: str) -> None:
    floats = CASES[name]
    na = np.isnan(floats)
    chunk = encode_ints(np.where(na, 0, floats).astype(np.int64), na)
    assert chunk.codec == encode_floats(floats).codec
    assert_same(chunk.floats(), floats)


@pytest.mark.parametrize("n_rows", [0, 3, 40, 5000])
@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("share_of_na", [0.0, 0.1, 0.9, 1.0])
def test_small_ints_take_the_form_of_ints(n_rows: int, step: int, share_of_na: float) -> None:
    rng = np.random.default_rng(n_rows)
    for low, n_values in ((0, 1), (0, 2), (-7, 12), (-100, 200), (50, 60_000), (-(2**31), 2**21)):
        values = (low + rng.integers(1, n_values + 1, n_rows) * step).astype(np.int32)
        values[rng.random(n_rows) < share_of_na] = SMALL_NA
        ints = np.where(values == SMALL_NA, NA_INT, values.astype(np.int64))
        chunk, expected = encode_small_ints(values), encode_ints(ints)
        assert chunk.codec == expected.codec
        assert_same(chunk.ints(), ints)


@pytest.mark.parametrize(
    "values",
    [[], [np.nan] * 40, [np.inf, -np.inf, np.nan, 0.0, -0.0], [1e300], [-0.0] * 50, [5e-324, 0.3]],
)
def test_awkward_floats(values: list[float]) -> None:
    assert_same(encode_floats(values).floats(), np.array(values, dtype=float))


def test_dates_are_steps_of_days() -> None:
    days = RNG.integers(0, 20_000, N)
    chunk = encode_ints(days * 86_400_000)
    assert chunk.codec.name == "int16"
    np.testing.assert_array_equal(chunk.ints(), days * 86_400_000)


def test_one_odd_value_undoes_the_step() -> None:
    values = RNG.integers(0, 20_000, 5000) * 1000
    values[3333] += 1
    np.testing.assert_array_equal(encode_ints(values).ints(), values)


def test_na_int_as_a_value_is_refused() -> None:
    with pytest.raises(LossyCodecError, match="row 1"):
        encode_ints([0, NA_INT], np.array([False, False]))
    assert encode_ints([0, NA_INT]).has_na


@pytest.mark.parametrize("n_levels", [1, 2, 3, 15, 16, 300, 70_000])
def test_codes(n_levels: int) -> None:
    codes = RNG.integers(-1, n_levels, 200).astype(np.int32)
    chunk = encode_codes(codes)
    np.testing.assert_array_equal(chunk.codes(), codes)
    assert_same(chunk.floats(), np.where(codes < 0, np.nan, codes))
    assert chunk.take([3, 1]).kind == chunk.slice(1, 9).kind == "code"


STRINGS = {
    "few": ["red", None, "green", "rot", ""] * 100,
    "many": [f"row-{i}" for i in range(500)],
    "utf8": ["ü", "日本", None, "🙂", "a\x00b"],
    "none": [None] * 9,
    "empty": [],
    "one": ["only"],
}


@pytest.mark.parametrize("name", STRINGS)
@pytest.mark.parametrize("arrow_type", [pa.string(), pa.large_string()])
def test_strings_round_trip(name: str, arrow_type: pa.DataType) -> None:
    values = STRINGS[name]
    chunk = encode_strings(pa.chunked_array([pa.array(values, arrow_type)]))
    assert chunk.strings().to_pylist() == values
    middle = len(values) // 2
    assert chunk.strings(1 if values else 0).to_pylist() == values[1:]
    assert chunk.slice(middle, len(values)).strings().to_pylist() == values[middle:]
    assert chunk.na_mask().tolist() == [value is None for value in values]
    assert Chunk.concat([chunk, chunk]).strings().to_pylist() == values * 2
    rows = np.arange(len(values))[::-3]
    assert chunk.take(rows).strings().to_pylist() == [values[i] for i in rows]


def test_strings_of_a_sliced_array_do_not_drag_the_rest_along() -> None:
    array = pa.array(["x" * 100] * 99 + ["y"]).slice(99)
    assert encode_strings(array).nbytes < 10


def test_repeated_strings_are_a_dictionary() -> None:
    assert encode_strings(STRINGS["few"]).codec.name == "text-dictionary"


def test_uuids_round_trip() -> None:
    ids = [uuid.uuid4(), None, uuid.UUID(int=0), uuid.uuid4()]
    chunk = encode_uuids(ids)
    want = [None if i is None else i.bytes for i in ids]
    assert chunk.uuids().to_pylist() == want
    assert chunk.slice(1, 3).uuids().to_pylist() == want[1:3]
    assert chunk.take([3, 1]).uuids().to_pylist() == [want[3], None]
    assert Chunk.concat([chunk, encode_uuids([None])]).uuids().to_pylist() == [*want, None]
    assert chunk.na_mask().tolist() == [False, True, False, False]


def test_kinds_do_not_mix() -> None:
    text, number = encode_strings(["a"]), encode_floats([1.0])
    with pytest.raises(FrameError, match="cannot be put together"):
        Chunk.concat([text, number])
    with pytest.raises(FrameError, match="no numbers"):
        text.floats()
    with pytest.raises(FrameError, match="no strings"):
        number.strings()
    with pytest.raises(FrameError, match="no level codes"):
        number.codes()


def test_all_na_joins_any_kind() -> None:
    joined = Chunk.concat([encode_floats([np.nan, np.nan]), encode_strings(["a"])])
    assert joined.strings().to_pylist() == [None, None, "a"]


def test_integers_and_fractions_join_as_doubles() -> None:
    joined = Chunk.concat([encode_ints([1, 2]), encode_floats([0.5, np.nan])])
    assert_same(joined.floats(), np.array([1, 2, 0.5, np.nan]))


def test_out_is_filled_and_checked() -> None:
    out = np.empty(2)
    assert encode_floats([1.0, 2.0, 3.0]).floats(out, 1) is out
    assert out.tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="float64 of length 3"):
        encode_floats([1.0, 2.0, 3.0]).floats(out)
    with pytest.raises(IndexError, match="rows 2 to 5"):
        encode_floats([1.0, 2.0, 3.0]).slice(2, 5)
