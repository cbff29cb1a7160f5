"""guess_setup: the ParseSetup that fits some files, from their first bytes and what is wished."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dh2o.errors import ParseError
from dh2o.frame.layout import block_nbytes
from dh2o.parse import arff
from dh2o.parse.arff import looks_like_arff, read_header
from dh2o.parse.guess_types import ColumnCounts, count_cells
from dh2o.parse.lines import (
    N_LINES,
    first_lines,
    guess_header,
    guess_n_columns,
    guess_separator,
    is_text,
    split_line,
)
from dh2o.parse.plan import text_nbytes
from dh2o.parse.setup import (
    ARFF,
    CSV,
    ENUM,
    GUESS,
    HEADER_GUESS,
    HEADER_NO,
    HEADER_YES,
    NUMERIC,
    PARSE_TYPES,
    SVMLIGHT,
    TABLE_TYPES,
    XLS,
    ParseSetup,
    column_indices,
    for_all_columns,
    frame_key_of,
    per_column_asked,
    per_column_na_strings,
    per_column_types,
)
from dh2o.parse.sources import PREVIEW_NBYTES, Preview, RawFile, Source, preview_of, source_of
from dh2o.parse.svmlight import count_columns, looks_like_svmlight
from dh2o.parse.tokenise import decode_lenient, dialect_of

_MAX_PREVIEWED = 64
_FORMAT_NBYTES = 1 << 16
_BOMS_16 = (b"\xff\xfe", b"\xfe\xff")
BOM_8 = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Choice:
    """What the user says of the columns, in the forms that `guess_setup` takes."""

    column_names: Sequence[str] | None
    column_types: Sequence[str | None] | Mapping[Any, str] | None
    na_strings: Sequence[Any] | Mapping[str, Any] | None
    skipped_columns: Sequence[int | str] | None


@dataclass
class FileGuess:
    """What one file's preview says."""

    source: str
    separator: int
    has_header: bool
    names: tuple[str, ...] | None
    n_columns: int
    rows: list[list[bytes]]
    n_rows: int = 0
    counts: list[ColumnCounts] = field(default_factory=list)


def guess_setup(
    files: Sequence[str | os.PathLike[str] | RawFile] | str | os.PathLike[str] | RawFile,
    *,
    column_types: Sequence[str | None] | Mapping[Any, str] | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    skipped_columns: Sequence[int | str] | None = None,
    column_names: Sequence[str] | None = None,
    **overrides: Any,
) -> ParseSetup:
    """Return the setup for the files: what is not given is guessed from their first 4 MiB.

    Parameters
    ----------
    files
        Paths, URLs or imported files.
    column_types, na_strings
        Per column (list), for some columns (dict by name); for `na_strings` also a list for all.
    skipped_columns
        Indices or names of columns that do not enter the frame.
    column_names
        Names that replace those of the header.
    **overrides
        Any other field of `ParseSetup`: separator, check_header, single_quotes, ...

    Raises
    ------
    ParseError
        When a file is empty, is no text, or the files do not fit together.
    """
    if isinstance(files, (str, os.PathLike, RawFile)):
        files = [files]
    if not files:
        raise ParseError("No file names given for parsing. Give at least one path.")
    sources = [source_of(item, overrides.get("encoding")) for item in files]
    wish = ParseSetup(**{k: v for k, v in overrides.items() if v is not None})
    wish = replace(wish, source_frames=tuple(source.name for source in sources))
    wish = replace(wish, parse_type=_format_of(sources, wish))
    choice = Choice(column_names, column_types, na_strings, skipped_columns)
    if wish.parse_type in TABLE_TYPES:
        from dh2o.parse.tables.guess import guess_table_setup

        return guess_table_setup(sources, wish, choice)
    if wish.parse_type == SVMLIGHT:
        return _guess_svmlight(sources, wish, choice)
    if wish.parse_type == ARFF:
        return _guess_arff(sources, wish, choice)
    return _assemble(_merge(_guess_files(sources, wish)), wish, sources, choice)


def _format_of(sources: Sequence[Source], wish: ParseSetup) -> str:
    """Return the format asked for, or what the first file looks like."""
    known = {name.upper(): name for name in PARSE_TYPES}
    asked = known.get(wish.parse_type.upper())
    if asked is None:
        raise ParseError(
            f"parse_type {wish.parse_type} is not known. Use one of {', '.join(PARSE_TYPES)}."
        )
    kinds = {source.table for source in sources}
    if len(kinds) > 1:
        odd = next(source for source in sources if source.table != sources[0].table)
        raise ParseError(
            f"{sources[0].name} is {sources[0].table or 'text'} and {odd.name} is "
            f"{odd.table or 'text'}. Parse them apart."
        )
    if sources[0].table:
        if asked not in {GUESS, sources[0].table, XLS}:
            raise ParseError(f"{sources[0].name} is {sources[0].table}, not {asked}.")
        return sources[0].table
    if asked in TABLE_TYPES:
        raise ParseError(f"{sources[0].name} is no {asked} file: its first bytes are others.")
    if asked != GUESS:
        return asked
    data = preview_of(sources[0], _FORMAT_NBYTES).data
    if looks_like_arff(data):
        return ARFF
    lines = first_lines(data, 256, b"#")
    if len(lines) > 1 and not data.endswith((b"\n", b"\r")):
        lines.pop()  # it may go on
    return SVMLIGHT if looks_like_svmlight(lines) else CSV


def _guess_svmlight(sources: Sequence[Source], wish: ParseSetup, choice: Choice) -> ParseSetup:
    if choice.skipped_columns:
        raise ParseError("skipped_columns are not supported for SVMLight files. Drop them later.")
    previews = [preview_of(source).data for source in sources[:_MAX_PREVIEWED]]
    lines = [line for data in previews for line in data.splitlines()]
    n_columns = count_columns(lines)
    return replace(
        wish,
        separator=-1,
        check_header=HEADER_NO,
        column_names=tuple(choice.column_names) if choice.column_names else None,
        column_types=(NUMERIC,) * n_columns,
        number_columns=n_columns,
        total_filtered_column_count=n_columns,
        data=tuple(tuple(decode_lenient(line).split()) for line in lines[:N_LINES]),
        destination_frame=wish.destination_frame or frame_key_of(sources[0].name),
        chunk_size=wish.chunk_size or block_nbytes(text_nbytes(sources), n_columns),
    )


def _guess_arff(sources: Sequence[Source], wish: ParseSetup, choice: Choice) -> ParseSetup:
    """Return the setup that the first file's header declares; its data are CSV."""
    header = read_header(preview_of(sources[0]).data.removeprefix(BOM_8), sources[0].name)
    wish = replace(
        wish,
        custom_non_data_line_markers=arff.MARKERS,
        single_quotes=wish.single_quotes or header.single_quotes,
        separator=wish.separator if wish.separator > 0 else ord(","),
        check_header=HEADER_NO,
    )
    types = per_column_types(choice.column_types, header.types, header.names)
    setup = _assemble(
        _merge(_guess_files(sources, wish)),
        wish,
        sources,
        Choice(
            choice.column_names or header.names,
            types,
            choice.na_strings or [arff.NA_STRING],
            choice.skipped_columns,
        ),
    )
    domains = tuple(
        domain if kind == ENUM else None for domain, kind in zip(header.domains, types, strict=True)
    )
    return replace(setup, domains=domains)


def _guess_files(sources: Sequence[Source], wish: ParseSetup) -> list[FileGuess]:
    step = -(-len(sources) // _MAX_PREVIEWED)
    chosen = sources[::step]
    nbytes = PREVIEW_NBYTES // min(len(chosen), 16)
    guesses = []
    for source in chosen:
        guess = _guess_file(source, wish, nbytes)
        if guess is not None:
            guesses.append(guess)
    if not guesses:
        what = sources[0].name if len(sources) == 1 else f"{sources[0].name} and all others"
        raise ParseError(f"{what}: the file is empty, there is nothing to parse.")
    return guesses


def check_text(data: bytes, name: str, is_all: bool) -> None:
    """Raise ParseError unless the first bytes of a file look like lines of text."""
    if data.startswith(_BOMS_16):
        raise ParseError(
            f"{name} is UTF-16 text inside. Give encoding='utf-16', or convert it to UTF-8, for "
            "example with iconv -f UTF-16 -t UTF-8."
        )
    head = data[:65536]
    if b"\0" in head:
        raise ParseError(
            f"{name} holds zero bytes, so it is a binary file. Give a text file (CSV, TSV, ...)."
        )
    if not is_all and b"\n" not in data and b"\r" not in data:
        raise ParseError(
            f"The first {len(data) >> 20 or 1} MiB of {name} hold no line end. "
            "Is it a table with one row a line?"
        )


def _guess_file(source: Source, wish: ParseSetup, nbytes: int) -> FileGuess | None:
    preview = preview_of(source, nbytes)
    if not preview.data.strip(b" \r\n\t" + BOM_8):
        return None
    check_text(preview.data, source.name, preview.is_all)
    data = preview.data.removeprefix(BOM_8)
    quote, escape = wish.quote, wish.escapechar
    lines = first_lines(data, quote, wish.markers)
    if not lines and wish.parse_type == ARFF:  # its header says which columns have no rows
        return FileGuess(source.name, wish.separator, False, None, 0, [])
    if not lines:
        raise ParseError(f"{source.name} holds only comments, there is nothing to parse.")
    separator = wish.separator if wish.separator > 0 else guess_separator(lines, quote, escape)
    rows = [split_line(line, separator, quote, escape) for line in lines]
    n_columns = len(rows[0]) if len(rows) == 1 else guess_n_columns(rows)
    has_header = _has_header(rows, wish.check_header)
    names = tuple(map(decode_lenient, rows[0])) if has_header else None
    if has_header and len(lines) == 1 and quote < 256 and lines[0].count(quote) % 2 and not escape:
        raise ParseError(f"{source.name}: a quote that opens in the header is never closed.")
    guess = FileGuess(source.name, separator, has_header, names, n_columns, rows)
    wish = replace(wish, separator=separator)
    guess.n_rows, guess.counts = _count(data, preview, wish, n_columns, has_header)
    return guess


def _has_header(rows: list[list[bytes]], check_header: int) -> bool:
    if check_header != HEADER_GUESS:
        return check_header == HEADER_YES
    if len(rows) == 1:
        return all(map(is_text, rows[0])) and bool(rows[0][0]) and len(rows[0]) > 1
    return guess_header(rows[0], rows[1])


def _count(
    data: bytes, preview: Preview, setup: ParseSetup, n_columns: int, has_header: bool
) -> tuple[int, list[ColumnCounts]]:
    dialect = dialect_of(setup.separator, setup.quote, setup.escapechar, setup.markers)
    buf = np.frombuffer(data, np.uint8).copy()
    n_rows, counts = count_cells(buf, 0, preview.is_all, dialect, n_columns, int(has_header))
    return n_rows, counts


def _merge(guesses: Sequence[FileGuess]) -> FileGuess:
    first = guesses[0]
    for other in guesses[1:]:
        if other.separator != first.separator and min(other.n_columns, first.n_columns) > 1:
            raise ParseError(
                f"{first.source} is separated by {chr(first.separator)!r} and {other.source} by "
                f"{chr(other.separator)!r}. Parse them apart, or give the separator."
            )
        _check_names(first, other)
    wide = max(guesses, key=lambda g: g.n_columns)
    n_columns = wide.n_columns
    counts = [ColumnCounts() for _ in range(n_columns)]
    for guess in guesses:
        for i, column in enumerate(guess.counts):
            counts[i] = counts[i].merged(column) if counts[i].n_cells else column
    return FileGuess(
        first.source,
        wide.separator,
        any(g.has_header for g in guesses),
        next((g.names for g in guesses if g.names), None),
        n_columns,
        first.rows,
        sum(g.n_rows for g in guesses),
        counts,
    )


def _check_names(first: FileGuess, other: FileGuess) -> None:
    if first.names is None or other.names is None:
        return
    for i, (a, b) in enumerate(zip(first.names, other.names, strict=False)):
        if a.strip().lower() != b.strip().lower():
            raise ParseError(
                f"Column {i + 1} is named {a!r} in {first.source} and {b!r} in {other.source}. "
                "Files that are parsed together must have the same columns."
            )


def _assemble(
    guess: FileGuess,
    wish: ParseSetup,
    sources: Sequence[Source],
    choice: Choice,
) -> ParseSetup:
    given = tuple(choice.column_names or ())
    n_columns = max(guess.n_columns, len(given))
    counts = guess.counts + [ColumnCounts()] * (n_columns - len(guess.counts))
    guessed = tuple(column.guess(guess.n_rows) for column in counts)
    own_names = ParseSetup(number_columns=n_columns, column_names=guess.names).names()
    skipped = column_indices(choice.skipped_columns, own_names)
    names = for_all_columns(given, own_names, skipped) or guess.names
    all_names = ParseSetup(number_columns=n_columns, column_names=names).names()
    types = choice.column_types
    if types and not isinstance(types, Mapping):
        types = for_all_columns(types, [None] * n_columns, skipped)
    column_types = per_column_types(types, guessed, all_names)
    zeros = [c.guess_na_strings(g, guess.n_rows) for c, g in zip(counts, guessed, strict=True)]
    na = per_column_na_strings(choice.na_strings, all_names) or tuple(zeros)
    # A client echoes the guess that zeros are NA even where it asks for another type.
    na = tuple(
        None if kind != ENUM and words and words == zero else words
        for words, zero, kind in zip(na, zeros, column_types, strict=True)
    )
    rows = guess.rows[1:] if guess.has_header else guess.rows
    return replace(
        wish,
        separator=guess.separator,
        check_header=HEADER_YES if guess.has_header else HEADER_NO,
        column_names=names,
        column_types=column_types,
        asked_types=per_column_asked(types, all_names) if wish.force_col_types else None,
        na_strings=na if any(na) else None,
        skipped_columns=skipped,
        number_columns=n_columns,
        total_filtered_column_count=n_columns,
        header_lines=int(guess.has_header),
        data=tuple(tuple(decode_lenient(cell) for cell in row) for row in rows),
        destination_frame=wish.destination_frame or frame_key_of(sources[0].name),
        chunk_size=wish.chunk_size or block_nbytes(text_nbytes(sources), n_columns),
    )
