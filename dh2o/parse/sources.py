"""Sources: which files a path names, and their bytes, whatever the packing."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import importlib.util
import io
import lzma
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dh2o.errors import ParseError

PLAIN, GZIP, BZIP2, ZIP, ZSTD, XZ = "plain", "gzip", "bzip2", "zip", "zstd", "xz"
#: Text that can only be read from its start.
STREAM = "stream"

_MAGICS = (
    (b"\x1f\x8b", GZIP),
    (b"BZh", BZIP2),
    (b"PK\x03\x04", ZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"\xfd7zXZ\x00", XZ),
)
_BUNDLED = "h2o://"
_WEB_TIMEOUT_S = 60
_FOREIGN = (
    (b"PAR1", "a Parquet file", "read it with pyarrow.parquet.read_table and pass the table"),
    (b"Obj\x01", "an Avro file", "convert it to CSV"),
    (b"ORC", "an ORC file", "read it with pyarrow.orc.read_table and pass the table"),
    (b"\xd0\xcf\x11\xe0", "an Excel file", "save it as CSV"),
    (b"%PDF", "a PDF file", "export its table as CSV"),
)
PREVIEW_NBYTES = 4 << 20


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
    """One file to parse: where it is, how many bytes it has there, and how it is packed."""

    name: str
    url: str
    nbytes: int
    packing: str = PLAIN
    ref: Any = None


def is_remote(path: str) -> bool:
    """Say whether a path is a URL of another file system than this machine's."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> Path:
    """Return a path with ``file://`` taken off, ``~`` expanded, made absolute."""
    return Path(path.removeprefix("file://")).expanduser().absolute()


def is_web(path: str) -> bool:
    """Say whether a path is a web address."""
    return path.startswith(("http://", "https://"))


def bundled(path: str) -> str:
    """Return the file behind ``h2o://iris``: a table that comes with the package h2o."""
    found = importlib.util.find_spec("h2o")
    folder = Path(found.origin).parent / "h2o_data" if found and found.origin else Path()
    file = folder / f"{path.removeprefix(_BUNDLED).removesuffix('.csv')}.csv"
    if found is None or file.parent != folder or not file.is_file():
        raise ParseError(
            f"{path} names a table that comes with the Python package h2o, which does not have it "
            "here. Install h2o, or give the path of a file."
        )
    return str(file)


def absolute(path: str) -> str:
    """Return the path as every process of this machine understands it; URLs stay."""
    return path if is_remote(path) else str(local_path(path))


def list_files(
    path: str | os.PathLike[str] | Sequence[Any], pattern: str | None = None
) -> list[str]:
    """Return the files that a path, glob, folder (all below it) or list of these names, sorted.

    `pattern` is a regular expression that file names in folders must match.

    Raises
    ------
    ParseError
        When a path does not exist or nothing in a folder matches.
    """
    if isinstance(path, (str, os.PathLike)):
        return _list_one(os.fspath(path), pattern)
    found = [name for item in path for name in list_files(item, pattern)]
    if not found:
        raise ParseError("No file names given for parsing. Give at least one path.")
    return found


def _list_one(path: str, pattern: str | None) -> list[str]:
    if not path:
        raise ParseError("The path to import is empty. Give a file, a folder or a glob.")
    if path.startswith(_BUNDLED):
        return [bundled(path)]
    if is_web(path):
        return [path]
    if is_remote(path):
        return _list_remote(path, pattern)
    place = local_path(path)
    if place.is_dir():
        names = [
            str(Path(folder) / name)
            for folder, _, files in os.walk(place)
            for name in files
            if not name.startswith(".")
        ]
        return _matching(sorted(names), pattern, path)
    if place.exists():
        return [str(place)]
    if any(mark in path for mark in "*?["):
        root = Path(place.anchor)
        names = sorted(str(p) for p in root.glob(str(place.relative_to(root))) if p.is_file())
        return _matching(names, pattern, path)
    raise ParseError(f"File {path} does not exist. Check the path on the machine of the workers.")


def _matching(names: list[str], pattern: str | None, path: str) -> list[str]:
    if pattern:
        try:
            regex = re.compile(pattern)
        except re.error as error:
            raise ParseError(f"pattern {pattern!r} is no regular expression: {error}.") from error
        names = [n for n in names if regex.search(n) if _name_matches(regex, n)]
    if not names:
        wanted = f" that matches {pattern!r}" if pattern else ""
        raise ParseError(f"{path} holds no file{wanted}. Check the path and the pattern.")
    return names


def _name_matches(regex: re.Pattern[str], name: str) -> bool:
    return bool(regex.fullmatch(name) or regex.search(Path(name).name))


def _list_remote(path: str, pattern: str | None) -> list[str]:
    fs, inner = _filesystem(path)
    if any(mark in path for mark in "*?["):
        names = sorted(fs.glob(inner))
    elif fs.isdir(inner):
        names = sorted(fs.find(inner))
    elif fs.exists(inner):
        names = [inner]
    else:
        raise ParseError(f"File {path} does not exist. Check the URL and its credentials.")
    return _matching([fs.unstrip_protocol(name) for name in names], pattern, path)


def _filesystem(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        fs, inner = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ParseError(f"{url} cannot be opened: {error}.") from error
    return fs, inner


def open_raw(url: str) -> IO[bytes]:
    """Return the file opened for reading its bytes as they are stored."""
    try:
        if is_web(url):
            return _open_web(url)
        if is_remote(url):
            fs, inner = _filesystem(url)
            return fs.open(inner, "rb")
        return local_path(url).open("rb")
    except FileNotFoundError:
        raise ParseError(f"File {url} does not exist. Check the path.") from None
    except PermissionError:
        raise ParseError(f"File {url} may not be read. Check its permissions.") from None
    except IsADirectoryError:
        raise ParseError(f"{url} is a folder. List its files first.") from None
    except OSError as error:
        raise ParseError(f"File {url} cannot be opened: {error}.") from error


def _open_web(url: str) -> IO[bytes]:
    from urllib.request import urlopen

    answer: IO[bytes] = urlopen(url, timeout=_WEB_TIMEOUT_S)
    return answer


def nbytes_of(url: str) -> int:
    """Return the size of a file, 1 where a server does not say; ParseError when unreadable."""
    if is_web(url):
        with open_raw(url) as answer:
            return int(answer.headers.get("Content-Length") or 1)  # type: ignore[attr-defined]
    if is_remote(url):
        fs, inner = _filesystem(url)
        try:
            return int(fs.size(inner) or 0)
        except OSError as error:
            raise ParseError(f"File {url} cannot be read: {error}.") from error
    with open_raw(url) as file:
        return os.fstat(file.fileno()).st_size


def source_of(item: str | os.PathLike[str] | RawFile) -> Source:
    """Return the source behind a path or an imported file, its packing told by its first bytes."""
    if isinstance(item, RawFile):
        name, url, nbytes, ref = item.name, item.url, item.nbytes, item.ref
    else:
        name = url = absolute(os.fspath(item))
        nbytes, ref = nbytes_of(url), None
    with open_raw(url) as file:
        head = file.read(8)
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise ParseError(f"{name} is {what}, which this parser does not read: {remedy}.")
    otherwise = STREAM if is_web(url) else PLAIN
    packing = next((p for magic, p in _MAGICS if head.startswith(magic)), otherwise)
    return Source(name, url, nbytes, packing, ref)


@contextmanager
def open_text(source: Source) -> Iterator[Iterator[IO[bytes]]]:
    """Give, one after the other, the unpacked streams in a source: several only for a zip."""
    with open_raw(source.url) as raw:
        try:
            yield _streams(source, raw)
        except _UNPACK_ERRORS as error:
            raise ParseError(
                f"{source.name} cannot be unpacked as {source.packing}: {error}. "
                "The file may be cut short; fetch it again."
            ) from error


_UNPACK_ERRORS: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    lzma.LZMAError,
    OSError,
)


def _streams(source: Source, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if source.packing == ZIP:
        # The table of a zip file lies at its end, so it must be at hand as a whole.
        seekable = io.BytesIO(raw.read()) if is_web(source.url) else raw
        with zipfile.ZipFile(seekable) as archive:
            for entry in archive.infolist():
                if not entry.is_dir() and not fnmatch.fnmatch(entry.filename, "__MACOSX/*"):
                    if entry.flag_bits & 1:
                        raise ParseError(
                            f"Entry {entry.filename} of {source.name} is encrypted. "
                            "Unpack the archive first."
                        )
                    with archive.open(entry) as stream:
                        yield stream
        return
    yield _unpacked(source.packing, raw)


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
    with open_raw(source.url) as raw:
        try:
            for stream in _streams(source, raw):
                data = stream.read(nbytes + 1)
                if data:
                    break
            else:
                data = b""
            used = raw.tell() if raw.seekable() else source.nbytes
        except _UNPACK_ERRORS as error:
            raise ParseError(
                f"{source.name} cannot be unpacked as {source.packing}: {error}. "
                "The file may be cut short; fetch it again."
            ) from error
    return Preview(data[:nbytes], len(data) <= nbytes, max(1.0, len(data) / max(used, 1)))
