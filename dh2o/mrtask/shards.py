"""Shards: what a task has cut for others, in a file beside the worker, until Dask drops the task.

A block cut into many parts, each for another task, would be as many results in Dask's books, and
each a file of its own once it is spilled. A shard is one result and one file; whoever needs a part
reads it from there, on the same machine from the file itself, else through the worker that has it.

The file stays as long as the scheduler has the result, on whatever worker (`store_shards`); what a
task has written that fails or is cancelled goes at once.
"""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import DH2OError, WorkerLostError
from dh2o.mrtask.direct import running_key

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["FromShards", "IntoShard", "Shard", "ShardLostError", "Shards"]

_LENGTHS = struct.Struct("<q")


class ShardLostError(WorkerLostError):
    """The file of a shard went with its worker; what it was cut from is cut again."""


class Shard:
    """Where the parts of a shard lie: a small value that travels in place of them."""

    __slots__ = ("address", "path", "spans")

    def __init__(self, address: str, path: str, spans: dict[int, tuple[int, int]]) -> None:
        self.address = address
        self.path = path
        self.spans = spans

    def __reduce__(self) -> tuple[Any, ...]:
        return Shard, (self.address, self.path, self.spans)

    def read(self, part: int) -> Block | None:
        """Return a part, None if the shard has none of that number."""
        span = self.spans.get(part)
        if span is None:
            return None
        return _block_of(self._bytes(*span))

    def _bytes(self, start: int, length: int) -> bytes:
        with suppress(OSError):
            return _read(self.path, start, length)
        message = {"path": self.path, "start": start, "length": length}
        found = _peers_here().ask(self.address, "shard", message).answer()
        if found["status"] != "ok":
            raise ShardLostError(f"{self.address} does not send what it has cut. Run it again.")
        content: bytes = found["value"]
        return content


class Shards:
    """The files of one worker, by the tasks that they are results of.

    ``ask(key, path)`` is told when the worker has no copy of a result any more; `drop` answers.
    """

    def __init__(self, address: str, folder: str, ask: Callable[[Any, str], None]) -> None:
        self._address = address
        self._folder = Path(folder) / f"dh2o-shards-{uuid.uuid4().hex[:8]}"
        self._ask = ask
        self._paths: dict[Any, str] = {}
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._paths) + len(self._asked)

    def write(self, key: Any, parts: Iterable[tuple[int, Block]]) -> Shard:
        """Return the shard of blocks by the number of their part; it belongs to the task `key`."""
        path = str(self._folder / uuid.uuid4().hex)
        with self._lock:
            old, self._paths[key] = self._paths.get(key), path
        _remove(old)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            spans = _written(path, parts)
        except OSError as error:
            self.discard(key)
            raise DH2OError(
                f"Worker {self._address} cannot write to {self._folder}: {error}. Make room there, "
                "or start workers with a local_directory on a larger disk."
            ) from error
        except BaseException:
            self.discard(key)
            raise
        with self._lock:
            is_wanted = self._paths.get(key) == path
        if not is_wanted:  # it was cancelled before there was a file to remove
            _remove(path)
        return Shard(self._address, path, spans)

    def read(self, path: str, start: int, length: int) -> bytes:
        """Return bytes of one of these files, for another worker."""
        with self._lock:
            known = path in self._asked or path in self._paths.values()
        if not known:
            raise ShardLostError("The worker has dropped what was cut.")
        return _read(path, start, length)

    def discard(self, key: Any) -> None:
        """Remove the file of a task that has failed, or was cancelled."""
        if key in self._paths:
            with self._lock:
                path = self._paths.pop(key, None)
            _remove(path)

    def release(self, key: Any) -> None:
        """Ask whether the file may go: this worker has no copy of the result any more."""
        if key in self._paths:
            with self._lock:
                path = self._paths.pop(key)
                self._asked.add(path)
            self._ask(key, path)

    def drop(self, path: str) -> None:
        """Remove a file: nobody has its result."""
        _remove(path)
        with self._lock:
            self._asked.discard(path)

    def close(self) -> None:
        """Remove all files."""
        with self._lock:
            self._paths.clear()
            self._asked.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def _written(path: str, parts: Iterable[tuple[int, Block]]) -> dict[int, tuple[int, int]]:
    """Write blocks one after the other; return where each part lies."""
    spans: dict[int, tuple[int, int]] = {}
    with Path(path).open("wb") as file:
        for part, block in parts:
            start = file.tell()
            for piece in _pieces_of(block):
                file.write(piece)
            spans[part] = (start, file.tell() - start)
    return spans


def _remove(path: str | None) -> None:
    if path is not None:
        with suppress(OSError):
            Path(path).unlink()


def _read(path: str, start: int, length: int) -> bytes:
    with Path(path).open("rb", buffering=0) as file:
        content = os.pread(file.fileno(), length, start)
    if len(content) != length:
        raise OSError(f"{path} ends before byte {start + length}")
    return content


def _pieces_of(block: Block) -> Iterable[Any]:
    """Return the bytes of a block: the length of a pickled header, the header, the buffers."""
    header, frames = block.to_frames(compress=False)
    head = pickle.dumps((header, [memoryview(frame).nbytes for frame in frames]))
    return _LENGTHS.pack(len(head)), head, *frames


def _block_of(content: bytes) -> Block:
    """Return the block that `_pieces_of` gave; its buffers lie in `content`."""
    from dh2o.chunks import Block

    first = _LENGTHS.size + _LENGTHS.unpack_from(content)[0]
    header, lengths = pickle.loads(content[_LENGTHS.size : first])  # noqa: S301 - the cluster's own
    frames, view = [], memoryview(content)
    for length in lengths:
        frames.append(view[first : first + length])
        first += length
    return Block.from_frames(header, frames)


# ---- tasks


def _lane_here() -> Any:
    """Return the lane of the worker that runs this task, or that lives in this process."""
    from distributed import get_worker

    from dh2o.mrtask.engine import current_engine
    from dh2o.mrtask.lane_worker import lane_of

    try:
        return lane_of(get_worker())
    except ValueError:
        return current_engine().here()


def _peers_here() -> Any:
    """Return how this process asks workers."""
    from distributed import get_worker

    from dh2o.mrtask.engine import current_engine

    try:
        get_worker()
    except ValueError:
        return current_engine().lane.peers
    return _lane_here().peers


class IntoShard:
    """Runs a function that gives (part, block) pairs, and returns their shard."""

    def __init__(self, fn: Callable[..., Iterable[tuple[int, Block]]]) -> None:
        self._fn = fn
        self.__name__ = getattr(fn, "__name__", type(fn).__name__)

    def __call__(self, *args: Any) -> Shard:
        """Return the shard of what the function gives."""
        shard: Shard = _lane_here().shards.write(running_key(), self._fn(*args))
        return shard


class FromShards:
    """Runs a function on one part of shards; inputs that are no shards stay as they are."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.__name__ = getattr(fn, "__name__", type(fn).__name__)

    def __call__(self, part: int, *args: Any) -> Any:
        """Return ``fn(*args)`` with shards in the last argument replaced by their part."""
        *rest, inputs = args
        opened = [x.read(part) if isinstance(x, Shard) else x for x in inputs]
        return self._fn(*rest, [x for x in opened if x is not None])
