"""Files to frames and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dh2o.api.stored import get_timezone
from dh2o.errors import ParameterError
from dh2o.frame import Frame
from dh2o.mrtask import Job, current_engine
from dh2o.parse import (
    ExportOptions,
    ParseSetup,
    export_frame,
    guess_setup,
    list_files,
    start_parse,
)
from dh2o.parse.sql import SqlSource, start_sql_import
from dh2o.parse.storage import is_remote
from dh2o.rapids import H2OFrame

Paths = str | Path | Sequence[str | Path]
Types = Sequence[str | None] | Mapping[Any, str]


def lazy_import(path: Paths, pattern: str | None = None) -> list[str]:
    """Return the paths of the files that `import_file` would read, which are not read yet.

    Parameters
    ----------
    path : str, Path or list of them
        Files, globs or folders (read recursively).
    pattern : str, optional
        Regular expression that the names of files in a folder must match.

    Raises
    ------
    ParseError
        There is no such file.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    return list_files([str(p) for p in paths], pattern)


def parse_setup(
    raw_frames: Paths,
    destination_frame: str | None = None,
    header: int = 0,
    separator: str | None = None,
    column_names: Sequence[str] | None = None,
    column_types: Types | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    skipped_columns: Sequence[int] | None = None,
    force_col_types: bool = False,
    custom_non_data_line_markers: str | None = None,
    partition_by: str | Sequence[str] | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    tz_adjust_to_local: bool = False,
    pattern: str | None = None,
    encoding: str | None = None,
) -> ParseSetup:
    """Return how files would be read: separator, header, names and types, guessed or as given.

    Give the result to `parse_raw`.

    Parameters
    ----------
    raw_frames : str, Path or list of them
        Files, globs or folders; what `import_file` calls ``path``.
    destination_frame : str, optional
        Key of the frame; default: made from the file's name.
    header : {0, 1, -1}
        0 guesses, 1 says that the first line holds names, -1 that it holds data.
    separator : str, optional
        The separator; default: guessed.
    column_names, column_types : list, or dict for types
        Names and types, None to guess.
    na_strings : list of str, list of lists, or dict
        Texts that stand for NA, for all columns or by column.
    skipped_columns : list of int, optional
        Columns to leave out.
    force_col_types : bool
        Types that are given hold also where a file says otherwise.
    custom_non_data_line_markers : str, optional
        Lines that start with one of these characters are comments.
    partition_by : str or list of str, optional
        Folders ``name=value`` on the way to a file that become columns.
    quotechar : {'"', "'"}, optional
        The quote character.
    escapechar : str, optional
        The escape character.
    tz_adjust_to_local : bool
        Times that are UTC's in a file become those of the session's zone.
    pattern : str, optional
        Regular expression that the names of files in a folder must match.
    encoding : str, optional
        Encoding of text, as Python names it.

    Raises
    ------
    ParseError
        A file is missing, empty, binary or unreadable, or an option does not fit it.
    """
    if quotechar not in (None, '"', "'"):
        raise ParameterError(f"quotechar is {quotechar!r}; it must be '\"' or \"'\".")
    partitions = [partition_by] if isinstance(partition_by, str) else partition_by
    given: dict[str, Any] = {
        "destination_frame": destination_frame,
        "check_header": header,
        "separator": ord(separator) if separator else None,
        "column_names": column_names,
        "column_types": column_types,
        "na_strings": na_strings,
        "skipped_columns": skipped_columns,
        "force_col_types": force_col_types or None,
        "single_quotes": quotechar == "'" if quotechar else None,
        "escapechar": ord(escapechar) if escapechar else None,
        "custom_non_data_line_markers": custom_non_data_line_markers,
        "partition_by": None if partitions is None else tuple(partitions),
        "tz_adjust_to_local": tz_adjust_to_local or None,
        "encoding": encoding,
        "timezone": get_timezone(),
    }
    paths = [raw_frames] if isinstance(raw_frames, str | Path) else list(raw_frames)
    files = list_files([str(p) for p in paths], pattern)
    return guess_setup(files, **{k: v for k, v in given.items() if v is not None})


def parse_raw(
    setup: ParseSetup,
    id: str | None = None,  # noqa: A002 - H2O's name
    first_line_is_header: int = 0,
) -> H2OFrame:
    """Return the frame that the files of `setup` hold, stored under the key `id` if given.

    Parameters
    ----------
    setup : ParseSetup
        What `parse_setup` returned, changed perhaps with ``dataclasses.replace``.
    id : str, optional
        Key of the frame; default: the one in `setup`.
    first_line_is_header : {0, 1, -1}
        Not 0: as ``header`` of `parse_setup`, instead of what `setup` says.

    Raises
    ------
    ParseError
        A file is missing, empty, binary or unreadable; the message names it.
    """
    if first_line_is_header:
        from dataclasses import replace

        setup = replace(setup, check_header=first_line_is_header)
    return H2OFrame.get_frame(_parsed(setup, id).dest)


def _parsed(setup: ParseSetup, destination_frame: str | None) -> Job:
    job = start_parse(current_engine(), setup, destination_frame)
    job.wait()
    return job


def import_file(
    path: Paths | None = None,
    destination_frame: str | None = None,
    parse: bool = True,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Types | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    pattern: str | None = None,
    skipped_columns: Sequence[int] | None = None,
    force_col_types: bool = False,
    custom_non_data_line_markers: str | None = None,
    partition_by: str | Sequence[str] | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    tz_adjust_to_local: bool = False,
    encoding: str | None = None,
) -> Any:
    r"""Return the table that one or several files hold, parsed in parallel by the workers.

    Parameters
    ----------
    path : str, Path or list of them
        Files, globs or folders (read recursively), plain or compressed. The workers must
        reach them under the same path; see `upload_file` for files that only this process sees.
    destination_frame : str, optional
        Key of the frame; default: made from the file's name.
    parse : bool
        False gives the list of paths, for `parse_setup`.
    header : {0, 1, -1}
        0 guesses, 1 says that the first line holds names, -1 that it holds data.
    sep : str, optional
        The separator; default: guessed.
    col_names, col_types : list, or dict for types
        Names and types ("numeric", "enum", "string", "time", "uuid"), None to guess.
    na_strings : list of str, list of lists, or dict
        Texts that stand for NA, for all columns or by column.
    pattern : str, optional
        Regular expression that the names of files in a folder must match.
    skipped_columns : list of int, optional
        Columns to leave out.
    force_col_types : bool
        Types that are given hold also where a file says otherwise.
    custom_non_data_line_markers : str, optional
        Lines that start with one of these characters are comments.
    partition_by : str or list of str, optional
        Folders ``name=value`` on the way to a file that become columns.
    quotechar : {'"', "'"}, optional
        The quote character.
    escapechar : str, optional
        The escape character.
    tz_adjust_to_local : bool
        Times of Parquet, ORC and Arrow files, which are UTC's, become those that the clock of the
        session's zone showed.
    encoding : str, optional
        Encoding of text, as Python names it; default: UTF-8, or as a byte order mark says.

    Returns
    -------
    H2OFrame or list of str
        The frame, or with ``parse=False`` the paths.

    Raises
    ------
    ParseError
        A file is missing, empty, binary or unreadable, or an option does not fit it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "people.csv"
    >>> _ = path.write_text("name,age\nAda,36\nAlan,\n")
    >>> dh2o.import_file(path, col_types={"name": "string"})
    name  age
    ----  ---
    Ada    36
    Alan   NA
    >>> folder.cleanup()
    """
    if path is None:
        raise ParameterError("path: give a file, a folder, or a list of them.")
    if not parse:
        return lazy_import(path, pattern)
    setup = parse_setup(
        path,
        destination_frame=destination_frame,
        header=header,
        separator=sep,
        column_names=col_names,
        column_types=col_types,
        na_strings=na_strings,
        pattern=pattern,
        skipped_columns=skipped_columns,
        force_col_types=force_col_types,
        custom_non_data_line_markers=custom_non_data_line_markers,
        partition_by=partition_by,
        quotechar=quotechar,
        escapechar=escapechar,
        tz_adjust_to_local=tz_adjust_to_local,
        encoding=encoding,
    )
    return parse_raw(setup, destination_frame)


def upload_file(path: str | Path, destination_frame: str | None = None, **options: Any) -> H2OFrame:
    """Return the table of a file that only this process reaches: it goes through the spool.

    Parameters
    ----------
    path : str or Path
        One file of this machine.
    destination_frame : str, optional
        Key of the frame; default: made from the file's name.
    **options
        Those of `import_file`.

    Raises
    ------
    ParameterError
        There is no such file.
    ParseError
        It cannot be read as a table.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise ParameterError(f"path: {str(path)!r} is not a file.")
    spool = current_engine().spool
    with source.open("rb") as data:
        ref = spool.write_stream(data, name=source.name)
    made: H2OFrame = import_file(ref.url, destination_frame, **options)
    return made


def import_sql_table(
    connection_url: str,
    table: str,
    username: str = "",
    password: str = "",
    columns: Sequence[str] | None = None,
    optimize: bool = True,  # noqa: ARG001 - H2O's, without effect there too
    fetch_mode: str | None = None,
    num_chunks_hint: int | None = None,
) -> H2OFrame:
    """Return a table of a database as a frame.

    Parameters
    ----------
    connection_url : str
        JDBC's (``jdbc:postgresql://host/db``) or SQLAlchemy's (``sqlite:///data.db``).
    table : str
        The table, with its schema before a point if need be.
    username, password : str
        Who reads; not needed where the URL says so.
    columns : list of str, optional
        The columns to read; default: all.
    optimize : bool
        Without effect, as in H2O.
    fetch_mode : {"DISTRIBUTED", "SINGLE"}, optional
        Whether slices of the table are read side by side, in the order of its primary key. A table
        without one is read through one cursor.
    num_chunks_hint : int, optional
        How many blocks the frame shall have, at most.

    Raises
    ------
    ParseError
        The database cannot be reached, or says no.
    ParameterError
        The URL, the table or a column is not known.
    """
    source = SqlSource(connection_url, table, None, tuple(columns or ()), username, password)
    return _of_database(source, fetch_mode, num_chunks_hint)


def import_sql_select(
    connection_url: str,
    select_query: str,
    username: str = "",
    password: str = "",
    optimize: bool = True,  # noqa: ARG001 - H2O's, without effect there too
    use_temp_table: bool | None = None,  # noqa: ARG001 - no table is ever made
    temp_table_name: str | None = None,  # noqa: ARG001 - no table is ever made
    fetch_mode: str | None = None,
    num_chunks_hint: int | None = None,
) -> H2OFrame:
    """Return the rows of a query as a frame; they are read once, through one cursor.

    Parameters
    ----------
    connection_url : str
        JDBC's (``jdbc:postgresql://host/db``) or SQLAlchemy's (``sqlite:///data.db``).
    select_query : str
        The query.
    username, password : str
        Who reads; not needed where the URL says so.
    optimize : bool
        Without effect, as in H2O.
    use_temp_table, temp_table_name
        Not looked at: nothing is written to the database.
    fetch_mode : {"DISTRIBUTED", "SINGLE"}, optional
        Checked; a query is read through one cursor in any case.
    num_chunks_hint : int, optional
        How many blocks the frame shall have, at most.

    Raises
    ------
    ParseError
        The database cannot be reached, or says no.
    ParameterError
        The URL is not known.
    """
    source = SqlSource(connection_url, None, select_query, (), username, password)
    return _of_database(source, fetch_mode, num_chunks_hint)


def _of_database(source: SqlSource, fetch_mode: str | None, n_chunks: int | None) -> H2OFrame:
    job = start_sql_import(current_engine(), source, fetch_mode=fetch_mode, n_chunks=n_chunks)
    job.wait()
    return H2OFrame.get_frame(job.dest)


def export_file(
    frame: H2OFrame | Frame,
    path: str | Path,
    force: bool = False,
    sep: str = ",",
    compression: str | None = None,
    parts: int = 1,
    header: bool = True,
    quote_header: bool = True,
    parallel: bool = False,  # noqa: ARG001 - blocks always become bytes side by side
    format: str = "csv",  # noqa: A002 - H2O's name
    write_checksum: bool = True,
    tz_adjust_from_local: bool = False,
) -> Path | str:
    """Write `frame` to `path` and return the path.

    Parameters
    ----------
    frame : H2OFrame or Frame
        What is written.
    path : str or Path
        A file, a folder for several parts, or a URL that fsspec can write.
    force : bool
        Replace a file that is there.
    sep : str
        The separator of CSV.
    compression : str, optional
        CSV: gzip, bzip2, zstd or xz. Parquet: snappy, gzip, zstd, brotli or lz4.
    parts : int
        1 writes a file; any other number a folder of so many ``part-m-00000``; -1 one a block.
    header, quote_header : bool
        Whether CSV starts with a line of names, and whether they stand in quotes.
    parallel : bool
        Taken for the sake of H2O's signature.
    format : {"csv", "parquet"}
        Parquet keeps types and levels.
    write_checksum : bool
        Parts of Parquet get Hadoop's checksum files beside them.
    tz_adjust_from_local : bool
        Times show the clock of the session's zone and are set back to UTC (Parquet).

    Returns
    -------
    Path or str
        Where it was written; a URL as text.

    Raises
    ------
    ParameterError
        The file exists and `force` is not set, or an option is not known.
    """
    options = ExportOptions(
        format=format,
        n_parts=parts,
        compression=compression,
        separator=sep,
        header=header,
        quote_header=quote_header,
        force=force,
        write_checksum=write_checksum,
        to_utc_from=get_timezone() if tz_adjust_from_local else None,
    )
    target = str(path) if is_remote(str(path)) else Path(path).expanduser()
    export_frame(_frame_of(frame), str(target), options)
    return target


def download_csv(data: H2OFrame | Frame, filename: str | Path) -> str:
    """Write a frame as CSV to a file of this machine, replacing one there; return its name.

    Parameters
    ----------
    data : H2OFrame or Frame
        What is written.
    filename : str or Path
        The file.
    """
    return str(export_file(data, filename, force=True))


def load_frame(frame_id: str, path: str | Path, force: bool = True) -> H2OFrame:
    """Return the frame that ``H2OFrame.save`` wrote into the folder `path`, stored again.

    Parameters
    ----------
    frame_id : str
        The key that the frame had, and has again.
    path : str or Path
        The folder, which this process reads.
    force : bool
        Replace a frame that is stored under the key.

    Raises
    ------
    FrameError
        There is no such file or it is no frame, or the key is in use and `force` is not set.
    """
    from dh2o.frame.saved import load

    return H2OFrame(load(frame_id, path, force=force))


def _frame_of(frame: H2OFrame | Frame) -> Frame:
    return frame if isinstance(frame, Frame) else frame.frame
