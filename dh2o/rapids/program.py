"""Formulas compiled to a straight list of steps, and run over the tiles of a block.

A tile is 64 k rows: the buffers of a few steps stay in a core's cache, so a chain of operations
reads memory once. Shared parts are computed once. Buffers are reused as soon as nobody needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from dh2o.rapids.columns import Const, Expr, Local, Op, Stored
from dh2o.rapids.kernels import BINARY, F64, UNARY

__all__ = ["TILE_ROWS", "Program", "compile_exprs", "tile_op"]

TILE_ROWS = 1 << 16

TileFunction = Callable[..., Any]
_TILE_OPS: dict[str, TileFunction] = {}
_MAY_FAIL: set[str] = set()


def tile_op(name: str, may_fail: bool = False) -> Callable[[TileFunction], TileFunction]:
    """Register ``f(operands, params, n_rows) -> array``, which makes an array of its own.

    `may_fail` says that there are values for which it raises an error.
    """

    def register(function: TileFunction) -> TileFunction:
        _TILE_OPS[name] = function
        if may_fail:
            _MAY_FAIL.add(name)
        return function

    return register


def may_fail(expr: Expr) -> bool:
    """Whether there are values for which a formula raises an error."""
    if not isinstance(expr, Op):
        return False
    _load_tile_ops()
    return expr.name in _MAY_FAIL or any(may_fail(arg) for arg in expr.args)


@cache
def _load_tile_ops() -> None:
    """Import the modules whose operations a program may name (a worker starts with none)."""
    from dh2o.rapids import row_numbers, tile_ops, tile_strings, tile_times  # noqa: F401


def _tile_op(name: str) -> TileFunction:
    if name not in _TILE_OPS:
        _load_tile_ops()
    return _TILE_OPS[name]


class Tiles(Protocol):
    """What a program reads: a Block, or columns in this process."""

    n_rows: int

    def read(self, source: int, kind: str, start: int, stop: int, out: F64) -> Any: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One operation. `args` are value numbers or constants (in a tuple); buffer -1: own array."""

    name: str
    args: tuple[int | tuple[float], ...]
    params: tuple[Any, ...]
    buffer: int


@dataclass(frozen=True, slots=True)
class Program:
    """Steps that compute `outputs` (value numbers, or constants) from `kinds` sources."""

    kinds: tuple[str, ...]
    buffers: tuple[int, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int | tuple[float], ...]
    n_buffers: int

    def tiles(self, block: Tiles) -> Iterator[tuple[int, int, list[Any]]]:
        """Yield (start, stop, outputs) of every tile; the arrays are overwritten by the next."""
        size = min(TILE_ROWS, block.n_rows)
        memory = np.empty((self.n_buffers, size))
        with np.errstate(all="ignore"):
            for start in range(0, block.n_rows, TILE_ROWS):
                stop = min(start + TILE_ROWS, block.n_rows)
                yield start, stop, self._run(block, start, stop, memory[:, : stop - start])

    def _run(self, block: Tiles, start: int, stop: int, memory: Any) -> list[Any]:
        values: list[Any] = []
        for i, (kind, buffer) in enumerate(zip(self.kinds, self.buffers, strict=True)):
            values.append(block.read(i, kind, start, stop, memory[buffer]))
        for step in self.steps:
            args = [a[0] if isinstance(a, tuple) else values[a] for a in step.args]
            values.append(_apply(step, args, memory, stop - start))
        return [
            np.full(stop - start, o[0]) if isinstance(o, tuple) else values[o] for o in self.outputs
        ]


def _apply(step: Step, args: list[Any], memory: Any, n_rows: int) -> Any:
    kernel = BINARY.get(step.name) or UNARY.get(step.name)
    if kernel is not None and step.buffer >= 0:
        return kernel(*args, out=memory[step.buffer])
    return _tile_op(step.name)(args, step.params, n_rows)


@dataclass(slots=True)
class Compiled:
    """A program and the leaves it reads, in the order of its sources."""

    program: Program
    sources: tuple[Stored | Local, ...]


def compile_exprs(outputs: Sequence[Expr]) -> Compiled:
    """Return the program of some formulas."""
    compiler = _Compiler()
    numbers = [compiler.number(expr) for expr in outputs]
    return compiler.finish(numbers)


class _Compiler:
    """Numbers every distinct leaf and operation once, operands before operations."""

    def __init__(self) -> None:
        self.sources: list[Stored | Local] = []
        self._source_of: dict[Any, int] = {}
        self._steps: list[tuple[Op, tuple[int | tuple[float], ...]]] = []
        self._step_of: dict[int, int] = {}
        self._keep: list[Expr] = []  # ids stay valid while the objects live

    def number(self, expr: Expr) -> int | tuple[float]:
        """Return the value number of `expr`: sources are negative until `finish`."""
        todo = [expr]
        while todo:
            top = todo[-1]
            missing = [a for a in _args(top) if self._known(a) is None]
            if missing:
                todo.extend(missing)
                continue
            todo.pop()
            if self._known(top) is None:
                self._add(top)
        found = self._known(expr)
        return found if found is not None else (np.nan,)

    def _known(self, expr: Expr) -> int | tuple[float] | None:
        if isinstance(expr, Const):
            return (expr.value,)
        if isinstance(expr, Op):
            return self._step_of.get(id(expr))
        return self._source_of.get(_identity(expr))

    def _add(self, expr: Expr) -> None:
        self._keep.append(expr)
        if isinstance(expr, Op):
            args = tuple(known for a in expr.args if (known := self._known(a)) is not None)
            self._step_of[id(expr)] = len(self._steps)
            self._steps.append((expr, args))
        elif not isinstance(expr, Const):
            self._source_of[_identity(expr)] = -1 - len(self.sources)
            self.sources.append(expr)

    def finish(self, outputs: list[int | tuple[float]]) -> Compiled:
        n_sources = len(self.sources)

        def final(number: int | tuple[float]) -> int | tuple[float]:
            if isinstance(number, tuple):
                return number
            return -1 - number if number < 0 else n_sources + number

        args = [tuple(final(a) for a in step_args) for _, step_args in self._steps]
        outs = tuple(final(o) for o in outputs)
        buffers, n_buffers = _allocate(n_sources, [op for op, _ in self._steps], args, outs)
        steps = tuple(
            Step(op.name, args[i], op.params, buffers[n_sources + i])
            for i, (op, _) in enumerate(self._steps)
        )
        kinds = tuple(s.kind if isinstance(s, Stored) else _local_kind(s) for s in self.sources)
        program = Program(kinds, tuple(buffers[:n_sources]), steps, outs, n_buffers)
        return Compiled(program, tuple(self.sources))


def _args(expr: Expr) -> tuple[Expr, ...]:
    return expr.args if isinstance(expr, Op) else ()


def _identity(expr: Stored | Local) -> Any:
    if isinstance(expr, Stored):
        return (expr.ref[0].uid, expr.ref[1], expr.kind)
    return id(expr)


def _local_kind(leaf: Local) -> str:
    return "number" if isinstance(leaf.values, np.ndarray) else "string"


def _allocate(
    n_sources: int,
    ops: Sequence[Op],
    args: Sequence[tuple[int | tuple[float], ...]],
    outputs: Sequence[int | tuple[float]],
) -> tuple[list[int], int]:
    """Return each value's buffer (-1: makes its own array) and how many buffers there are.

    A buffer is free again after the last step that reads it; sources are all read first.
    """
    n_values = n_sources + len(ops)
    last_use = [-1] * n_values
    for at, step_args in enumerate(args):
        for arg in step_args:
            if not isinstance(arg, tuple):
                last_use[arg] = at
    for out in outputs:
        if not isinstance(out, tuple):
            last_use[out] = len(ops)
    buffers = list(range(n_sources)) + [-1] * len(ops)
    free: list[int] = []
    n_buffers = n_sources
    for at, op in enumerate(ops):
        if op.name in BINARY or op.name in UNARY:
            if not free:
                free.append(n_buffers)
                n_buffers += 1
            buffers[n_sources + at] = free.pop()
        ended = (a for a in set(args[at]) if not isinstance(a, tuple) and last_use[a] == at)
        free.extend(buffers[a] for a in ended if buffers[a] >= 0)
    return buffers, n_buffers
