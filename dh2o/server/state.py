"""What a running server knows: its engine, its options, its sessions. Data lives in the cluster."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dh2o.errors import DH2OError

from .files import Files
from .logbook import LogBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dh2o.mrtask import Engine
    from dh2o.rapids import Session

    from .options import ServerOptions

__all__ = ["ServerState"]

log = logging.getLogger("dh2o.server")

#: Sessions of clients that went away without a word are dropped beyond this number, oldest first.
_MAX_SESSIONS = 1000

#: A name is promised to a client for this long.
_PROMISE_S = 5.0


class ServerState:
    """One server's state. Everything but the Rapids sessions can be found again after a restart."""

    def __init__(self, engine: Engine, options: ServerOptions) -> None:
        self.engine = engine
        self.options = options
        self.started_ms = int(time.time() * 1000)
        self.cluster_id = self.started_ms
        self.logbook = LogBook()
        self.stop: Callable[[], None] = lambda: None
        self._sessions: dict[str, tuple[Session, threading.RLock]] = {}
        self._lock = threading.Lock()
        self.time_zone = "UTC"
        self._promised: dict[str, float] = {}
        self._n_models = 0
        self._n_active = 0
        self._last_request = time.monotonic()

    @property
    def uptime_ms(self) -> int:
        """Milliseconds since the start."""
        return int(time.time() * 1000) - self.started_ms

    @property
    def idle_ms(self) -> int:
        """Milliseconds since the last request."""
        return int((time.monotonic() - self._last_request) * 1000)

    @property
    def n_active(self) -> int:
        """Requests that are being served now."""
        return self._n_active

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count a request as active."""
        with self._lock:
            self._n_active += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_active -= 1
                self._last_request = time.monotonic()

    def promise_key(self, names: Iterable[str]) -> str:
        """Return the first of `names` that is free, and keep it from other clients for a while.

        A client asks for the name of a frame in one request and makes the frame in the next; two
        clients that import the same file at once would get the same name otherwise.
        """
        dkv = self.engine.dkv
        with self._lock:
            now = time.monotonic()
            self._promised = {
                name: since for name, since in self._promised.items() if now - since < _PROMISE_S
            }
            making = {job.dest for job in self.engine.jobs() if not job.finished}
            for name in names:
                if name not in self._promised and name not in making and not dkv.contains(name):
                    self._promised[name] = now
                    return name
        raise DH2OError("No free name is left.")

    def keep_promise(self, name: str) -> None:
        """Say that the frame of a promised name is being made now, or is no longer wanted."""
        with self._lock:
            self._promised.pop(name, None)

    def new_session(self) -> str:
        """Open a session and return its key."""
        with self._lock:
            while True:
                key = f"_sid_{secrets.token_hex(2)}"
                if key not in self._sessions:
                    break
            self._add_session(key)
        return key

    @contextmanager
    def session(self, key: str | None) -> Iterator[Session]:
        """Hold the session `key` while one expression runs in it; others of it wait.

        A key that is not known (the server was restarted, or none was given) opens a session.
        """
        name = key or "_sid_default"
        with self._lock:
            if name not in self._sessions:
                self._add_session(name)
            session, lock = self._sessions[name]
        with lock:
            yield session
            # H2O has one time zone for all: what one session sets, parses and new sessions use.
            if session.time_zone != self.time_zone:
                self.time_zone = session.time_zone

    def cluster_property(self, name: str) -> str | None:
        """Return a property that some session has set: H2O's are those of the cluster."""
        with self._lock:
            sessions = [session for session, _ in self._sessions.values()]
        return next((s.properties[name] for s in sessions if name in s.properties), None)

    def close_session(self, key: str) -> None:
        """Close a session and drop its temporaries; nothing happens if it is not known."""
        with self._lock:
            found = self._sessions.pop(key, None)
        if found is not None:
            with found[1]:
                found[0].close()

    def close_sessions(self) -> None:
        """Close all sessions."""
        for key in list(self._sessions):
            self.close_session(key)

    def _add_session(self, key: str) -> None:
        from dh2o.rapids import Session

        if len(self._sessions) >= _MAX_SESSIONS:
            oldest = next(iter(self._sessions))
            log.warning("More than %d sessions: session %s is dropped.", _MAX_SESSIONS, oldest)
            del self._sessions[oldest]
        session = Session(self.engine, key, open_text=self._open_text)
        session.time_zone = self.time_zone
        self._sessions[key] = (session, threading.RLock())

    def _open_text(self, path: str) -> str:
        """Return the text of a file that clients may read, for expressions that name one."""
        Files(self.options).check(path)
        return Path(path).expanduser().read_text()

    def new_model_key(self, algo: str, client: str = "python") -> str:
        """Return a fresh key for a model, in the form that H2O gives."""
        with self._lock:
            self._n_models += 1
            return f"{algo}_model_{client}_{self.cluster_id}_{self._n_models}"
