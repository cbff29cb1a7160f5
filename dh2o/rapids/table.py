"""The one table of primitives: symbol, parameters with their types, and what each does.

    @primitive("h2o.runif", "frame:frame seed:num?", "Random numbers ...")
    def runif(env: Env, frame: Table, seed: float | None) -> Val: ...

The signature line is the whole truth: arguments are counted, evaluated and converted by it, the
error messages quote it, and the reference page is written from it. After the type, `?` marks an
argument that may be left out (or given as ``_``), `*` one that takes all the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.rapids.tree import Id, Node, NumList, Str, StrList
from dh2o.rapids.values import (
    Val,
    ValFrame,
    ValFun,
    ValKeyed,
    ValNum,
    ValNums,
    ValRow,
    ValStr,
    ValStrs,
)

if TYPE_CHECKING:
    pass

__all__ = ["PRIMITIVES", "Parameter", "Primitive", "primitive", "reference_page", "register"]

RAW = {"id", "node"}  # types whose argument is not evaluated
LARGEST_WHOLE = 2.0**63  # seeds are words of 64 bits
UNLISTED = {"str", "frame", "num", "int", "bool"}  # types for which [] can only mean "not given"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a primitive."""

    name: str
    type: str
    optional: bool = False
    rest: bool = False

    @property
    def form(self) -> str:
        """How it stands in the form of its primitive."""
        return f"{self.name}..." if self.rest else f"[{self.name}]" if self.optional else self.name


@dataclass(frozen=True, slots=True)
class Primitive:
    """A function of the language."""

    symbol: str
    parameters: tuple[Parameter, ...]
    doc: str
    function: Callable[..., Val]
    group: str

    @property
    def form(self) -> str:
        """How it is written, as ``(mean frame na_rm [axis])``."""
        words = [self.symbol, *(p.form for p in self.parameters)]
        return "(" + " ".join(words) + ")"

    def parameter(self, position: int) -> Parameter:
        """Return the parameter that argument `position` belongs to."""
        if position < len(self.parameters):
            return self.parameters[position]
        if self.parameters and self.parameters[-1].rest:
            return self.parameters[-1]
        raise self.arity_error(position + 1)

    def check_arity(self, n_args: int) -> None:
        """Raise unless a call with `n_args` arguments is possible."""
        needed = 0  # what stands before a needed argument is given too, if only as _ or []
        for i, parameter in enumerate(self.parameters):
            if not (parameter.optional or parameter.rest):
                needed = i + 1
        most = math.inf if any(p.rest for p in self.parameters) else len(self.parameters)
        if not needed <= n_args <= most:
            raise self.arity_error(n_args)

    def arity_error(self, n_args: int) -> RapidsError:
        """Return the error for a wrong number of arguments."""
        return RapidsError(
            f"Incorrect number of arguments; '{self.symbol}' is written {self.form} "
            f"but was passed {n_args} arguments."
        )

    def convert(self, position: int, value: Any) -> Any:
        """Return an evaluated argument as the function wants it."""
        parameter = self.parameter(position)
        if value is None:
            return None
        if parameter.optional and parameter.type in UNLISTED and _is_empty_list(value):
            return None  # the Python client writes [] for None
        converter = CONVERTERS.get(parameter.type)
        try:
            return value if converter is None else converter(value)
        except _WrongTypeError as error:
            got = str(error) or f"a {getattr(value, 'kind', type(value).__name__)}"
            raise RapidsError(
                f"{self.form}: argument '{parameter.name}' must be {NAMES[parameter.type]}, "
                f"found {got}."
            ) from None


class _WrongTypeError(Exception):
    """The value is not of the parameter's type; its text, if any, says what it is."""


def _is_empty_list(value: Any) -> bool:
    return isinstance(value, ValNums) and not len(value)


def _frame(value: Val) -> Any:
    if isinstance(value, ValFrame):
        return value.table
    raise _WrongTypeError


def _frame_or_row(value: Val) -> Any:
    if isinstance(value, ValFrame | ValRow):
        return value
    raise _WrongTypeError


def _number(value: Val) -> float:
    if isinstance(value, ValNum):
        return value.value
    if isinstance(value, ValNums) and len(value) == 1:
        return float(value.values[0])
    raise _WrongTypeError


def _whole(value: Val) -> int:
    number = _number(value)
    if not (abs(number) <= LARGEST_WHOLE and number == int(number)):
        raise _WrongTypeError(f"{number:g}")
    return int(number)


def _boolean(value: Val) -> bool:
    return _number(value) not in (0.0,)


def _string(value: Val) -> str:
    if isinstance(value, ValStr):
        return value.value
    if isinstance(value, ValStrs) and len(value.values) == 1:
        return value.values[0]
    raise _WrongTypeError


def _numbers(value: Val) -> np.ndarray:
    if isinstance(value, ValNums):
        return value.values
    if isinstance(value, ValNum):
        return np.array([value.value])
    raise _WrongTypeError


def _strings(value: Val) -> tuple[str, ...]:
    if isinstance(value, ValStrs):
        return value.values
    if isinstance(value, ValStr):
        return (value.value,)
    if isinstance(value, ValNums) and not len(value):
        return ()
    raise _WrongTypeError


def _selector(value: Val) -> Any:
    if isinstance(value, ValNum):
        return ValNums.of([value.value])
    if isinstance(value, ValStr):
        return ValStrs((value.value,))
    if isinstance(value, ValNums | ValStrs):
        return value
    raise _WrongTypeError


def _function(value: Val) -> ValFun:
    if isinstance(value, ValFun):
        return value
    raise _WrongTypeError


def _model(value: Val) -> Any:
    if isinstance(value, ValKeyed):
        return value.value
    raise _WrongTypeError


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "frame": _frame,
    "frame|row": _frame_or_row,
    "num": _number,
    "int": _whole,
    "bool": _boolean,
    "str": _string,
    "nums": _numbers,
    "strs": _strings,
    "cols": _selector,
    "fun": _function,
    "model": _model,
}
NAMES = {
    "frame": "a frame",
    "frame|row": "a frame or a row",
    "num": "a number",
    "int": "a whole number",
    "bool": "a number",
    "str": "a string",
    "nums": "a list of numbers",
    "strs": "a list of strings",
    "cols": "column numbers or names",
    "fun": "a function",
    "model": "a model",
    "any": "any value",
    "id": "a name",
    "node": "an expression",
}

PRIMITIVES: dict[str, Primitive] = {}


def _parameter(text: str) -> Parameter:
    name, _, kind = text.partition(":")
    mark = kind[-1] if kind[-1] in "?*" else ""
    return Parameter(name, kind.rstrip("?*"), mark == "?", mark == "*")


def register(
    symbols: str | Iterable[str], signature: str, doc: str, function: Callable[..., Val]
) -> None:
    """Add a primitive under one or several symbols; layers above add those that take models."""
    group = function.__module__.rsplit(".", 1)[-1].removeprefix("prim_")
    parameters = tuple(_parameter(word) for word in signature.split())
    for p in parameters:
        if p.type not in NAMES:
            raise ValueError(f"Unknown parameter type {p.type!r} in {signature!r}")
    for symbol in [symbols] if isinstance(symbols, str) else symbols:
        PRIMITIVES[symbol] = Primitive(symbol, parameters, doc, function, group)


def primitive(
    symbols: str | Sequence[str], signature: str, doc: str
) -> Callable[[Callable[..., Val]], Callable[..., Val]]:
    """Register the decorated function ``f(env, *arguments)``."""

    def decorate(function: Callable[..., Val]) -> Callable[..., Val]:
        register(symbols, signature, doc, function)
        return function

    return decorate


def raw_argument(parameter: Parameter, node: Node) -> Any:
    """Return an unevaluated argument: the node itself, or the text of an id."""
    if parameter.type == "node":
        return node
    if isinstance(node, Id):
        return node.name
    if isinstance(node, Str):
        return node.value
    raise RapidsError(f"Expected a name for '{parameter.name}', found {type(node).__name__}.")


def is_placeholder(node: Node) -> bool:
    """Return True for ``_`` and ``"_"``: the argument is not given."""
    return (isinstance(node, Id) and node.name == "_") or (
        isinstance(node, Str) and node.value == "_"
    )


def literal_value(node: Node) -> Val | None:
    """Return the value of a list node, which needs no environment."""
    if isinstance(node, NumList):
        return ValNums(node)
    if isinstance(node, StrList):
        return ValStrs(node.values)
    return None


def reference_page() -> str:
    """Return the reference of all primitives in Markdown."""
    lines = ["# Rapids primitives", "", "Written from the table of primitives; do not edit.", ""]
    groups: dict[str, list[Primitive]] = {}
    for prim in PRIMITIVES.values():
        groups.setdefault(prim.group, []).append(prim)
    for group, prims in sorted(groups.items()):
        lines += [f"## {group.capitalize()}", "", "| form | what it gives |", "|---|---|"]
        for prim in sorted(prims, key=lambda p: p.symbol):
            form = prim.form.replace("|", "\\|")
            lines.append(f"| `{form}` | {prim.doc} |")
        lines.append("")
    return "\n".join(lines)
