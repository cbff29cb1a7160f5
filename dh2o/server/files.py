"""Which files the server may read and write, and the keys that stand for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dh2o.errors import DH2OError, ParseError
from dh2o.parse import RawFile
from dh2o.parse.storage import bundled_folder

if TYPE_CHECKING:
    from dh2o.mrtask import SpoolRef

    from .options import ServerOptions

__all__ = ["FileAccessError", "Files", "UploadedFile", "import_key", "path_of_key"]

_KEY_PREFIX = "nfs:/"
#: Names of the tables that come with the package h2o.
_BUNDLED = "h2o://"
_REMOTE = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
#: What no path may lead to unless a root allows it: the system's own files and users' secrets.
_DENIED_TREES = ("/etc", "/proc", "/sys", "/dev", "/boot", "/bin", "/sbin", "/run", "/var/run")
_DENIED_PARENTS = ("/usr", "/var", "/")
_DENIED_NAMES = frozenset(
    {".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".netrc", ".pgpass", ".git"}
)
_N_MATCHES = 1000


class FileAccessError(DH2OError):
    """The path leads where the server may not read or write."""

    http_status = HTTPStatus.BAD_REQUEST


def _reason(error: Exception) -> str:
    """Return what is wrong, without the path, which may be what is too long."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _is_bundled(path: Path) -> bool:
    folder = bundled_folder()
    return folder is not None and path.is_relative_to(folder)


@dataclass(frozen=True)
class UploadedFile(RawFile):
    """An upload in the spool; its file lives as long as somebody mentions it."""

    ref: SpoolRef


def import_key(path: str) -> str:
    """Return the key that stands for an imported file."""
    return path if _REMOTE.match(path) else f"{_KEY_PREFIX}{path}"


def path_of_key(key: str) -> str | None:
    """Return the path that an import key stands for, or None for the key of an upload."""
    if key.startswith(_KEY_PREFIX):
        return key[len(_KEY_PREFIX) :]
    return key if _REMOTE.match(key) else None


class Files:
    """The part of the file system that a server's clients may use."""

    def __init__(self, options: ServerOptions) -> None:
        roots = options.import_roots
        self._roots = (
            None
            if roots is None
            else [Path(root).expanduser().resolve() for root in roots if not _REMOTE.match(root)]
        )
        self._remote_roots = [root.rstrip("/") for root in roots or () if _REMOTE.match(root)]

    def check(self, path: str) -> None:
        """Raise FileAccessError unless `path`, followed through all links, may be used."""
        if path.startswith(_BUNDLED):
            return
        if _REMOTE.match(path) and not path.startswith("file://"):
            if self._roots is not None and not self._is_below_remote_root(path):
                raise FileAccessError(
                    f"File {path} access denied: only files below the import roots are read."
                )
            return
        if "\0" in path:
            raise FileAccessError("A path cannot hold a zero byte.")
        resolved = self._resolve(path)
        if _is_bundled(resolved):
            return
        if self._roots is not None:
            if not any(resolved.is_relative_to(root) for root in self._roots):
                raise FileAccessError(
                    f"File {path} access denied: it is outside the server's import roots. Move it "
                    "there, or start the server with --import-root for its folder."
                )
        elif self._is_denied(resolved):
            raise FileAccessError(
                f"File {path} access denied: folders of the operating system and of secrets are "
                "closed. Start the server with --import-root to open one."
            )

    def check_database(self, url: str) -> None:
        """Raise FileAccessError unless a database may be read: an SQLite file as any file."""
        from dh2o.parse.sql.address import address_of

        made = address_of(url)
        if made.get_backend_name() == "sqlite":
            self.check(made.database)
            return
        place = f"{made.get_backend_name()}://{made.host or ''}/{made.database or ''}"
        if self._roots is not None and not self._is_below_remote_root(place):
            raise FileAccessError(
                f"Database {place} access denied: it is not below an import root. Start the server "
                f"with --import-root {place} to open it."
            )

    def _is_below_remote_root(self, path: str) -> bool:
        """Say whether a URL lies below one of the roots that are URLs, and has no way out of it."""
        inner = unquote(path)
        if ".." in inner.split("/") or any(mark in inner for mark in "\\?#@"):
            return False
        roots = self._remote_roots
        return any(path == root or path.startswith(f"{root}/") for root in roots)

    def complete(self, start: str, limit: int) -> list[str]:
        """Return allowed paths that begin with `start`."""
        found: list[str] = []
        try:
            path = Path(start.removeprefix("file://")).expanduser()
            folder, prefix = (path, "") if path.is_dir() else (path.parent, path.name)
            names = sorted(entry.name for entry in folder.iterdir())
        except (OSError, RuntimeError, ValueError):  # no file can have such a name
            return []
        for name in names:
            if name.startswith(prefix) and len(found) < (limit if limit > 0 else _N_MATCHES):
                candidate = str(folder / name)
                if self._allows(candidate):
                    found.append(candidate)
        return found

    def _allows(self, path: str) -> bool:
        try:
            self.check(path)
        except DH2OError:
            return False
        return True

    @staticmethod
    def _resolve(path: str) -> Path:
        try:
            resolved = Path(path.removeprefix("file://")).expanduser().resolve()
            resolved.exists()  # raises where a name is too long for any file
        except (OSError, RuntimeError, ValueError) as error:
            raise ParseError(f"Path {path[:200]!r} cannot be read: {_reason(error)}.") from None
        return resolved

    @staticmethod
    def _is_denied(path: Path) -> bool:
        text = str(path)
        if any(text == tree or text.startswith(f"{tree}/") for tree in _DENIED_TREES):
            return True
        if any(part in _DENIED_NAMES for part in path.parts):
            return True
        return path.is_file() and str(path.parent) in _DENIED_PARENTS
