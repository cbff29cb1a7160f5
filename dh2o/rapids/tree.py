"""The expression tree: what the text of a client and the operators of an H2OFrame both become.

Nodes are immutable values. A tree may share nodes (Python expressions do), so it is a directed
acyclic graph; `n_nodes` counts a node once for each use, and is what the size limit bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "Apply",
    "Id",
    "Lambda",
    "Literal",
    "Node",
    "Num",
    "NumList",
    "Str",
    "StrList",
    "text_of",
]


class Node:
    """One expression. `position` is its place in the text, or -1 when it was built by Python."""

    __slots__ = ()
    position: int = -1


@dataclass(frozen=True, slots=True)
class Num(Node):
    """A number."""

    value: float
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Str(Node):
    """A quoted string."""

    value: str
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class Id(Node):
    """A name: of a primitive, a constant, a frame or a function's argument."""

    name: str
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class NumList(Node):
    """Numbers as spans (base, count, stride): base, base + stride, ... `count` numbers each."""

    spans: tuple[tuple[float, int, float], ...]
    position: int = field(default=-1, compare=False)

    @classmethod
    def of(cls, values: Iterable[float]) -> NumList:
        """Return the list of single `values`."""
        return cls(tuple((float(v), 1, 1.0) for v in values))

    @classmethod
    def range(cls, start: int, stop: int, step: int = 1) -> NumList:
        """Return the list start, start + step, ... below `stop`."""
        count = max(0, -(-(stop - start) // step))
        if count == 0:
            return cls(())
        return cls(((float(start), count, float(step) if count > 1 else 1.0),))

    def __len__(self) -> int:
        return sum(count for _, count, _ in self.spans)

    def expand(self) -> np.ndarray:
        """Return all numbers as float64."""
        if not self.spans:
            return np.empty(0)
        if all(count == 1 for _, count, _ in self.spans):
            return np.array([base for base, _, _ in self.spans], dtype=np.float64)
        return np.concatenate(
            [
                base + stride * np.arange(count, dtype=np.float64)
                for base, count, stride in self.spans
            ]
        )


@dataclass(frozen=True, slots=True)
class StrList(Node):
    """A list of quoted strings."""

    values: tuple[str, ...]
    position: int = field(default=-1, compare=False)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """A function `{ params . body }`; it sees the names of the place where it stands."""

    params: tuple[str, ...]
    body: Node
    position: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Apply(Node):
    """The first expression, a function, applied to the others."""

    function: Node
    args: tuple[Node, ...]
    position: int = field(default=-1, compare=False)
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        below = max((getattr(node, "depth", 0) for node in self.args), default=0)
        object.__setattr__(self, "depth", below + 1)

    @classmethod
    def call(cls, symbol: str, *args: object) -> Apply:
        """Return the application of primitive `symbol` to `args` (nodes or Python values)."""
        return cls(Id(symbol), tuple(to_node(arg) for arg in args))


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A value that is already there (a frame, say): how Python puts data into a tree."""

    value: Any
    position: int = field(default=-1, compare=False)


def to_node(value: object) -> Node:
    """Return `value` as a node: numbers, strings, lists of either, None (the empty list)."""
    if isinstance(value, Node):
        return value
    if value is None:
        return NumList(())
    if isinstance(value, bool | np.bool_):
        return Num(1.0 if value else 0.0)
    if isinstance(value, int | float | np.integer | np.floating):
        return Num(float(value))
    if isinstance(value, str):
        return Str(value)
    if isinstance(value, range):
        return NumList.range(value.start, value.stop, value.step)
    if isinstance(value, Sequence | np.ndarray):
        if len(value) and all(isinstance(v, str) for v in value):
            return StrList(tuple(value))
        return NumList.of(value)
    return Literal(value)


def _number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == math.floor(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _quoted(value: str) -> str:
    out = []
    for char in value:
        if char in "\\'\"":
            out.append("\\" + char)
        elif char in "\n\t\r\f\b":
            out.append({"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f", "\b": "\\b"}[char])
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def _leaf_text(node: Node) -> str:
    if isinstance(node, Num):
        return _number_text(node.value)
    if isinstance(node, Str):
        return _quoted(node.value)
    if isinstance(node, Id):
        return node.name
    if isinstance(node, NumList):
        return "[" + " ".join(_span_text(span) for span in node.spans) + "]"
    if isinstance(node, StrList):
        return "[" + " ".join(_quoted(v) for v in node.values) + "]"
    key = getattr(getattr(node, "value", None), "key", None)
    return str(key or "<frame>")


def _span_text(span: tuple[float, int, float]) -> str:
    base, count, stride = span
    text = _number_text(base)
    if count != 1:
        text += f":{count}"
        if stride != 1:
            text += f":{_number_text(stride)}"
    return text


def text_of(node: Node) -> str:
    """Return the Rapids text of a tree; parsing it gives an equal tree (frames show their key)."""
    out: list[str] = []
    todo: list[Node | str] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Apply):
            todo.append(")")
            for child in reversed((item.function, *item.args)):
                todo.extend((child, " "))
            todo.pop()
            todo.append("(")
        elif isinstance(item, Lambda):
            todo.extend(("}", item.body, "{" + "".join(p + " " for p in item.params) + ". "))
        else:
            out.append(_leaf_text(item))
    return "".join(out)
