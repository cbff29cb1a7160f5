"""Dictionary chunks: at most 256 different numbers, and a code per row that says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dh2o.chunks.bits import count_codes, pack_bits, slice_bits, unpack_into
from dh2o.chunks.codec import (
    F64,
    I64,
    NA_INT,
    NA_OF_DTYPE,
    Buffer,
    Codec,
    LossyCodecError,
    Mask,
    NumberCodec,
    Stored,
    first_row,
    frozen,
)

MAX_UNIQUES = 256


@dataclass(frozen=True, slots=True)
class DictionaryCodec(NumberCodec):
    """Numbers by their place in a table: value = table[code], the code of `width` bits.

    The table is float64 (NaN is NA), or int64 when `integers` (`NA_INT` is NA); NA is one of its
    entries like any other.
    """

    tag: ClassVar[str] = "dictionary"
    width: int = 8
    integers: bool = False

    @property
    def name(self) -> str:
        return f"dictionary{self.width}"

    @property
    def is_integer(self) -> bool:
        return self.integers

    def encode(self, values: Buffer) -> Stored:
        """Return `values` as table and codes, or refuse the row that has one value too many."""
        bits = self._bits_of(values)
        table, first, codes = np.unique(bits, return_index=True, return_inverse=True)
        if len(table) > 1 << self.width:
            row = int(np.sort(first)[1 << self.width])
            raise LossyCodecError.at_row(self, row, values[row])
        return self.store(table, codes)

    def _bits_of(self, values: Buffer) -> I64:
        if not self.integers:
            return bit_patterns(np.asarray(values, dtype=np.float64))
        if values.dtype == np.int64:
            return values
        na = np.isnan(values)
        inside = np.abs(values) < 2.0**63
        ints = np.where(inside, values, 0.0).astype(np.int64)
        lost = ~na & ((ints.astype(np.float64) != values) | ((values == 0) & np.signbit(values)))
        if lost.any():
            row = first_row(lost)
            raise LossyCodecError.at_row(self, row, values[row])
        return np.where(na, NA_INT, ints)

    def store(self, table: I64, codes: Buffer) -> Stored:
        """Return the chunk of a table of integers, or of the bits of doubles, and its codes."""
        entries = table if self.integers else table.view(np.float64)
        return Stored((frozen(entries), frozen(pack_bits(codes.astype(np.uint8), self.width))))

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        table, codes = stored.buffers
        unpack_into(codes, self.width, self._full_table(table, out.dtype), start, out)

    def _full_table(self, table: Buffer, dtype: np.dtype[Any]) -> Buffer:
        full = np.zeros(1 << self.width, dtype=dtype)
        if not self.integers:
            full[: len(table)] = table
            return full
        na = table == NA_INT
        full[: len(table)] = np.where(na, 0, table)
        full[: len(table)][na] = NA_OF_DTYPE[dtype.char]
        return full

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        table, codes = stored.buffers
        is_na = np.zeros(1 << self.width, dtype=np.bool_)
        is_na[: len(table)] = table == NA_INT if self.integers else np.isnan(table)
        unpack_into(codes, self.width, is_na, start, out)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        table, codes = stored.buffers
        return self, Stored((table, frozen(slice_bits(codes, self.width, start, stop))))

    def counts(self, stored: Stored, n_rows: int) -> tuple[F64, I64]:
        table, codes = stored.buffers
        counts = count_codes(codes, self.width, n_rows)[: len(table)]
        values = self._full_table(table, np.dtype(np.float64))[: len(table)]
        seen = np.flatnonzero(counts)
        return values[seen], counts[seen]


def bit_patterns(values: F64) -> I64:
    """Return the 64 bits of each double, with one pattern for every NaN."""
    values = np.ascontiguousarray(values)
    na = np.isnan(values)
    if na.any():
        values = np.where(na, np.nan, values)
    return values.view(np.int64)


def find_table(bits: I64, limit: int = MAX_UNIQUES) -> I64 | None:
    """Return the sorted different entries of `bits`, or None when there are more than `limit`."""
    sample = bits[:: max(1, len(bits) // 1024)]
    table = np.unique(sample)
    start, n_rows = 0, 4096
    while len(table) <= limit and start < len(bits):
        part = bits[start : start + n_rows]
        known = table[np.minimum(np.searchsorted(table, part), len(table) - 1)] == part
        if not known.all():
            table = np.union1d(table, part[~known])
        start += n_rows
        n_rows = min(2 * n_rows, 1 << 16)
    return table if len(table) <= limit else None
