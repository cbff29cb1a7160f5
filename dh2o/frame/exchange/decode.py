"""Chunks to Arrow arrays, in the type that the column came with, else in the natural one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks import NA_INT, Block, Chunk
from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_types import type_from_name
from dh2o.frame.exchange.encode import INT64_MAX, NS_PER_MS
from dh2o.frame.exchange.plan import BOOL_DOMAIN
from dh2o.frame.vec import Vec, VecType

if TYPE_CHECKING:
    from dh2o.frame.rollups import Rollups


@dataclass(frozen=True, slots=True)
class ArrowColumn:
    """How one column leaves: its name, Arrow type (by name), domain, and what its NA become."""

    name: str
    type: VecType
    arrow: str
    domain: tuple[str, ...] | None = None
    na_is_nan: bool = False
    sub_ms: int | None = None
    """Position, in the block, of the column with the parts of a millisecond."""


def arrow_columns(
    names: Sequence[str], vecs: Sequence[Vec], rollups: Sequence[Rollups | None]
) -> list[ArrowColumn]:
    """Return how each column leaves; parts of a millisecond follow the columns in the blocks."""
    columns = []
    n_sub = len(vecs)
    for name, vec, rolled in zip(names, vecs, rollups, strict=True):
        arrow = _arrow_type(vec, rolled)
        na_is_nan = bool(vec.source and vec.source.na_is_nan and vec.source.arrow == arrow)
        sub_ms = None
        if vec.sub_ms is not None:
            sub_ms, n_sub = n_sub, n_sub + 1
        columns.append(ArrowColumn(name, vec.type, arrow, vec.domain, na_is_nan, sub_ms))
    return columns


def _arrow_type(vec: Vec, rolled: Rollups | None) -> str:
    """Return the name of the type the column came with if it still fits, else the natural one."""
    arrow = vec.arrow_type
    if arrow is not None and _still_fits(vec, arrow):
        return arrow
    if vec.type is VecType.NUMERIC:
        integer = rolled is not None and rolled.is_int and rolled.fits_int64
        return "int64" if integer else "double"
    if vec.type is VecType.ENUM:
        n = vec.n_levels
        index = "int8" if n < 2**7 else "int16" if n < 2**15 else "int32"
        return f"dictionary<values=string, indices={index}, ordered=0>"
    return {
        VecType.TIME: "timestamp[ms]",
        VecType.STRING: "large_string",
        VecType.UUID: "large_string",
    }[vec.type]


def _still_fits(vec: Vec, arrow: str) -> bool:
    import pyarrow as pa

    kind = type_from_name(arrow)
    text = arrow in {"string", "large_string", "string_view"}
    if vec.type is VecType.ENUM:
        if pa.types.is_dictionary(kind):
            return vec.n_levels <= 2 ** (kind.index_type.bit_width - 1)
        return text or arrow == "null" or (arrow == "bool" and vec.domain == BOOL_DOMAIN)
    if vec.type is VecType.STRING:
        return text
    if vec.type is VecType.TIME:
        return pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if vec.type is VecType.UUID:
        return arrow in {"fixed_size_binary[16]", "extension<arrow.uuid>"}
    return not (text or pa.types.is_dictionary(kind) or pa.types.is_timestamp(kind))


def needs_rollups(vec: Vec) -> bool:
    """Return whether only the values tell if the column leaves as int64 or as double."""
    return vec.is_numeric and (vec.arrow_type is None or not _still_fits(vec, vec.arrow_type))


def decode_block(block: Block, columns: Sequence[ArrowColumn]) -> list[Any]:
    """Return the Arrow arrays of a block; enums as indices, for `with_levels` to complete."""
    return [
        _decode_column(
            block.chunks[i], column, None if column.sub_ms is None else block.chunks[column.sub_ms]
        )
        for i, column in enumerate(columns)
    ]


def with_levels(column: ArrowColumn, indices: Sequence[Any]) -> list[Any]:
    """Return the indices of an enum's blocks as arrays of its type; the levels are made once."""
    import pyarrow as pa

    kind = type_from_name(column.arrow)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return list(indices)
    levels = pa.array(column.domain or (), pa.large_string())
    if not pa.types.is_dictionary(kind):
        return [levels.take(some).cast(kind) for some in indices]
    empty = pa.types.is_null(kind.value_type)
    values = pa.nulls(0) if empty else levels.cast(kind.value_type)
    make = pa.DictionaryArray.from_arrays
    return [make(some, values, ordered=kind.ordered) for some in indices]


def _decode_column(chunk: Chunk, column: ArrowColumn, sub_ms: Chunk | None = None) -> Any:
    kind = type_from_name(column.arrow)
    if column.type is VecType.TIME:
        return _decode_time(chunk, kind, sub_ms)
    if column.type is VecType.ENUM:
        return _decode_codes(chunk, kind)
    if column.type is VecType.STRING:
        return chunk.strings().cast(kind)
    if column.type is VecType.UUID:
        return _decode_uuid(chunk, kind)
    return _decode_number(chunk, kind, column.na_is_nan)


def _with_nulls(values: npt.NDArray[Any], na: npt.NDArray[np.bool_] | None) -> Any:
    """Return an Arrow array over these buffers: `pa.array` would import pandas to check types."""
    import pyarrow as pa

    validity = None if na is None or not na.any() else _bits(~na)
    is_bool = values.dtype == np.bool_
    data = _bits(values) if is_bool else pa.py_buffer(np.ascontiguousarray(values))
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [validity, data])


def _bits(flags: npt.NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _decode_number(chunk: Chunk, kind: Any, na_is_nan: bool) -> Any:
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.nulls(chunk.n_rows)
    if pa.types.is_floating(kind):
        values = chunk.lying_floats()
        array = _with_nulls(values, None if na_is_nan else np.isnan(values))
        return array if str(kind) == "double" else array.cast(kind, safe=False)
    if pa.types.is_decimal(kind):
        return _decode_decimal(chunk, kind)
    if str(kind) == "uint64" and not chunk.is_integer:
        values = chunk.floats()
        nan = np.isnan(values)
        return _with_nulls(np.where(nan, 0.0, values).astype(np.uint64), nan)
    ints, na = _ints(chunk)
    if pa.types.is_integer(kind):
        return _with_nulls(ints.astype(kind.to_pandas_dtype()), na)
    if pa.types.is_time32(kind):
        return _with_nulls(ints.astype(np.int32), na).view(kind)
    return _with_nulls(ints, na).view(kind)


def _ints(chunk: Chunk) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
    """Return exact integers and which of them are NA; -2**63 was kept as a double."""
    if chunk.is_integer:
        values = chunk.ints()
        na = values == NA_INT if chunk.has_na else None
        return (values if na is None else np.where(na, 0, values)), na
    floats = chunk.floats()
    na = np.isnan(floats)
    return np.where(na, 0.0, floats).astype(np.int64), na


def _decode_decimal(chunk: Chunk, kind: Any) -> Any:
    import pyarrow as pa

    if kind.scale > 0:
        floats = chunk.floats()
        na = np.isnan(floats)
        unscaled = np.rint(np.where(na, 0.0, floats) * 10.0**kind.scale).astype(np.int64)
    else:
        ints, hidden = _ints(chunk)
        na = np.zeros(len(ints), np.bool_) if hidden is None else hidden
        unscaled = ints // 10**-kind.scale
    words = np.stack([unscaled, unscaled >> 63], axis=1)
    validity = _bits(~na)
    wide = pa.decimal128(min(kind.precision, 38), kind.scale)
    array = pa.Array.from_buffers(wide, len(na), [validity, pa.py_buffer(words)])
    return array if wide == kind else array.cast(kind)


def _decode_codes(chunk: Chunk, kind: Any) -> Any:
    import pyarrow as pa

    codes = chunk.codes()
    na = codes < 0
    if pa.types.is_boolean(kind):
        return _with_nulls(codes == 1, na)
    if pa.types.is_null(kind):
        return pa.nulls(chunk.n_rows)
    dtype = kind.index_type.to_pandas_dtype() if pa.types.is_dictionary(kind) else np.int32
    return _with_nulls(np.where(na, 0, codes).astype(dtype), na)


def _decode_uuid(chunk: Chunk, kind: Any) -> Any:
    import pyarrow as pa

    raw = chunk.uuids()
    if str(kind) == "fixed_size_binary[16]":
        return raw
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, raw)
    return pa.array(uuid_texts(raw), kind)


def uuid_texts(raw: Any) -> list[str | None]:
    """Return 16-byte ids as H2O prints them: upper case, 8-4-4-4-12."""
    import uuid

    return [None if v is None else str(uuid.UUID(bytes=v)).upper() for v in raw.to_pylist()]


def _decode_time(chunk: Chunk, kind: Any, sub_ms: Chunk | None) -> Any:
    import pyarrow as pa

    ms, na = _ints(chunk)
    if pa.types.is_date32(kind):
        return _with_nulls((ms // 86_400_000).astype(np.int32), na).view(kind)
    unit = "ms" if pa.types.is_date64(kind) else kind.unit
    if unit == "s":
        ticks = ms // 1000
    elif unit == "ms":
        ticks = ms
    else:
        per_ms = 1000 if unit == "us" else NS_PER_MS
        limit = INT64_MAX // per_ms
        if len(ms) and (ms.max() > limit or ms.min() < -limit - 1):
            raise FrameError(
                f"Times too far from 1970 for {kind}. Cast the column to milliseconds."
            )
        ticks = ms * per_ms  # may wrap around just below the range; what is added brings it back
        if sub_ms is not None:
            ticks = ticks + sub_ms.ints() // (NS_PER_MS // per_ms)
    return _with_nulls(ticks, na).view(kind)
