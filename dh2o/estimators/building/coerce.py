"""Parameter values from what users and REST clients send: text, JSON, Python objects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_TRUE = frozenset({"true", "1", "t", "yes"})
_FALSE = frozenset({"false", "0", "f", "no"})
_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,\[\]]*?)\s*(?:,|$)""")
INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1


class CoercionError(ValueError):
    """A value cannot be read as the parameter's type; the text says what was expected."""


def is_absent(value: Any) -> bool:
    """Return whether `value` stands for “not given”: None, or the texts that REST uses for it."""
    return value is None or (isinstance(value, str) and value in ("", "null", "None"))


def to_boolean(value: Any) -> bool:
    """Return a boolean from a boolean, 0/1, or true/false in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise CoercionError(f"expected true or false, got {value!r}")


def to_number(value: Any) -> float:
    """Return a float from a number or its text; H2O's names of infinity and NaN included."""
    if isinstance(value, bool):
        raise CoercionError(f"expected a number, got {value!r}")
    if isinstance(value, str):
        value = value.strip().replace("Infinity", "inf")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise CoercionError(f"expected a number, got {value!r}") from None


def to_integer(value: Any, limit: int = INT_MAX) -> int:
    """Return an int from an int, an integral float, or the text of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        number: float | int = value
    elif isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
        number = int(value)
    else:
        number = to_number(value)
        if not math.isfinite(number) or number != int(number):
            raise CoercionError(f"expected a whole number, got {value!r}")
    if abs(number) > limit + 1:
        raise CoercionError(f"expected a whole number of at most {limit}, got {value!r}")
    return int(number)


def to_text(value: Any) -> str:
    """Return a string; objects that have a key (frames, models, columns) give their key."""
    for attribute in ("key", "frame_id", "model_id"):
        key = getattr(value, attribute, None)
        if isinstance(key, str):
            return key
    if isinstance(value, Mapping):
        for field in ("column_name", "name"):
            if field in value:
                return str(value[field])
    if not isinstance(value, str):
        raise CoercionError(f"expected a name, got {type(value).__name__}: {value!r}")
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return str(json.loads(text))
    return value


def enum_key(value: str) -> str:
    """Return `value` without case, underscores, blanks and hyphens, for comparison."""
    return re.sub(r"[\s_\-]", "", value).lower()


def to_enum(value: Any, values: Sequence[str]) -> str:
    """Return the member of `values` that is meant, whatever its case and underscores."""
    if isinstance(value, str):
        text = value.strip().strip("\"'")
        if text in values:
            return text
        wanted = enum_key(text)
        for known in values:
            if enum_key(known) == wanted:
                return known
    raise CoercionError(f"expected one of {', '.join(values)}, got {value!r}")


def to_list(value: Any, item: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return a tuple from a sequence, a scalar, or text: ``[a,b]``, ``["a","b"]``, ``a``."""
    return tuple(item(part) for part in _parts(value))


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, str):
        text = value.strip()
        if not (text.startswith("[") and text.endswith("]")):
            return [value]
        try:
            found = json.loads(text)
        except ValueError:
            return _split(text[1:-1])
        return found if isinstance(found, list) else [found]
    if isinstance(value, Mapping):
        return [value]
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple, set, frozenset, range)) else [value]


def _split(text: str) -> list[str]:
    """Return the items of ``a, "b,c", d`` (H2O's lists are not always JSON)."""
    if not text.strip():
        return []
    items, position = [], 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None or match.end() == position:
            raise CoercionError(f"expected a list, got {text!r}")
        item = match.group(1)
        if len(item) >= 2 and item[0] == item[-1] and item[0] in "\"'":
            item = item[1:-1].replace("\\" + item[0], item[0])
        items.append(item)
        position = match.end()
    return items


def to_nested_list(value: Any) -> tuple[tuple[str, ...], ...]:
    """Return a tuple of tuples of names from nested sequences or ``[["a","b"],["c"]]``."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            groups = re.findall(r"\[([^\[\]]*)\]", value)
            return tuple(tuple(_split(group)) for group in groups)
    if not isinstance(value, list | tuple):
        raise CoercionError(f"expected a list of lists of names, got {value!r}")
    return tuple(to_list(group, to_text) for group in value)


def to_number_map(value: Any) -> dict[str, float]:
    """Return {name: number} from a dict, or from H2O's list of ``{"key":…,"value":…}``."""
    if isinstance(value, str):
        try:
            value = json.loads(value.replace("'", '"'))
        except ValueError:
            raise CoercionError(f"expected a map of names to numbers, got {value!r}") from None
    if isinstance(value, Mapping):
        return {str(k): to_number(v) for k, v in value.items()}
    try:
        return {str(pair["key"]): to_number(pair["value"]) for pair in value}
    except (TypeError, KeyError):
        raise CoercionError(f"expected a map of names to numbers, got {value!r}") from None


#: A pair as H2O's client writes it, without quotes around its keys.
_NAMED_PAIR = re.compile(r'\ba:\s*"([^"]*)"\s*,\s*b:\s*"([^"]*)"')


def to_pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Return pairs of names from ``[("a","b"), …]`` or ``[{"a":…,"b":…}, …]``."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            named = _NAMED_PAIR.findall(value)
            value = named or [
                group.split(",") for group in re.findall(r"[\(\[]([^\(\[\]\)]*)[\)\]]", value)
            ]
    listed = isinstance(value, list | tuple) and bool(value)
    if listed and all(isinstance(item, str) and re.search(r"\b[ab]:", item) for item in value):
        # the client's {a: "x", b: "y"} has no quotes around its keys, and was cut at the commas
        value = _NAMED_PAIR.findall(",".join(value))
    if not isinstance(value, list | tuple):
        raise CoercionError(f"expected pairs of column names, got {value!r}")
    return tuple(_to_pair(pair) for pair in value)


def _to_pair(pair: Any) -> tuple[str, str]:
    names = [pair.get("a"), pair.get("b")] if isinstance(pair, Mapping) else pair
    if not isinstance(names, list | tuple) or len(names) != 2 or None in names:
        raise CoercionError(f"expected pairs of column names, got {pair!r}")
    first, second = (str(name).strip().strip("\"'") for name in names)
    return first, second
