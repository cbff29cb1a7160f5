"""Arrow arrays to chunks, without loss or with an error that names column and row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks import (
    Chunk,
    all_na,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.scan import KERNEL_ROWS
from dh2o.chunks.wide import encode_float_columns
from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_types import empty_array
from dh2o.frame.exchange.plan import ColumnPlan, texts_of
from dh2o.frame.vec import VecType

if TYPE_CHECKING:
    I64 = npt.NDArray[np.int64]
    F64 = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_] | None

INT64_MIN = np.iinfo(np.int64).min
INT64_MAX = np.iinfo(np.int64).max
NS_PER_MS = 1_000_000
MAX_EXACT_FLOAT = 2**53


def encode_columns(arrays: Sequence[Any], plans: Sequence[ColumnPlan]) -> tuple[Chunk, ...]:
    """Return one chunk a column, then one for each column that has parts of a millisecond."""
    chunks: dict[int, Chunk] = {}
    sub_ms: list[Chunk] = []
    doubles: dict[int, F64] = {}
    for i, (array, plan) in enumerate(zip(arrays, plans, strict=True)):
        whole = one_array(array)
        if plan.type is VecType.TIME:
            ms, ns = _times(whole, plan.name)
            chunks[i] = encode_ints(ms, _na_mask(whole))
            if plan.has_sub_ms:
                sub_ms.append(encode_ints(ns, None))
        elif _is_floating(whole) and plan.type is VecType.NUMERIC and len(whole) < KERNEL_ROWS:
            doubles[i] = _floats(whole)
        else:
            chunks[i] = _ENCODERS[plan.type](whole, plan)
    if doubles:
        together = encode_float_columns(np.array(list(doubles.values())))
        chunks |= zip(doubles, together, strict=True)
    return (*(chunks[i] for i in range(len(chunks))), *sub_ms)


def _is_floating(array: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(array.type))


def _floats(array: Any) -> F64:
    """Return numbers of any size as doubles, null as NaN."""
    import pyarrow as pa

    doubles = array.cast(pa.float64())
    if doubles.null_count:
        doubles = doubles.fill_null(np.nan)
    return np.asarray(doubles.to_numpy(zero_copy_only=False))


def one_array(array: Any) -> Any:
    """Return a ChunkedArray as one array, its dictionaries made one."""
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        if pa.types.is_dictionary(array.type):
            array = array.unify_dictionaries()
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # combining no chunks may give a chunked array
            array = array.chunk(0) if array.num_chunks else empty_array(array.type)
    return array


def _na_mask(array: Any) -> Mask:
    if array.null_count == 0:
        return None
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def _encode_number(array: Any, plan: ColumnPlan) -> Chunk:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_null(kind):
        return encode_floats(np.full(len(array), np.nan))
    if _is_floating(array):
        return encode_floats(_floats(array))
    if pa.types.is_decimal(kind):
        return _encode_decimal(array, plan)
    if str(kind) == "uint64":
        return _encode_wide(array.fill_null(0).to_numpy(zero_copy_only=False), array, plan)
    if pa.types.is_time32(kind):
        array = array.cast(pa.int32())
    values = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if len(values) and values.min() == INT64_MIN:  # the number that stands for NA
        return _encode_wide(values, array, plan)
    return encode_ints(values, _na_mask(array))


def _encode_wide(values: npt.NDArray[Any], array: Any, plan: ColumnPlan) -> Chunk:
    """Encode integers that may not fit 63 bits and a sign: as doubles where these are exact."""
    if values.dtype == np.uint64 and (not len(values) or values.max() <= INT64_MAX):
        return encode_ints(values.astype(np.int64), _na_mask(array))
    floats = values.astype(np.float64)
    below = floats < 2.0**64 if values.dtype == np.uint64 else floats < 2.0**63
    back = np.where(below, floats, 0.0).astype(values.dtype)
    _refuse_where(~below | (back != values), plan, values, "as a 64-bit integer or a double")
    mask = _na_mask(array)
    return encode_floats(floats if mask is None else np.where(mask, np.nan, floats))


def _encode_decimal(array: Any, plan: ColumnPlan) -> Chunk:
    unscaled, fits = unscaled_decimals(array)
    scale = array.type.scale
    if scale <= 0:
        factor = 10**-scale
        _refuse_where(~fits | (np.abs(unscaled) > INT64_MAX // factor), plan, array, "exactly")
        return encode_ints(unscaled * factor, _na_mask(array))
    exact = fits & (np.abs(unscaled) <= MAX_EXACT_FLOAT) & (scale <= 22)
    floats = unscaled / 10.0 ** min(scale, 22)
    exact &= np.rint(floats * 10.0 ** min(scale, 22)) == unscaled
    _refuse_where(~exact, plan, array, "as a double")
    mask = _na_mask(array)
    return encode_floats(floats if mask is None else np.where(mask, np.nan, floats))


def unscaled_decimals(array: Any) -> tuple[I64, npt.NDArray[np.bool_]]:
    """Return the integers behind decimals (NA as 0), and which of them fit 64 bits."""
    import pyarrow as pa

    if array.type.precision > 38:
        raise FrameError(f"{array.type} has more than 38 digits. Cast it to a double or a string.")
    wide = array.cast(pa.decimal128(array.type.precision, array.type.scale))
    words = np.frombuffer(wide.buffers()[1], np.int64).reshape(-1, 2)
    words = words[wide.offset : wide.offset + len(wide)]
    valid = ~np.asarray(array.is_null().to_numpy(zero_copy_only=False))
    low = np.where(valid, words[:, 0], 0)
    return low, ~valid | (words[:, 1] == (words[:, 0] >> 63))


def _refuse_where(bad: npt.NDArray[np.bool_], plan: ColumnPlan, values: Any, how: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise FrameError(
            f"Column {plan.name!r} ({plan.source.arrow}): row {row} of its block, {values[row]}, "
            f"cannot be kept {how}. Cast the column to a double (which rounds) or a string first."
        )


def _encode_enum(array: Any, plan: ColumnPlan) -> Chunk:
    import pyarrow as pa

    if pa.types.is_null(array.type):
        return encode_codes(np.full(len(array), -1, np.int32))
    if pa.types.is_boolean(array.type):
        codes = array.cast(pa.int8()).fill_null(-1).to_numpy(zero_copy_only=False)
        return encode_codes(codes.astype(np.int32))
    if pa.types.is_dictionary(array.type):
        array = codes_of_dictionary(array, plan.domain or ())
    if pa.types.is_integer(array.type):  # codes already
        return encode_codes(array.fill_null(-1).to_numpy(zero_copy_only=False))
    return encode_codes(codes_of_texts(array, plan.domain or ()))


def codes_of_dictionary(array: Any, domain: Sequence[str]) -> Any:
    """Return the code in `domain` of each value of a dictionary array, as int32 with nulls."""
    import pyarrow as pa

    texts = texts_of(array.dictionary).to_pylist()
    indices = array.indices.cast(pa.int32())
    if tuple(texts) == tuple(domain):
        return indices
    position = {text: code for code, text in enumerate(domain)}
    return pa.array([position.get(text) for text in texts], pa.int32()).take(indices)


def codes_of_texts(array: Any, domain: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return the code in `domain` of each text, -1 for NA and for texts that are no level."""
    import pyarrow as pa
    import pyarrow.compute as pc

    levels = pa.array(domain, pa.large_string())
    codes = pc.index_in(array.cast(pa.large_string()), value_set=levels)
    return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), np.int32)


def _encode_string(array: Any, _: ColumnPlan) -> Chunk:
    import pyarrow as pa

    return encode_strings(array.cast(pa.large_string()))


def _encode_uuid(array: Any, _: ColumnPlan) -> Chunk:
    import pyarrow as pa

    if pa.types.is_null(array.type):
        return all_na(len(array), "uuid")
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    return encode_uuids(array.cast(pa.binary(16)))


_ENCODERS = {
    VecType.NUMERIC: _encode_number,
    VecType.ENUM: _encode_enum,
    VecType.STRING: _encode_string,
    VecType.UUID: _encode_uuid,
}


def _times(array: Any, name: str) -> tuple[I64, I64]:
    """Return whole milliseconds since 1970 and the nanoseconds left over (0..999999), NA as 0."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_null(kind):
        zeros = np.zeros(len(array), np.int64)
        return zeros, zeros
    if pa.types.is_date32(kind):
        days = array.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        return days.astype(np.int64) * 86_400_000, np.zeros(len(array), np.int64)
    unit = "ms" if pa.types.is_date64(kind) else kind.unit
    ticks = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if unit == "s":
        if len(ticks) and np.abs(ticks).max() > INT64_MAX // 1000:
            raise FrameError(
                f"Column {name!r}: times beyond 292 million years do not fit milliseconds."
            )
        return ticks * 1000, np.zeros(len(array), np.int64)
    if unit == "ms":
        return ticks, np.zeros(len(array), np.int64)
    per_ms = 1000 if unit == "us" else NS_PER_MS
    ms = ticks // per_ms
    return ms, (ticks - ms * per_ms) * (NS_PER_MS // per_ms)
