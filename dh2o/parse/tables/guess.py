"""The setup of table files: types as the file declares them, texts by a look at the first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dh2o.errors import ParseError
from dh2o.frame.layout import block_nbytes
from dh2o.parse.guess_types import ColumnCounts, counts_of_texts
from dh2o.parse.setup import (
    AVRO,
    ENUM,
    HEADER_NO,
    HEADER_YES,
    NUMERIC,
    ORC,
    STRING,
    TIME,
    UUID,
    XLS,
    XLSX,
    ParseSetup,
    column_indices,
    for_all_columns,
    frame_key_of,
    per_column_na_strings,
    per_column_types,
)
from dh2o.parse.sources import Source
from dh2o.parse.tables.columns import (
    cells_of_texts,
    is_id,
    is_text,
    is_time,
    text_dialect,
    valid_text,
)
from dh2o.parse.tables.files import TYPES_KEY, TableFile, open_table

if TYPE_CHECKING:
    from dh2o.parse.guess import Choice

#: H2O looks at as many rows of a Parquet file.
_N_PREVIEWED = 1000
_N_SHOWN = 10
_MAX_CHECKED = 64


@dataclass(frozen=True)
class TableGuess:
    """What the first file says."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    declared: tuple[str, ...]
    domains: tuple[tuple[str, ...] | None, ...]
    rows: tuple[tuple[str, ...], ...]
    has_header: bool
    warnings: tuple[str, ...]


def guess_table_setup(sources: Sequence[Source], wish: ParseSetup, choice: Choice) -> ParseSetup:
    """Return the setup of files of typed columns; what the user chose lies over it.

    Raises
    ------
    ParseError
        When a file has not the columns of the first one, or none that a frame can hold.
    """
    guess = _look_at(sources[0], wish)
    _check_alike(sources, guess, wish)
    names = guess.names
    given = tuple(choice.column_names or ())
    skipped = column_indices(choice.skipped_columns, names)
    shown = tuple(for_all_columns(given, names, skipped) or names)
    if len(shown) != len(names):
        raise ParseError(f"{len(given)} column names are given for {len(names)} columns.")
    types = choice.column_types
    if types and not isinstance(types, Mapping):
        types = for_all_columns(types, [None] * len(names), skipped)
    column_types = per_column_types(types, guess.types, shown)
    domains = tuple(
        d if k == ENUM else None for d, k in zip(guess.domains, column_types, strict=True)
    )
    return replace(
        wish,
        separator=ord("|"),
        check_header=HEADER_YES if guess.has_header else HEADER_NO,
        column_names=shown,
        header_names=names,
        column_types=column_types,
        declared_types=guess.declared,
        na_strings=per_column_na_strings(choice.na_strings, shown),
        domains=domains if any(domains) else None,
        skipped_columns=skipped,
        number_columns=len(names),
        total_filtered_column_count=len(names),
        data=guess.rows,
        warnings=guess.warnings,
        destination_frame=wish.destination_frame or frame_key_of(sources[0].name),
        chunk_size=wish.chunk_size
        or block_nbytes(2 * sum(source.nbytes for source in sources), len(names)),
    )


def _look_at(source: Source, wish: ParseSetup) -> TableGuess:
    with open_table(source, wish) as file:
        kept, warnings = _columns_of(file, source)
        first = _first_rows(file, kept)
        fields = [file.schema.field(name) for name in kept]
        known = _known_types(file.schema)
        symbols: Mapping[str, Any] = getattr(file, "domains", {})
        types = tuple(
            known.get(field.name)
            or _type_of(field.type, first.column(i) if first else None, source.table)
            for i, field in enumerate(fields)
        )
        columns = [_shown(column) for column in (first.columns if first else ())]
    return TableGuess(
        names=tuple(kept),
        types=types,
        declared=tuple(str(field.type) for field in fields),
        domains=tuple(symbols.get(name) for name in kept),
        rows=tuple(zip(*columns, strict=True)),
        has_header=getattr(file, "has_header", True),
        warnings=tuple(warnings),
    )


def _columns_of(file: TableFile, source: Source) -> tuple[list[str], list[str]]:
    """Return the names of the columns that a frame can hold, and what is said of the others."""
    import pyarrow.types as t

    kept, warnings = [], []
    for field in file.schema:
        if t.is_nested(field.type) or _is_foreign(field.type):
            warnings.append(
                f"Column {field.name!r} of {source.name} has the type {field.type}, which no "
                "column can hold; it is left out."
            )
        else:
            kept.append(field.name)
    if not kept:
        why = warnings[0] if warnings else "It has no columns."
        raise ParseError(f"{source.name} holds no column that can be read. {why}")
    if len(set(kept)) < len(kept):
        twice = next(name for name in kept if kept.count(name) > 1)
        raise ParseError(f"{source.name}: Found duplicate column name {twice}.")
    return kept, warnings


def _is_foreign(kind: Any) -> bool:
    import pyarrow.types as t

    tests = (t.is_interval, t.is_fixed_size_binary, t.is_run_end_encoded)
    return any(test(kind) for test in tests) and not is_id(kind)


def _first_rows(file: TableFile, names: Sequence[str]) -> Any:
    numbers = [i for i, part in enumerate(file.parts) if part.n_rows][:1]
    if not numbers:
        return None
    return next((t for t in file.read(numbers, names, _N_PREVIEWED) if t.num_rows), None)


def _known_types(schema: Any) -> dict[str, str]:
    """Return the types that dh2o itself has written into a file."""
    import json

    text = (schema.metadata or {}).get(TYPES_KEY)
    if not text:
        return {}
    kinds = {NUMERIC, ENUM, STRING, TIME, UUID}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str) and v in kinds}


def _type_of(kind: Any, first: Any, table: str) -> str:
    """Return the type of H2O for an Arrow type, with the first rows of the column for texts."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        return ENUM
    if t.is_boolean(kind):
        return NUMERIC if table == ORC else ENUM
    if is_time(kind):
        return TIME
    if is_id(kind):
        return UUID
    if not is_text(kind):
        return NUMERIC
    if table in {ORC, AVRO}:
        return STRING
    guessed = _guess_of_texts(first, numbers_count=table in {XLS, XLSX})
    return STRING if guessed == NUMERIC and table not in {XLS, XLSX} else guessed


def _guess_of_texts(column: Any, *, numbers_count: bool) -> str:
    """Return what H2O's rule makes of texts; those that are numbers count as such in a sheet."""
    import pyarrow as pa

    if column is None:
        return STRING
    texts = column.cast(pa.large_binary()).combine_chunks()
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.chunk(0)
    buf, cells = cells_of_texts(texts, empty_is_na=True)
    counts: ColumnCounts = counts_of_texts(buf, cells, text_dialect(), words_only=not numbers_count)
    return counts.guess(len(texts))


def _shown(column: Any) -> list[str]:
    """Return the first rows as texts; times that Python's calendar does not reach as numbers."""
    import pyarrow as pa
    import pyarrow.types as t

    some = column.slice(0, _N_SHOWN)
    if t.is_dictionary(some.type):
        some = some.cast(some.type.value_type)
    if is_text(some.type):
        some = valid_text(some)
    try:
        values = some.to_pylist()
    except (ValueError, OverflowError):
        values = some.cast(pa.int64()).to_pylist()
    return ["" if value is None else str(value) for value in values]


def _check_alike(sources: Sequence[Source], first: TableGuess, wish: ParseSetup) -> None:
    step = max(1, -(-len(sources) // _MAX_CHECKED))
    for source in sources[1::step]:
        with open_table(source, wish) as file:
            check_columns(file, source, first.names, sources[0].name)


def check_columns(file: TableFile, source: Source, names: Sequence[str], like: str) -> None:
    """Raise ParseError unless a file has all the columns."""
    own = set(file.schema.names)
    missing = [name for name in names if name not in own]
    if missing:
        raise ParseError(
            f"{source.name} has no column {missing[0]!r}, which {like} has. "
            "Files that are parsed together must have the same columns."
        )
