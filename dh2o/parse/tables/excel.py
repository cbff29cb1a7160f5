"""Excel: the first sheet of a workbook, its cells made into columns of one type each."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

from dh2o.errors import ParseError
from dh2o.parse.lines import is_text
from dh2o.parse.setup import HEADER_GUESS, HEADER_YES, XLSX, ParseSetup
from dh2o.parse.sources import MAX_UNPACK_RATIO, Source
from dh2o.parse.tables.files import Part
from dh2o.parse.tables.sheets import rows_of_first_sheet

#: A sheet is unpacked in memory as a whole: more than this is no workbook that people made.
MAX_SHEET_NBYTES = 2 << 30
_TRUSTED_NBYTES = 64 << 20
_MIDNIGHT = dt.time()


class Workbook:
    """The first sheet, as columns: numbers, times or texts, whichever all cells are."""

    def __init__(self, file: IO[bytes], source: Source, setup: ParseSetup | None) -> None:
        import pyarrow as pa

        if source.table == XLSX:
            _refuse_bomb(file, source)
        rows = rows_of_first_sheet(file, source)
        header = setup.check_header if setup else HEADER_GUESS
        self.has_header = _has_header(rows, header)
        width = max(map(len, rows), default=0)
        names = _texts(rows[0]) if self.has_header else []
        body = rows[1:] if self.has_header else rows
        columns = [
            _column([row[i] if i < len(row) else None for row in body]) for i in range(width)
        ]
        self._names = tuple(
            (names[i] or "").strip() if i < len(names) else "" for i in range(width)
        )
        named = [name or f"C{i + 1}" for i, name in enumerate(self._names)]
        self._table = pa.Table.from_arrays(columns, names=named)
        self.schema = self._table.schema
        self.parts = [Part(len(body), source.nbytes)]

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give the sheet, cut at `n_rows` rows."""
        for start in range(0, self._table.num_rows if numbers else 0, n_rows):
            yield self._table.select(list(names)).slice(start, n_rows)


def _refuse_bomb(file: IO[bytes], source: Source) -> None:
    with zipfile.ZipFile(file) as archive:
        nbytes = sum(entry.file_size for entry in archive.infolist())
    most = min(MAX_SHEET_NBYTES, max(_TRUSTED_NBYTES, MAX_UNPACK_RATIO * source.nbytes))
    if nbytes > most:
        raise ParseError(
            f"{source.name} unpacks to {nbytes >> 20} MiB; a workbook of its size may have "
            f"{most >> 20} MiB. Save the sheet as CSV."
        )
    file.seek(0)


def _has_header(rows: Sequence[Sequence[Any]], asked: int) -> bool:
    """Return whether the first row holds names: H2O's rule for lines, for cells."""
    if asked != HEADER_GUESS or not rows:
        return asked == HEADER_YES and bool(rows)
    first = [cell for cell in rows[0] if cell is not None]
    if not all(isinstance(cell, str) and is_text(cell.encode()) for cell in first):
        return False
    second = rows[1] if len(rows) > 1 else []
    return any(
        cell is not None and not (isinstance(cell, str) and is_text(cell.encode()))
        for cell in second
    )


def _column(cells: Sequence[Any]) -> Any:
    """Return the cells as one Arrow array: of numbers, of times, or else of texts."""
    import pyarrow as pa

    kinds = {_kind(cell) for cell in cells if cell is not None}
    if not kinds:
        return pa.nulls(len(cells))
    if kinds == {"number"}:
        return pa.array([None if c is None else float(c) for c in cells], pa.float64())
    if kinds == {"time"}:
        return pa.array([None if c is None else _ms(c) for c in cells], pa.timestamp("ms"))
    return pa.array(_texts(cells), pa.large_string())


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "text"
    if isinstance(cell, int | float):
        return "number"
    return "time" if isinstance(cell, dt.date | dt.time | dt.timedelta) else "text"


def _ms(cell: dt.date | dt.time | dt.timedelta) -> int:
    """Return milliseconds since 1970; a time of day is one of the first day."""
    if isinstance(cell, dt.timedelta):
        return cell // dt.timedelta(milliseconds=1)
    if isinstance(cell, dt.time):
        cell = dt.datetime.combine(dt.date(1970, 1, 1), cell)
    elif not isinstance(cell, dt.datetime):
        cell = dt.datetime.combine(cell, _MIDNIGHT)
    since = cell.replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(milliseconds=1)


def _texts(cells: Sequence[Any]) -> list[str | None]:
    return [None if cell is None else _text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """Return a cell as Excel's own CSV has it: whole numbers bare, truth in capitals."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == _MIDNIGHT:
        return str(cell.date())
    return str(cell)
