"""Small named tables with typed columns: what models and metrics show to people and clients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dh2o.models.table_html import table_html
from dh2o.models.table_text import format_cell, table_text

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT_FORMATS = {
    "string": "%s",
    "int": "%d",
    "integer": "%d",
    "long": "%d",
    "double": "%5f",
    "float": "%5f",
}


@dataclass(frozen=True, slots=True)
class TwoDimTable:
    """A titled table of few rows, held by column, immutable.

    ``col_types`` are H2O's: string, int, long, float, double. A cell may be None (shown empty).
    Where H2O shows row names, they are the first column, and its name is the empty string.
    """

    name: str
    description: str
    col_names: tuple[str, ...]
    col_types: tuple[str, ...]
    col_formats: tuple[str, ...]
    columns: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(
        cls,
        name: str,
        columns: Mapping[str, tuple[str, Sequence[Any]] | tuple[str, str, Sequence[Any]]],
        description: str = "",
    ) -> TwoDimTable:
        """Return a table from ``{column: (type[, format], values)}``."""
        names, types, formats, cells = [], [], [], []
        for column, spec in columns.items():
            kind, values = spec[0], spec[-1]
            names.append(column)
            types.append(kind)
            formats.append(spec[1] if len(spec) == 3 else _DEFAULT_FORMATS.get(kind, "%s"))
            cells.append(tuple(_plain(value, kind) for value in values))
        if len({len(column) for column in cells}) > 1:
            lengths = dict(zip(names, map(len, cells), strict=True))
            raise ValueError(f"Columns of table {name!r} differ in length: {lengths}")
        return cls(name, description, tuple(names), tuple(types), tuple(formats), tuple(cells))

    @classmethod
    def of_rows(
        cls,
        name: str,
        header: Sequence[tuple[str, str] | tuple[str, str, str]],
        rows: Sequence[Sequence[Any]],
        description: str = "",
    ) -> TwoDimTable:
        """Return a table from ``[(column, type[, format]), …]`` and its rows."""
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
        spec = {
            head[0]: (*head[1:], list(column)) for head, column in zip(header, cells, strict=True)
        }
        return cls.of(name, spec, description)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @property
    def rows(self) -> list[list[Any]]:
        """The cells, row by row."""
        return [list(row) for row in zip(*self.columns, strict=True)]

    @property
    def cell_values(self) -> list[list[Any]]:
        """The cells, row by row, under the name that the official client uses."""
        return self.rows

    @property
    def col_header(self) -> list[str]:
        """Column names, under the name that the official client uses."""
        return list(self.col_names)

    def column(self, name: str) -> list[Any]:
        """Return the cells of column `name`."""
        return list(self.columns[self.col_names.index(name)])

    def __len__(self) -> int:
        return self.n_rows

    def __iter__(self) -> Iterator[list[Any]]:
        return iter(self.rows)

    def __getitem__(self, key: str | int) -> list[Any]:
        """Return a column by name or a row by number."""
        return self.column(key) if isinstance(key, str) else self.rows[key]

    def as_data_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame."""
        import pandas as pd

        return pd.DataFrame(dict(zip(self.col_names, map(list, self.columns), strict=True)))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able description, the inverse of `from_json`."""
        return {
            "name": self.name,
            "description": self.description,
            "col_names": list(self.col_names),
            "col_types": list(self.col_types),
            "col_formats": list(self.col_formats),
            "columns": [list(column) for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TwoDimTable:
        """Return the table that `to_json` described."""
        return cls(
            data["name"],
            data["description"],
            tuple(data["col_names"]),
            tuple(data["col_types"]),
            tuple(data["col_formats"]),
            tuple(tuple(column) for column in data["columns"]),
        )

    def _formatted(self) -> list[list[str]]:
        return [
            [format_cell(cell, kind) for cell, kind in zip(row, self.col_types, strict=True)]
            for row in self.rows
        ]

    def __str__(self) -> str:
        return table_text(self.name, self.description, self.col_names, self._formatted())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return table_html(self.name, self.description, self.col_names, self._formatted())


def _plain(value: Any, kind: str) -> Any:
    """Return `value` as a Python object that JSON and pickle carry without numpy."""
    if value is None:
        return None
    if kind == "string":
        return str(value)
    if kind in ("int", "integer", "long"):
        number = float(value)
        return None if math.isnan(number) else int(value)
    return float(value)
