"""Storage: which files a path names on this machine, on the web or in a cloud, and their bytes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

from dh2o.errors import MissingExtraError, ParseError

_BUNDLED = "h2o://"
_WEB_TIMEOUT_S = 60
#: Where H2O and Hadoop say s3a or s3n, fsspec says s3.
_OTHER_NAMES = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs", "wasbs": "abfs"}
#: The package and the extra of dh2o that a protocol needs.
_EXTRAS = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gs"),
    "abfs": ("adlfs", "azure"),
    "az": ("adlfs", "azure"),
    "http": ("aiohttp", "http"),
    "https": ("aiohttp", "http"),
}
#: Classes by which the packages behind fsspec say that a request failed, where no OSError does.
_FOREIGN_FAILURES = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
)
_COPY_NBYTES = 1 << 20


def is_remote(path: str) -> bool:
    """Say whether a path is a URL of another file system than this machine's."""
    return "://" in path and not path.startswith("file://")


def is_web(path: str) -> bool:
    """Say whether a path is a web address."""
    return path.startswith(("http://", "https://"))


def local_path(path: str) -> Path:
    """Return a path with ``file://`` taken off, ``~`` expanded, made absolute."""
    return Path(path.removeprefix("file://")).expanduser().absolute()


def absolute(path: str) -> str:
    """Return the path as every process of this machine understands it; URLs stay."""
    return path if is_remote(path) else str(local_path(path))


def bundled(path: str) -> str:
    """Return the file behind ``h2o://iris``: a table that comes with the package h2o."""
    folder = bundled_folder()
    file = None if folder is None else folder / f"{_bundled_name(path)}.csv"
    if file is None or file.parent != folder or not file.is_file():
        raise ParseError(
            f"{path} names a table that comes with the Python package h2o, which does not have it "
            "here. Install h2o, or give the path of a file."
        )
    return str(file)


def _bundled_name(path: str) -> str:
    return path.removeprefix(_BUNDLED).removesuffix(".csv")


@cache
def bundled_folder() -> Path | None:
    """Return where the tables are that come with the package h2o, None without the package.

    Those inside of its server, which ``h2o://`` means (they name the columns otherwise than the
    files beside the package), are unpacked into a folder of this user once.
    """
    found = importlib.util.find_spec("h2o")
    if not found or not found.origin:
        return None
    package = Path(found.origin).resolve().parent
    server = package / "backend" / "bin" / "h2o.jar"
    return _unpacked(server) if server.is_file() else package / "h2o_data"


def _unpacked(server: Path) -> Path:
    stat = server.stat()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "dh2o" / f"extdata-{stat.st_size:x}-{stat.st_mtime_ns:x}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        with zipfile.ZipFile(server) as jar:
            for name in jar.namelist():
                if re.fullmatch(r"extdata/\w+\.csv", name):
                    (made / Path(name).name).write_bytes(jar.read(name))
        try:
            made.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(made)
    return folder.resolve()


# ---- listing


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
            for folder, _, files in os.walk(place, onerror=_refuse_folder)
            for name in files
            if _is_data(name)
        ]
        return _matching(sorted(names), pattern, path)
    if place.exists():
        return [str(place)]
    if any(mark in path for mark in "*?["):
        root = Path(place.anchor)
        names = sorted(str(p) for p in root.glob(str(place.relative_to(root))) if p.is_file())
        return _matching(names, pattern, path)
    raise ParseError(f"File {path} does not exist. Check the path on the machine of the workers.")


def _refuse_folder(error: OSError) -> None:
    raise ParseError(f"Folder {error.filename} cannot be read: {error.strerror}.") from error


def _is_data(name: str) -> bool:
    """Say whether a file in a folder is data: no hidden file, and none of Hadoop's own."""
    return not name.startswith(".") and name not in {"_SUCCESS", "_metadata", "_common_metadata"}


def _matching(names: list[str], pattern: str | None, path: str) -> list[str]:
    if pattern:
        try:
            regex = re.compile(pattern)
        except re.error as error:
            raise ParseError(f"pattern {pattern!r} is no regular expression: {error}.") from error
        names = [n for n in names if regex.fullmatch(n) or regex.search(n.rsplit("/", 1)[-1])]
    if not names:
        wanted = f" that matches {pattern!r}" if pattern else ""
        raise ParseError(f"{path} holds no file{wanted}. Check the path and the pattern.")
    return names


def _list_remote(path: str, pattern: str | None) -> list[str]:
    with _failures_named(path):
        fs, inner = filesystem(path)
        if any(mark in path for mark in "*?["):
            names = sorted(fs.glob(inner))
        elif fs.isdir(inner):
            found = fs.find(inner)
            names = sorted(name for name in found if _is_data(name.rsplit("/", 1)[-1]))
        elif fs.exists(inner):
            names = [inner]
        else:
            raise ParseError(f"File {path} does not exist. Check the URL and its credentials.")
        return _matching([fs.unstrip_protocol(name) for name in names], pattern, path)


# ---- opening


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path within it."""
    from fsspec.core import url_to_fs

    protocol, mark, rest = url.partition("://")
    known = _OTHER_NAMES.get(protocol, protocol)
    try:
        fs, inner = url_to_fs(f"{known}{mark}{rest}")
    except ImportError as error:
        if known in _EXTRAS:
            package, extra = _EXTRAS[known]
            raise MissingExtraError.of(package, extra, f"Reading {known}:// files") from error
        raise ParseError(f"{url} cannot be opened: {error}.") from error
    except (ValueError, OSError) as error:
        raise ParseError(f"{url} cannot be opened: {error}.") from error
    return fs, inner


def _failures() -> tuple[type[BaseException], ...]:
    """Return the classes of failed requests of those packages that are in use."""
    loaded = [(sys.modules.get(module), name) for module, name in _FOREIGN_FAILURES]
    return (OSError, *(getattr(module, name) for module, name in loaded if module is not None))


@contextmanager
def _failures_named(url: str) -> Iterator[None]:
    """Turn what a file system says of a file that cannot be had into a ParseError."""
    try:
        yield
    except FileNotFoundError:
        raise ParseError(f"File {url} does not exist. Check the path.") from None
    except PermissionError:
        raise ParseError(
            f"File {url} may not be read. Check its permissions or credentials."
        ) from None
    except IsADirectoryError:
        raise ParseError(f"{url} is a folder. List its files first.") from None
    except _failures() as error:
        raise ParseError(f"File {url} cannot be opened: {error}.") from error


def open_raw(url: str) -> IO[bytes]:
    """Return the file opened for reading its bytes as they are stored, from the start on."""
    with _failures_named(url):
        if is_web(url):
            return _open_web(url)
        if is_remote(url):
            fs, inner = filesystem(url)
            return fs.open(inner, "rb")
        return local_path(url).open("rb")


def open_seekable(url: str) -> IO[bytes]:
    """Return the file opened for reading anywhere in it; web files go by ranges or to disk."""
    if not is_web(url):
        return open_raw(url)
    with _failures_named(url):
        fs, inner = filesystem(url)
        try:
            file: IO[bytes] = fs.open(inner, "rb")
            if file.seekable():
                file.seek(-1, os.SEEK_END)
                file.read(1)
                file.seek(0)
                return file
            file.close()
        except ValueError:  # fsspec's word for a server that answers no ranges
            pass
        return _on_disk(url)


def _on_disk(url: str) -> IO[bytes]:
    """Return a temporary copy of a web file."""
    copy = tempfile.TemporaryFile(prefix="dh2o-web-")  # noqa: SIM115 - the caller closes it
    with _open_web(url) as answer:
        while piece := answer.read(_COPY_NBYTES):
            copy.write(piece)
    copy.seek(0)
    return copy


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
        with _failures_named(url):
            fs, inner = filesystem(url)
            return int(fs.size(inner) or 0)
    with open_raw(url) as file:
        return os.fstat(file.fileno()).st_size
