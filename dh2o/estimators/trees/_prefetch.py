"""A cache-line prefetch that numba kernels can issue: rows of a node lie scattered in memory."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it has no stubs
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["prefetch"]

_READ, _KEEP_CLOSE, _DATA = 0, 3, 1


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    """Ask for the cache line of ``array[index]``; a 1-d contiguous array, no bounds check."""
    signature = types.void(array, index)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        address = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        int32 = ir.IntType(32)
        signature_ = ir.FunctionType(ir.VoidType(), [address.type, int32, int32, int32])
        function = cgutils.get_or_insert_function(builder.module, signature_, "llvm.prefetch.p0i8")
        builder.call(function, [address, int32(_READ), int32(_KEEP_CLOSE), int32(_DATA)])
        return context.get_dummy_value()

    return signature, codegen
