"""Names of Arrow types, both ways: ``str(type)`` is stored in a Vec, and read back here."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from dh2o.errors import FrameError

_PATTERN = re.compile(
    r"(?P<kind>timestamp|duration|time32|time64|fixed_size_binary)"
    r"\[(?P<arg>\w+)(?:, tz=(?P<tz>[^\]]+))?\]$"
)
_DECIMAL = re.compile(r"decimal(?P<bits>32|64|128|256)\((?P<precision>\d+), (?P<scale>-?\d+)\)$")
_DICTIONARY = re.compile(
    r"dictionary<values=(?P<values>.+), indices=(?P<indices>\w+), ordered=(?P<o>[01])>$"
)


@lru_cache(maxsize=512)
def type_from_name(name: str) -> Any:
    """Return the Arrow type whose ``str`` is `name`."""
    plain = _plain_types().get(name)
    if plain is not None:
        return plain
    if match := _PATTERN.match(name):
        return _parametric(match["kind"], match["arg"], match["tz"])
    if match := _DECIMAL.match(name):
        import pyarrow as pa

        make = getattr(pa, f"decimal{match['bits']}")
        return make(int(match["precision"]), int(match["scale"]))
    if match := _DICTIONARY.match(name):
        import pyarrow as pa

        values, indices = type_from_name(match["values"]), type_from_name(match["indices"])
        return pa.dictionary(indices, values, ordered=match["o"] == "1")
    raise FrameError(f"Arrow type {name!r} is not one that a frame keeps.")


def empty_array(kind: Any) -> Any:
    """Return an array of no rows."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):  # pyarrow makes no dictionary of views by itself
        indices, values = pa.array([], kind.index_type), pa.array([], kind.value_type)
        return pa.DictionaryArray.from_arrays(indices, values, ordered=kind.ordered)
    return pa.array([], kind)


def _parametric(kind: str, arg: str, tz: str | None) -> Any:
    import pyarrow as pa

    if kind == "timestamp":
        return pa.timestamp(arg, tz=tz)
    if kind == "fixed_size_binary":
        return pa.binary(int(arg))
    return getattr(pa, kind)(arg)


@lru_cache(maxsize=1)
def _plain_types() -> dict[str, Any]:
    import pyarrow as pa

    names = (
        "null bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
        "date32 date64 string large_string string_view uuid"
    )
    types = [getattr(pa, name)() for name in names.split() if hasattr(pa, name)]
    return {str(kind): kind for kind in types}
