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
    read_only,
)
from dh2o.chunks.scan import KERNEL_ROWS

MAX_UNIQUES = 256
#: Rows looked at to see whether a dictionary is out of question.
_SAMPLE = 1024


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
        unpack_into(codes, self.width, self.full_table(table, out.dtype), start, out)

    def full_table(self, table: Buffer, dtype: np.dtype[Any]) -> Buffer:
        """Return the value of each code, 0 for codes that no row has."""
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
        values = self.full_table(table, np.dtype(np.float64))[: len(table)]
        seen = np.flatnonzero(counts)
        return values[seen], counts[seen]


def bit_patterns(values: F64) -> I64:
    """Return the 64 bits of each double, with one pattern for every NaN."""
    values = np.ascontiguousarray(values)
    na = np.isnan(values)
    if na.any():
        values = np.where(na, np.nan, values)
    return values.view(np.int64)


def few_uniques(values: Buffer) -> bool:
    """Return False when a sample shows that a dictionary is out of question."""
    # np.unique would take four times as long.
    sample = np.sort(values[:: max(1, len(values) // _SAMPLE)])
    known = sample[~np.isnan(sample)]
    n_known = int(np.count_nonzero(known[1:] != known[:-1])) + bool(len(known))
    return n_known + (len(known) < len(sample)) <= MAX_UNIQUES


def number_uniques(bits: I64) -> tuple[I64, Buffer] | None:
    """Return the different entries of `bits` and the code of each row; None beyond 256."""
    if len(bits) < KERNEL_ROWS:
        return dictionary_numpy(bits)
    from dh2o.chunks.kernels import dictionary_kernel

    table = np.empty(MAX_UNIQUES, dtype=np.int64)
    codes = np.empty(len(bits), dtype=np.uint8)
    n_uniques = dictionary_kernel(read_only(bits), table, codes)
    return None if n_uniques < 0 else (table[:n_uniques].copy(), codes)


def dictionary_numpy(bits: I64) -> tuple[I64, Buffer] | None:
    """Return the table in ascending order and the codes; the kernel numbers by occurrence."""
    table, codes = np.unique(bits, return_inverse=True)
    return None if len(table) > MAX_UNIQUES else (table, codes.astype(np.uint8))
