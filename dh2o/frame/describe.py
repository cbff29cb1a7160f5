"""What a frame looks like: its first rows, and the table that H2O's describe shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dh2o.chunks import Block
from dh2o.frame.display import (
    NA_TEXT,
    TextTable,
    cell_texts,
    html_table,
    number_text,
    text_cut,
    text_panels,
)
from dh2o.frame.rollups import Rollups, h2o_type
from dh2o.frame.vec import Vec, VecType

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

MAX_SHOWN_COLUMNS = 200
"""More columns than this are not fetched for a look: H2O's own limit."""

_TITLES = ("type", "mins", "mean", "maxs", "sigma", "zeros", "missing")


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """The line of one column in describe; None where H2O shows nothing for the type."""

    name: str
    type: str
    min: float | None
    mean: float | None
    max: float | None
    sigma: float | None
    n_zero: int | None
    n_na: int

    @classmethod
    def of(cls, name: str, vec: Vec, rolled: Rollups) -> ColumnSummary:
        """Return the summary of a column from its rollups."""
        shown = vec.type in (VecType.NUMERIC, VecType.TIME)

        def number(value: float) -> float | None:
            return value if shown and not math.isnan(value) else None

        return cls(
            name,
            h2o_type(vec, rolled),
            number(rolled.min),
            number(rolled.mean),
            number(rolled.max),
            number(rolled.sigma),
            rolled.n_zero if vec.type is not VecType.ENUM else None,
            rolled.n_na,
        )

    def cells(self) -> tuple[str, ...]:
        """Return the statistics as text."""
        numbers = (self.min, self.mean, self.max, self.sigma, self.n_zero, self.n_na)
        return (self.type, *(number_text(n if n is None else float(n), na="") for n in numbers))


@dataclass(frozen=True, slots=True)
class Description:
    """Statistics and first rows of each column of a frame."""

    n_rows: int
    n_cols: int
    columns: tuple[ColumnSummary, ...]
    vecs: tuple[Vec, ...]
    head: Block

    def table(self) -> TextTable:
        """Return H2O's describe table: statistics on top, the first rows below."""
        columns = tuple(
            (*column.cells(), *cell_texts(self.head.chunks[i], vec))
            for i, (column, vec) in enumerate(zip(self.columns, self.vecs, strict=True))
        )
        labels = (*_TITLES, *(str(i) for i in range(self.head.n_rows)))
        return TextTable(tuple(c.name for c in self.columns), columns, labels)

    def to_text(self, width: int | None = None) -> str:
        """Return the description for a terminal; wide frames take several panels."""
        top = f"Rows:{self.n_rows}\nCols:{self.n_cols}"
        return "\n\n".join([top, *text_panels(self.table(), width)])

    def to_html(self) -> str:
        """Return the description for a notebook."""
        return f"<p>Rows: {self.n_rows}<br>Cols: {self.n_cols}</p>{html_table(self.table())}"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()


def describe(frame: Frame, n_rows: int = 10) -> Description:
    """Return statistics and the first `n_rows` rows of each column."""
    rollups = frame.rollups()
    columns = tuple(
        ColumnSummary.of(name, vec, rolled)
        for name, vec, rolled in zip(frame.names, frame.vecs, rollups, strict=True)
    )
    return Description(frame.n_rows, frame.n_cols, columns, frame.vecs, frame.head(n_rows))


def look(frame: Frame, n_rows: int = 10) -> tuple[TextTable, int]:
    """Return the first rows as a table, and how many columns in the middle were not fetched."""
    n_hidden = max(0, frame.n_cols - MAX_SHOWN_COLUMNS)
    shown = frame if not n_hidden else frame.select([*range(MAX_SHOWN_COLUMNS - 1), -1])
    head = shown.head(n_rows)
    columns = tuple(
        cell_texts(chunk, vec) for chunk, vec in zip(head.chunks, shown.vecs, strict=True)
    )
    numeric = tuple(vec.type in (VecType.NUMERIC, VecType.TIME) for vec in shown.vecs)
    return TextTable(shown.names, columns, (), numeric), n_hidden


def to_text(frame: Frame, n_rows: int = 10, width: int | None = None) -> str:
    """Return the first rows for a terminal, cut to its width, with the size of the frame below."""
    if not frame.n_cols:
        return f"Empty frame: {frame.n_rows} rows x 0 columns"
    table, n_unseen = look(frame, n_rows)
    body, n_hidden = text_cut(table, width)
    return f"{body}\n\n{_footer(frame, n_rows, n_hidden + n_unseen)}"


def to_html(frame: Frame, n_rows: int = 10) -> str:
    """Return the first rows for a notebook, with the size of the frame below."""
    if not frame.n_cols:
        return f"<p>Empty frame: {frame.n_rows} rows x 0 columns</p>"
    table, _ = look(frame, n_rows)
    return f"<div>{html_table(table)}<p>{_footer(frame, n_rows, 0)}</p></div>"


def _footer(frame: Frame, n_shown: int, n_hidden: int) -> str:
    rows = "1 row" if frame.n_rows == 1 else f"{frame.n_rows} rows"
    cols = "1 column" if frame.n_cols == 1 else f"{frame.n_cols} columns"
    parts = [f"[{rows} x {cols}]"]
    if frame.n_rows > n_shown:
        parts.append(f"first {n_shown} rows shown")
    if n_hidden:
        parts.append(f"{n_hidden} columns hidden")
    return ", ".join(parts)


def facts(frame: Frame) -> dict[str, Any]:
    """Return what there is to say about a frame: key, size, bytes and types."""
    return {
        "frame_id": frame.key,
        "rows": frame.n_rows,
        "columns": frame.n_cols,
        "byte_size": frame.nbytes,
        "types": frame.types,
    }


__all__ = ["NA_TEXT", "ColumnSummary", "Description", "describe", "facts", "to_html", "to_text"]
