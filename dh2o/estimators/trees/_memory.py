"""Numbers at any byte of an array, for numba kernels: a row is a record of bytes."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it has no stubs
from numba import types
from numba.extending import intrinsic

__all__ = [
    "copy4",
    "copy16",
    "copy32",
    "int32_at",
    "int64_at",
    "put_int32",
    "put_int64",
    "uint16_at",
]


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any, unit: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), unit.as_pointer())


def _copier(unit: Any) -> Any:
    """Return ``copy(to, at, source, first)``: the bytes of one `unit`, wherever they lie."""

    @intrinsic
    def copy(typingctx: Any, to: Any, at: Any, source: Any, first: Any) -> Any:  # noqa: ARG001
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            origin = _address(context, builder, sig.args[2], args[2], args[3], unit)
            target = _address(context, builder, sig.args[0], args[0], args[1], unit)
            builder.store(builder.load(origin, align=1), target, align=1)
            return context.get_dummy_value()

        return types.void(to, at, source, first), codegen

    return copy


def _reader(kind: Any) -> Any:
    """Return ``read(array, at)``: the integer whose first byte is ``array[at]``."""
    unit = ir.IntType(kind.bitwidth)

    @intrinsic
    def read(typingctx: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            origin = _address(context, builder, sig.args[0], args[0], args[1], unit)
            return builder.load(origin, align=1)

        return kind(array, at), codegen

    return read


def _writer(kind: Any) -> Any:
    """Return ``write(array, at, value)``, the reverse of `_reader`."""
    unit = ir.IntType(kind.bitwidth)

    @intrinsic
    def write(typingctx: Any, array: Any, at: Any, value: Any) -> Any:  # noqa: ARG001
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            target = _address(context, builder, sig.args[0], args[0], args[1], unit)
            builder.store(args[2], target, align=1)
            return context.get_dummy_value()

        return types.void(array, at, kind), codegen

    return write


copy4 = _copier(ir.IntType(32))
copy16, copy32 = (_copier(ir.VectorType(ir.IntType(8), n)) for n in (16, 32))
uint16_at, int32_at, int64_at = (_reader(kind) for kind in (types.uint16, types.int32, types.int64))
put_int32, put_int64 = (_writer(kind) for kind in (types.int32, types.int64))
