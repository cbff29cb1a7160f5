"""The spool: files that clients write and workers read, so that tasks can read them again."""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dh2o.errors import DH2OError, WorkerLostError
from dh2o.mrtask import wire

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

log = logging.getLogger("dh2o.mrtask")


class SpoolRef:
    """A file of the spool. It is deleted once no client, DKV entry or task needs it."""

    __slots__ = ("__weakref__", "nbytes", "url")

    def __init__(self, url: str, nbytes: int) -> None:
        self.url = url
        self.nbytes = nbytes

    def __reduce__(self) -> tuple[Any, ...]:
        wire.mention(self)
        return _restored, (self.url, self.nbytes)

    def open(self) -> IO[bytes]:
        """Return the content as a binary file."""
        return _open(self.url, "rb")

    def read_bytes(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` to `stop`."""
        with self.open() as file:
            file.seek(start)
            return file.read() if stop is None else file.read(stop - start)

    def __repr__(self) -> str:
        return f"SpoolRef({self.url!r}, nbytes={self.nbytes})"


def _restored(url: str, nbytes: int) -> SpoolRef:
    """Return an unpickled reference. A plain function: cloudpickle sends a method's code along."""
    ref = SpoolRef(url, nbytes)
    wire.mention(ref)
    return ref


class Spool:
    """A folder, or any fsspec URL, that the client and all workers reach."""

    def __init__(self, engine: Engine, url: str | None) -> None:
        self._engine = engine
        self._url = url

    @property
    def url(self) -> str:
        """Where the files are; the first client of a cluster decides it for all."""
        if self._url is None:
            self._url = self._engine.call("setting", name="spool") or self._shared_folder()
        return self._url

    def write_bytes(self, data: Any, suffix: str = "") -> SpoolRef:
        """Return the file that holds `data`."""
        with self.create(suffix) as file:
            file.write(data)
        return file.ref

    def write_stream(self, stream: IO[bytes], name: str = "") -> SpoolRef:
        """Return the file that holds what `stream` gives; its ending is that of `name`."""
        suffix = "".join(Path(name).suffixes[-2:])
        with self.create(suffix) as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        return file.ref

    @contextmanager
    def create(self, suffix: str = "") -> Iterator[Any]:
        """Give a binary file to write; afterwards its ``ref`` is the spool file."""
        url = f"{self.url.rstrip('/')}/{uuid.uuid4().hex}{suffix}"
        writer = _Writer(_open(url, "wb"))
        try:
            yield writer
        except BaseException:
            writer.file.close()
            remove_files([url])
            raise
        nbytes = writer.file.tell()
        writer.file.close()
        writer.ref = self._held(SpoolRef(url, nbytes))

    def _held(self, ref: SpoolRef) -> SpoolRef:
        engine = self._engine
        engine.call("spool_hold", files=[ref.url], client=engine.client.id)
        release = weakref.finalize(ref, _release, weakref.ref(engine), ref.url)
        release.atexit = False
        return ref

    def _shared_folder(self) -> str:
        """Return a temporary folder of this machine if all workers see it."""
        folder = Path(tempfile.mkdtemp(prefix="dh2o-spool-"))
        mark = folder / "mark"
        mark.write_bytes(b"dh2o")
        try:
            is_seen = self._is_seen(mark)
        finally:
            mark.unlink()
        if not is_seen:
            folder.rmdir()
            raise DH2OError(
                "Data from this client need a place that all workers can read. "
                "Give one: dh2o.init(address, spool='s3://bucket/folder') or a shared folder."
            )
        self._engine.when_closed(lambda: _remove_if_empty(folder))
        return str(self._engine.call("setting", name="spool", value=str(folder)))

    def _is_seen(self, mark: Path) -> bool:
        """Return whether all workers find a file; while there are none, wait for the first."""
        client = self._engine.client
        seen = client.run(_exists, str(mark))
        if not seen:
            log.warning("The cluster has no workers yet. Waiting for the first.")
            asked = client.submit(_exists, str(mark), pure=False)  # adaptive clusters start one
            try:
                asked.result(timeout=self._engine.recovery_timeout_s)
            except TimeoutError:
                message = "The cluster has no workers. Start some, then try again."
                raise WorkerLostError(message) from None
            seen = client.run(_exists, str(mark))
        return bool(seen) and all(seen.values())


class _Writer:
    """The file being written and, afterwards, its reference."""

    ref: SpoolRef

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, data: Any) -> int:
        return self.file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def local_folder() -> str:
    """Return a new temporary folder for a cluster of this machine."""
    return tempfile.mkdtemp(prefix="dh2o-spool-")


def remove_folder(url: str) -> None:
    """Remove the folder of `local_folder`."""
    shutil.rmtree(url, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _release(engine_ref: Any, url: str) -> None:
    engine = engine_ref()
    if engine is not None:
        engine.send("spool_release", files=[url], client=engine.client.id)


def _exists(path: str) -> bool:
    return Path(path).is_file()


def _open(url: str, mode: str) -> IO[bytes]:
    if "://" not in url:
        return Path(url).open(mode)
    import fsspec

    return fsspec.open(url, mode).open()


def remove_files(urls: Sequence[str]) -> None:
    """Delete spool files; those that are gone already are fine."""
    for url in urls:
        if "://" not in url:
            Path(url).unlink(missing_ok=True)
            continue
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
        with suppress(FileNotFoundError):
            system.rm_file(path)
