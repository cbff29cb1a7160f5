"""Rapids text to a tree.

The grammar is small: applications ``(f a b)``, functions ``{x y . body}``, lists ``[1 2 3:4]`` or
``["a" "b"]``, strings, numbers and names. The parser keeps its own stack, so the depth of a text
never becomes the depth of Python's calls, and it bounds depth, length and number of nodes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import pairwise

from dh2o.errors import RapidsError
from dh2o.rapids.tree import Apply, Id, Lambda, Node, Num, NumList, Str, StrList

__all__ = ["MAX_DEPTH", "MAX_NODES", "MAX_TEXT", "RapidsSyntaxError", "parse"]

MAX_TEXT = 16 << 20  # characters: a client may send a list of a million row numbers
MAX_DEPTH = 400  # nested expressions; evaluation takes two Python calls a level
MAX_NODES = 2_000_000

_WHITESPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r"[^(){}\[\] \t\r\n\\\"']+")
_NUMBER_TOKEN = re.compile(r"[^:,(){}\[\] \t\r\n\\\"']+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)[dDfF]?\Z")
_IDENTIFIER = re.compile(r"[^\W\d][\w$]*\Z|[$_][\w$]*\Z")
_PLAIN_STRING = re.compile(r"[^\\\"']*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b", "'": "'", '"': '"', "\\": "\\"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}


class RapidsSyntaxError(RapidsError):
    """The text is not an expression."""

    def __init__(self, message: str, text: str, position: int) -> None:
        near = text[max(0, position - 20) : position + 20]
        super().__init__(f"{message} at character {position} of the expression, near {near!r}.")
        self.position = position


@dataclass(slots=True)
class _Open:
    """An application or function that is not closed yet."""

    kind: str  # "(" or "{"
    position: int
    parts: list[Node] = field(default_factory=list)
    params: tuple[str, ...] = ()


def parse(text: str) -> Node:
    """Return the tree of `text`, which must be exactly one expression."""
    if len(text) > MAX_TEXT:
        raise RapidsSyntaxError(f"Expression is longer than {MAX_TEXT} characters", text, MAX_TEXT)
    return _Parser(text).run()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._n_nodes = 0
        self._stack: list[_Open] = []

    def run(self) -> Node:
        while True:
            node = self._step()
            if node is None:
                continue
            self._count(1)
            if not self._stack:
                return self._end(node)
            self._stack[-1].parts.append(node)

    def _end(self, node: Node) -> Node:
        if self._skip() < len(self._text):
            raise self._error("Syntax error: illegal Rapids expression, text after its end")
        return node

    def _error(self, message: str, position: int | None = None) -> RapidsSyntaxError:
        return RapidsSyntaxError(message, self._text, self._at if position is None else position)

    def _count(self, n_nodes: int) -> None:
        self._n_nodes += n_nodes
        if self._n_nodes > MAX_NODES:
            raise self._error(f"Expression has more than {MAX_NODES} parts")

    def _skip(self) -> int:
        match = _WHITESPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _step(self) -> Node | None:
        """Read one piece: None when it only opened something, else a complete expression."""
        self._skip()
        char = self._peek()
        start = self._at
        if char == "(":
            self._open(_Open("(", start))
            return None
        if char == "{":
            self._open(_Open("{", start))
            self._stack[-1].params = self._params()
            return None
        if char in ")}" and char:
            return self._close(char)
        if char == "[":
            return self._list()
        if char in "\"'" and char:
            return Str(self._string(), start)
        if not char:
            raise self._error("Expected an expression but ran out of text")
        return self._number_or_id()

    def _open(self, opened: _Open) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(f"Expression is nested deeper than {MAX_DEPTH} levels")
        self._stack.append(opened)
        self._at += 1

    def _close(self, char: str) -> Node:
        if not self._stack or (self._stack[-1].kind == "(") != (char == ")"):
            raise self._error(f"Unexpected '{char}'")
        opened = self._stack.pop()
        self._at += 1
        if opened.kind == "{":
            if len(opened.parts) != 1:
                raise self._error("A function has exactly one expression as its body")
            return Lambda(opened.params, opened.parts[0], opened.position)
        if not opened.parts:
            raise self._error("Empty application '()': expected a function", opened.position)
        node = Apply(opened.parts[0], tuple(opened.parts[1:]), opened.position)
        return self._arrow(node)

    def _arrow(self, node: Apply) -> Node:
        """Return `node`, or for ``(expr)->id`` its assignment to a temporary."""
        if self._peek() != "-":
            return node
        if not self._text.startswith("->", self._at):
            raise self._error("Expected '->'")
        self._at += 2
        name = Id(self._token(), self._at)
        return Apply(Id("tmp=", node.position), (name, node), node.position)

    def _params(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            self._skip()
            if self._peek() == ".":
                self._at += 1
                return tuple(names)
            start = self._at
            name = self._token()
            if not _IDENTIFIER.match(name):
                raise self._error(
                    f"A function's argument must be an identifier, got {name!r}", start
                )
            names.append(name)
            self._count(1)

    def _token(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise self._error("Missing token")
        self._at = match.end()
        return match.group()

    def _number_or_id(self) -> Node:
        start = self._at
        token = self._token()
        if token.lower() == "nan":
            return Num(math.nan, start)
        if _NUMBER.match(token):
            return Num(_to_float(token), start)
        return Id(token, start)

    def _list(self) -> Node:
        start = self._at
        self._at += 1
        self._skip()
        node = self._strings(start) if self._peek() in ("'", '"') else self._numbers(start)
        if self._peek() != "]":
            raise self._error("Expected ']': a list has only strings or only numbers")
        self._at += 1
        return node

    def _comma(self) -> None:
        self._skip()
        if self._peek() == ",":
            self._at += 1

    def _strings(self, start: int) -> StrList:
        values: list[str] = []
        while True:
            self._skip()
            if self._peek() not in ("'", '"'):
                break
            values.append(self._string())
            self._count(1)
            self._comma()
        return StrList(tuple(values), start)

    def _numbers(self, start: int) -> NumList:
        spans: list[tuple[float, int, float]] = []
        while True:
            self._skip()
            if self._peek() in ("]", "", "'", '"'):
                break
            spans.append(self._span())
            self._count(1)
            self._comma()
        self._check_overlap(spans)
        return NumList(tuple(spans), start)

    def _span(self) -> tuple[float, int, float]:
        base = self._number()
        count, stride = 1.0, 1.0
        if self._colon():
            count = self._number()
            if not (count >= 1 and count == math.floor(count) and count < 2**53):
                raise self._error(f"Count must be a positive integer, got {count}")
        if self._colon():
            stride = self._number()
            if not stride >= 0:
                raise self._error(f"Stride must be positive, got {stride}")
        if count == 1 and stride != 1:
            raise self._error("If count is 1, then stride must be one (and ignored)")
        return base, int(count), stride

    def _colon(self) -> bool:
        self._skip()
        if self._peek() != ":":
            return False
        self._at += 1
        self._skip()
        return True

    def _number(self) -> float:
        match = _NUMBER_TOKEN.match(self._text, self._at)
        if match is None:
            raise self._error("Expected a number")
        token = match.group()
        if token.lower() != "nan" and not _NUMBER.match(token):
            raise self._error(f"Expected a number, got {token!r}")
        self._at = match.end()
        return _to_float(token)

    def _check_overlap(self, spans: list[tuple[float, int, float]]) -> None:
        if all(count == 1 for _, count, _ in spans):
            return
        ends = [(base, base + max((count - 1) * stride, 0.0)) for base, count, stride in spans]
        ends.sort()
        for (_, end), (begin, _) in pairwise(ends):
            if begin <= end:
                raise self._error("The ranges of a number list must not overlap")

    def _string(self) -> str:
        quote = self._peek()
        opened = self._at
        self._at += 1
        parts: list[str] = []
        while True:
            match = _PLAIN_STRING.match(self._text, self._at)
            if match:
                parts.append(match.group())
                self._at = match.end()
            char = self._peek()
            if not char:
                raise self._error("End of text in a string that is not closed", opened)
            self._at += 1
            if char == quote:
                return "".join(parts)
            parts.append(self._escape() if char == "\\" else char)

    def _escape(self) -> str:
        char = self._peek()
        if char in _ESCAPES and char:
            self._at += 1
            return _ESCAPES[char]
        n_digits = _HEX_DIGITS.get(char)
        if n_digits is None:
            raise self._error(f"Invalid escape sequence \\{char}")
        digits = self._text[self._at + 1 : self._at + 1 + n_digits]
        if len(digits) != n_digits or not re.fullmatch(r"[0-9a-fA-F]+", digits):
            raise self._error(f"Expected {n_digits} hexadecimal digits after \\{char}")
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._error(f"Illegal unicode codepoint {code}")
        self._at += 1 + n_digits
        return chr(code)


def _to_float(token: str) -> float:
    return float(token.rstrip("dDfF") if "Inf" not in token else token.rstrip("dDF"))
