"""Schemas of import and parse."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, both, gives, takes


@dataclass(kw_only=True)
class ImportFilesV3(Request):
    """Files under one path."""

    schema_type: ClassVar[str] = "ImportFiles"

    path: str | None = takes(
        "string", None, "Path of a file or folder, as the server sees it.", required=True
    )
    pattern: str | None = takes("string", None, "Regular expression that file names must match.")
    files: list[Any] | None = gives("string[]", None, "Files that were found.")
    destination_frames: list[Any] | None = gives(
        "string[]", None, "Keys under which the files can be parsed."
    )
    fails: list[Any] | None = gives("string[]", None, "Paths that could not be read.")
    dels: list[Any] | None = gives("string[]", None, "Keys that were deleted.")


@dataclass(kw_only=True)
class ImportFilesMultiV3(Request):
    """Files under several paths."""

    schema_type: ClassVar[str] = "ImportFilesMulti"

    paths: list[Any] | None = takes(
        "string[]", None, "Paths of files or folders, as the server sees them.", required=True
    )
    pattern: str | None = takes("string", None, "Regular expression that file names must match.")
    files: list[Any] | None = gives("string[]", None, "Files that were found.")
    destination_frames: list[Any] | None = gives(
        "string[]", None, "Keys under which the files can be parsed."
    )
    fails: list[Any] | None = gives("string[]", None, "Paths that could not be read.")
    dels: list[Any] | None = gives("string[]", None, "Keys that were deleted.")


@dataclass(kw_only=True)
class ParseSetupV3(Request):
    """Guess of how files are to be parsed."""

    schema_type: ClassVar[str] = "ParseSetup"

    source_frames: list[Any] | None = both(
        "Key<Frame>[]", None, "Keys of the raw files.", required=True
    )
    parse_type: str | None = both(
        "enum",
        "GUESS",
        "Format of the files.",
        values=(
            "GUESS",
            "ARFF",
            "XLS",
            "SVMLight",
            "AVRO",
            "PARQUET",
            "ORC",
            "ARROW",
            "XLSX",
            "CSV",
        ),
    )
    separator: int = both("byte", 0, "Code of the character between fields.")
    single_quotes: bool = both("boolean", False, "Whether single quotes enclose fields.")
    check_header: int = both("int", 0, "1: the first line is a header; -1: it is data; 0: guess.")
    column_names: list[Any] | None = both("string[]", None, "Names of the columns.")
    skipped_columns: list[Any] | None = both("int[]", None, "Indices of columns to leave out.")
    column_types: list[Any] | None = both("string[]", None, "Types of the columns.")
    na_strings: list[Any] | None = both("string[][]", None, "Texts that mean NA, by column.")
    column_name_filter: str | None = both("string")
    column_offset: int = both("int", 0, "First column to show.")
    column_count: int = both("int", 0, "How many columns to show; -1 for all.")
    destination_frame: str | None = gives("string", None, "Key of the frame to make.")
    header_lines: int = gives("long", 0)
    number_columns: int = gives("int", 0)
    data: list[Any] | None = gives("string[][]", None, "Values of the rows shown.")
    warnings: list[Any] | None = gives("string[]", None, "Warnings for the user.")
    chunk_size: int = gives("int", 4194304)
    total_filtered_column_count: int = both("int", 0)
    custom_non_data_line_markers: str | None = both("string")
    decrypt_tool: Key | None = takes("Key<DecryptionTool>")
    partition_by: list[Any] | None = both("string[]")
    escapechar: int = both("byte", 0)
    force_col_types: bool = takes("boolean", False)
    tz_adjust_to_local: bool = takes("boolean", False)


@dataclass(kw_only=True)
class ParseV3(Request):
    """Request to parse files."""

    destination_frame: Key | None = takes(
        "Key<Frame>", None, "Key of the frame to make.", required=True
    )
    source_frames: list[Any] | None = takes(
        "Key<Frame>[]", None, "Keys of the raw files.", required=True
    )
    parse_type: str | None = takes(
        "enum",
        None,
        "Format of the files.",
        values=(
            "GUESS",
            "ARFF",
            "XLS",
            "SVMLight",
            "AVRO",
            "PARQUET",
            "ORC",
            "ARROW",
            "XLSX",
            "CSV",
        ),
    )
    separator: int = takes("byte", 0, "Code of the character between fields.")
    single_quotes: bool = takes("boolean", False, "Whether single quotes enclose fields.")
    check_header: int = takes("int", 0, "1: the first line is a header; -1: it is data; 0: guess.")
    number_columns: int = takes("int", 0)
    column_names: list[Any] | None = takes("string[]", None, "Names of the columns.")
    column_types: list[Any] | None = takes("string[]", None, "Types of the columns.")
    skipped_columns: list[Any] | None = both("int[]", None, "Indices of columns to leave out.")
    force_col_types: bool = takes("boolean", False)
    domains: list[Any] | None = takes("string[][]", None, "Levels of the categorical columns.")
    na_strings: list[Any] | None = takes("string[][]", None, "Texts that mean NA, by column.")
    chunk_size: int = takes("int", 0)
    delete_on_done: bool = takes("boolean", False)
    blocking: bool = takes("boolean", False)
    decrypt_tool: Key | None = takes("Key<DecryptionTool>")
    custom_non_data_line_markers: str | None = takes("string")
    partition_by: list[Any] | None = takes("string[]")
    job: Any = gives("JobV3", None, "The job that does the work.")
    rows: int = gives("long", 0, "How many rows.")
    escapechar: int = both("byte", 0)
    tz_adjust_to_local: bool = takes("boolean", False)


@dataclass(kw_only=True)
class ParseSVMLightV3(Request):
    """Request to parse SVMLight files."""

    destination_frame: Key | None = takes("Key<Frame>", None, "Key of the frame to make.")
    source_frames: list[Any] | None = takes(
        "Key<Frame>[]", None, "Keys of the raw files.", required=True
    )


@dataclass(kw_only=True)
class ImportSQLTableV99(Request):
    """Request to read a table or a query of a database."""

    connection_url: str | None = takes(
        "string", None, "URL of the database, JDBC's or SQLAlchemy's.", required=True
    )
    table: str | None = takes("string", None, "Name of the table.")
    select_query: str | None = takes("string", None, "Query that gives the rows.")
    use_temp_table: str | None = takes("string", None, "Taken; no table is ever made.")
    temp_table_name: str | None = takes("string", None, "Taken; no table is ever made.")
    username: str | None = takes("string", None, "Who reads.", required=True)
    password: str | None = takes("string", None, "Password of who reads.", required=True)
    columns: str | None = takes("string", "*", "Columns of the table, with commas; * for all.")
    fetch_mode: str | None = takes("string", None, "DISTRIBUTED or SINGLE.")
    num_chunks_hint: str | None = takes("string", None, "How many chunks the frame shall have.")


@dataclass(kw_only=True)
class TypeaheadV3(Request):
    """Paths that begin with a text."""

    src: str | None = takes("string", None, "Beginning of a path.", required=True)
    limit: int = takes("int", 0, "At most so many answers; 0 for all.")
    matches: list[Any] | None = gives("string[]", None, "Paths that begin so.")
