"""Table units: which task reads which parts and columns of table files, and how it reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from dh2o.errors import ParseError
from dh2o.frame.layout import block_nbytes
from dh2o.parse.columns import LocalCodes
from dh2o.parse.ranges import ParsedRange, RangeReport
from dh2o.parse.setup import ENUM, ORC, PARQUET, STRING, ParseSetup
from dh2o.parse.sources import Source
from dh2o.parse.tables.columns import ColumnWish, column_of
from dh2o.parse.tables.files import Part, open_table
from dh2o.parse.tables.guess import check_columns
from dh2o.parse.tokenise import TALLY_LEN

_OPENED_AT_ONCE = 8
#: A part of several blocks is read by several tasks, each some columns, where parts are few.
_MANY_UNITS = 8
_MAX_COLUMN_GROUPS = 8
_NBYTES_OF_CELL, _NBYTES_OF_TEXT = 8, 16


@dataclass(frozen=True)
class TablePiece:
    """Some parts of one file."""

    source: Source
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class TableUnit:
    """Pieces whose rows one task makes into blocks of `n_rows` rows.

    `columns` are the file's columns that it reads. With `is_continued` the rows are those of the
    unit before, and the columns lie to the right of that one's.
    """

    pieces: tuple[TablePiece, ...]
    columns: tuple[int, ...]
    n_rows: int
    nbytes: int
    is_continued: bool = False


def plan_table_units(sources: Sequence[Source], setup: ParseSetup, size: int) -> list[TableUnit]:
    """Return the tasks that read table files, in the order of the rows; 0 leaves `size` open."""
    with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        parts = list(pool.map(lambda source: _parts_of(source, setup), sources))
    row_nbytes = _row_nbytes(setup)
    n_rows = [sum(part.n_rows for part in some) for some in parts]
    total = sum(max(n, 0) for n in n_rows)
    per_block = max(1, (size or block_nbytes(total * row_nbytes)) // row_nbytes)
    units = []
    for pieces, rows, nbytes in _grouped(sources, parts, per_block, setup.partition_by):
        n_blocks = max(1, -(-rows // per_block))
        each = -(-rows // n_blocks) if rows > 0 else per_block
        units.append(TableUnit(pieces, setup.kept_columns, each, nbytes))
    if len(units) < _MANY_UNITS and sources[0].table in {PARQUET, ORC} and total > per_block:
        units = [side for unit in units for side in _side_by_side(unit, total // per_block)]
    return units


def _parts_of(source: Source, setup: ParseSetup) -> Sequence[Part]:
    with open_table(source, setup) as file:
        check_columns(file, source, setup.header_names or (), setup.source_frames[0])
        return list(file.parts)


def _row_nbytes(setup: ParseSetup) -> int:
    """Return about how many bytes of text a row would be: what block sizes go by."""
    types = setup.types()
    return sum(
        _NBYTES_OF_TEXT if types[i] == STRING else _NBYTES_OF_CELL for i in setup.kept_columns
    )


def _grouped(
    sources: Sequence[Source],
    parts: Sequence[Sequence[Part]],
    per_block: int,
    partition_by: Sequence[str],
) -> Iterator[tuple[tuple[TablePiece, ...], int, int]]:
    """Give runs of parts of about one block each, as (pieces, rows, bytes); larger parts alone."""
    from dh2o.parse.partitions import partition_of

    run: list[tuple[Source, int]] = []
    rows = nbytes = 0
    place: Any = None
    for source, some in zip(sources, parts, strict=True):
        own = partition_of(source.name, partition_by)
        for number, part in enumerate(some):
            if run and (own != place or part.n_rows < 0 or rows + part.n_rows > per_block):
                yield _pieces(run), rows, nbytes
                run, rows, nbytes = [], 0, 0
            run.append((source, number))
            rows, nbytes, place = rows + part.n_rows, nbytes + part.nbytes, own
    yield (_pieces(run) if run else (TablePiece(sources[0], ()),)), rows, nbytes


def _pieces(run: Iterable[tuple[Source, int]]) -> tuple[TablePiece, ...]:
    return tuple(
        TablePiece(source, tuple(number for _, number in some))
        for source, some in groupby(run, key=lambda pair: pair[0])
    )


def _side_by_side(unit: TableUnit, n_blocks: int) -> list[TableUnit]:
    """Return the unit as several, each with some of the columns."""
    n_groups = min(n_blocks, len(unit.columns), _MAX_COLUMN_GROUPS)
    cuts = [len(unit.columns) * i // n_groups for i in range(n_groups + 1)]
    return [
        replace(
            unit,
            columns=unit.columns[a:b],
            nbytes=unit.nbytes // n_groups,
            is_continued=a > 0,
        )
        for a, b in pairwise(cuts)
    ]


# ---- what runs on the workers


def read_table_unit(unit: TableUnit, setup: ParseSetup) -> list[ParsedRange]:
    """Return the blocks of a unit, categoricals still with local codes."""
    names = setup.header_names or ()
    own = [names[i] for i in unit.columns]
    wishes = [_wish_of(setup, i) for i in unit.columns]
    types = setup.types()
    coded = {names[i] for i in unit.columns if types[i] == ENUM}
    tables = _tables_of(unit, setup, own, coded)
    blocks = [_parsed(table, wishes, unit) for table in _rechunked(tables, unit)]
    return blocks or [_parsed(_no_rows(unit, setup, own), wishes, unit)]


def _wish_of(setup: ParseSetup, column: int) -> ColumnWish:
    na = setup.na_strings or ()
    declared = setup.declared_types or ()
    return ColumnWish(
        name=setup.names()[column],
        type=setup.types()[column],
        na_words=(na[column] or ()) if column < len(na) else (),
        timezone=setup.timezone,
        to_local=setup.tz_adjust_to_local,
        is_declared=column < len(declared) and declared[column].startswith("dictionary"),
    )


def _tables_of(
    unit: TableUnit, setup: ParseSetup, names: Sequence[str], coded: set[str]
) -> Iterator[Any]:
    for piece in unit.pieces:
        with open_table(piece.source, setup, coded) as file:
            check_columns(file, piece.source, names, setup.source_frames[0])
            yield from file.read(piece.numbers, names, unit.n_rows)


def _no_rows(unit: TableUnit, setup: ParseSetup, names: Sequence[str]) -> Any:
    import pyarrow as pa

    with open_table(unit.pieces[0].source, setup) as file:
        return pa.schema([file.schema.field(name) for name in names]).empty_table()


def _rechunked(tables: Iterable[Any], unit: TableUnit) -> Iterator[Any]:
    """Give the rows of tables of any size as tables of `n_rows` rows, the last one of the rest."""
    held: list[Any] = []
    n_held = 0
    for table in tables:
        start = 0
        while start < table.num_rows:
            some = table.slice(start, unit.n_rows - n_held)
            held.append(some)
            n_held += some.num_rows
            start += some.num_rows
            if n_held == unit.n_rows:
                yield _together(held, unit)
                held, n_held = [], 0
    if held:
        yield _together(held, unit)


def _together(tables: Sequence[Any], unit: TableUnit) -> Any:
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0]
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        files = f"{unit.pieces[0].source.name} to {unit.pieces[-1].source.name}"
        raise ParseError(f"{files}: types do not fit together. {error}") from error


def _parsed(table: Any, wishes: Sequence[ColumnWish], unit: TableUnit) -> ParsedRange:
    made = [column_of(table.column(i), wish) for i, wish in enumerate(wishes)]
    columns = tuple(column for column, _ in made)
    report = RangeReport(
        n_rows=table.num_rows,
        segments=(),
        bad=tuple(bad for _, bad in made),
        tally=(0,) * TALLY_LEN,
        levels=tuple(c.levels if isinstance(c, LocalCodes) else None for c in columns),
        nbytes=unit.nbytes,
        declared=tuple(isinstance(c, LocalCodes) and c.is_declared for c in columns),
    )
    return ParsedRange(table.num_rows, columns, report)
