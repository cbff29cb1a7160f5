"""Values to chunks: each `encode_*` looks at the values once and takes the smallest codec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import (
    F64,
    I32,
    I64,
    NA_CODE,
    NA_INT,
    Buffer,
    LossyCodecError,
    Mask,
    NumberCodec,
    Stored,
    first_row,
)
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import DictionaryCodec, bit_patterns, few_uniques, number_uniques
from dh2o.chunks.integer import (
    GridCodec,
    Int64Codec,
    common_step,
    narrow_dtype,
    narrowest_grid,
)
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import (
    KERNEL_ROWS,
    FloatFacts,
    few_of,
    grid_codes,
    look_at_few,
    need_eight_bytes,
    scan_floats,
    scan_foreseen,
    to_grid,
)
from dh2o.chunks.sparse import SparseCodec, fill_of, likely_fill, listing_nbytes
from dh2o.chunks.text import encode_text
from dh2o.chunks.uuid128 import UuidCodec

#: Chunks of fewer rows are stored densely: finding a better form costs more than it saves.
MIN_CLEVER_ROWS = 32
#: What stands for NA among 32-bit integers.
SMALL_NA = int(np.iinfo(np.int32).min)


def encode_floats(values: Any) -> Chunk:
    """Return `values` (NaN is NA) in the smallest form that gives every double back bit for bit."""
    values = np.ascontiguousarray(values, dtype=np.float64)
    return _or_sparse(encode_dense_floats(values), values)


def encode_ints(values: Any, na_mask: Mask | None = None) -> Chunk:
    """Return the int64 `values` in the smallest form; NA where masked, and where `NA_INT`."""
    values = np.ascontiguousarray(values, dtype=np.int64)
    if na_mask is not None:
        values = _mark_na(values, na_mask)
    return _encode_plain_ints(values, NA_INT) or _or_sparse(encode_dense_ints(values), values)


def encode_small_ints(values: I32) -> Chunk:
    """Return what `encode_ints` does of 32-bit integers, `SMALL_NA` being NA, in less time."""
    plain = _encode_plain_ints(values, SMALL_NA)
    if plain is not None:
        return plain
    ints = values.astype(np.int64)
    ints[values == SMALL_NA] = NA_INT
    return _or_sparse(encode_dense_ints(ints), ints)


def _encode_plain_ints(values: Buffer, na: int) -> Chunk | None:
    """Return integers on a grid of step 1; None if another form may hold them better.

    `na` is the least integer of their type. That nothing is better shows in a few values, mostly.
    """
    if len(values) < MIN_CLEVER_ROWS:
        return None
    least, hi = int(values.min()), int(values.max())
    has_na = least == na
    lo = int((values - values.dtype.type(1)).min()) + 1 if has_na else least  # NA is the largest
    if hi == na or (lo == hi and not has_na) or likely_fill(values) is not None:
        return None
    grid = narrowest_grid(lo, hi, GridCodec(1, has_na=has_na))
    if grid is None or hi - lo >= 1 << 31:
        return None
    if grid.width >= 8:
        few = _near_and_far(values)
        if common_step(few[few != na].astype(np.int64), lo) > 1:
            return None
    if grid.width >= 16 and few_uniques(values):
        return None
    codes = values - values.dtype.type(grid.bias) if grid.bias else values
    codes = codes.astype(narrow_dtype(grid.width))
    if has_na:
        codes[values == na] = grid.na_code
    return _number(grid, len(values), grid.pack(codes))


def encode_codes(codes: Any) -> Chunk:
    """Return level codes of a categorical (-1 is NA) in the smallest form."""
    codes = np.asarray(codes)
    if codes.dtype == np.int32:
        chunk = encode_small_ints(np.where(codes == NA_CODE, np.int32(SMALL_NA), codes))
    else:
        ints = codes.astype(np.int64)
        ints[codes == NA_CODE] = NA_INT
        chunk = encode_ints(ints)
    return Chunk(chunk.codec, chunk.n_rows, "code", chunk.stored)


def encode_strings(values: Any) -> Chunk:
    """Return an Arrow array of strings (or a list of str and None) in the smallest form."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        values = pa.array(values, type=pa.large_string())
    if values.type != pa.large_string():
        values = values.cast(pa.large_string())
    return encode_text(values)


def encode_uuids(values: Any) -> Chunk:
    """Return an Arrow array of 16-byte ids (fixed_size_binary(16), uuid, or a list of UUID)."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        ids = [None if value is None else value.bytes for value in values]
        values = pa.array(ids, type=pa.binary(16))
    values = getattr(values, "storage", values)
    n_rows = len(values)
    if values.null_count == n_rows:
        return Chunk(ConstantCodec(None), n_rows, "uuid", Stored())
    codec = UuidCodec(has_na=values.null_count > 0)
    return Chunk(codec, n_rows, "uuid", codec.encode(values))


def all_na(n_rows: int, kind: Kind = "number") -> Chunk:
    """Return a chunk of `n_rows` NA."""
    return Chunk(ConstantCodec(None), n_rows, kind, Stored())


def encode_dense_floats(values: F64) -> Chunk:
    """Return `values` in the smallest form in which every row has the same number of bits."""
    n_rows = len(values)
    few = look_at_few(values) if n_rows >= KERNEL_ROWS else None
    if n_rows >= MIN_CLEVER_ROWS and _need_eight_bytes(values, few) and not few_uniques(values):
        plain = Float64Codec()
        return _number(plain, n_rows, plain.encode(values))
    facts = (few and scan_foreseen(values, few)) or scan_floats(values)
    if facts.n_na == n_rows:
        return all_na(n_rows)
    if facts.decimals == 0 and not facts.has_negative_zero:
        return _encode_whole_floats(values, facts)
    if facts.lo == facts.hi and facts.n_na == 0 and (facts.lo or np.signbit(values).all()):
        return _number(ConstantCodec(float(values[0])), n_rows)
    width = 32 if facts.fits_float32 else 64
    grid = _grid_of_floats(values, facts)
    if grid is not None and grid.width < width:
        return _grid_or_dictionary(grid, values)
    plain = Float32Codec() if facts.fits_float32 else Float64Codec()
    return _encode_dictionary(values, width) or _number(plain, n_rows, plain.encode(values))


def _need_eight_bytes(values: F64, few: FloatFacts | None) -> bool:
    """Return whether a few of the values show that neither four bytes nor a grid hold them all.

    A grid that holds all has as many decimals, as long a span and no wider steps than theirs.
    """
    if few is None:
        return need_eight_bytes(values)
    if few.fits_float32 or few.n_na or few.decimals == 0:
        return False
    if few.decimals < 0:
        return True
    power = 10.0**few.decimals
    lo, hi = round(few.lo * power), round(few.hi * power)
    like = GridCodec(1, decimals=few.decimals)
    if narrowest_grid(lo, hi, like) is not None:
        return False
    step = _step_of(few_of(values), lo, like)
    return narrowest_grid(lo, hi, replace(like, step=step)) is None


def _encode_whole_floats(values: F64, facts: FloatFacts) -> Chunk:
    """Return doubles that are all integers of 64 bits, as integers."""
    if facts.lo == facts.hi and not facts.n_na:
        return _number(ConstantCodec(int(facts.lo)), len(values))
    grid = _grid_of_floats(values, facts)
    if grid is not None:
        return _grid_or_dictionary(grid, values, integers=True)
    return encode_dense_ints(to_grid(values, 0))


def encode_dense_ints(ints: I64) -> Chunk:
    """Return `ints` in the smallest form in which every row has the same number of bits."""
    n_rows = len(ints)
    if not n_rows:
        return all_na(0)
    lo, hi = int(ints.min()), int(ints.max())
    if hi == NA_INT:
        return all_na(n_rows)
    has_na = lo == NA_INT
    if has_na:
        lo = int(np.min(ints, where=ints != NA_INT, initial=hi))
    if lo == hi and not has_na:
        return _number(ConstantCodec(lo), n_rows)
    grid = _best_grid(ints, lo, hi, GridCodec(1, has_na=has_na))
    if grid is not None:
        return _grid_or_dictionary(grid, ints, integers=True)
    codec = Int64Codec()
    return _encode_dictionary(ints, 64, integers=True) or _number(codec, n_rows, codec.encode(ints))


def _number(codec: NumberCodec, n_rows: int, stored: Stored | None = None) -> Chunk:
    return Chunk(codec, n_rows, "number", stored or Stored())


def _mark_na(values: I64, na_mask: Mask) -> I64:
    taken = (values == NA_INT) & ~na_mask
    if taken.any():
        raise LossyCodecError.at_row(Int64Codec(), first_row(taken), NA_INT)
    return np.where(na_mask, NA_INT, values)


def _grid_of_floats(values: F64, facts: FloatFacts) -> GridCodec | None:
    if facts.decimals < 0:
        return None
    scale = 10.0**facts.decimals
    lo, hi = round(facts.lo * scale), round(facts.hi * scale)
    has_na, has_negative_zero = facts.n_na > 0, facts.has_negative_zero
    like = GridCodec(1, 0, 1, facts.decimals, has_na, has_negative_zero)
    return _best_grid(values, lo, hi, like)


def _best_grid(values: Buffer, lo: int, hi: int, like: GridCodec) -> GridCodec | None:
    """Return the narrowest grid for `values` from `lo` to `hi`, its step as wide as they allow."""
    grid = narrowest_grid(lo, hi, like)
    if (grid is None or grid.width >= 8) and len(values) >= MIN_CLEVER_ROWS:
        step = _step_of(_near_and_far(values), lo, like)
        if step > 1:
            step = _step_of(values, lo, like)
        if step > 1:
            return narrowest_grid(lo, hi, replace(like, step=step))
    return grid


def _near_and_far(values: Buffer) -> Buffer:
    return np.concatenate([values[:32], values[:: max(1, len(values) // 32)]])


def _step_of(values: Buffer, lo: int, like: GridCodec) -> int:
    ints = _ints_on(like, values)
    return common_step(ints[ints != NA_INT] if like.has_na else ints, lo)


def _ints_on(grid: GridCodec, values: Buffer) -> I64:
    return values if values.dtype == np.int64 else to_grid(values, grid.decimals)


def _grid_or_dictionary(grid: GridCodec, values: Buffer, *, integers: bool = False) -> Chunk:
    wide = grid.width >= 16
    found = _encode_dictionary(values, grid.width, integers=integers) if wide else None
    if found is not None:
        return found
    n_rows = len(values)
    if grid.step == 1 and values.dtype == np.float64:
        return _number(grid, n_rows, grid.pack(grid_codes(values, grid)))
    ints = _ints_on(grid, values)
    na = ints == NA_INT if grid.has_na else None
    negative_zero = (values == 0) & np.signbit(values) if grid.has_negative_zero else None
    return _number(grid, n_rows, grid.encode_ints(ints, na, negative_zero))


def _encode_dictionary(values: Buffer, width: int, *, integers: bool = False) -> Chunk | None:
    """Return the dictionary chunk if it takes fewer bytes than `width` bits a row, else None."""
    n_rows = len(values)
    if n_rows < MIN_CLEVER_ROWS or not few_uniques(values):
        return None
    found = number_uniques(values if values.dtype == np.int64 else bit_patterns(values))
    if found is None:
        return None
    table, codes = found
    if integers and values.dtype != np.int64:
        table = to_grid(table.view(np.float64), 0)
    narrow = next(w for w in (1, 2, 4, 8) if len(table) <= 1 << w)
    if 8 * len(table) + n_rows * narrow / 8 >= n_rows * width / 8:
        return None
    codec = DictionaryCodec(narrow, integers)
    return _number(codec, n_rows, codec.store(table, codes))


def _or_sparse(dense: Chunk, values: Buffer) -> Chunk:
    """Return the sparse chunk around the commonest value if it is smaller than `dense`."""
    n_rows = len(values)
    if n_rows < MIN_CLEVER_ROWS or not dense.nbytes:
        return dense
    fill = likely_fill(values)
    if fill is None:
        return dense
    codec = SparseCodec(fill_of(fill, integers=dense.is_integer), dense.is_integer)
    n_listed = n_rows - codec.n_fill(values)
    if listing_nbytes(n_listed, n_rows) >= dense.nbytes:
        return dense
    stored = codec.encode(values)
    return _number(codec, n_rows, stored) if stored.nbytes < dense.nbytes else dense
