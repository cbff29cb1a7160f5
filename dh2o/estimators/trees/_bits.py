"""Bit tricks that numba lacks: the lowest set bit of a word, the bits of a double."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it has no stubs
from numba import types
from numba.extending import intrinsic

__all__ = ["double_bits", "double_of", "lowest_bit"]


@intrinsic
def lowest_bit(typingctx: Any, word: Any) -> Any:  # noqa: ARG001
    """Return the number of the lowest set bit of a 64-bit word that is not 0."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@intrinsic
def double_bits(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    """Return the 64 bits of a double as an integer."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def double_of(typingctx: Any, bits: Any) -> Any:  # noqa: ARG001
    """Return the double that has these 64 bits."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen
