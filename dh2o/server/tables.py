"""Small tables in H2O's JSON: those of models, and those on the blocks of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .schemas.frames import ColumnSpecsBase, TwoDimTableV3

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.models import TwoDimTable

__all__ = ["chunk_tables", "table_schema"]


def table_schema(table: TwoDimTable | None, *, row_header: bool = False) -> TwoDimTableV3 | None:
    """Return `table` as H2O writes it, column by column; None stays None.

    With `row_header` the table begins with H2O's unnamed column of row names, here empty ones.
    """
    if table is None:
        return None
    specs = [
        ColumnSpecsBase(name=name, type=type_, format=format_, description=label(name))
        for name, type_, format_ in zip(
            table.col_names, table.col_types, table.col_formats, strict=True
        )
    ]
    data = [list(column) for column in table.columns]
    n_rows = len(data[0]) if data else 0
    if row_header and (not table.col_names or table.col_names[0] != ""):
        specs.insert(0, ColumnSpecsBase(name="", type="string", format="%s", description=""))
        data.insert(0, [""] * n_rows)
    return TwoDimTableV3(
        name=table.name, description=table.description, columns=specs, rowcount=n_rows, data=data
    )


def label(name: str) -> str:
    """Return the words of a column name: ``training_rmse`` reads Training Rmse."""
    return " ".join(word[:1].upper() + word[1:] for word in name.split("_"))


def chunk_tables(frame: Frame) -> tuple[TwoDimTableV3 | None, TwoDimTableV3 | None]:
    """Return the tables of codecs and of workers of a frame."""
    summary = frame.chunk_summary()
    return table_schema(summary.by_codec()), table_schema(summary.by_worker())
