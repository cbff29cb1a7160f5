"""Evaluation of a tree in a session: names, functions, and the call of primitives.

The evaluator keeps its own stack for the arguments of primitives, so long chains of operations
do not become deep Python calls. Only functions of the language and arguments that a primitive
evaluates itself (both branches of ``ifelse``, say) call it again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dh2o.errors import RapidsError
from dh2o.rapids.table import (
    PRIMITIVES,
    RAW,
    Primitive,
    is_placeholder,
    literal_value,
    raw_argument,
)
from dh2o.rapids.tree import Apply, Id, Lambda, Literal, Node, Num, Str
from dh2o.rapids.values import Val, ValFrame, ValFun, ValKeyed, ValNum, ValStr

if TYPE_CHECKING:
    from dh2o.mrtask import Engine
    from dh2o.rapids.session import Session

__all__ = ["CONSTANTS", "Env", "Scope"]

CONSTANTS = {
    "TRUE": 1.0,
    "True": 1.0,
    "true": 1.0,
    "FALSE": 0.0,
    "False": 0.0,
    "false": 0.0,
    "NaN": math.nan,
    "NA": math.nan,
    "nan": math.nan,
    "PI": math.pi,
    "Pi": math.pi,
}
MAX_CALLS = 60  # functions of the language that may be under way inside one another


@dataclass(frozen=True, slots=True)
class Scope:
    """The arguments of a function, and those of the functions around it."""

    names: dict[str, Val]
    outer: Scope | None = None

    def find(self, name: str) -> Val | None:
        """Return the innermost value of `name`."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None


@dataclass(slots=True)
class _Call:
    """A primitive whose arguments are being evaluated."""

    node: Apply
    prim: Primitive
    args: list[Any] = field(default_factory=list)


class Env:
    """What an expression can see: the session's frames, and the arguments of functions."""

    __slots__ = ("_n_calls", "scope", "session")

    def __init__(self, session: Session, scope: Scope | None = None, n_calls: int = 0) -> None:
        self.session = session
        self.scope = scope
        self._n_calls = n_calls

    @property
    def engine(self) -> Engine:
        """The engine that the session's frames lie on."""
        return self.session.engine

    def evaluate(self, node: Node) -> Val:
        """Return the value of an expression."""
        stack: list[_Call] = []
        value: Any = self._begin(node, stack)
        while stack:
            call = stack[-1]
            if value is not None:
                call.args.append(call.prim.convert(len(call.args), value))
                value = None
            if len(call.args) == len(call.node.args):
                stack.pop()
                value = self._run(call)
                continue
            value = self._next_argument(call, stack)
        if value is None:
            raise RapidsError("An argument that is not given ('_') is no expression.")
        return value

    def _next_argument(self, call: _Call, stack: list[_Call]) -> Val | None:
        """Evaluate the next argument, or push its call; None when nothing is ready yet."""
        node = call.node.args[len(call.args)]
        parameter = call.prim.parameter(len(call.args))
        if parameter.type in RAW:
            call.args.append(raw_argument(parameter, node))
            return None
        if parameter.optional and is_placeholder(node):
            call.args.append(None)
            return None
        return self._begin(node, stack)

    def _begin(self, node: Node, stack: list[_Call]) -> Val | None:
        """Return the value of `node`, or push its call and return None."""
        if not isinstance(node, Apply):
            return self._leaf(node)
        function = self._function(node.function)
        if function.body is not None:
            return self.call(function, [self.evaluate(arg) for arg in node.args])
        prim = PRIMITIVES[function.name]
        prim.check_arity(len(node.args))
        stack.append(_Call(node, prim))
        return None

    def _run(self, call: _Call) -> Val:
        missing = len(call.prim.parameters) - len(call.args)
        if missing > 0 and not call.prim.parameters[-1].rest:
            call.args.extend([None] * missing)
        return call.prim.function(self, *call.args)

    def _leaf(self, node: Node) -> Val:
        listed = literal_value(node)
        if listed is not None:
            return listed
        if isinstance(node, Num):
            return ValNum(node.value)
        if isinstance(node, Str):
            return ValStr(node.value)
        if isinstance(node, Id):
            return self.lookup(node)
        if isinstance(node, Lambda):
            return ValFun("lambda", node, self.scope)
        if isinstance(node, Literal):
            return node.value if isinstance(node.value, ValKeyed) else ValFrame(node.value)
        raise RapidsError(f"Cannot evaluate {type(node).__name__}.")

    def _function(self, head: Node) -> ValFun:
        if isinstance(head, Id):
            found = self.scope.find(head.name) if self.scope else None
            if found is None and head.name in PRIMITIVES:
                return ValFun(head.name)
            value = found if found is not None else self.lookup(head)
        else:
            value = self.evaluate(head)
        if not isinstance(value, ValFun):
            where = f" at character {head.position}" if head.position >= 0 else ""
            raise RapidsError(f"Expected a function but found a {value.kind}{where}.")
        return value

    def lookup(self, node: Id) -> Val:
        """Return what a name stands for: argument, constant, stored frame or model, primitive."""
        name = node.name
        if self.scope is not None and (found := self.scope.find(name)) is not None:
            return found
        if name in CONSTANTS:
            return ValNum(CONSTANTS[name])
        stored = self.session.find(self.session.expand(name))
        if stored is not None:
            return stored
        if name in PRIMITIVES:
            return ValFun(name)
        where = f" at character {node.position}" if node.position >= 0 else ""
        raise RapidsError(f"Name lookup of '{name}' failed{where}.")

    def call(self, function: ValFun, args: list[Val]) -> Val:
        """Return the value of a function for evaluated arguments."""
        if self._n_calls >= MAX_CALLS:
            raise RapidsError(f"Functions are nested deeper than {MAX_CALLS} calls.")
        if function.body is None:
            prim = PRIMITIVES[function.name]
            prim.check_arity(len(args))
            converted = [prim.convert(i, arg) for i, arg in enumerate(args)]
            return self._run(_Call(Apply(Id(function.name), ()), prim, converted))
        params = function.body.params
        if len(params) != len(args):
            raise RapidsError(
                f"Incorrect number of arguments; a function of {len(params)} arguments "
                f"was passed {len(args)}."
            )
        scope = Scope(dict(zip(params, args, strict=True)), function.scope)
        return Env(self.session, scope, self._n_calls + 1).evaluate(function.body.body)
