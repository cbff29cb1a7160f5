"""Table files: the columns that a file declares, the parts it falls into, and their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, Protocol

from dh2o.errors import ParseError
from dh2o.parse.setup import AVRO, ORC, PARQUET, XLS, XLSX, ParseSetup
from dh2o.parse.sources import Source
from dh2o.parse.storage import is_remote, local_path, open_seekable

#: The key under which exported Parquet files keep the types of H2O that Arrow has no word for.
TYPES_KEY = b"dh2o.types"


@dataclass(frozen=True)
class Part:
    """A stretch of a file that can be read on its own: a row group, stripe, batch or block."""

    n_rows: int
    nbytes: int


class TableFile(Protocol):
    """An open file of typed columns."""

    schema: Any

    @property
    def parts(self) -> list[Part]:
        """What can be read on its own, in the order of the rows."""

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give the columns of some parts as Arrow tables of at most `n_rows` rows."""


@contextmanager
def open_table(
    source: Source, setup: ParseSetup | None = None, coded: Collection[str] = ()
) -> Iterator[TableFile]:
    """Give the open file behind a source; what its library says of a bad one is a ParseError.

    `setup` tells a workbook, which declares nothing, whether its first row is a header. Texts of
    the columns in `coded` may come as dictionaries.
    """
    import pyarrow as pa

    with open_seekable(source.url) as file:
        try:
            yield _opened(source, file, setup, coded)
        except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
            raise _unreadable(source, error) from error


def _unreadable(source: Source, error: Exception) -> ParseError:
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return ParseError(
        f"{source.name} cannot be read as {source.table}: {said}. "
        "The file may be cut short or damaged; fetch or write it again."
    )


def _opened(
    source: Source, file: IO[bytes], setup: ParseSetup | None, coded: Collection[str]
) -> TableFile:
    if source.table == AVRO:
        from dh2o.parse.tables.avro import AvroFile

        return AvroFile(file, source.name)
    if source.table in {XLS, XLSX}:
        from dh2o.parse.tables.excel import Workbook

        return Workbook(file, source, setup)
    import pyarrow as pa

    if is_remote(source.url):
        native = pa.PythonFile(file, mode="r")
    else:
        native = pa.OSFile(str(local_path(source.url)))
    if source.table == PARQUET:
        return ParquetFile(native, coded)
    return OrcFile(native) if source.table == ORC else IpcFile(native)


class ParquetFile:
    """Parquet: a part is a row group; columns that are not asked for are not read."""

    def __init__(self, file: Any, coded: Collection[str]) -> None:
        import pyarrow.parquet as pq

        self._open = pq.ParquetFile(file)
        self.schema = self._open.schema_arrow
        texts = [f.name for f in self.schema if f.name in coded and _is_text(f.type)]
        if texts:
            self._open = pq.ParquetFile(file, read_dictionary=texts)
        groups = self._open.metadata
        self.parts = [
            Part(groups.row_group(i).num_rows, groups.row_group(i).total_byte_size)
            for i in range(groups.num_row_groups)
        ]

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give tables of at most `n_rows` rows."""
        import pyarrow as pa

        for batch in self._open.iter_batches(
            batch_size=n_rows, row_groups=list(numbers), columns=list(names), use_threads=False
        ):
            yield pa.Table.from_batches([batch])


def _is_text(kind: Any) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind))


class OrcFile:
    """ORC: a part is a stripe."""

    def __init__(self, file: Any) -> None:
        from pyarrow import orc

        self._open = orc.ORCFile(file)
        self.schema = self._open.schema
        n = max(self._open.nstripes, 1)
        each, more = divmod(self._open.nrows, n)
        # A footer says how many rows all stripes have; the layout may say more than a stripe does.
        self.parts = [
            Part(each + (i < more), self._open.content_length // n)
            for i in range(self._open.nstripes)
        ]

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give one table after the other, cut at `n_rows` rows."""
        import pyarrow as pa

        for number in numbers:
            stripe = self._open.read_stripe(number, columns=list(names))
            yield from _cut(pa.Table.from_batches([stripe]).select(list(names)), n_rows)


class IpcFile:
    """Arrow IPC and Feather: a part is a record batch; a stream is one part."""

    def __init__(self, file: Any) -> None:
        import pyarrow as pa

        self._file = file
        self._batches: Any = None
        head = file.read(6)
        file.seek(0)
        if head == b"ARROW1":
            self._batches = pa.ipc.open_file(file)
            self.schema = self._batches.schema
        else:
            self.schema = pa.ipc.open_stream(file).schema

    @cached_property
    def parts(self) -> list[Part]:
        """The record batches; of each one column is read, and only where somebody asks."""
        import pyarrow as pa

        nbytes = self._file.size()
        if self._batches is None:
            return [Part(-1, nbytes)]
        n = self._batches.num_record_batches
        if not n or not len(self.schema):
            return [Part(0, nbytes)] * n
        narrow = min(range(len(self.schema)), key=lambda i: _width(self.schema.field(i).type))
        some = pa.ipc.open_file(
            self._file, options=pa.ipc.IpcReadOptions(included_fields=[narrow], use_threads=False)
        )
        return [Part(some.get_batch(i).num_rows, nbytes // n) for i in range(n)]

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give one table after the other, cut at `n_rows` rows."""
        import pyarrow as pa

        if self._batches is not None:
            for number in numbers:
                yield from _cut(_checked(self._batches.get_batch(number), names), n_rows)
            return
        self._file.seek(0)
        for batch in pa.ipc.open_stream(self._file):
            yield from _cut(_checked(batch, names), n_rows)


def _checked(batch: Any, names: Sequence[str]) -> Any:
    """Return some columns as a table; ArrowInvalid if offsets or codes point anywhere else.

    These files are memory as it lies: Arrow reads it unseen, and a damaged one ends the process.
    """
    import pyarrow as pa

    table = pa.Table.from_batches([batch]).select(list(names))
    table.validate(full=True)
    return table


def _width(kind: Any) -> int:
    """Return the bits of a value of an Arrow type, many where values differ."""
    try:
        return int(kind.bit_width)
    except ValueError:
        return 1 << 10


def _cut(table: Any, n_rows: int) -> Iterator[Any]:
    if table.num_rows <= n_rows:
        yield table
        return
    for start in range(0, table.num_rows, n_rows):
        yield table.slice(start, n_rows)
