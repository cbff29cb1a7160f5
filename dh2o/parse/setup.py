"""ParseSetup: everything that decides how bytes become a table, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from dh2o.errors import ParseError

GUESS = "GUESS"
CSV = "CSV"
ARFF = "ARFF"
SVMLIGHT = "SVMLight"
PARQUET, ORC, AVRO, ARROW, XLS, XLSX = "PARQUET", "ORC", "AVRO", "ARROW", "XLS", "XLSX"
#: Formats of typed columns; the others are lines of text.
TABLE_TYPES = (PARQUET, ORC, AVRO, ARROW, XLS, XLSX)
PARSE_TYPES = (GUESS, ARFF, SVMLIGHT, CSV, *TABLE_TYPES)

HEADER_GUESS = 0
HEADER_YES = 1
HEADER_NO = -1

HIVE_SEPARATOR = 1
DEFAULT_MARKERS = "#"

NUMERIC = "Numeric"
ENUM = "Enum"
STRING = "String"
TIME = "Time"
UUID = "UUID"
UNKNOWN = "Unknown"

_TYPE_NAMES = {
    "unknown": UNKNOWN,
    "bad": UNKNOWN,
    "uuid": UUID,
    "string": STRING,
    "float": NUMERIC,
    "real": NUMERIC,
    "double": NUMERIC,
    "int": NUMERIC,
    "long": NUMERIC,
    "numeric": NUMERIC,
    "categorical": ENUM,
    "factor": ENUM,
    "enum": ENUM,
    "time": TIME,
}


def parse_column_type(name: str | None) -> str:
    """Return the canonical type name for what a client may send, `Unknown` for None."""
    if name is None:
        return UNKNOWN
    try:
        return _TYPE_NAMES[name.lower()]
    except KeyError:
        known = ", ".join(_TYPE_NAMES)
        raise ParseError(f"Provided column type {name} is unknown. Use one of: {known}.") from None


@dataclass(frozen=True)
class ParseSetup:
    """How files become a frame: dialect, names, types and NA strings of every column.

    The fields are those of H2O's ``ParseSetupV3`` and ``ParseV3``, because the official client
    posts back what it was given. Column fields (`column_names`, `column_types`, `na_strings`,
    `domains`) have one entry for each column of the *file*; `skipped_columns` holds the indices
    of those that do not enter the frame. Ours are `timezone`, in which times without a zone are
    read, `encoding`, that of text which is not UTF-8, `header_names`, the names as the files'
    headers have them, `declared_types`, the Arrow types that files of typed columns declare, and
    `asked_types`, the number types as the user named them (int, real), which count with
    `force_col_types`.
    """

    source_frames: tuple[str, ...] = ()
    parse_type: str = GUESS
    separator: int = 0
    single_quotes: bool = False
    check_header: int = HEADER_GUESS
    column_names: tuple[str, ...] | None = None
    skipped_columns: tuple[int, ...] = ()
    column_types: tuple[str, ...] | None = None
    na_strings: tuple[tuple[str, ...] | None, ...] | None = None
    column_name_filter: str | None = None
    column_offset: int = 0
    column_count: int = 0
    destination_frame: str | None = None
    header_lines: int = 0
    number_columns: int = 0
    data: tuple[tuple[str, ...], ...] = ()
    warnings: tuple[str, ...] = ()
    chunk_size: int = 0
    total_filtered_column_count: int = 0
    custom_non_data_line_markers: str | None = None
    decrypt_tool: str | None = None
    partition_by: tuple[str, ...] = ()
    escapechar: int = 0
    force_col_types: bool = False
    tz_adjust_to_local: bool = False
    domains: tuple[tuple[str, ...] | None, ...] | None = None
    delete_on_done: bool = True
    blocking: bool = False
    timezone: str = "UTC"
    encoding: str | None = None
    header_names: tuple[str, ...] | None = None
    declared_types: tuple[str, ...] | None = None
    asked_types: tuple[str | None, ...] | None = None

    @property
    def quote(self) -> int:
        """The quote character as a byte; 256, which no byte equals, in Hive files."""
        if self.separator == HIVE_SEPARATOR:
            return 256
        return ord("'") if self.single_quotes else ord('"')

    @property
    def markers(self) -> bytes:
        """The characters that make a line a comment when it starts with one of them."""
        text = self.custom_non_data_line_markers
        return (DEFAULT_MARKERS if text is None else text).encode("utf-8")

    @property
    def kept_columns(self) -> tuple[int, ...]:
        """The indices of the file's columns that enter the frame, ascending."""
        skipped = set(self.skipped_columns)
        return tuple(i for i in range(self.number_columns) if i not in skipped)

    def names(self) -> tuple[str, ...]:
        """Return the names of all columns of the file; C1, C2, ... where it has none."""
        given = self.column_names or ()
        return tuple(
            given[i] if i < len(given) and given[i] else f"C{i + 1}"
            for i in range(self.number_columns)
        )

    def types(self) -> tuple[str, ...]:
        """Return the types of all columns; an unknown one reads as numeric, as in H2O."""
        given = self.column_types or ()
        known = tuple(parse_column_type(t) for t in given)
        padded = known + (NUMERIC,) * (self.number_columns - len(known))
        return tuple(NUMERIC if t == UNKNOWN else t for t in padded[: self.number_columns])


_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_.\-]")


def frame_key_of(source: str) -> str:
    """Return H2O's destination name for a source: ``data/my file.csv`` is ``my_file.hex``."""
    name = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    name = _NOT_IN_KEYS.sub("_", name)
    while True:
        stem, dot, suffix = name.rpartition(".")
        if not dot or not stem or suffix.lower() not in _DATA_SUFFIXES:
            break
        name = stem
    if not name or not (name[0].isalpha() or name[0] == "_"):
        name = f"X{name}"
    return f"{name}.hex"


def numbered_keys(name: str) -> Iterator[str]:
    """Yield `name` and then its numbered kin, for the taken: ``a.hex``, ``a1.hex``, ``a2.hex``."""
    yield name
    stem = name.removesuffix(".hex")
    for number in count(1):
        yield f"{stem}{number}.hex"


_DATA_SUFFIXES = frozenset(
    [
        *("csv", "tsv", "txt", "data", "dat", "arff", "svm", "svmlight", "hex"),
        *("gz", "bz2", "zip", "zst", "zstd", "xz"),
    ]
)


def per_column_na_strings(
    na_strings: Sequence[Any] | Mapping[str, Any] | None, names: Sequence[str]
) -> tuple[tuple[str, ...] | None, ...] | None:
    """Return one list of NA strings a column from a list for all, a list of lists or a dict."""
    if not na_strings:
        return None
    if isinstance(na_strings, str):
        return ((na_strings,),) * len(names)
    if isinstance(na_strings, Mapping):
        _check_known(na_strings, names, "na_strings")
        return tuple(_as_texts(na_strings.get(name)) for name in names)
    if all(isinstance(item, str) for item in na_strings):
        return (tuple(na_strings),) * len(names)
    padded = [*na_strings, *[None] * (len(names) - len(na_strings))]
    return tuple(_as_texts(item) for item in padded[: len(names)])


def per_column_asked(
    types: Sequence[str | None] | Mapping[Any, str] | None, names: Sequence[str]
) -> tuple[str | None, ...] | None:
    """Return the type names that the user gave, one a column, as they were given."""
    if not types:
        return None
    if isinstance(types, Mapping):
        by_name = {names[k] if isinstance(k, int) else k: v for k, v in types.items()}
        return tuple(by_name.get(name) for name in names)
    return tuple(types)


def per_column_types(
    types: Sequence[str | None] | Mapping[Any, str] | None,
    guessed: Sequence[str],
    names: Sequence[str],
) -> tuple[str, ...]:
    """Return the guessed types with the user's choice, by position or by name, laid over them."""
    if not types:
        return tuple(guessed)
    if isinstance(types, Mapping):
        by_name = {names[k] if isinstance(k, int) else k: v for k, v in types.items()}
        _check_known(by_name, names, "column_types")
        chosen: Sequence[str | None] = [by_name.get(name) for name in names]
    else:
        chosen = types
        if len(types) != len(names):
            raise ParseError(
                f"column_types has {len(types)} entries, the file has {len(names)} columns. "
                "Give one type a column (None to guess) or a dict from name to type."
            )
    canonical = [parse_column_type(t) for t in chosen]
    return tuple(g if c == UNKNOWN else c for g, c in zip(guessed, canonical, strict=True))


def _check_known(given: Mapping[Any, Any], names: Sequence[str], field: str) -> None:
    unknown = [name for name in given if name not in set(names)]
    if unknown:
        raise ParseError(
            f"{field} names the column {unknown[0]!r}, which the file does not have. "
            f"Its columns are: {', '.join(names[:20])}."
        )


def _as_texts(item: Any) -> tuple[str, ...] | None:
    if not item:
        return None
    return (item,) if isinstance(item, str) else tuple(str(text) for text in item)


def for_all_columns(values: Sequence[Any], others: Sequence[Any], skipped: Sequence[int]) -> Any:
    """Return values for all columns from values for all, or for those that are not skipped."""
    if not skipped or len(values) != len(others) - len(skipped):
        return values
    left = iter(values)
    return tuple(o if i in skipped else next(left) for i, o in enumerate(others))


def column_indices(columns: Sequence[int | str] | None, names: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of columns that are given by index or name, ascending."""
    indices = []
    for column in columns or ():
        if isinstance(column, str):
            if column not in names:
                raise ParseError(
                    f"skipped_columns names {column!r}; the columns are: {', '.join(names[:20])}."
                )
            column = list(names).index(column)
        if not 0 <= column < len(names):
            raise ParseError(
                f"skipped_columns holds {column}; the file has columns 0 to {len(names) - 1}."
            )
        indices.append(int(column))
    if len(set(indices)) == len(names):
        raise ParseError("skipped_columns names all columns. Leave at least one to parse.")
    return tuple(sorted(set(indices)))
