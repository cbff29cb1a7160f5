"""Small tables in H2O's JSON: those of models, and those on the blocks of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.models import TwoDimTable

from .schemas.frames import ColumnSpecsBase, TwoDimTableV3

if TYPE_CHECKING:
    from dh2o.frame import Frame

__all__ = ["chunk_tables", "table_schema"]


def table_schema(table: TwoDimTable | None, *, row_header: bool = False) -> TwoDimTableV3 | None:
    """Return `table` as H2O writes it, column by column; None stays None.

    With `row_header` the table begins with H2O's unnamed column of row names, here empty ones.
    """
    return None if table is None else _schema(table, row_header=row_header)


def _schema(table: TwoDimTable, *, row_header: bool = False) -> TwoDimTableV3:
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


def chunk_tables(frame: Frame) -> tuple[TwoDimTableV3, TwoDimTableV3]:
    """Return the tables of codecs and of workers of a frame."""
    summary = frame.chunk_summary()
    by_codec = TwoDimTable.of(
        "Chunk compression summary",
        {
            "chunk_type": ("string", "%8s", [line.codec for line in summary.codecs]),
            "chunk_name": ("string", [line.codec for line in summary.codecs]),
            "count": ("int", "%10d", [line.n_chunks for line in summary.codecs]),
            "count_percentage": ("float", "%10.3f %%", [x.n_chunks_pct for x in summary.codecs]),
            "size": ("string", "%10s", [size_text(line.nbytes) for line in summary.codecs]),
            "size_percentage": ("float", "%10.3f %%", [x.nbytes_pct for x in summary.codecs]),
        },
    )
    lines = (*summary.workers, *summary.statistics)
    by_worker = TwoDimTable.of(
        "Frame distribution summary",
        {
            "": ("string", [line.worker for line in lines]),
            "size": ("string", [size_text(line.nbytes) for line in lines]),
            "number_of_rows": ("float", [line.n_rows for line in lines]),
            "number_of_chunks_per_column": ("float", [line.n_blocks for line in lines]),
            "number_of_chunks": ("float", [line.n_chunks for line in lines]),
        },
    )
    return _schema(by_codec), _schema(by_worker)


def size_text(nbytes: float) -> str:
    """Return bytes in H2O's form, ten characters wide."""
    if nbytes < 1024:
        return f"{int(nbytes):7d}  B"
    for unit in ("KB", "MB", "GB", "TB"):
        nbytes /= 1024
        if nbytes < 1024 or unit == "TB":
            break
    return f"{nbytes:7.1f} {unit}"
