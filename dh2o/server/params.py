"""From the texts of a request to typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import ParameterError

from .schemas.base import Key
from .texts import parse_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .schemas.base import Schema

__all__ = ["parse_value", "read_schema"]

#: Parameters that every route takes.
COMMON = frozenset({"_exclude_fields", "_include_fields", "_method", "_rest_version"})

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
    if lower in _FALSE or lower in ("", "null", "none"):
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
