"""A session: whose temporaries an expression sees, one expression at a time.

Frames are immutable metadata, so a temporary that shares columns with another costs nothing and
an assignment never changes what somebody else sees.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.rapids.columns import Table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.grammar import parse
from dh2o.rapids.passes import store
from dh2o.rapids.tree import Node
from dh2o.rapids.values import Val, ValFrame, ValKeyed, ValStr

if TYPE_CHECKING:
    from dh2o.mrtask import Engine

__all__ = ["Session"]


def _read_file(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise RapidsError(f"Cannot read {path!r}: {error.strerror}.") from None


class Session:
    """Evaluates expressions; holds the temporaries that they make until `close`.

    `open_text` reads the text files that expressions name; a server passes one that keeps to the
    folders its users may read.
    """

    def __init__(
        self,
        engine: Engine,
        id: str | None = None,  # noqa: A002
        *,
        open_text: Callable[[str], str] | None = None,
    ) -> None:
        from dh2o.rapids import prims  # noqa: F401 - fills the table

        self.engine = engine
        self.id = id or f"_sid_{uuid.uuid4().hex[:8]}"
        self.properties: dict[str, str] = {}
        self.time_zone = "UTC"
        self.forbidden: tuple[str, ...] = ()  # a test of a client's asks for keys to be unreadable
        self._open_text = open_text or _read_file
        self._temps: dict[str, Table] = {}
        self._lock = threading.RLock()

    def execute(self, expression: str | Node) -> Val:
        """Return the value of a text or tree; an empty text gives an empty string."""
        if isinstance(expression, str):
            if not expression.strip():
                return ValStr("")
            expression = parse(expression)
        with self._lock:
            try:
                return Env(self).evaluate(expression)
            except RecursionError:
                raise RapidsError("The expression is nested too deeply to be evaluated.") from None

    def expand(self, name: str) -> str:
        """Return a name with ``$`` replaced by the session's id (as the R client writes)."""
        return name.replace("$", self.id) if name.startswith("$") else name

    def find(self, key: str) -> Val | None:
        """Return what is stored under `key`: a temporary, frame or model; None for nothing."""
        if any(text in key for text in self.forbidden):
            raise RapidsError(f"Reading {key!r} is forbidden (testing.setreadforbidden).")
        if key in self._temps:
            return ValFrame(self._temps[key])
        value = self.engine.dkv.find(key)
        if value is None:
            return None
        if isinstance(value, Frame):
            return ValFrame(Table.of(value if value.key else value.with_key(key)))
        return ValKeyed(key, value)

    def read_lines(self, path: str) -> list[str]:
        """Return the lines of a text file that the process may read."""
        return self._open_text(path).splitlines()

    def set_temp(self, key: str, table: Table) -> Table:
        """Register a new temporary under `key` and return it, evaluated and stored."""
        if self.engine.dkv.contains(key):
            raise RapidsError(f"Temp ID {key} already exists.")
        kept = self._put(key, table)
        self._temps[key] = kept
        return kept

    def assign(self, key: str, table: Table) -> Table:
        """Store a global frame, replacing one of the same key; a temporary cannot be replaced."""
        if key in self._temps:
            raise RapidsError(f"Cannot assign to the temporary {key!r}; choose another key.")
        return self._put(key, table)

    def replace(self, key: str, table: Table) -> Table:
        """Store another frame under a key that is in use (in-place operations)."""
        kept = self._put(key, table)
        if key in self._temps:
            self._temps[key] = kept
        return kept

    def _put(self, key: str, table: Table) -> Table:
        frame = store(table, self.engine).frame
        if frame is None:  # pragma: no cover - store always sets it
            raise AssertionError
        return Table.of(frame.with_key(None).put(key))

    def remove(self, key: str) -> bool:
        """Remove a temporary, frame or model; False when there is none."""
        mine = self._temps.pop(key, None) is not None
        return bool(self.engine.dkv.remove(key)) or mine

    def move(self, old: str, new: str) -> None:
        """Store what lies under one key under another."""
        entry = next(e for e in self.engine.dkv.entries() if e.key == old)
        value = self.engine.dkv.get(old)
        self.engine.dkv.remove(old)
        self.engine.dkv.put(new, value, kind=entry.kind)

    def keys(self) -> list[str]:
        """Return the keys that are visible."""
        return sorted(set(self.engine.dkv.keys()))

    def close(self) -> None:
        """Remove all temporaries."""
        with self._lock:
            for key in list(self._temps):
                self.remove(key)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
