"""Lists and maps as clients write them: ``[a, "b"]`` and ``{'a': [1, x]}``, or JSON."""

from __future__ import annotations

import json
from typing import Any

from dh2o.errors import ParameterError

__all__ = ["parse_list", "parse_map"]

_MAX_DEPTH = 20


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


def parse_map(name: str, value: Any) -> dict[str, Any]:
    """Return the map that the parameter `name` spells: JSON, or ``{'a': [1, x], 'b': 2}``."""
    if value is None or isinstance(value, dict):
        return dict(value or {})
    text = str(value).strip()
    if text in ("", "null", "None"):
        return {}
    try:
        return _map_of(text)
    except ParameterError as error:
        raise ParameterError(f"Can't parse the {name} dictionary: {error}") from None


def _map_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found, end = _value_at(text, 0, depth=0)
        if text[end:].strip():
            raise ParameterError("there is text after the end of the map.") from None
    if not isinstance(found, dict):
        raise ParameterError(f"expected a map such as {{'a': [1, 2]}}, got {text[:80]!r}.")
    return found


def _map_at(text: str, start: int, depth: int) -> tuple[dict[str, Any], int]:
    if depth > _MAX_DEPTH:
        raise ParameterError(f"Maps are nested more than {_MAX_DEPTH} deep.")
    found: dict[str, Any] = {}
    pos = start + 1
    while True:
        pos = _skip_blanks(text, pos)
        if pos >= len(text):
            raise ParameterError(f"The map {text[:80]!r} has no end: '}}' is missing.")
        if text[pos] == "}":
            return found, pos + 1
        if text[pos] == ",":
            pos += 1
            continue
        key, pos = _quoted_at(text, pos) if text[pos] in "'\"" else _word_at(text, pos, ":")
        pos = _skip_blanks(text, pos)
        if pos >= len(text) or text[pos] != ":":
            raise ParameterError(f"In the map {text[:80]!r} ':' is missing after {key!r}.")
        found[key.strip()], pos = _value_at(text, _skip_blanks(text, pos + 1), depth)


def _value_at(text: str, pos: int, depth: int) -> tuple[Any, int]:
    """Return the map, list, text, number or word that begins at `pos`."""
    if text[pos : pos + 1] == "{":
        return _map_at(text, pos, depth + 1)
    if text[pos : pos + 1] == "[":
        items: list[Any] = []
        pos = _skip_blanks(text, pos + 1)
        while pos < len(text) and text[pos] != "]":
            item, pos = _value_at(text, pos, depth + 1)
            items.append(item)
            pos = _skip_blanks(text, pos)
            pos = _skip_blanks(text, pos + 1) if text[pos : pos + 1] == "," else pos
        if depth > _MAX_DEPTH or pos >= len(text):
            raise ParameterError(f"A list in {text[:80]!r} has no end or is nested too deeply.")
        return items, pos + 1
    if text[pos : pos + 1] in ("'", '"'):
        return _quoted_at(text, pos)
    word, end = _word_at(text, pos, ",]}")
    return _plain_word(word.strip()), end


def _word_at(text: str, pos: int, ends: str) -> tuple[str, int]:
    end = pos
    while end < len(text) and text[end] not in ends:
        end += 1
    return text[pos:end], max(end, pos + (end == pos))


def _plain_word(word: str) -> Any:
    if word in ("true", "True", "false", "False"):
        return word in ("true", "True")
    if word in ("null", "None", ""):
        return None
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        pass
    if set(word) & set("(){"):
        raise ParameterError(f"{word[:40]!r} is no number and no name; lists are [1, 2].")
    return word


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
