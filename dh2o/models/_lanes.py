"""Vectors that numba lacks: 64 bytes side by side, and a comparison with 16 numbers.

All of it but the look-ups is LLVM's own vector code, which every processor gets in its own terms;
`HAS_LOOKUP` says whether this one can look 64 bytes up at once (AVX-512 VBMI).
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]  # it has no stubs
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

__all__ = [
    "HAS_LOOKUP",
    "below",
    "blended",
    "doubled",
    "load",
    "looked_up",
    "looked_up_in_two",
    "plus",
    "splat",
    "store",
]

HAS_LOOKUP = bool(binding.get_host_cpu_features().get("avx512vbmi"))

_I8, _I16, _I64 = ir.IntType(8), ir.IntType(16), ir.IntType(64)
_BYTES = ir.VectorType(_I8, 64)


class _Lanes(types.Opaque):
    """64 bytes, one a lane."""


LANES = _Lanes("Lanes")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BYTES)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any, to: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), to.as_pointer())


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    kind = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    picks = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), picks)


@intrinsic
def below(typingctx: Any, keys: Any, at: Any, value: Any) -> Any:  # noqa: ARG001
    """Return how many of the floats ``keys[at:at + 16]`` are not above `value`."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.VectorType(ir.FloatType(), 16)
        where = _pointer(context, builder, sig.args[0], args[0], args[1], kind)
        around = _splat(builder, args[2], 16)
        found = builder.fcmp_ordered("<=", builder.load(where, align=4), around)
        return builder.zext(builder.ctpop(builder.bitcast(found, _I16)), _I64)

    return types.uint64(keys, types.uint64, types.float32), codegen


@intrinsic
def load(typingctx: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """Return the bytes ``array[at:at + 64]``."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = _pointer(context, builder, sig.args[0], args[0], args[1], _BYTES)
        return builder.load(where, align=1)

    return LANES(array, types.uint64), codegen


@intrinsic
def store(typingctx: Any, lanes: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """array[at:at + 64] = lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = _pointer(context, builder, sig.args[1], args[1], args[2], _BYTES)
        builder.store(args[0], where, align=1)
        return context.get_dummy_value()

    return types.void(LANES, array, types.uint64), codegen


@intrinsic
def splat(typingctx: Any, byte: Any) -> Any:  # noqa: ARG001
    """Return 64 times the same byte."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], 64)

    return LANES(types.uint8), codegen


@intrinsic
def plus(typingctx: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return ``a + b``, modulo 256."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.add(args[0], args[1])

    return LANES(LANES, LANES), codegen


@intrinsic
def blended(typingctx: Any, which: Any, number: Any, if_equal: Any, otherwise: Any) -> Any:  # noqa: ARG001
    """Return `if_equal` in the lanes where `which` is `number`, elsewhere `otherwise`."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.select(builder.icmp_unsigned("==", args[0], args[1]), args[2], args[3])

    return LANES(LANES, LANES, LANES, LANES), codegen


@intrinsic
def doubled(typingctx: Any, lanes: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return ``2 * lanes + (a > b)``, modulo 256."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        above = builder.zext(builder.icmp_unsigned(">", args[1], args[2]), _BYTES)
        return builder.add(builder.add(args[0], args[0]), above)

    return LANES(LANES, LANES, LANES), codegen


def _call(builder: Any, name: str, *args: Any) -> Any:
    kind = ir.FunctionType(_BYTES, [_BYTES] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


@intrinsic
def looked_up(typingctx: Any, lanes: Any, table: Any) -> Any:  # noqa: ARG001
    """Return byte ``lanes & 63`` of `table` in each lane; only if `HAS_LOOKUP`."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.x86.avx512.permvar.qi.512", args[1], args[0])

    return LANES(LANES, LANES), codegen


@intrinsic
def looked_up_in_two(typingctx: Any, lanes: Any, low: Any, high: Any) -> Any:  # noqa: ARG001
    """Return byte ``lanes & 127`` of `low` and, after it, `high` in each lane; as `looked_up`."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _call(builder, "llvm.x86.avx512.vpermi2var.qi.512", args[1], args[0], args[2])

    return LANES(LANES, LANES, LANES), codegen
