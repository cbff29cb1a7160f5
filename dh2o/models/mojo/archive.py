"""The zip of a MOJO: entries by name; sizes are checked before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from dh2o.models.mojo.errors import MojoError

__all__ = ["ArchiveWriter", "MojoArchive"]

_MAX_ENTRIES = 400_000
_MAX_NBYTES = 8 << 30
_FREE_NBYTES = 64 << 20  # below this no ratio is suspicious
_MAX_RATIO = 200
_LONGEST_NAME = 4096
_LEVEL = 1  # a third of the time of the usual 6, for 5 % more bytes


class MojoArchive:
    """The entries of a MOJO, read on demand; never more of one than its header claims.

    Nothing is ever written to disk, and names are only ever compared, so a name cannot lead
    anywhere; those that try to are refused all the same.
    """

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._entries = entries

    @classmethod
    def of(cls, data: bytes) -> MojoArchive:
        """Return the archive in `data`; MojoError if it is no zip or its sizes are absurd."""
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
            raise MojoError(f"This is no MOJO: the file is no readable zip ({problem}).") from None
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
        total = sum(info.file_size for info in infos)
        if len(infos) > _MAX_ENTRIES:
            raise MojoError(f"The MOJO has {len(infos)} entries; at most {_MAX_ENTRIES} are read.")
        if total > _MAX_NBYTES or total > max(_FREE_NBYTES, _MAX_RATIO * len(data)):
            raise MojoError(
                f"The MOJO of {len(data)} bytes claims to unpack to {total}; it is refused."
            )
        entries = {info.filename: info for info in infos}
        if len(entries) != len(infos):
            raise MojoError("The MOJO has two entries of one name.")
        for name in entries:
            _check_name(name)
        return cls(archive, entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def read(self, name: str) -> bytes:
        """Return the bytes of entry `name`."""
        info = self._entries.get(name)
        if info is None:
            raise MojoError(f"The MOJO has no entry {name!r}.")
        try:
            with self._archive.open(info) as stream:
                data = stream.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
            raise MojoError(f"Entry {name!r} of the MOJO is damaged: {problem}.") from None
        except (RuntimeError, NotImplementedError, ValueError) as problem:
            raise MojoError(f"Entry {name!r} of the MOJO cannot be read: {problem}.") from None
        if len(data) != info.file_size:
            raise MojoError(f"Entry {name!r} of the MOJO has not the size that its header claims.")
        return data

    def text(self, name: str) -> str:
        """Return entry `name` as text."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as problem:
            raise MojoError(f"Entry {name!r} of the MOJO is no UTF-8 text: {problem}.") from None

    def inside(self, folder: str) -> MojoArchive:
        """Return the entries below `folder` as an archive of their own (a MOJO in a MOJO)."""
        prefix = folder if folder.endswith("/") else folder + "/"
        below = {
            name[len(prefix) :]: info
            for name, info in self._entries.items()
            if name.startswith(prefix)
        }
        return MojoArchive(self._archive, below)


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise MojoError(f"The MOJO has an entry that points outside: {name[:80]!r}.")
    if len(name) > _LONGEST_NAME:
        raise MojoError(f"The MOJO has an entry with a name of {len(name)} characters.")


class ArchiveWriter:
    """Entries of a zip in the order they are added; equal entries give equal bytes."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def add(self, name: str, data: bytes) -> None:
        """Add an entry."""
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(info, data, compresslevel=_LEVEL)

    def finish(self) -> bytes:
        """Return the bytes of the zip."""
        self._zip.close()
        return self._buffer.getvalue()
