"""ARFF: names, types and domains from the ``@attribute`` lines; the data are CSV."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dh2o.errors import ParseError
from dh2o.parse.lines import split_line
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID
from dh2o.parse.tokenise import decode_lenient

#: Lines of the header and comments start with these; the tokeniser skips them as it does comments.
MARKERS = "@%"
NA_STRING = "?"

_START = re.compile(rb"(?:\s*(?:%[^\r\n]*)?[\r\n]+)*\s*@(?:relation|attribute)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(.+?)\s*""", re.IGNORECASE
)
_TYPES = {
    "numeric": NUMERIC,
    "real": NUMERIC,
    "integer": NUMERIC,
    **dict.fromkeys(("int", "long", "float", "double"), NUMERIC),
    **dict.fromkeys(("enum", "categorical", "factor"), ENUM),
    "time": TIME,
    "string": STRING,
    "date": TIME,
    "uuid": UUID,
}


@dataclass(frozen=True)
class ArffHeader:
    """What the header of an ARFF file declares."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    domains: tuple[tuple[str, ...] | None, ...]
    single_quotes: bool


def looks_like_arff(data: bytes) -> bool:
    """Say whether a text starts with the header of an ARFF file."""
    return _START.match(data) is not None


def read_header(data: bytes, source: str) -> ArffHeader:
    """Return the header at the start of `data`."""
    names: list[str] = []
    types: list[str] = []
    domains: list[tuple[str, ...] | None] = []
    text = decode_lenient(data)
    for line in re.split(r"\r\n?|\n", text):
        line = line.strip()
        if line.lower().startswith("@data"):
            break
        if not line.lower().startswith("@attribute"):
            continue
        match = _ATTRIBUTE.fullmatch(line)
        if match is None:
            raise ParseError(f"{source}: cannot read the declaration {line[:60]!r}.")
        name, declared = match.groups()
        names.append(name[1:-1] if name[0] in "'\"" else name)
        kind, domain = _type_of(declared, source)
        types.append(kind)
        domains.append(domain)
    if not names:
        raise ParseError(f"{source} declares no @attribute, so there are no columns to parse.")
    body = text[text.lower().find("@data") :]
    is_single = re.search(r"(?:^|[,\n])\s*'", body) is not None
    return ArffHeader(tuple(names), tuple(types), tuple(domains), is_single)


def _type_of(declared: str, source: str) -> tuple[str, tuple[str, ...] | None]:
    if declared.startswith("{"):
        inner = declared.strip("{} \t").encode()
        quote = 39 if b"'" in inner else 34
        levels = [decode_lenient(cell).strip() for cell in split_line(inner, 44, quote, 0)]
        return ENUM, tuple(levels)
    word = declared.split(maxsplit=1)[0].lower()
    if word not in _TYPES:
        raise ParseError(
            f"{source}: the attribute type {word!r} is not known. Types are "
            f"{', '.join(_TYPES)} and {{level, level, ...}}."
        )
    return _TYPES[word], None
