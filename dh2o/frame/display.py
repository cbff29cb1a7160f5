"""How values and tables look: text for terminals, HTML for notebooks."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from dh2o.chunks import NA_INT, Chunk
from dh2o.frame.vec import Vec, VecType

NA_TEXT = "NA"
MAX_CELL_WIDTH = 40
MAX_HTML_COLUMNS = 60
GAP = "  "
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts: `columns[j][i]` is the cell of row i. Numbers stand right."""

    headers: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    row_labels: tuple[str, ...] = ()
    numeric: tuple[bool, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else len(self.row_labels)

    def select(self, columns: Sequence[int]) -> TextTable:
        """Return the table of these columns, row labels kept."""
        return TextTable(
            tuple(self.headers[j] for j in columns),
            tuple(self.columns[j] for j in columns),
            self.row_labels,
            tuple(self.numeric[j] for j in columns) if self.numeric else (),
        )


def cell_texts(chunk: Chunk, vec: Vec, *, na: str = NA_TEXT) -> tuple[str, ...]:
    """Return the values of a chunk as people read them."""
    if vec.type is VecType.STRING:
        return tuple(na if text is None else text for text in chunk.strings().to_pylist())
    if vec.type is VecType.UUID:
        from dh2o.frame.exchange.decode import uuid_texts

        return tuple(na if text is None else text for text in uuid_texts(chunk.uuids()))
    if vec.type is VecType.ENUM:
        domain = vec.domain or ()
        return tuple(na if code < 0 else domain[code] for code in chunk.codes().tolist())
    if vec.type is VecType.TIME and chunk.is_integer:
        return tuple(na if ms == NA_INT else time_text(ms) for ms in chunk.ints().tolist())
    if chunk.is_integer:
        return tuple(na if value == NA_INT else str(value) for value in chunk.ints().tolist())
    return tuple(number_text(value, na=na) for value in chunk.floats().tolist())


def time_text(ms: int) -> str:
    """Return a time as ``2020-01-31 12:00:00``, with the milliseconds if there are any."""
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return f"{ms} ms"
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{ms % 1000:03d}" if ms % 1000 else text


def number_text(value: float | None, *, na: str = NA_TEXT) -> str:
    """Return a number in at most six significant digits, large integers whole."""
    if value is None or math.isnan(value):
        return na
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value)) if value or math.copysign(1, value) > 0 else "0"
    return f"{value:.6g}"


def fixed(text: str) -> str:
    """Return a cell on one line, cut to the width that a table gives one."""
    flat = text.replace("\n", "↵").replace("\t", " ")
    return flat if len(flat) <= MAX_CELL_WIDTH else flat[: MAX_CELL_WIDTH - 1] + "…"


def terminal_width() -> int:
    """Return how many characters a line of the terminal has, 100 when there is none."""
    return max(40, shutil.get_terminal_size((100, 24)).columns)


def text_panels(table: TextTable, width: int | None = None) -> list[str]:
    """Return the table as text, its columns spread over as many panels as the width asks for."""
    width = width or terminal_width()
    widths = _widths(table)
    label_width = max((len(label) for label in table.row_labels), default=0)
    panels: list[list[int]] = [[]]
    used = label_width
    for j, column_width in enumerate(widths):
        if panels[-1] and used + len(GAP) + column_width > width:
            panels.append([])
            used = label_width
        panels[-1].append(j)
        used += len(GAP) + column_width
    return [_text(table.select(panel)) for panel in panels]


def text_cut(table: TextTable, width: int | None = None) -> tuple[str, int]:
    """Return as many columns as fit (the last one always), and how many were left out."""
    width = width or terminal_width()
    widths = _widths(table)
    if sum(widths) + len(GAP) * len(widths) <= width or len(widths) <= 2:
        return _text(table), 0
    room = width - widths[-1] - len("…") - 2 * len(GAP)
    first = 0
    while first < len(widths) - 1 and room >= widths[first] + len(GAP):
        room -= widths[first] + len(GAP)
        first += 1
    first = max(first, 1)
    n_hidden = len(widths) - 1 - first
    if n_hidden <= 0:
        return _text(table), 0
    return _text(with_gap(table, first)), n_hidden


def with_gap(table: TextTable, first: int, last: int = 1) -> TextTable:
    """Return the first and last columns with a column of dots in place of those between."""
    keep = table.select([*range(first), *range(len(table.headers) - last, len(table.headers))])
    dots = ("…",) * keep.n_rows
    return TextTable(
        (*keep.headers[:first], "…", *keep.headers[first:]),
        (*keep.columns[:first], dots, *keep.columns[first:]),
        keep.row_labels,
        (*keep.numeric[:first], False, *keep.numeric[first:]) if keep.numeric else (),
    )


def _widths(table: TextTable) -> list[int]:
    return [
        max(len(fixed(header)), *(len(fixed(cell)) for cell in column), 1)
        for header, column in zip(table.headers, table.columns, strict=True)
    ]


def _text(table: TextTable) -> str:
    widths = _widths(table)
    numeric = table.numeric or (True,) * len(widths)
    label_width = max((len(label) for label in table.row_labels), default=0)

    def line(label: str, cells: Sequence[str]) -> str:
        placed = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        ]
        labelled = [label.ljust(label_width), *placed] if table.row_labels else placed
        return GAP.join(labelled).rstrip()

    rule = ["-" * width for width in widths]
    lines = [line("", [fixed(h) for h in table.headers]), line("-" * label_width, rule)]
    labels = table.row_labels or ("",) * table.n_rows
    for i, label in enumerate(labels):
        lines.append(line(label, [fixed(column[i]) for column in table.columns]))
    return "\n".join(lines)


def html_table(table: TextTable) -> str:
    """Return the table as HTML that notebooks style like their own tables."""
    hidden = len(table.headers) - MAX_HTML_COLUMNS
    if hidden > 0:
        table = with_gap(table, MAX_HTML_COLUMNS - 1)
    corner = "<th></th>" if table.row_labels else ""
    head = corner + "".join(f"<th>{escape(fixed(header))}</th>" for header in table.headers)
    numeric = table.numeric or (True,) * len(table.headers)
    rows = []
    labels = table.row_labels or ("",) * table.n_rows
    for i, label in enumerate(labels):
        cells = f"<th>{escape(label)}</th>" if table.row_labels else ""
        for column, right in zip(table.columns, numeric, strict=True):
            align = "right" if right else "left"
            cells += f'<td style="text-align:{align}">{escape(fixed(column[i]))}</td>'
        rows.append(f"<tr>{cells}</tr>")
    return (
        '<table border="1" class="dataframe dh2o">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
