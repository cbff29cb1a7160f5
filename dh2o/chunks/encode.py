"""Values to chunks: each `encode_*` looks at the values once and takes the smallest codec."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import (
    F64,
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
from dh2o.chunks.dictionary import DictionaryCodec, bit_patterns, find_table
from dh2o.chunks.integer import GridCodec, Int64Codec, common_step, narrowest_grid
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import scan_floats, to_grid
from dh2o.chunks.sparse import SparseCodec, likely_fill, listing_nbytes
from dh2o.chunks.text import encode_text
from dh2o.chunks.uuid128 import UuidCodec

#: Chunks of fewer rows are stored densely: finding a better form costs more than it saves.
MIN_CLEVER_ROWS = 32


def encode_floats(values: Any) -> Chunk:
    """Return `values` (NaN is NA) in the smallest form that gives every double back bit for bit."""
    values = np.ascontiguousarray(values, dtype=np.float64)
    dense = encode_dense_floats(values)
    fill = likely_fill(values) if len(values) >= MIN_CLEVER_ROWS else 0.0
    fill = None if math.isnan(fill) else float(fill)
    if fill is not None and dense.is_integer and isinstance(dense.codec, GridCodec):
        fill = int(fill)
    return _smaller(dense, values, fill)


def encode_ints(values: Any, na_mask: Mask | None = None) -> Chunk:
    """Return the int64 `values` in the smallest form; NA where masked, and where `NA_INT`."""
    values = np.ascontiguousarray(values, dtype=np.int64)
    if na_mask is not None:
        values = _mark_na(values, na_mask)
    dense = encode_dense_ints(values)
    if len(values) < MIN_CLEVER_ROWS:
        return dense
    fill = int(likely_fill(values))
    return _smaller(dense, values, None if fill == NA_INT else fill)


def encode_codes(codes: Any) -> Chunk:
    """Return level codes of a categorical (-1 is NA) in the smallest form."""
    codes = np.asarray(codes)
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
    facts = scan_floats(values)
    n_rows = len(values)
    if facts.n_na == n_rows:
        return all_na(n_rows)
    if facts.decimals == 0 and abs(facts.lo) < 2.0**63 and abs(facts.hi) < 2.0**63:
        return encode_dense_ints(to_grid(values, 0))
    if facts.lo == facts.hi and facts.n_na == 0 and _one_sign(values, facts.lo):
        return _number(ConstantCodec(facts.lo), n_rows)
    best: NumberCodec = Float32Codec() if facts.fits_float32 else Float64Codec()
    if facts.decimals > 0:
        scale = 10.0**facts.decimals
        lo, hi = round(facts.lo * scale), round(facts.hi * scale)
        ints = to_grid(values, facts.decimals)
        grid = _best_grid(ints, lo, hi, facts.decimals, has_na=facts.n_na > 0)
        if grid is not None and grid.width < (32 if facts.fits_float32 else 64):
            return _grid_or_dictionary(grid, ints, values, has_na=facts.n_na > 0)
    found = _encode_dictionary(values, 32 if facts.fits_float32 else 64)
    return found or Chunk(best, n_rows, "number", best.encode(values))


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
    grid = _best_grid(ints, lo, hi, 0, has_na=has_na)
    if grid is None:
        codec = Int64Codec()
        return _encode_dictionary(ints, 64) or _number(codec, n_rows, codec.encode(ints))
    return _grid_or_dictionary(grid, ints, ints, has_na=has_na)


def _number(codec: NumberCodec, n_rows: int, stored: Stored | None = None) -> Chunk:
    return Chunk(codec, n_rows, "number", stored or Stored())


def _one_sign(values: F64, value: float) -> bool:
    return value != 0 or bool((np.signbit(values) == np.signbit(value)).all())


def _mark_na(values: I64, na_mask: Mask) -> I64:
    taken = (values == NA_INT) & ~na_mask
    if taken.any():
        raise LossyCodecError.at_row(Int64Codec(), first_row(taken), NA_INT)
    return np.where(na_mask, NA_INT, values)


def _best_grid(ints: I64, lo: int, hi: int, decimals: int, *, has_na: bool) -> GridCodec | None:
    grid = narrowest_grid(lo, hi, 1, decimals, has_na=has_na)
    if (grid is None or grid.width >= 8) and len(ints) >= MIN_CLEVER_ROWS:
        step = common_step(ints[ints != NA_INT] if has_na else ints, lo)
        if step > 1:
            return narrowest_grid(lo, hi, step, decimals, has_na=has_na)
    return grid


def _grid_or_dictionary(grid: GridCodec, ints: I64, values: Any, *, has_na: bool) -> Chunk:
    found = _encode_dictionary(values, grid.width) if grid.width >= 16 else None
    if found is not None:
        return found
    return _number(grid, len(ints), grid.encode_ints(ints, ints == NA_INT if has_na else None))


def _encode_dictionary(values: Buffer, width: int) -> Chunk | None:
    """Return the dictionary chunk if it takes fewer bytes than `width` bits a row, else None."""
    n_rows = len(values)
    if n_rows < MIN_CLEVER_ROWS:
        return None
    integers = values.dtype == np.int64
    bits = values if integers else bit_patterns(values)
    table = find_table(bits)
    if table is None:
        return None
    narrow = next(w for w in (1, 2, 4, 8) if len(table) <= 1 << w)
    if 8 * len(table) + n_rows * narrow / 8 >= n_rows * width / 8:
        return None
    codec = DictionaryCodec(narrow, integers)
    return _number(codec, n_rows, codec.store(table, np.searchsorted(table, bits)))


def _smaller(dense: Chunk, values: Buffer, fill: float | int | None) -> Chunk:
    """Return the sparse chunk around `fill` if it is smaller than `dense`, else `dense`."""
    n_rows = len(values)
    if n_rows < MIN_CLEVER_ROWS or not dense.nbytes:
        return dense
    integers = values.dtype == np.int64 or (isinstance(dense.codec, GridCodec) and dense.is_integer)
    codec = SparseCodec(fill, integers)
    n_listed = n_rows - codec.n_fill(values)
    if listing_nbytes(n_listed, n_rows) >= dense.nbytes:
        return dense
    stored = codec.encode(values)
    return Chunk(codec, n_rows, "number", stored) if stored.nbytes < dense.nbytes else dense
