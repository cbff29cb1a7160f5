"""Bank: a whole column, or a part of it, laid out so that rows of any numbers are taken quickly.

Chunks are opened once; what is taken is encoded once, and for numbers on a grid not even looked at:
their codes are one small integer a row, for all chunks on the same grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol

import numpy as np

from dh2o.chunks.bits import unpack_into
from dh2o.chunks.bounds import NO_GRID, GridBounds, grid_bounds
from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import I64, NA_INT, read_only
from dh2o.chunks.encode import all_na, encode_floats, encode_ints, encode_strings, encode_uuids
from dh2o.chunks.integer import GridCodec, narrow_dtype, narrowest_grid
from dh2o.chunks.places import few_values, number_chunk, plain_grid
from dh2o.chunks.scan import KERNEL_ROWS, to_grid

__all__ = ["Bank", "bank_of"]

Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Runs a function over items, as ``map`` of some threads."""


class Bank(Protocol):
    """Rows of a column, ready to be taken in any order."""

    def take(self, rows: I64) -> Chunk:
        """Return the rows of these numbers, NA for -1."""
        ...


def _one_by_one(fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [fn(item) for item in items]


def bank_of(chunks: Sequence[Chunk], each: Each = _one_by_one) -> Bank:
    """Return the bank of the rows of `chunks`, one after the other; `each` may use threads."""
    like = next((c for c in chunks if not c.is_all_na and c.n_rows), chunks[0])
    parts = [Chunk.retype(c, like.kind) for c in chunks if c.n_rows]
    if not parts or all(c.is_all_na for c in parts):
        return _NoValues(like.kind)
    if like.kind in ("string", "uuid"):
        return _of_arrow(parts, like.kind)
    shared = _shared_grid(parts)
    if shared is not None:
        codes = [c.stored.buffers[0][: c.n_rows] for c in parts]
        return _Codes(codes[0] if len(codes) == 1 else np.concatenate(codes), shared, like.kind)
    bounds = reduce(GridBounds.__or__, each(grid_bounds, parts))
    if bounds != NO_GRID:
        has_na = True  # rows of NA may be asked for
        grid = narrowest_grid(bounds.low, bounds.high, GridCodec(1, 0, 1, bounds.decimals, has_na))
        if grid is not None and not any(_has_negative_zero(c) for c in parts):
            return _of_codes(parts, grid, like.kind, each)
    if all(c.is_integer for c in parts):
        return _Values(np.concatenate([c.ints() for c in parts]), like.kind)
    return _Values(np.concatenate(each(Chunk.floats, parts)), like.kind)


def _shared_grid(parts: Sequence[Chunk]) -> GridCodec | None:
    """Return the grid on which the codes of all parts lie already, with a code for NA, or None."""
    grid = plain_grid(parts[0])
    if grid is None or any(c.codec != grid for c in parts):
        return None
    if grid.has_na:
        return grid
    with_na = replace(grid, has_na=True)
    top = max(int(c.stored.buffers[0].max()) for c in parts)
    return with_na if top < with_na.na_code else None


def _has_negative_zero(chunk: Chunk) -> bool:
    if chunk.is_integer or isinstance(chunk.codec, GridCodec):
        return isinstance(chunk.codec, GridCodec) and chunk.codec.has_negative_zero
    values = chunk.floats()
    return bool(((values == 0) & np.signbit(values)).any())


@dataclass(frozen=True, slots=True)
class _NoValues:
    kind: Kind

    def take(self, rows: I64) -> Chunk:
        return all_na(len(rows), self.kind)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Codes on one grid; its highest code is NA."""

    codes: Any
    grid: GridCodec
    kind: Kind

    def take(self, rows: I64) -> Chunk:
        n_rows = len(rows)
        picked = _gathered(self.codes, rows, self.grid.na_code)
        if n_rows and picked[0] == picked[-1] == picked[n_rows // 2]:
            code = int(picked[0])
            if (picked == code).all():
                grid, na = self.grid, code == self.grid.na_code
                step = code * grid.step + grid.bias
                return number_chunk(step, grid.decimals, n_rows, self.kind, na=na)
        return Chunk(self.grid, n_rows, self.kind, self.grid.pack(picked))


def _of_codes(parts: Sequence[Chunk], grid: GridCodec, kind: Kind, each: Each) -> _Codes:
    dtype = narrow_dtype(grid.width)
    starts = np.cumsum([0, *(c.n_rows for c in parts)])
    codes = np.empty(int(starts[-1]), dtype=dtype)

    def fill(i: int) -> None:
        _fill_codes(parts[i], grid, codes[starts[i] : starts[i + 1]])

    each(fill, range(len(parts)))
    return _Codes(codes, grid, kind)


def _fill_codes(chunk: Chunk, grid: GridCodec, out: Any) -> None:
    plain, few = plain_grid(chunk), few_values(chunk)
    if plain is not None and plain.decimals == grid.decimals:
        raw = chunk.stored.buffers[0][: chunk.n_rows]
        out[:] = raw  # modulo 2**width, as is the sum
        out += out.dtype.type((plain.bias - grid.bias) % (1 << 8 * out.itemsize))
        if plain.has_na:
            out[raw == plain.na_code] = grid.na_code
        return
    if few is not None:
        with np.errstate(invalid="ignore"):  # numbers in the table that no row has
            table = (to_grid(few.values, grid.decimals) - grid.bias).astype(out.dtype)
        table[np.isnan(few.values)] = grid.na_code
        if few.width:
            unpack_into(few.codes, few.width, table, 0, out)
        else:
            out[:] = table
        return
    if chunk.is_integer and not grid.decimals:
        ints = chunk.ints()
    else:
        ints = to_grid(chunk.floats(), grid.decimals)
    np.subtract(ints, grid.bias, out=out, casting="unsafe")
    out[ints == NA_INT] = grid.na_code


@dataclass(frozen=True, slots=True)
class _Values:
    """Doubles with NaN for NA, or integers of 64 bits with `NA_INT`."""

    values: Any
    kind: Kind

    def take(self, rows: I64) -> Chunk:
        is_int = self.values.dtype == np.int64
        picked = _gathered(self.values, rows, NA_INT if is_int else np.nan)
        return Chunk.retype(encode_ints(picked) if is_int else encode_floats(picked), self.kind)


def _gathered(values: Any, rows: I64, na: Any) -> Any:
    """Return values[rows], `na` for negative rows."""
    if len(rows) < KERNEL_ROWS:
        return gathered_numpy(values, rows, na)
    from dh2o.chunks.kernels import gather_kernel

    out = np.empty(len(rows), dtype=values.dtype)
    gather_kernel(read_only(values), read_only(rows), values.dtype.type(na), out)
    return out


def gathered_numpy(values: Any, rows: I64, na: Any) -> Any:
    """Return what `gather_kernel` puts out, an operation at a time."""
    picked = values.take(rows, mode="wrap")
    picked[rows < 0] = na
    return picked


@dataclass(frozen=True, slots=True)
class _Arrow:
    values: Any
    kind: Kind

    def take(self, rows: I64) -> Chunk:
        import pyarrow as pa

        mask = rows < 0
        where = pa.array(rows, mask=mask) if mask.any() else pa.array(rows)
        taken = self.values.take(where)
        return encode_strings(taken) if self.kind == "string" else encode_uuids(taken)


def _of_arrow(parts: Sequence[Chunk], kind: Kind) -> _Arrow:
    import pyarrow as pa

    opened = [c.strings() if kind == "string" else c.uuids() for c in parts]
    return _Arrow(pa.concat_arrays(opened), kind)
