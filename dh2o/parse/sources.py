"""Sources: what kind of file each is, by its first bytes, and its text, whatever the packing."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from dh2o.errors import ParseError
from dh2o.parse.encodings import as_utf8, encoding_of
from dh2o.parse.setup import ARROW, AVRO, ORC, PARQUET, XLS, XLSX
from dh2o.parse.storage import absolute, is_web, nbytes_of, open_raw, open_seekable

PLAIN, GZIP, BZIP2, ZIP, ZSTD, XZ = "plain", "gzip", "bzip2", "zip", "zstd", "xz"
#: Text that can only be read from its start.
STREAM = "stream"

_MAGICS = (
    (b"\x1f\x8b", GZIP),
    (b"BZh", BZIP2),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"\xfd7zXZ\x00", XZ),
)
_TABLE_MAGICS = (
    (b"PAR1", PARQUET),
    (b"ORC", ORC),
    (b"Obj\x01", AVRO),
    (b"ARROW1", ARROW),
    (b"\xff\xff\xff\xff", ARROW),
    (b"\xd0\xcf\x11\xe0", XLS),
)
_FOREIGN = (
    (b"%PDF", "a PDF file", "export its table as CSV"),
    (b"PARE", "an encrypted Parquet file", "decrypt it first"),
    (b"FEA1", "a Feather file of version 1", "write it again with pyarrow.feather"),
    (b"SQLite format 3", "an SQLite database", "read it with import_sql_table"),
    (b"\x89HDF", "an HDF5 file", "write its table as Parquet"),
)
PREVIEW_NBYTES = 4 << 20
#: Packed text is believed up to this size, and beyond it up to this many bytes a stored byte.
MAX_TRUSTED_NBYTES = 1 << 30
MAX_UNPACK_RATIO = 500
MAX_ZIP_ENTRIES = 10_000


@dataclass(frozen=True)
class RawFile:
    """A file or upload that has been imported and waits to be parsed (DKV kind ``raw``).

    `ref` is the spool's claim on an uploaded file; it keeps the file as long as something that may
    read it again.
    """

    name: str
    url: str
    nbytes: int
    ref: Any = None


@dataclass(frozen=True)
class Source:
    """One file to parse: where it is, how many bytes it has there, and how it is packed.

    `table` is the format of a file of typed columns, and empty for text; `encoding` is empty for
    UTF-8.
    """

    name: str
    url: str
    nbytes: int
    packing: str = PLAIN
    ref: Any = None
    table: str = ""
    encoding: str = ""


def source_of(item: str | os.PathLike[str] | RawFile, encoding: str | None = None) -> Source:
    """Return the source behind a path or an imported file, its kind told by its first bytes.

    `encoding` is that of the text, if it is not UTF-8 and has no byte order mark.
    """
    if isinstance(item, RawFile):
        name, url, nbytes, ref = item.name, item.url, item.nbytes, item.ref
    else:
        name = url = absolute(os.fspath(item))
        nbytes, ref = nbytes_of(url), None
    with open_raw(url) as file:
        head = file.read(16)
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise ParseError(f"{name} is {what}, which this parser does not read: {remedy}.")
    table = next((kind for magic, kind in _TABLE_MAGICS if head.startswith(magic)), "")
    otherwise = STREAM if is_web(url) else PLAIN
    packing = next((p for magic, p in _MAGICS if head.startswith(magic)), otherwise)
    if packing == ZIP and _is_workbook(name, url):
        table = XLSX
    coding = encoding_of(head, encoding) if not table else ""
    if coding and packing == PLAIN:
        packing = STREAM
    return Source(name, url, nbytes, packing, ref, table, coding)


def _is_workbook(name: str, url: str) -> bool:
    with open_seekable(url) as file, _unpacking(name, ZIP), zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
    return not names.isdisjoint({"xl/workbook.xml", "xl/workbook.bin"})


@contextmanager
def open_text(source: Source) -> Iterator[Iterator[IO[bytes]]]:
    """Give, one after the other, the unpacked streams in a source: several only for a zip."""
    with _opened(source) as raw, _unpacking(source.name, source.packing):
        yield _streams(source, raw)


def _opened(source: Source) -> IO[bytes]:
    # The table of a zip file lies at its end.
    return open_seekable(source.url) if source.packing == ZIP else open_raw(source.url)


_UNPACK_ERRORS: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    lzma.LZMAError,
    NotImplementedError,  # a zip entry packed in a way that Python does not know
    OSError,
)


@contextmanager
def _unpacking(name: str, packing: str) -> Iterator[None]:
    """Turn what a packing's library says of a broken file into a ParseError."""
    import zlib

    import zstandard

    errors: tuple[type[Exception], ...] = (*_UNPACK_ERRORS, zlib.error, zstandard.ZstdError)
    try:
        yield
    except errors as error:
        what = "read" if packing in {PLAIN, STREAM} else f"unpacked as {packing}"
        raise ParseError(
            f"{name} cannot be {what}: {error}. The file may be cut short; fetch it again."
        ) from error


def _streams(source: Source, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if source.packing != ZIP:
        unpacked = _unpacked(source.packing, raw)
        if unpacked is not raw:
            unpacked = _metered(unpacked, source.name, source.nbytes)
        yield as_utf8(unpacked, source.encoding, source.name)
        return
    with zipfile.ZipFile(raw) as archive:
        entries = [e for e in archive.infolist() if _is_table_text(e)]
        if len(entries) > MAX_ZIP_ENTRIES:
            raise ParseError(
                f"{source.name} holds {len(entries)} files; at most {MAX_ZIP_ENTRIES} are read "
                "from one archive. Unpack it and import the folder."
            )
        for entry in entries:
            if entry.flag_bits & 1:
                raise ParseError(
                    f"Entry {entry.filename} of {source.name} is encrypted. "
                    "Unpack the archive first."
                )
            with archive.open(entry) as stream:
                name = f"{source.name} ({entry.filename})"
                yield as_utf8(_metered(stream, name, entry.compress_size), source.encoding, name)


def _is_table_text(entry: zipfile.ZipInfo) -> bool:
    return not entry.filename.endswith("/") and not fnmatch.fnmatch(entry.filename, "__MACOSX/*")


class _Metered(io.RawIOBase):
    """An unpacked stream that refuses to be a bomb: gigabytes out of next to nothing."""

    def __init__(self, stream: IO[bytes], name: str, stored_nbytes: int) -> None:
        self._stream = stream
        self._name = name
        self._most = max(MAX_TRUSTED_NBYTES, MAX_UNPACK_RATIO * stored_nbytes)
        self._n_read = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; ParseError when the text has become too large for its file."""
        n: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        self._n_read += n or 0
        if self._n_read > self._most:
            raise ParseError(
                f"{self._name} unpacks to more than {self._most >> 20} MiB, over "
                f"{MAX_UNPACK_RATIO} times its size. If that is right, unpack it first."
            )
        return n


def _metered(stream: IO[bytes], name: str, stored_nbytes: int) -> IO[bytes]:
    return cast("IO[bytes]", _Metered(stream, name, stored_nbytes))


def _unpacked(packing: str, raw: IO[bytes]) -> IO[bytes]:
    if packing == GZIP:
        return gzip.open(raw)  # type: ignore[return-value] # reads like a binary file
    if packing == BZIP2:
        return bz2.BZ2File(raw)
    if packing == XZ:
        return lzma.LZMAFile(raw)
    if packing == ZSTD:
        import zstandard

        return io.BufferedReader(
            zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        )
    return raw


@dataclass(frozen=True)
class Preview:
    """The first unpacked bytes of a source, whether they are all of it, and how dense it is."""

    data: bytes
    is_all: bool
    text_per_byte: float


def preview_of(source: Source, nbytes: int = PREVIEW_NBYTES) -> Preview:
    """Return the first `nbytes` of a source's first stream that holds any."""
    with _opened(source) as raw, _unpacking(source.name, source.packing):
        data = b""
        for stream in _streams(source, raw):
            data = _read_fully(stream, nbytes + 1)
            if data:
                break
        used = raw.tell() if raw.seekable() else source.nbytes
    return Preview(data[:nbytes], len(data) <= nbytes, max(1.0, len(data) / max(used, 1)))


def _read_fully(stream: IO[bytes], nbytes: int) -> bytes:
    """Return `nbytes`, fewer only at the end of the stream."""
    pieces: list[bytes] = []
    left = nbytes
    while left and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
