"""Entries and locks of the DKV, as the scheduler keeps them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

PLUGIN_NAME = "dh2o-store"  # of the scheduler's plugin that keeps the entries


@dataclass
class StoredEntry:
    """One value: opaque bytes, and the tasks and spool files that it needs.

    `opened` is the value itself where the one worker and the scheduler share a process.
    """

    value: bytes
    kind: str
    version: int
    tasks: tuple[Any, ...]
    files: tuple[str, ...]
    maker: str | None
    opened: Any = None


class Entries:
    """key → value, with a version that counts the writes of that key."""

    def __init__(self, claims: Any, locks: Locks) -> None:
        self._claims = claims
        self._locks = locks
        self._stored: dict[str, StoredEntry] = {}
        self._versions: dict[str, int] = {}
        self._leaving: set[str] = set()  # keys to be removed once nobody holds a lock on them
        self.spool: Any = None
        locks.on_free = self._remove_leaving

    def put(
        self,
        key: str,
        value: bytes,
        kind: str,
        tasks: Collection[Any],
        files: Collection[str],
        holder: str | None,
        expected: int | None,
    ) -> dict[str, Any]:
        """Store the value, or say what is in the way."""
        old = self._stored.get(key)
        if blocker := self._locks.blocker(key, holder, write=True):
            return {"status": "locked", "by": blocker}
        if expected is not None and expected != (old.version if old else 0):
            return {"status": "changed"}
        self._versions[key] = version = self._versions.get(key, 0) + 1
        entry = StoredEntry(value, kind, version, tuple(tasks), tuple(files), holder)
        self._claims.hold(f"{key}@{version}", entry.tasks)
        self.spool.hold(entry.files, f"dh2o-{key}@{version}")
        self._stored[key] = entry
        self._leaving.discard(key)
        if old is not None:
            self._let_go(key, old)
        return {"status": "ok", "version": version}

    def get(self, key: str) -> dict[str, Any] | None:
        """Return value, kind and version, or None."""
        entry = self._stored.get(key)
        if entry is None:
            return None
        return {"value": entry.value, "kind": entry.kind, "version": entry.version}

    def find(self, key: str) -> StoredEntry | None:
        """Return the entry itself, for who lives in this process."""
        return self._stored.get(key)

    def tasks(self, key: str) -> tuple[Any, ...]:
        """Return the tasks that the value under `key` mentions."""
        entry = self._stored.get(key)
        return () if entry is None else entry.tasks

    def remove(self, keys: Collection[str], holder: str | None) -> list[str]:
        """Remove those of `keys` that exist; raise KeyError naming the holder of a lock."""
        for key in keys:
            if blocker := self._locks.blocker(key, holder, write=True):
                raise LockedKeyError(key, blocker)
        removed = []
        for key in keys:
            self._leaving.discard(key)
            entry = self._stored.pop(key, None)
            if entry is not None:
                self._let_go(key, entry)
                removed.append(key)
        return removed

    def remove_when_free(self, key: str, holder: str | None) -> None:
        """Remove `key`, at once or when the last lock that others have on it is given back."""
        if self._locks.blocker(key, holder, write=True):
            self._leaving.add(key)
        else:
            self.remove([key], holder)

    def _remove_leaving(self, key: str) -> None:
        if key in self._leaving:
            self.remove_when_free(key, None)

    def remove_all(self, retained: Collection[str], holder: str | None) -> list[str]:
        """Remove all keys but the retained and the locked ones."""
        keep = set(retained)
        free = [
            key
            for key in self._stored
            if key not in keep and not self._locks.blocker(key, holder, write=True)
        ]
        return self.remove(free, holder)

    def keep(self, keys: Collection[str]) -> None:
        """Forget who made these keys."""
        for key in keys:
            if (entry := self._stored.get(key)) is not None:
                entry.maker = None

    def remove_made_by(self, maker: str) -> None:
        """Remove what `maker` has put (the leavings of a failed job)."""
        self.remove([key for key, e in self._stored.items() if e.maker == maker], maker)

    def listing(self, kind: str | None) -> list[dict[str, Any]]:
        """Return key, kind, nbytes, version and locks of all entries (of one kind)."""
        return [
            {
                "key": key,
                "kind": entry.kind,
                "nbytes": len(entry.value) + self._claims.nbytes(entry.tasks),
                "version": entry.version,
                **self._locks.describe(key),
            }
            for key, entry in self._stored.items()
            if kind is None or entry.kind == kind
        ]

    def _let_go(self, key: str, entry: StoredEntry) -> None:
        self._claims.release(f"{key}@{entry.version}")
        self.spool.release(entry.files, f"dh2o-{key}@{entry.version}")


class LockedKeyError(Exception):
    """A key cannot be removed because of a lock."""

    def __init__(self, key: str, by: str) -> None:
        super().__init__(key, by)
        self.key = key
        self.by = by


@dataclass
class _Lock:
    readers: dict[str, str] = field(default_factory=dict)  # holder → client
    writer: tuple[str, str] | None = None


class Locks:
    """Read and write locks by key. A lock whose holder is no longer alive does not count."""

    def __init__(self, alive: Callable[[str, str], bool]) -> None:
        self._alive = alive
        self._locks: dict[str, _Lock] = {}
        self.on_free: Callable[[str], None] = lambda _: None  # told a key that nobody locks now

    def acquire(self, key: str, holder: str, write: bool, client: str) -> dict[str, Any]:
        """Take the lock, or say who is in the way."""
        if blocker := self.blocker(key, holder, write):
            return {"status": "locked", "by": blocker}
        lock = self._locks.setdefault(key, _Lock())
        if write:
            lock.writer = (holder, client)
        else:
            lock.readers[holder] = client
        return {"status": "ok"}

    def release(self, key: str, holder: str) -> None:
        """Give back what `holder` has of `key`."""
        lock = self._locks.get(key)
        if lock is None:
            return
        lock.readers.pop(holder, None)
        if lock.writer is not None and lock.writer[0] == holder:
            lock.writer = None
        if not lock.readers and lock.writer is None:
            del self._locks[key]
            self.on_free(key)

    def release_all(self, holder: str) -> None:
        """Give back everything that `holder` has."""
        for key in list(self._locks):
            self.release(key, holder)

    def break_all(self, keep: Collection[str]) -> None:
        """Break all locks but those of the holders to `keep`."""
        holders = {h for lock in self._locks.values() for h in lock.readers}
        holders |= {lock.writer[0] for lock in self._locks.values() if lock.writer is not None}
        for holder in holders - set(keep):
            self.release_all(holder)

    def blocker(self, key: str, holder: str | None, write: bool) -> str | None:
        """Return who keeps `holder` from locking `key`, if anybody does."""
        lock = self._purged(key)
        if lock is None:
            return None
        if lock.writer is not None and lock.writer[0] != holder:
            return lock.writer[0]
        if write:
            return next((reader for reader in lock.readers if reader != holder), None)
        return None

    def describe(self, key: str) -> dict[str, Any]:
        """Return who holds locks on `key`."""
        lock = self._purged(key)
        if lock is None:
            return {"readers": [], "writer": None}
        return {"readers": list(lock.readers), "writer": lock.writer and lock.writer[0]}

    def _purged(self, key: str) -> _Lock | None:
        lock = self._locks.get(key)
        if lock is None:
            return None
        for holder, client in list(lock.readers.items()):
            if not self._alive(holder, client):
                del lock.readers[holder]
        if lock.writer is not None and not self._alive(*lock.writer):
            lock.writer = None
        return lock
