"""Bytes by the word: loads, searches, digits and products that numba has no name for."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dh2o.compiled import njit

__all__ = [
    "BLOCK_NBYTES",
    "are_digits",
    "count_bits",
    "digits_of",
    "first_dot",
    "is_digits",
    "leading_zeros",
    "load_word",
    "matches",
    "multiply_wide",
    "tail_digits",
    "trailing_zeros",
]

#: Bytes that `matches` looks at.
BLOCK_NBYTES = 64

_ZEROS = np.uint64(0x3030303030303030)
_HIGH_NIBBLES = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES = np.uint64(0x0606060606060606)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_DOTS = np.uint64(0x2E2E2E2E2E2E2E2E)
_ONES = np.uint64(0x0101010101010101)
_TOP_BITS = np.uint64(0x8080808080808080)


@intrinsic
def load_word(_context: Any, buf: Any, at: Any) -> Any:  # noqa: ARG001 - numba asks for it
    """Return the bytes ``buf[at : at + 8]`` as an integer, the first one lowest; no check."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = cgutils.pointer_add(builder, array.data, args[1])
        word = builder.bitcast(place, ir.IntType(64).as_pointer())
        return builder.load(word, align=1)

    return types.uint64(buf, types.intp), codegen


@intrinsic
def leading_zeros(_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba asks for it
    """Return how many of the highest bits of an integer that is not 0 are 0."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@intrinsic
def trailing_zeros(_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba asks for it
    """Return how many of the lowest bits of an integer are 0; 64 for 0."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), codegen


@intrinsic
def count_bits(_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba asks for it
    """Return how many bits of an integer are 1."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def matches(_context: Any, buf: Any, at: Any, a: Any, b: Any, c: Any, d: Any) -> Any:  # noqa: ARG001
    """Return which of the 64 bytes from `at` on are one of four; the first is the lowest bit."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        many = ir.VectorType(ir.IntType(8), BLOCK_NBYTES)
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = cgutils.pointer_add(builder, array.data, args[1])
        block = builder.load(builder.bitcast(place, many.as_pointer()), align=1)
        found = None
        for byte in args[2:]:
            one = builder.insert_element(ir.Constant(many, None), byte, ir.IntType(32)(0))
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK_NBYTES), [0] * BLOCK_NBYTES)
            all_of_it = builder.shuffle_vector(one, one, lanes)
            equal = builder.icmp_unsigned("==", block, all_of_it)
            found = equal if found is None else builder.or_(found, equal)
        return builder.bitcast(found, ir.IntType(BLOCK_NBYTES))

    byte = types.uint8
    return types.uint64(buf, types.intp, byte, byte, byte, byte), codegen


@intrinsic
def multiply_wide(_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 - numba asks for it
    """Return the high and the low half of the 128-bit product."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))
        low = builder.trunc(product, ir.IntType(64))
        return context.make_tuple(builder, signature.return_type, (high, low))

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), codegen


@njit(cache=True, nogil=True, inline="always")
def is_digits(word: Any) -> bool:
    """Return whether all eight bytes are digits."""
    return (word & _HIGH_NIBBLES) == _ZEROS and ((word + _SIXES) & _HIGH_NIBBLES) == _ZEROS


@njit(cache=True, nogil=True, inline="always")
def _not_digits(word: Any) -> Any:
    return ((word & _HIGH_NIBBLES) ^ _ZEROS) | (((word + _SIXES) & _HIGH_NIBBLES) ^ _ZEROS)


@njit(cache=True, nogil=True, inline="always")
def are_digits(a: Any, b: Any) -> bool:
    """Return whether all bytes of two words are digits."""
    return (_not_digits(a) | _not_digits(b)) == np.uint64(0)


@njit(cache=True, nogil=True, inline="always")
def first_dot(word: Any) -> Any:
    """Return how many bytes come before the first dot: 8 if there is none."""
    others = word ^ _DOTS
    return trailing_zeros((others - _ONES) & ~others & _TOP_BITS) >> np.uint64(3)


@njit(cache=True, nogil=True, inline="always")
def digits_of(word: Any) -> Any:
    """Return the number that eight digits spell: pairs, fours and eights side by side."""
    word -= _ZEROS
    word = word * np.uint64(10) + (word >> np.uint64(8))
    low = (word & np.uint64(0x000000FF000000FF)) * np.uint64(0x000F424000000064)
    high = ((word >> np.uint64(16)) & np.uint64(0x000000FF000000FF)) * np.uint64(0x0000271000000001)
    return (low + high) >> np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def tail_digits(word: Any, n: int) -> Any:
    """Return the last `n` (1 to 8) bytes of a word, zeros spelled before them."""
    kept = _ALL << np.uint64(64 - 8 * n)
    return (word & kept) | (_ZEROS & ~kept)
