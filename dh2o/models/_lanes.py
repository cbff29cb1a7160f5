"""Vectors that numba lacks: 64 bytes, 16 floats or 8 doubles side by side; and a comparison.

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
    "double_at",
    "doubled",
    "load",
    "looked_up",
    "looked_up_in_two",
    "plus",
    "plus_product",
    "splat",
    "store",
    "total",
]

HAS_LOOKUP = bool(binding.get_host_cpu_features().get("avx512vbmi"))

_I8, _I16, _I64 = ir.IntType(8), ir.IntType(16), ir.IntType(64)
_BYTES = ir.VectorType(_I8, 64)


class _Lanes(types.Opaque):
    """64 bytes, by what lies in them."""

    def __init__(self, name: str, vector: Any, align: int) -> None:
        super().__init__(name)
        self.vector = vector
        self.align = align


LANES = _Lanes("Lanes", _BYTES, 1)
FLOATS = _Lanes("FloatLanes", ir.VectorType(ir.FloatType(), 16), 4)
DOUBLES = _Lanes("DoubleLanes", ir.VectorType(ir.DoubleType(), 8), 8)
_OF_NUMBER = {types.float32: FLOATS, types.float64: DOUBLES}


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, kind.vector)


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
def double_at(typingctx: Any, address: Any, number: Any) -> Any:  # noqa: ARG001
    """Return double `number` of those that lie at an address: of columns that are no one array."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        first = builder.inttoptr(args[0], ir.DoubleType().as_pointer())
        return builder.load(builder.gep(first, [args[1]]), align=1)

    return types.float64(types.uint64, types.uint64), codegen


@intrinsic
def load(typingctx: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """Return the 64 bytes from ``array[at]`` on: so many bytes, 16 floats or 8 doubles."""
    lanes = _OF_NUMBER.get(array.dtype, LANES)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = _pointer(context, builder, sig.args[0], args[0], args[1], lanes.vector)
        return builder.load(where, align=lanes.align)

    return lanes(array, types.uint64), codegen


@intrinsic
def store(typingctx: Any, lanes: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    """Put the lanes where `load` finds them."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = _pointer(context, builder, sig.args[1], args[1], args[2], lanes.vector)
        builder.store(args[0], where, align=lanes.align)
        return context.get_dummy_value()

    return types.void(lanes, array, types.uint64), codegen


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    """Return lanes that all hold the same byte, float or double."""
    lanes = _OF_NUMBER.get(value, LANES)

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], lanes.vector.count)

    return lanes(types.uint8 if lanes is LANES else value), codegen


@intrinsic
def plus_product(typingctx: Any, lanes: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return ``lanes + a * b`` of floats or doubles, rounded once where the processor can."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        product = builder.fmul(args[1], args[2], flags=("contract",))
        return builder.fadd(args[0], product, flags=("contract",))

    return lanes(lanes, lanes, lanes), codegen


@intrinsic
def total(typingctx: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return the sum of eight doubles: of pairs, of pairs of pairs, of all."""

    def codegen(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        rest, i32 = args[0], ir.IntType(32)
        for n in (4, 2, 1):
            halves = [
                builder.shuffle_vector(
                    rest,
                    ir.Constant(rest.type, ir.Undefined),
                    ir.Constant(ir.VectorType(i32, n), list(range(first, first + n))),
                )
                for first in (0, n)
            ]
            rest = builder.fadd(*halves)
        return builder.extract_element(rest, i32(0))

    return types.float64(DOUBLES), codegen


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
