"""From the texts of a request to typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import ParameterError

from .schemas.base import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .schemas.base import Schema

__all__ = ["parse_list", "parse_value", "read_schema"]

#: Parameters that every route takes.
COMMON = frozenset({"_exclude_fields", "_include_fields", "_method", "_rest_version"})

_MAX_DEPTH = 20
_TRUE, _FALSE = {"true", "1", "t", "yes"}, {"false", "0", "f", "no"}


def read_schema(schema: type[Schema], values: Mapping[str, Any]) -> Schema:
    """Return `schema` filled with `values`, or raise ParameterError on an unknown or bad one."""
    specs = schema.wire_fields()
    filled: dict[str, Any] = {}
    for name, value in values.items():
        if name in COMMON:
            continue
        spec = specs.get(name)
        if spec is None or spec["direction"] == "OUTPUT":
            known = ", ".join(sorted(n for n, s in specs.items() if s["direction"] != "OUTPUT"))
            raise ParameterError(f"Unknown parameter: {name}. Known here: {known or 'none'}.")
        filled[spec["attribute"]] = parse_value(name, spec["type"], value, spec["values"])
    for name, spec in specs.items():
        if spec["required"] and filled.get(spec["attribute"]) is None:
            raise ParameterError(f"Required parameter {name} is not given.")
    return schema(**filled)


def parse_value(name: str, type_: str, value: Any, choices: tuple[str, ...] = ()) -> Any:
    """Return `value` of the parameter `name` as the wire type `type_`."""
    if value is None:
        return None
    if type_.endswith("[]"):
        items = parse_list(value) if isinstance(value, str) else value
        if items is None:
            return None
        if not isinstance(items, list | tuple):
            items = [items]
        return [parse_value(name, type_[:-2], item) for item in items]
    if type_.startswith("Key<"):
        return _parse_key(type_[4:-1], value)
    if type_ == "ColSpecifierV3":
        return _parse_column(value)
    try:
        return _parse_scalar(type_, value, choices)
    except (ValueError, TypeError, OverflowError):
        expected = f"one of {', '.join(choices)}" if choices else type_
        raise ParameterError(f"{name}: expected {expected}, got {value!r}.") from None


def _parse_key(kind: str, value: Any) -> Key | None:
    if isinstance(value, dict):
        value = value.get("name")
    text = str(value).strip() if value is not None else ""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return Key(text, kind) if text and text != "null" else None


def _parse_column(value: Any) -> str | None:
    name = value.get("column_name") if isinstance(value, dict) else value
    return str(name) if name not in (None, "", "null") else None


def _parse_scalar(type_: str, value: Any, choices: tuple[str, ...]) -> Any:
    if type_ in ("string", "Polymorphic") or type_.startswith("Map<"):
        return value if not isinstance(value, str) or value != "null" else None
    text = str(value).strip()
    if type_ == "boolean":
        return _parse_boolean(text)
    if text in ("", "null"):
        return None
    if type_ in ("int", "long", "byte", "short"):
        return _parse_integer(text)
    if type_ in ("double", "float"):
        return float(text)
    if type_ == "enum" and choices:
        return _parse_choice(text, choices)
    return value


def _parse_boolean(text: str) -> bool:
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE or lower in ("", "null"):
        return False
    raise ValueError(text)


def _parse_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


def _parse_choice(text: str, choices: tuple[str, ...]) -> str:
    wanted = text.replace("_", "").lower()
    for choice in choices:
        if choice.replace("_", "").lower() == wanted:
            return choice
    raise ValueError(text)


def parse_list(text: str) -> list[Any] | None:
    """Return the list that a text such as ``[a, "b", [1]]`` spells; None for ``null``."""
    stripped = text.strip()
    if stripped in ("", "null", "None"):
        return None
    if not stripped.startswith("["):
        return [_unquote(stripped)]
    items, end = _list_at(stripped, 0, depth=0)
    if stripped[end:].strip():
        raise ParameterError(f"Text after the end of the list in {text[:80]!r}.")
    return items


def _list_at(text: str, start: int, depth: int) -> tuple[list[Any], int]:
    if depth > _MAX_DEPTH:
        raise ParameterError(f"Lists are nested more than {_MAX_DEPTH} deep.")
    items: list[Any] = []
    pos = start + 1
    while True:
        pos = _skip_blanks(text, pos)
        if pos >= len(text):
            raise ParameterError(f"The list {text[:80]!r} has no end: ']' is missing.")
        if text[pos] == "]":
            return items, pos + 1
        if text[pos] == ",":
            pos += 1
            continue
        item, pos = _item_at(text, pos, depth)
        items.append(item)


def _item_at(text: str, pos: int, depth: int) -> tuple[Any, int]:
    if text[pos] == "[":
        return _list_at(text, pos, depth + 1)
    if text[pos] in "'\"":
        return _quoted_at(text, pos)
    end = pos
    while end < len(text) and text[end] not in ",]":
        end += 1
    token = text[pos:end].strip()
    return (None if token == "null" else token), end


def _quoted_at(text: str, pos: int) -> tuple[str, int]:
    quote, out, end = text[pos], [], pos + 1
    while end < len(text) and text[end] != quote:
        if text[end] == "\\" and end + 1 < len(text) and text[end + 1] in "\\'\"":
            end += 1
        out.append(text[end])
        end += 1
    if end >= len(text):
        raise ParameterError(f"A quote in the list {text[:80]!r} is not closed.")
    return "".join(out), end + 1


def _skip_blanks(text: str, pos: int) -> int:
    while pos < len(text) and text[pos].isspace():
        pos += 1
    return pos


def _unquote(text: str) -> str:
    has_quotes = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if has_quotes else text
