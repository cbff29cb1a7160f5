"""Export: frames to files of text or Parquet, one or many, on this machine or in a cloud.

Blocks become bytes, packed ones too, where they lie; this process only puts them one after the
other. A file appears under its name when it is whole.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dh2o.chunks import Block
from dh2o.errors import ParameterError
from dh2o.files import replaced
from dh2o.frame import Frame
from dh2o.frame.align import empty_like, like
from dh2o.frame.exchange.arrow_io import LeaveAsArrow, arrow_schema, leaving_columns
from dh2o.frame.exchange.csv_out import BLOCKS_AT_ONCE, csv_stream
from dh2o.frame.exchange.decode import ArrowColumn, with_levels
from dh2o.frame.exchange.packing import PACKINGS
from dh2o.frame.layout import even_layout, row_starts
from dh2o.frame.physical import engine_for, physical
from dh2o.frame.vec import VecType
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME
from dh2o.parse.storage import filesystem, is_remote, local_path
from dh2o.parse.tables.files import TYPES_KEY

CSV, PARQUET = "csv", "parquet"
_NBYTES_OF_SUM = 512
_PARQUET_CODECS = ("none", "snappy", "gzip", "zstd", "brotli", "lz4")
_TYPE_NAMES = {
    VecType.NUMERIC: NUMERIC,
    VecType.ENUM: ENUM,
    VecType.STRING: STRING,
    VecType.TIME: TIME,
}


@dataclass(frozen=True)
class ExportOptions:
    """How a frame is written.

    `n_parts` other than 1 writes a folder of files ``part-m-00000``, ...; -1 one for each block.
    With `write_checksum` parts of Parquet on this machine get Hadoop's ``.part-m-00000.crc`` beside
    them. `to_utc_from` is the zone whose clock the times show, when they are to be set back to UTC.
    """

    format: str = CSV
    n_parts: int = 1
    compression: str | None = None
    separator: str = ","
    header: bool = True
    quote_header: bool = True
    force: bool = False
    to_utc_from: str | None = None
    write_checksum: bool = False

    @property
    def packing(self) -> str:
        """The compression in small letters, "none" for none."""
        return (self.compression or "none").lower()


def check_export(frame: Frame, path: str, options: ExportOptions) -> None:
    """Raise ParameterError when a frame cannot be written so, before anything is."""
    if options.format not in {CSV, PARQUET}:
        raise ParameterError(f"format: {options.format!r} is not known. Use csv or parquet.")
    known = _PARQUET_CODECS if options.format == PARQUET else ("none", *PACKINGS)
    if options.packing not in known:
        raise ParameterError(
            f"compression: {options.compression} is not supported for {options.format}. "
            f"Use one of {', '.join(known)}."
        )
    if len(options.separator.encode()) != 1:
        raise ParameterError(f"separator: {options.separator!r} is not one byte.")
    uuids = [n for n, v in zip(frame.names, frame.vecs, strict=True) if v.type is VecType.UUID]
    if options.format == PARQUET and uuids:
        raise ParameterError(
            f"UUID column type is not supported. Column {uuids[0]!r} must be converted to a "
            "string before it is exported to Parquet."
        )
    if is_remote(path):
        _check_remote(path, options)
    else:
        _check_local(local_path(path), options)


def _check_local(target: Path, options: ExportOptions) -> None:
    if options.n_parts != 1:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ParameterError(
                f"exportFrame: Cannot use path {target}: parts need a new or an empty folder."
            )
        return
    if target.is_dir():
        raise ParameterError(f"path: {target} is a folder. Name the file to write.")
    if target.exists() and not options.force:
        raise ParameterError(f"File {target} already exists. Use force=True to overwrite it.")
    if not target.parent.is_dir():
        raise ParameterError(f"path: the folder {target.parent} does not exist.")


def _check_remote(path: str, options: ExportOptions) -> None:
    fs, inner = filesystem(path)
    if fs.exists(inner) and (options.n_parts != 1 or not options.force):
        remedy = "Choose a new folder." if options.n_parts != 1 else "Use force=True."
        raise ParameterError(f"File {path} already exists. {remedy}")


def export_frame(
    frame: Frame,
    path: str,
    options: ExportOptions | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> list[str]:
    """Write a frame and return the names of the files.

    `progress` is told the share that is done, and may raise to stop. What was written is removed
    when anything fails.
    """
    how = options or ExportOptions()
    check_export(frame, path, how)
    if how.n_parts == 1:
        _write_one(frame, path, how, progress)
        return [path]
    written: list[str] = []
    made = _make_folder(path)
    try:
        for name, done in _write_parts(frame, path, how):
            written.append(name)
            progress(done)
    except BaseException:
        for name in written:
            _remove(name)
        if made:
            Path(local_path(path)).rmdir()
        raise
    return written


def _write_one(
    frame: Frame, path: str, how: ExportOptions, progress: Callable[[float], None]
) -> None:
    with _writing(path) as out:
        if how.format == PARQUET:
            _write_parquet(frame, out, how, progress)
            return
        n_pieces = max(sum(1 for n in frame.layout if n) + how.header, 1)
        for i, piece in enumerate(_text_of(frame, how)):
            out.write(piece)
            progress(min((i + 1) / n_pieces, 1.0))


def _text_of(frame: Frame, how: ExportOptions) -> Iterator[bytes]:
    return csv_stream(
        frame,
        separator=how.separator,
        header=how.header,
        quote_header=how.quote_header,
        packing=None if how.packing == "none" else how.packing,
    )


def _write_parts(frame: Frame, path: str, how: ExportOptions) -> Iterator[tuple[str, float]]:
    """Write the parts and give the name of each, with the share that is done."""
    if how.format == PARQUET:
        if how.n_parts > 1:
            frame = like(frame, even_layout(frame.n_rows, how.n_parts))
        yield from _write_parquet_parts(frame, path, how)
        return
    blocks = [n for n in frame.layout if n] or [0]
    layout = blocks if how.n_parts < 1 else even_layout(frame.n_rows, how.n_parts) or (0,)
    starts = row_starts(layout)
    for i, n_rows in enumerate(layout):
        name = _part_name(path, i)
        part = frame.slice_rows(starts[i], starts[i] + n_rows)
        _write_one(part, name, how, lambda _: None)
        yield name, (i + 1) / len(layout)


def _part_name(path: str, number: int) -> str:
    return f"{path.rstrip('/')}/part-m-{number:05d}"


# ---- Parquet


class _ToParquet:
    """Gives the Parquet file of one block, or its Arrow table."""

    def __init__(self, columns: Sequence[ArrowColumn], how: ExportOptions) -> None:
        self.columns = list(columns)
        self.how = how

    def table(self, block: Block) -> Any:
        """Return the block as a table; its schema says what H2O calls the types."""
        import pyarrow as pa

        arrays = LeaveAsArrow(self.columns)(block)
        arrays = [
            with_levels(column, [array])[0] if column.type is VecType.ENUM else array
            for column, array in zip(self.columns, arrays, strict=True)
        ]
        schema = arrow_schema(self.columns)
        if self.how.to_utc_from:
            arrays = [
                _to_utc(array, self.how.to_utc_from) if column.type is VecType.TIME else array
                for column, array in zip(self.columns, arrays, strict=True)
            ]
        kinds = {column.name: _TYPE_NAMES[column.type] for column in self.columns}
        return pa.Table.from_arrays(arrays, schema=schema).replace_schema_metadata(
            {TYPES_KEY: json.dumps(kinds)}
        )

    def __call__(self, block: Block) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        pq.write_table(self.table(block), sink, compression=self.how.packing)
        return bytes(sink.getvalue())


def _to_utc(array: Any, zone: str) -> Any:
    """Return times that show the clock of a zone as what they are in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    naive = array.cast(pa.timestamp("ms"))
    moments = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="latest")
    return moments.cast(pa.timestamp("ms")).cast(array.type)


def _write_parquet(
    frame: Frame, out: IO[bytes], how: ExportOptions, progress: Callable[[float], None]
) -> None:
    """Write one file with a row group a block."""
    import pyarrow.parquet as pq

    to_parquet = _ToParquet(leaving_columns(frame), how)
    empty = to_parquet.table(empty_like(frame))
    with pq.ParquetWriter(out, empty.schema, compression=how.packing) as writer:
        for done, piece in _of_blocks(frame, to_parquet.table):
            writer.write_table(piece, row_group_size=max(piece.num_rows, 1))
            progress(done)


def _write_parquet_parts(
    frame: Frame, path: str, how: ExportOptions
) -> Iterator[tuple[str, float]]:
    to_parquet = _ToParquet(leaving_columns(frame), how)
    number = 0
    for done, piece in _of_blocks(frame, to_parquet):
        name = _part_name(path, number)
        with _writing(name) as out:
            out.write(piece)
        if how.write_checksum and not is_remote(name):
            with _writing(_checksum_name(name)) as out:
                out.write(hadoop_checksum(piece))
        number += 1
        yield name, done
    if not number:
        name = _part_name(path, 0)
        with _writing(name) as out:
            out.write(to_parquet(empty_like(frame)))
        yield name, 1.0


def _of_blocks(frame: Frame, fn: Callable[[Block], Any]) -> Iterator[tuple[float, Any]]:
    """Give what `fn` makes of each block that has rows, a few blocks at a time."""
    filled = [i for i, n_rows in enumerate(frame.layout) if n_rows]
    source, engine = physical(frame), engine_for(frame)
    for first in range(0, len(filled), BLOCKS_AT_ONCE):
        some = filled[first : first + BLOCKS_AT_ONCE]
        for i, piece in enumerate(engine.collect(source, fn, indices=some)):
            yield (first + i + 1) / len(filled), piece


# ---- files


@contextmanager
def _writing(path: str) -> Iterator[IO[bytes]]:
    """Give a file to write that takes its name only when it is whole."""
    if is_remote(path):
        fs, inner = filesystem(path)
        out = fs.open(inner, "wb", autocommit=False)
        try:
            yield out
            out.close()
        except BaseException:
            out.discard()
            out.closed = True  # or fsspec writes what is left when the object goes
            raise
        out.commit()
        return
    target = local_path(path)
    with replaced(target) as partial, partial.open("wb") as file:
        yield file


def _make_folder(path: str) -> bool:
    """Make the folder of the parts; say whether it was not there."""
    if is_remote(path):
        return False
    folder = local_path(path)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    return is_new


def _remove(path: str) -> None:
    if is_remote(path):
        fs, inner = filesystem(path)
        fs.rm(inner)
    else:
        local_path(path).unlink(missing_ok=True)
        local_path(_checksum_name(path)).unlink(missing_ok=True)


def _checksum_name(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.crc"


def hadoop_checksum(data: bytes) -> bytes:
    """Return the checksum file that Hadoop keeps beside a file: a CRC-32 for each 512 bytes."""
    pieces = range(0, len(data), _NBYTES_OF_SUM)
    sums = (zlib.crc32(data[i : i + _NBYTES_OF_SUM]).to_bytes(4, "big") for i in pieces)
    return b"crc\0" + _NBYTES_OF_SUM.to_bytes(4, "big") + b"".join(sums)
