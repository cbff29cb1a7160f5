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

from dh2o.chunks.bits import bytes_of, unpack_into
from dh2o.chunks.bounds import NO_GRID, GridBounds, grid_bounds
from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import I64, NA_CODE, NA_INT, U32, Buffer, read_only
from dh2o.chunks.encode import (
    SMALL_NA,
    all_na,
    encode_floats,
    encode_ints,
    encode_small_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.integer import GridCodec, narrow_dtype, narrowest_grid
from dh2o.chunks.places import FewValues, few_values, number_chunk, plain_grid, unit_grid
from dh2o.chunks.scan import KERNEL_ROWS, to_grid

__all__ = [
    "Bank",
    "Each",
    "Form",
    "bank_of",
    "codes_of",
    "encode_codes_of",
    "form_of",
    "short_rows",
]

Rows = I64 | U32
"""Numbers of rows; -1, or `NO_SHORT_ROW` among those of 32 bits, is no row."""
Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Runs a function over items, as ``map`` of some threads."""

NO_SHORT_ROW = (1 << 32) - 1


class Form(Protocol):
    """How the numbers of a column lie while rows of it are moved: an array of one type."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the array."""
        ...

    @property
    def na(self) -> Any:
        """What stands for NA in it."""
        ...

    def opened(self, chunk: Chunk) -> Buffer:
        """Return the rows of one of the column's chunks; perhaps a view of what it holds."""
        ...

    def chunk(self, values: Buffer) -> Chunk:
        """Return such rows encoded; the chunk may be a view of them."""
        ...


class Bank(Protocol):
    """Rows of a column, ready to be taken in any order."""

    def take(self, rows: Rows) -> Chunk:
        """Return the rows of these numbers, NA for -1 (of 64 bits or, modulo 2**32, of 32)."""
        ...


def _one_by_one(fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [fn(item) for item in items]


def bank_of(chunks: Sequence[Chunk], each: Each = _one_by_one) -> Bank:
    """Return the bank of the rows of `chunks`, one after the other; `each` may use threads."""
    kind, parts = parts_of(chunks)
    if not parts:
        return _NoValues(kind)
    if kind in ("string", "uuid"):
        return _of_arrow(parts, kind)
    form = form_of(parts, each)
    if len(parts) == 1:
        return _Numbers(form.opened(parts[0]), form)
    starts = np.cumsum([0, *(c.n_rows for c in parts)])
    values = np.empty(int(starts[-1]), dtype=form.dtype)

    def fill(i: int) -> None:
        values[starts[i] : starts[i + 1]] = form.opened(parts[i])

    each(fill, range(len(parts)))
    return _Numbers(values, form)


def codes_of(chunks: Sequence[Chunk], each: Each = _one_by_one) -> tuple[Buffer, GridCodec] | None:
    """Return the rows of `chunks` as codes on one grid, NA as its `na_code`; None on no grid."""
    bank = bank_of(chunks, each)
    if isinstance(bank, _Numbers) and isinstance(bank.form, _Codes):
        return bank.values, bank.form.grid
    return None


def parts_of(chunks: Sequence[Chunk]) -> tuple[Kind, list[Chunk]]:
    """Return the kind of a column and its chunks that have rows, of that kind; none if all NA."""
    like = next((c for c in chunks if not c.is_all_na and c.n_rows), chunks[0])
    parts = [Chunk.retype(c, like.kind) for c in chunks if c.n_rows]
    return like.kind, [] if all(c.is_all_na for c in parts) else parts


def form_of(parts: Sequence[Chunk], each: Each = _one_by_one) -> Form:
    """Return the narrowest form of the numbers of `parts` and of NA."""
    kind = parts[0].kind
    grid = _shared_grid(parts) or _common_grid(parts, each)
    if grid is not None:
        return _Codes(grid, kind)
    return _Plain(np.dtype(np.int64 if all(c.is_integer for c in parts) else np.float64), kind)


def _common_grid(parts: Sequence[Chunk], each: Each) -> GridCodec | None:
    """Return the narrowest grid on which all numbers lie, with a code for NA, or None."""
    bounds = reduce(GridBounds.__or__, each(grid_bounds, parts))
    if bounds == NO_GRID or any(_has_negative_zero(c) for c in parts):
        return None
    has_na = True  # rows of NA may be asked for
    return narrowest_grid(bounds.low, bounds.high, GridCodec(1, 0, 1, bounds.decimals, has_na))


def _shared_grid(parts: Sequence[Chunk]) -> GridCodec | None:
    """Return the grid on which the codes of all parts lie already, with a code for NA, or None."""
    grid = plain_grid(parts[0])
    if grid is None or any(c.codec != grid for c in parts):
        return None
    if grid.has_na:
        return grid
    with_na = replace(grid, has_na=True)
    top = _top_code(grid, parts)
    if top is None:
        top = max(int(c.stored.buffers[0].max()) for c in parts)
    return with_na if top < with_na.na_code else None


def _top_code(grid: GridCodec, parts: Sequence[Chunk]) -> int | None:
    """Return the highest code, NA aside, that `parts` have on a grid; None if nobody looked."""
    bounds = reduce(GridBounds.__or__, map(grid_bounds, parts))
    return bounds.high - grid.bias if bounds.decimals == grid.decimals and bounds.n_codes else None


def _has_negative_zero(chunk: Chunk) -> bool:
    if chunk.is_integer or isinstance(chunk.codec, GridCodec):
        return isinstance(chunk.codec, GridCodec) and chunk.codec.has_negative_zero
    values = chunk.floats()
    return bool(((values == 0) & np.signbit(values)).any())


@dataclass(frozen=True, slots=True)
class _Codes:
    """Codes on one grid; its highest code is NA."""

    grid: GridCodec
    kind: Kind

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(narrow_dtype(self.grid.width))

    @property
    def na(self) -> int:
        return self.grid.na_code

    def opened(self, chunk: Chunk) -> Buffer:
        grid, held, few = self.grid, unit_grid(chunk), few_values(chunk)
        if held is not None and held.decimals == grid.decimals:
            (raw,) = chunk.stored.buffers
            raw = raw if held.width >= 8 else bytes_of(raw, held.width, chunk.n_rows)
            return self._of_codes(raw[: chunk.n_rows], held)
        if few is not None:
            return self._of_few(few, chunk.n_rows)
        if chunk.is_integer and not grid.decimals:
            ints = chunk.ints()
        else:
            ints = to_grid(chunk.floats(), grid.decimals)
        codes = (ints - grid.bias).astype(self.dtype)
        codes[ints == NA_INT] = grid.na_code
        return codes

    def _of_codes(self, raw: Buffer, held: GridCodec) -> Buffer:
        """Return codes on a grid that differs in its first number, if at all."""
        grid = self.grid
        if (held.width, held.bias) == (grid.width, grid.bias):
            return raw  # none is NA, or `grid` has the same code for it
        codes = raw.astype(self.dtype)  # modulo 2**bits, as is the sum
        if held.bias != grid.bias:
            codes += codes.dtype.type((held.bias - grid.bias) % (1 << 8 * codes.itemsize))
        if held.has_na:
            codes[raw == held.na_code] = grid.na_code
        return codes

    def _of_few(self, few: FewValues, n_rows: int) -> Buffer:
        """Return the codes of rows of few different numbers."""
        grid = self.grid
        with np.errstate(invalid="ignore"):  # numbers in the table that no row has
            table = (to_grid(few.values, grid.decimals) - grid.bias).astype(self.dtype)
        table[np.isnan(few.values)] = grid.na_code
        if not few.width:
            return np.broadcast_to(table, n_rows)
        codes = np.empty(n_rows, dtype=self.dtype)
        unpack_into(few.codes, few.width, table, 0, codes)
        return codes

    def chunk(self, values: Buffer) -> Chunk:
        n_rows, grid = len(values), self.grid
        if n_rows and values[0] == values[-1] == values[n_rows // 2]:
            code = int(values[0])
            if (values == code).all():
                step, na = code * grid.step + grid.bias, code == grid.na_code
                return number_chunk(step, grid.decimals, n_rows, self.kind, na=na)
        return Chunk(grid, n_rows, self.kind, grid.pack(values))


@dataclass(frozen=True, slots=True)
class _Plain:
    """Doubles with NaN for NA, or integers of 64 bits with `NA_INT`."""

    dtype: np.dtype[Any]
    kind: Kind

    @property
    def na(self) -> Any:
        return NA_INT if self.dtype == np.int64 else np.nan

    def opened(self, chunk: Chunk) -> Buffer:
        return chunk.ints() if self.dtype == np.int64 else chunk.lying_floats()

    def chunk(self, values: Buffer) -> Chunk:
        made = encode_ints(values) if self.dtype == np.int64 else encode_floats(values)
        return Chunk.retype(made, self.kind)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers in a form."""

    values: Buffer
    form: Form

    def take(self, rows: Rows) -> Chunk:
        return self.form.chunk(gathered(self.values, rows, self.form.na))


@dataclass(frozen=True, slots=True)
class _NoValues:
    kind: Kind

    def take(self, rows: Rows) -> Chunk:
        return all_na(len(rows), self.kind)


def gathered(values: Buffer, rows: Rows, na: Any) -> Buffer:
    """Return values[rows], `na` where `rows` has no row: -1, in 64 bits or modulo 2**32."""
    if len(rows) < KERNEL_ROWS:
        return gathered_numpy(values, rows, na)
    from dh2o.chunks.kernels import gather_kernel

    out = np.empty(len(rows), dtype=values.dtype)
    short = short_rows(rows, len(values))
    gather_kernel(read_only(values), read_only(short), values.dtype.type(na), out)
    return out


def encode_codes_of(lookup: Buffer, places: Buffer) -> Chunk:
    """Return ``encode_codes(lookup[places])``, of whose rows none is looked at to find NA."""
    marked = np.where(lookup == NA_CODE, np.int32(SMALL_NA), lookup)
    short = places.astype(np.uint32, copy=False)
    return replace(encode_small_ints(gathered(marked, short, SMALL_NA)), kind="code")


def gathered_numpy(values: Buffer, rows: Rows, na: Any) -> Buffer:
    """Return what `gather_kernel` puts out, an operation at a time."""
    picked = values.take(rows, mode="clip")
    picked[rows == ~rows.dtype.type(0)] = na
    return picked


def short_rows(rows: Rows, n_rows: int) -> Rows:
    """Return numbers of rows, out of so many, in 32 bits if these have room for them and for -1."""
    return rows if n_rows >= NO_SHORT_ROW else rows.astype(np.uint32, copy=False)


@dataclass(frozen=True, slots=True)
class _Arrow:
    values: Any
    kind: Kind

    def take(self, rows: Rows) -> Chunk:
        import pyarrow as pa

        mask = rows == ~rows.dtype.type(0)
        where = pa.array(rows, mask=mask) if mask.any() else pa.array(rows)
        taken = self.values.take(where)
        return encode_strings(taken) if self.kind == "string" else encode_uuids(taken)


def _of_arrow(parts: Sequence[Chunk], kind: Kind) -> _Arrow:
    import pyarrow as pa

    opened = [c.strings() if kind == "string" else c.uuids() for c in parts]
    return _Arrow(pa.concat_arrays(opened), kind)
