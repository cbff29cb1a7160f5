"""Partitions: columns whose values are parts of the path, ``year=2020/month=1`` (Hive's way)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from dh2o.errors import ParseError
from dh2o.parse.sources import Source

#: What Hive writes in the path for NULL.
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_of(path: str, names: Sequence[str]) -> tuple[str | None, ...]:
    """Return the value of each named column in a path; None for NULL.

    Raises
    ------
    ParseError
        When the path has no ``name=`` for one of the names.
    """
    if not names:
        return ()
    found = dict(_pairs(path))
    missing = [name for name in names if name not in found]
    if missing:
        raise ParseError(
            f"partition_by: the path {path} has no part {missing[0]}=... Import only files below "
            "such folders, or leave the column out."
        )
    return tuple(None if found[name] == _HIVE_NULL else found[name] for name in names)


def _pairs(path: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in path.replace("\\", "/").split("/")[:-1])
    return [(unquote(name), unquote(value)) for name, mark, value in parts if mark and name]


def check_partitions(
    sources: Sequence[Source], names: Sequence[str], others: Sequence[str]
) -> None:
    """Raise ParseError unless all files have the partitions, and no column has such a name."""
    for name in names:
        if name in others or list(names).count(name) > 1:
            raise ParseError(f"partition_by: Found duplicate column name {name}.")
    bad = []
    for source in sources:
        try:
            partition_of(source.name, names)
        except ParseError as error:
            bad.append(str(error))
    if bad:
        more = f" So have {len(bad) - 1} more." if len(bad) > 1 else ""
        raise ParseError(bad[0] + more)


def domain_of(values: Sequence[str | None]) -> tuple[str, ...]:
    """Return the levels of a partition column, sorted as those of every other column."""
    return tuple(sorted({value for value in values if value is not None}))
