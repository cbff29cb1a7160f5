"""The DKV: named values that all clients of a cluster share, with the blocks they mention."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyLockedError, KeyNotFoundError
from dh2o.mrtask import wire
from dh2o.mrtask.blocks import Blocks
from dh2o.mrtask.spool import SpoolRef

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine
    from dh2o.mrtask.store_entries import Entries

IMMUTABLE_KINDS = ("frame",)
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the DKV says about a key without its value; `nbytes` counts the blocks as well."""

    key: str
    kind: str
    nbytes: int
    version: int
    readers: tuple[str, ...]
    writer: str | None


class DKV:
    """key → small picklable value. The blocks that a value mentions live as long as its entry.

    A `holder` (a job's key, or any name) may lock keys: many readers or one writer. Locks of jobs
    that ended and of clients that left no longer count.
    """

    def __init__(self, engine: Engine, holder: str | None = None) -> None:
        self._engine = engine
        self._holder = holder

    def held_by(self, holder: str) -> DKV:
        """Return this DKV as `holder` sees it: its own locks are no obstacle."""
        return DKV(self._engine, holder)

    def put(self, key: str, value: Any, *, kind: str = "", blocks: Collection[Blocks] = ()) -> int:
        """Store `value` under `key`, replacing what is there; return its version."""
        answer = self._put(key, value, kind, blocks, None)
        self._check_lock(key, answer)
        version = int(answer["version"])
        if kind in IMMUTABLE_KINDS:
            self._keep_open(key, version, value)
        return version

    def _put(
        self, key: str, value: Any, kind: str, blocks: Collection[Blocks], expected: int | None
    ) -> dict[str, Any]:
        with wire.mentions() as found:
            data = wire.dumps(value)
        tasks, files = needs([*found, *blocks])
        answer: dict[str, Any] = self._engine.call(
            "put",
            key=key,
            value=data,
            kind=kind,
            tasks=tasks,
            files=files,
            holder=self._holder,
            expected=expected,
        )
        if answer["status"] == "gone":
            raise KeyNotFoundError(
                f"The data of {answer['task'][0]!r}, which the value of {key!r} mentions, are "
                "gone: they were deleted. Import or compute them again."
            )
        return answer

    def get(self, key: str) -> Any:
        """Return the value; raises `KeyNotFoundError`."""
        value = self.find(key, _MISSING)
        if value is _MISSING:
            raise KeyNotFoundError.of("Key", key, self.keys())
        return value

    def find(self, key: str, default: Any = None) -> Any:
        """Return the value, or `default`.

        Where the scheduler lives in this process, an immutable value is opened once: asking for it
        by every expression costs two turns of the event loop otherwise.
        """
        entries = self._entries_here()
        if entries is not None:
            entry = entries.find(key)
            if entry is None:
                return default
            if entry.opened is not None:
                return entry.opened
        found = self._fetch(key)
        if found is None:
            return default
        value = self._open(found)
        if found["kind"] in IMMUTABLE_KINDS:
            self._keep_open(key, found["version"], value)
        return value

    def shared(self, key: str) -> Any:
        """Return the one object that all readers of an immutable value are given, None if several.

        There is one where scheduler, worker and client share a process. What is remembered in it
        need not be stored again.
        """
        entries = None if self._engine.scheduler_here is None else self._entries_here()
        entry = None if entries is None else entries.find(key)
        return None if entry is None else entry.opened

    def _keep_open(self, key: str, version: int, value: Any) -> None:
        """Keep an immutable value itself beside its bytes, if the scheduler is in this process."""
        entries = self._entries_here()
        entry = None if entries is None else entries.find(key)
        if entry is not None and entry.version == version:
            entry.opened = value

    def kind(self, key: str) -> str | None:
        """Return the kind of the value under `key`, or None."""
        entries = self._entries_here()
        if entries is not None:
            entry = entries.find(key)
            return None if entry is None else entry.kind
        kind: str | None = self._engine.call("kind", key=key)
        return kind

    def _entries_here(self) -> Entries | None:
        """Return what the scheduler keeps if it lives in this process."""
        self._engine.check_open()
        store = self._engine.store_here()
        return None if store is None else store.entries

    def _fetch(self, key: str) -> dict[str, Any] | None:
        bridge = f"got-{self._engine.client.id}-{uuid.uuid4().hex}"
        found: dict[str, Any] | None = self._engine.call("get", key=key, bridge=bridge)
        if found is not None:
            found["bridge"] = bridge if found["bridged"] else None
        return found

    def _open(self, found: dict[str, Any]) -> Any:
        with wire.mentions() as mentioned:
            value = wire.loads(found["value"])
        self._engine.hold(mentioned, found["bridge"])
        return value

    def contains(self, key: str) -> bool:
        """Return whether there is a value under `key`."""
        return self.kind(key) is not None

    __contains__ = contains

    def entries(self, kind: str | None = None) -> list[Entry]:
        """Return what is stored (of one kind), in order of insertion."""
        return [
            Entry(**{**entry, "readers": tuple(entry["readers"])})
            for entry in self._engine.call("entry_list", kind=kind)
        ]

    def keys(self, kind: str | None = None) -> list[str]:
        """Return the keys (of one kind), in order of insertion."""
        return [entry.key for entry in self.entries(kind)]

    def update(self, key: str, fn: Callable[[Any], Any], *, kind: str | None = None) -> Any:
        """Replace the value (None if there is none) by ``fn(value)`` atomically; return that.

        `fn` runs here, and again if another client changed the key meanwhile.
        """
        while True:
            found = self._fetch(key)
            value = fn(None if found is None else self._open(found))
            old_kind, version = (found["kind"], found["version"]) if found else ("", 0)
            answer = self._put(key, value, old_kind if kind is None else kind, (), version)
            self._check_lock(key, answer)
            if answer["status"] == "ok":
                return value

    def keep(self, *keys: str) -> None:
        """Let keys that a job made stay even if it is cancelled or fails."""
        self._engine.call("keep", keys=list(keys))

    def remove(self, *keys: str) -> list[str]:
        """Remove keys, and with them the data that nothing else uses; return those that existed."""
        return self._remove(list(keys), [])

    def remove_when_free(self, key: str) -> None:
        """Remove `key` as soon as nobody else has it locked: at once, or when a job has ended."""
        self._engine.call("remove_when_free", key=key, holder=self._holder)

    def remove_all(self, retained: Collection[str] = ()) -> list[str]:
        """Remove all keys but the `retained` and those that somebody has locked."""
        return self._remove(None, list(retained))

    def _remove(self, keys: list[str] | None, retained: list[str]) -> list[str]:
        answer = self._engine.call("remove", keys=keys, retained=retained, holder=self._holder)
        if answer["status"] == "locked":
            self._check_lock(answer["key"], answer)
        return list(answer["removed"])

    # -- locks -----------------------------------------------------------------------------------

    def read_lock(self, key: str, holder: str | None = None) -> None:
        """Keep others from changing or removing `key`."""
        self._lock(key, holder, write=False)

    def write_lock(self, key: str, holder: str | None = None) -> None:
        """Keep others from using, changing or removing `key`."""
        self._lock(key, holder, write=True)

    def _lock(self, key: str, holder: str | None, *, write: bool) -> None:
        engine = self._engine
        answer = engine.call(
            "lock", key=key, holder=self._name(holder), write=write, client=engine.client.id
        )
        self._check_lock(key, answer)

    def unlock(self, key: str, holder: str | None = None) -> None:
        """Give back the locks of the holder on `key`."""
        self._engine.call("unlock", key=key, holder=self._name(holder))

    def unlock_all(self) -> None:
        """Break all locks but those of running jobs."""
        self._engine.call("unlock_all")

    @contextmanager
    def reading(self, key: str, holder: str | None = None) -> Iterator[Any]:
        """Give the value of `key`, read-locked meanwhile."""
        self.read_lock(key, holder)
        try:
            yield self.get(key)
        finally:
            self.unlock(key, holder)

    @contextmanager
    def writing(self, key: str, holder: str | None = None) -> Iterator[None]:
        """Keep `key` write-locked meanwhile."""
        self.write_lock(key, holder)
        try:
            yield
        finally:
            self.unlock(key, holder)

    def _name(self, holder: str | None) -> str:
        return holder or self._holder or self._engine.client.id

    @staticmethod
    def _check_lock(key: str, answer: dict[str, Any]) -> None:
        if answer["status"] == "locked":
            raise KeyLockedError(
                f"Key {key!r} is in use by {answer['by']}. Wait until that has ended, or cancel it."
            )


def needs(mentioned: Collection[Any]) -> tuple[list[Any], list[str]]:
    """Return the tasks and the spool files that a value needs, from what it mentions."""
    tasks = {key: None for thing in mentioned if isinstance(thing, Blocks) for key in thing.keys}
    files = {thing.url: None for thing in mentioned if isinstance(thing, SpoolRef)}
    return list(tasks), list(files)
