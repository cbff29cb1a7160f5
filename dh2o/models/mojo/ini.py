"""``model.ini``: keys and values, column names, and which column has which levels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.errors import MojoError

__all__ = ["ModelIni", "escaped", "java_text", "read_ini", "unescaped"]

_MAX_COLUMNS = 1_000_000
# What Java calls a line end and a blank; Python knows more of both.
_LINE_END = re.compile("\r\n|\n|\r")
_BLANKS = "".join(map(chr, range(33)))
Domain = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ModelIni:
    """What ``model.ini`` and the files of levels say."""

    info: dict[str, str]
    columns: tuple[str, ...]
    domains: tuple[Domain, ...]

    def text(self, key: str, default: str | None = None) -> str:
        """Return the value of `key`; ``null`` counts as absent."""
        value = self.info.get(key, "null")
        if value != "null":
            return value
        if default is None:
            raise MojoError(f"model.ini of the MOJO has no {key!r}.")
        return default

    def has(self, key: str) -> bool:
        """Return whether `key` has a value."""
        return self.info.get(key, "null") != "null"

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number."""
        text = self.text(key, None if default is None else str(default))
        try:
            return int(text)
        except ValueError:
            raise MojoError(f"model.ini: {key} = {text[:40]!r} is no whole number.") from None

    def count(self, key: str, most: int, default: int | None = None) -> int:
        """Return a whole number from 0 to `most`."""
        value = self.integer(key, default)
        if not 0 <= value <= most:
            raise MojoError(f"model.ini: {key} = {value} is not between 0 and {most}.")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number."""
        text = self.text(key, None if default is None else repr(default))
        try:
            return float(text)
        except ValueError:
            raise MojoError(f"model.ini: {key} = {text[:40]!r} is no number.") from None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self.text(key, str(default)).lower() == "true"

    def numbers(self, key: str, default: Sequence[float] | None = None) -> NDArray[np.float64]:
        """Return a list of numbers."""
        text = self.text(key, None if default is None else str(list(default)))
        if not (text.startswith("[") and text.endswith("]")):
            raise MojoError(f"model.ini: {key} = {text[:40]!r} is no list in square brackets.")
        inner = text[1:-1].strip()
        try:
            return np.array([float(part) for part in inner.split(",")] if inner else [], np.float64)
        except ValueError:
            raise MojoError(f"model.ini: {key} has an item that is no number.") from None

    def integers(self, key: str, default: Sequence[int] | None = None) -> list[int]:
        """Return a list of whole numbers."""
        values = self.numbers(key, default)
        if not (np.isfinite(values) & (values == np.floor(values))).all():
            raise MojoError(f"model.ini: {key} has an item that is no whole number.")
        return [int(value) for value in values]


def read_ini(archive: MojoArchive) -> ModelIni:
    """Return the description of the model in `archive`."""
    if "model.ini" not in archive:
        raise MojoError("This is no MOJO: the zip has no model.ini.")
    info: dict[str, str] = {}
    columns: list[str] = []
    files: dict[int, tuple[int, str]] = {}
    section = ""
    for raw in _LINE_END.split(archive.text("model.ini")):
        line = raw.strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        if line in ("[info]", "[columns]", "[domains]"):
            section = line
        elif section == "[info]":
            key, _, value = line.partition("=")
            info[key.strip()] = value.strip()
        elif section == "[columns]":
            columns.append(line)
        elif section == "[domains]":
            idx, n_levels, name = _domain_line(line)
            files[idx] = n_levels, name
    ini = ModelIni(info, tuple(columns), ())
    n_columns = ini.count("n_columns", _MAX_COLUMNS)
    if n_columns != len(columns):
        raise MojoError(f"model.ini announces {n_columns} columns and names {len(columns)}.")
    if len(set(columns)) != len(columns):
        raise MojoError("model.ini names a column twice.")
    is_escaped = ini.flag("escape_domain_values")
    domains: list[Domain] = [None] * n_columns
    for idx, (n_levels, name) in files.items():
        if 0 <= idx < n_columns:
            domains[idx] = _levels(archive, f"domains/{name}", n_levels, is_escaped)
    return ModelIni(info, tuple(columns), tuple(domains))


def _domain_line(line: str) -> tuple[int, int, str]:
    """``2: 3 d000.txt``: column number, number of levels, file."""
    head, _, rest = line.partition(":")
    parts = rest.split()
    try:
        return int(head), int(parts[0]), parts[1]
    except (ValueError, IndexError):
        raise MojoError(f"model.ini: {line[:80]!r} does not describe levels.") from None


def _levels(archive: MojoArchive, name: str, n_levels: int, is_escaped: bool) -> tuple[str, ...]:
    text = archive.text(name)
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    if len(lines) != n_levels:
        raise MojoError(f"{name} of the MOJO has {len(lines)} levels, not {n_levels}.")
    return tuple(unescaped(line) for line in lines) if is_escaped else tuple(lines)


def escaped(text: str) -> str:
    """Return `text` as one line: backslashes and line ends escaped."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def unescaped(line: str) -> str:
    """Return the text that `escaped` made a line of."""
    if "\\" not in line:
        return line
    out, chars = [], iter(line)
    for char in chars:
        if char == "\\":
            char = next(chars, "")
            char = {"n": "\n", "r": "\r"}.get(char, char)
        out.append(char)
    return "".join(out)


def java_text(value: Any) -> str:
    """Return `value` as H2O writes it into ``model.ini``."""
    if value is None:
        return "null"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return _java_double(float(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, str):
        if "\n" in value or "\r" in value:
            raise MojoError(f"A MOJO cannot hold the text {value[:40]!r}: it has a line end.")
        return value
    if isinstance(value, Iterable):
        return "[" + ", ".join(java_text(item) for item in value) + "]"
    raise MojoError(f"A MOJO cannot hold a {type(value).__name__} in model.ini.")


def _java_double(value: float) -> str:
    """Return the digits of ``Double.toString``: always a point, E notation outside 1e-3..1e7."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        if "e" not in text:
            return text if "." in text else text + ".0"
    mantissa, _, exponent = f"{value!r}".partition("e")
    if exponent:
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"
    return _scientific(mantissa)


def _scientific(text: str) -> str:
    """Return plain digits in E notation."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, fraction = digits.partition(".")
    if whole.strip("0"):
        exponent = len(whole) - 1
        figures = whole + fraction
    else:
        exponent = -(len(fraction) - len(fraction.lstrip("0")) + 1)
        figures = fraction.lstrip("0")
    figures = figures.rstrip("0") or "0"
    return f"{sign}{figures[0]}.{figures[1:] or '0'}E{exponent}"
