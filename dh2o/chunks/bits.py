"""Codes of 1, 2, 4 or 8 bits packed into bytes, lowest bits first, and tables that unpack them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks.codec import I64, Buffer, read_only

U8 = npt.NDArray[np.uint8]

KERNEL_CODES = 1 << 12  # from here on the compiled kernels pay


def pack_bits(codes: U8, width: int) -> U8:
    """Return `codes` of `width` bits each, packed; the last byte is padded with zeros.

    Of a matrix each row is packed by itself.
    """
    if width == 8:
        return codes
    if width == 1:
        return np.packbits(codes, axis=-1, bitorder="little")
    if codes.ndim > 1 or len(codes) < KERNEL_CODES:
        return pack_bits_numpy(codes, width)
    from dh2o.chunks.kernels import pack_bits_kernel

    packed = np.empty(-(-len(codes) // (8 // width)), dtype=np.uint8)
    pack_bits_kernel(read_only(np.ascontiguousarray(codes)), width, packed)
    return packed


def pack_bits_numpy(codes: U8, width: int) -> U8:
    """Return codes of 2 or 4 bits packed as by `pack_bits_kernel`, an operation at a time."""
    per_byte = 8 // width
    n_codes = codes.shape[-1]
    n_lacking = -n_codes % per_byte
    if n_lacking:
        padding = np.zeros((*codes.shape[:-1], n_lacking), np.uint8)
        codes = np.concatenate([codes, padding], axis=-1)
    # all codes of a byte at a time, as one integer: their bits move next to each other
    together = np.ascontiguousarray(codes).view(f"<u{per_byte}")
    packed = together.copy()
    for place in range(1, per_byte):
        packed |= together >> (8 - width) * place
    return packed.astype(np.uint8)


@lru_cache(maxsize=4)
def _code_table(width: int) -> npt.NDArray[np.intp]:
    """Return the codes within each of the 256 bytes: shape (256, 8 // width)."""
    shifts = np.arange(0, 8, width)
    table = (np.arange(256)[:, None] >> shifts) & ((1 << width) - 1)
    table.flags.writeable = False
    return table


def unpack_into(packed: U8, width: int, values: Buffer, start: int, out: npt.NDArray[Any]) -> None:
    """out[i] = values[code of row start + i].   `values` has 2**width entries of out's dtype."""
    n = len(out)
    if n == 0:
        return
    if width == 8:
        np.take(values, packed[start : start + n], out=out, mode="clip")
        return
    per_byte = 8 // width
    table = values[_code_table(width)]
    first, head = divmod(start, per_byte)
    head = min((per_byte - head) % per_byte, n)
    if head:  # rows before the first whole byte
        place = start - first * per_byte
        out[:head] = table[packed[first], place : place + head]
        first += 1
    n_whole, tail = divmod(n - head, per_byte)
    whole = out[head : head + n_whole * per_byte].reshape(-1, per_byte)
    np.take(table, packed[first : first + n_whole], axis=0, out=whole, mode="clip")
    if tail:
        out[n - tail :] = table[packed[first + n_whole], :tail]


def count_codes(packed: U8, width: int, n_rows: int) -> I64:
    """Return how often each of the 2**width codes occurs in `n_rows` rows."""
    per_byte = 8 // width
    by_byte = np.bincount(packed, minlength=256).astype(np.int64)
    if per_byte == 1:
        return by_byte
    n_codes = 1 << width
    counts = np.zeros(n_codes, dtype=np.int64)
    np.add.at(counts, _code_table(width), by_byte[:, None])
    counts[0] -= len(packed) * per_byte - n_rows  # the padding
    return counts


def bytes_of(packed: U8, width: int, n_rows: int) -> Buffer:
    """Return the codes of `n_rows` rows, a byte each."""
    if width == 1:
        return np.unpackbits(packed, bitorder="little")[:n_rows]
    if n_rows < KERNEL_CODES:
        return bytes_of_numpy(packed, width)[:n_rows]
    from dh2o.chunks.kernels import bytes_of_kernel

    codes = np.empty(len(packed) * (8 // width), dtype=np.uint8)
    bytes_of_kernel(read_only(packed), width, codes)
    return codes[:n_rows]


def bytes_of_numpy(packed: U8, width: int) -> Buffer:
    """Return the codes of packed bytes as `bytes_of_kernel` puts them out."""
    per_byte = 8 // width
    # all codes of a byte at a time, as one integer: their bits move apart
    together = packed.astype(f"<u{per_byte}")
    codes = together.copy()
    for place in range(1, per_byte):
        codes |= together << (8 - width) * place
    codes &= codes.dtype.type(sum(((1 << width) - 1) << 8 * place for place in range(per_byte)))
    return codes.view(np.uint8)


def slice_bits(packed: U8, width: int, start: int, stop: int) -> U8:
    """Return the codes of rows `start` to `stop`, packed again."""
    per_byte = 8 // width
    if start % per_byte == 0:
        part = packed[start // per_byte : -(-stop // per_byte)].copy()
        surplus = len(part) * per_byte - (stop - start)
        if surplus:
            part[-1] &= 0xFF >> (surplus * width)
        return part
    codes = np.empty(stop - start, dtype=np.uint8)
    unpack_into(packed, width, np.arange(1 << width, dtype=np.uint8), start, codes)
    return pack_bits(codes, width)
