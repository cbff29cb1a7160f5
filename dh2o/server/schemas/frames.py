"""Schemas of frames and tables."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, Schema, both, gives, takes


@dataclass(kw_only=True)
class ColumnSpecsBase(Schema):
    """Head of one column of a table."""

    schema_version: ClassVar[int] = -1

    name: str | None = gives("string", None, "Name.")
    type: str | None = gives("string", None, "Type.")
    format: str | None = gives("string")
    description: str | None = gives("string", None, "What it is.")


@dataclass(kw_only=True)
class TwoDimTableV3(Schema):
    """A small table, column by column."""

    schema_type: ClassVar[str] = "TwoDimTable"

    name: str | None = gives("string", None, "Name.")
    description: str | None = gives("string", None, "What it is.")
    columns: list[Any] | None = gives("ColumnSpecsBase[]", None, "How many columns.")
    rowcount: int = gives("int", 0)
    data: list[Any] | None = gives("Polymorphic[][]", None, "Values of the rows shown.")


@dataclass(kw_only=True)
class ColV3(Schema):
    """One column of a frame."""

    schema_type: ClassVar[str] = "Vec"

    label: str | None = gives("string", None, "Name of the column.")
    missing_count: int = gives("long", 0, "How many values are NA.")
    zero_count: int = gives("long", 0, "How many values are zero.")
    positive_infinity_count: int = gives("long", 0)
    negative_infinity_count: int = gives("long", 0)
    mins: list[Any] | None = gives("double[]", None, "The five smallest values.")
    maxs: list[Any] | None = gives("double[]", None, "The five largest values.")
    mean: float = gives("double", 0.0, "Mean.")
    sigma: float = gives("double", 0.0, "Standard deviation.")
    type: str | None = gives("string", None, "Type.")
    domain: list[Any] | None = gives("string[]", None, "Levels of a categorical column.")
    domain_cardinality: int = gives("int", 0, "How many levels.")
    data: list[Any] | None = gives("double[]", None, "Values of the rows shown.")
    string_data: list[Any] | None = gives("string[]", None, "Texts of the rows shown.")
    precision: int = gives("byte", 0)
    histogram_bins: list[Any] | None = gives("long[]", None, "Counts of the histogram.")
    histogram_base: float = gives("double", 0.0, "Left edge of the first bin.")
    histogram_stride: float = gives("double", 0.0, "Width of a bin.")
    percentiles: list[Any] | None = gives("double[]", None, "Values at the default percentiles.")


@dataclass(kw_only=True)
class FrameBaseV3(Request):
    """What all views of a frame share."""

    frame_id: Key | None = both("Key<Frame>", None, "Key of the frame.", required=True)
    byte_size: int = gives("long", 0, "Bytes in memory.")
    is_text: bool = gives("boolean", False)


@dataclass(kw_only=True)
class FrameV3(FrameBaseV3):
    """A frame, with a window of its rows."""

    schema_type: ClassVar[str] = "Frame"

    row_offset: int = takes("long", 0, "First row to show.")
    row_count: int = both("int", 0, "How many rows to show; -1 for the default.")
    column_offset: int = both("int", 0, "First column to show.")
    column_count: int = both("int", 0, "How many columns to show; -1 for all.")
    full_column_count: int = both(
        "int", 0, "How many columns to show in full; the rest without data."
    )
    total_column_count: int = both("int", 0, "How many columns the frame has.")
    checksum: int = gives("long", 0, "Number that changes with the content.")
    rows: int = gives("long", 0, "How many rows.")
    num_columns: int = gives("long", 0)
    default_percentiles: list[Any] | None = gives("double[]")
    columns: list[Any] | None = gives("ColV3[]", None, "How many columns.")
    compatible_models: list[Any] | None = gives("string[]")
    chunk_summary: Any = gives("TwoDimTableV3")
    distribution_summary: Any = gives("TwoDimTableV3")


@dataclass(kw_only=True)
class FrameSynopsisV3(FrameBaseV3):
    """Name and size of a frame."""

    rows: int = gives("long", 0, "How many rows.")
    columns: int = gives("long", 0, "How many columns.")


@dataclass(kw_only=True)
class FrameSaveV3(Request):
    """Request to write a frame in dh2o's own format."""

    frame_id: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    dir: str | None = takes("string", None, "Folder, as the server sees it.")
    force: bool = takes("boolean", True, "Overwrite what is there.")
    job: Any = gives("JobV3", None, "The job that writes it.")


@dataclass(kw_only=True)
class FrameLoadV3(Request):
    """Request to read a frame that was written so."""

    frame_id: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    dir: str | None = takes("string", None, "Folder, as the server sees it.")
    force: bool = takes("boolean", True, "Overwrite what is there.")
    job: Any = gives("JobV3", None, "The job that reads it.")


@dataclass(kw_only=True)
class FramesV3(Request):
    """Frames."""

    schema_type: ClassVar[str] = "Frames"

    frame_id: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    column: str | None = takes("string", None, "Name of the column.")
    row_offset: int = both("long", 0, "First row to show.")
    row_count: int = both("int", -1, "How many rows to show; -1 for the default.")
    column_offset: int = both("int", 0, "First column to show.")
    full_column_count: int = both(
        "int", -1, "How many columns to show in full; the rest without data."
    )
    column_count: int = both("int", -1, "How many columns to show; -1 for all.")
    find_compatible_models: bool = takes("boolean", False)
    path: str | None = takes("string", None, "Path of a file or folder, as the server sees it.")
    force: bool = takes("boolean", False, "Overwrite what is there.")
    num_parts: int = takes("int", 1)
    parallel: bool = takes("boolean", False)
    format: str | None = takes(
        "enum",
        values=(
            "csv",
            "parquet",
        ),
    )
    compression: str | None = takes("string")
    write_checksum: bool = takes("boolean", True)
    tz_adjust_from_local: bool = takes("boolean", False)
    separator: int = takes("byte", 44, "Code of the character between fields.")
    header: bool = takes("boolean", True)
    quote_header: bool = takes("boolean", True)
    job: Any = gives("JobV3", None, "The job that does the work.")
    frames: list[Any] | None = gives("FrameV3[]")
    compatible_models: list[Any] | None = gives("ModelSchemaV3[]")
    domain: list[Any] | None = gives("string[][]", None, "Levels of a categorical column.")


@dataclass(kw_only=True)
class FramesListV3(Request):
    """Names and sizes of the frames."""

    schema_type: ClassVar[str] = "Frames"

    frame_id: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    frames: list[Any] | None = gives("FrameBaseV3[]")


@dataclass(kw_only=True)
class FrameChunkV3(Schema):
    """One block of a frame."""

    chunk_id: int = gives("int", 0)
    row_count: int = gives("int", 0, "How many rows to show; -1 for the default.")
    node_idx: int = gives("int", 0, "Number of the worker.")


@dataclass(kw_only=True)
class FrameChunksV3(Schema):
    """The blocks of a frame."""

    frame_id: Key | None = both("Key<Frame>", None, "Key of the frame.", required=True)
    chunks: list[Any] | None = gives("FrameChunkV3[]")


@dataclass(kw_only=True)
class DownloadDataV3(Request):
    """A frame as CSV."""

    frame_id: Key | None = takes("Key<Frame>", None, "Key of the frame.", required=True)
    hex_string: bool = takes("boolean", False, "Write floats exactly, in base 16.")
    csv: str | None = gives("string")
    filename: str | None = gives("string", None, "Name of the file.")


@dataclass(kw_only=True)
class FindV3(Request):
    """Search for a value in a column."""

    key: Any = takes("FrameV3", None, "Key in the store.", required=True)
    column: str | None = takes("string", None, "Name of the column.")
    row: int = takes("long", 0, required=True)
    match: str | None = takes("string")
    prev: int = gives("long", 0)
    next: int = gives("long", 0)


@dataclass(kw_only=True)
class RemoveV3(Request):
    """Request to remove one key."""

    key: Key | None = takes("Key<Keyed>", None, "Key in the store.")
    cascade: bool = takes("boolean", False, "Also remove what belongs to it.")


@dataclass(kw_only=True)
class RemoveAllV3(Request):
    """Request to remove all keys."""

    retained_keys: list[Any] | None = takes("Key<Keyed>[]", None, "Keys to keep.")
