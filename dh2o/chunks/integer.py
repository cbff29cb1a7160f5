"""Integers and decimals: a code of 1 to 32 bits on a grid, or the plain 64-bit integer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
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
    same_bits,
)

#: Rows per step of a decode: 64 k doubles stay in a core's L2 cache between the operations.
TILE = 1 << 16
#: Integers below this are exact as doubles, with room for one addition.
EXACT = 1 << 52
WIDTHS = (1, 2, 4, 8, 16, 32)
_DTYPES = {16: np.uint16, 32: np.uint32}


@dataclass(frozen=True, slots=True)
class GridCodec(NumberCodec):
    """Numbers on a grid: value = (code * step + bias) / 10**decimals.

    Codes have `width` bits.  With `has_na` the highest code is NA, so a bit without NA takes one
    bit and a bit with NA takes two.  With `has_negative_zero` the code below is -0.0, which
    rounding leaves behind and text files hold.  Dividing by 10**decimals, not multiplying by its
    reciprocal, keeps decimals bit-exact.
    """

    tag: ClassVar[str] = "grid"
    width: int
    bias: int = 0
    step: int = 1
    decimals: int = 0
    has_na: bool = False
    has_negative_zero: bool = False

    @property
    def name(self) -> str:
        noun = "decimal" if self.decimals else "bits" if self.width < 8 else "int"
        return f"{noun}{self.width}"

    @property
    def is_integer(self) -> bool:
        return self.decimals == 0 and not self.has_negative_zero

    @property
    def na_code(self) -> int:
        """The code that is NA when `has_na`."""
        return (1 << self.width) - 1

    @property
    def negative_zero_code(self) -> int:
        """The code that is -0.0 when `has_negative_zero`."""
        return (1 << self.width) - 1 - self.has_na

    @property
    def special_codes(self) -> tuple[int, int]:
        """The codes of NA and of -0.0, -1 where the grid has none of them."""
        return (
            self.na_code if self.has_na else -1,
            self.negative_zero_code if self.has_negative_zero else -1,
        )

    @property
    def n_values(self) -> int:
        """How many values the codes can tell apart."""
        return (1 << self.width) - self.has_na - self.has_negative_zero

    def encode(self, values: Buffer) -> Stored:
        is_float = values.dtype != np.int64
        na = np.isnan(values) if is_float else values == NA_INT
        negative_zero = (values == 0) & np.signbit(values)
        if is_float:
            ints = self._on_grid(np.where(na, 0.0, values)).astype(object)
        else:
            ints = np.where(na, 0, values).astype(object) * 10**self.decimals
        shifted = ints - self.bias
        codes, rest = shifted // self.step, shifted % self.step
        lost = ((rest != 0) | (codes < 0) | (codes >= self.n_values)).astype(np.bool_)
        if is_float:
            lost |= np.where(lost, 0, ints).astype(np.float64) / 10.0**self.decimals != values
        lost = np.where(na, not self.has_na, lost)
        lost = np.where(negative_zero, not self.has_negative_zero, lost)
        if lost.any():
            row = first_row(lost)
            raise LossyCodecError.at_row(self, row, values[row])
        codes[na] = self.na_code
        codes[negative_zero] = self.negative_zero_code
        return self.pack(codes.astype(np.uint32))

    def _on_grid(self, values: F64) -> I64:
        scaled = np.rint(values * 10.0**self.decimals)
        inside = np.abs(scaled) < 2.0**63
        return np.where(inside, scaled, 0.0).astype(np.int64)

    def encode_ints(self, ints: I64, na: Mask | None, negative_zero: Mask | None = None) -> Stored:
        """Return `ints` packed; the caller vouches that those not masked lie on the grid."""
        shifted = ints - self.bias if self.bias else ints
        if self.step != 1:
            shifted = shifted // self.step
        codes = shifted.astype(narrow_dtype(self.width))
        if na is not None:
            codes[na] = self.na_code
        if negative_zero is not None:
            codes[negative_zero] = self.negative_zero_code
        return self.pack(codes)

    def pack(self, codes: Buffer) -> Stored:
        """Return codes packed into `width` bits each."""
        if self.width > 8:
            return Stored((frozen(codes.astype(narrow_dtype(self.width), copy=False)),))
        return Stored((frozen(pack_bits(codes.astype(np.uint8, copy=False), self.width)),))

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        (codes,) = stored.buffers
        if self.width < 8:
            unpack_into(codes, self.width, _value_table(self, out.dtype.char), start, out)
            return
        na = NA_OF_DTYPE[out.dtype.char]
        for low in range(0, len(out), TILE):
            tile = out[low : low + TILE]
            part = codes[start + low : start + low + len(tile)]
            self._decode_tile(part, tile)
            if self.has_na:
                np.copyto(tile, na, where=part == self.na_code)
            if self.has_negative_zero:
                tile[part == self.negative_zero_code] = -0.0

    def _decode_tile(self, codes: Buffer, tile: Buffer) -> None:
        if tile.dtype.char == "d" and not self._fits_double():
            exact = np.empty(len(tile), dtype=np.int64)
            self._decode_tile(codes, exact)
            tile[:] = exact
        else:
            tile[:] = codes
            if self.step != 1:
                tile *= self.step
            if self.bias:
                tile += self.bias
        if self.decimals and tile.dtype.char == "d":
            tile /= 10.0**self.decimals

    def _fits_double(self) -> bool:
        return abs(self.bias) + (self.step << self.width) < EXACT

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        if not self.has_na:
            out.fill(False)
        elif self.width < 8:
            is_na = np.arange(1 << self.width) == self.na_code
            unpack_into(stored.buffers[0], self.width, is_na, start, out)
        else:
            np.equal(stored.buffers[0][start : start + len(out)], self.na_code, out=out)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        (codes,) = stored.buffers
        if self.width <= 8:
            return self, Stored((frozen(slice_bits(codes, self.width, start, stop)),))
        return self, Stored((frozen(codes[start:stop].copy()),))

    def counts(self, stored: Stored, n_rows: int) -> tuple[F64, I64] | None:
        (codes,) = stored.buffers
        if self.width <= 8:
            counts = count_codes(codes, self.width, n_rows)
        elif self.width == 16 and n_rows >= TILE // 4:
            counts = np.bincount(codes, minlength=1 << 16).astype(np.int64)
        else:
            return None
        seen = np.flatnonzero(counts)
        return self._values_of(seen, "d"), counts[seen]

    def values_of_codes(self, char: str) -> Any:
        """Return the value of each of the codes of up to 8 bits, as the dtype `char`."""
        return _value_table(self, char)

    def _values_of(self, codes: I64, char: str) -> Any:
        ints = codes.astype(np.int64) * self.step + self.bias
        values = ints.astype(char)
        if self.decimals and char == "d":
            values /= 10.0**self.decimals
        if self.has_na:
            values[codes == self.na_code] = NA_OF_DTYPE[char]
        if self.has_negative_zero:
            values[codes == self.negative_zero_code] = -0.0
        return values


@lru_cache(maxsize=256)
def _value_table(codec: GridCodec, char: str) -> Buffer:
    """Return the value of each code, as the dtype `char`."""
    return codec._values_of(np.arange(1 << codec.width), char)


def narrow_dtype(width: int) -> Any:
    """Return the type of codes of `width` bits before they are packed."""
    return _DTYPES.get(width, np.uint8)


def narrowest_grid(lo: int, hi: int, like: GridCodec) -> GridCodec | None:
    """Return the grid of fewest bits that spans `lo` to `hi`, or None beyond 32 bits.

    Step, decimals and special codes are those of `like`.  The bias stays 0 where that costs no
    bits: the codes of levels are then the levels themselves.
    """
    n_special = like.has_na + like.has_negative_zero
    n_codes = (hi - lo) // like.step + 1 + n_special
    for width in WIDTHS:
        if n_codes <= 1 << width:
            from_zero = lo >= 0 and lo % like.step == 0
            from_zero = from_zero and hi // like.step + 1 + n_special <= 1 << width
            bias = 0 if from_zero else lo
            # dataclasses.replace takes ten times as long
            return GridCodec(
                width, bias, like.step, like.decimals, like.has_na, like.has_negative_zero
            )
    return None


def common_step(ints: I64, lo: int) -> int:
    """Return the greatest common divisor of the differences from `lo`; 1 as soon as it is sure."""
    step = 0
    for value in ints[:: max(1, len(ints) // 64)].tolist():
        step = math.gcd(step, value - lo)
        if step == 1:
            return 1
    if step == 0:
        return 1
    return int(np.gcd.reduce(ints - lo, initial=step))


@dataclass(frozen=True, slots=True)
class Int64Codec(NumberCodec):
    """Integers of any size, eight bytes each; the smallest one is NA."""

    tag: ClassVar[str] = "int64"

    @property
    def is_integer(self) -> bool:
        return True

    def encode(self, values: Buffer) -> Stored:
        if values.dtype == np.int64:
            return Stored((frozen(values.copy()),))
        na = np.isnan(values)
        inside = np.abs(values) < 2.0**63
        ints = np.where(inside, values, 0.0).astype(np.int64)
        lost = ~na & ~same_bits(ints.astype(np.float64), values)
        if lost.any():
            row = first_row(lost)
            raise LossyCodecError.at_row(self, row, values[row])
        return Stored((frozen(np.where(na, NA_INT, ints)),))

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        part = stored.buffers[0][start : start + len(out)]
        out[:] = part
        if out.dtype.char != "l":
            np.copyto(out, NA_OF_DTYPE[out.dtype.char], where=part == NA_INT)

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        np.equal(stored.buffers[0][start : start + len(out)], NA_INT, out=out)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        return self, Stored((frozen(stored.buffers[0][start:stop].copy()),))
