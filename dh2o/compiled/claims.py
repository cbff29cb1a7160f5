"""Which process compiles what: locks on single bytes of a file beside the compiled code.

The system gives up the locks of a process that dies. Where files cannot be locked, everybody may
compile everything, as without claims.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Claims", "claims_of"]

_FILE = "dh2o-compiling.lock"


class Claims:
    """What this process has to itself among all that keep compiled code in `folder`.

    Locks belong to processes: threads of one do not wait for each other. The file stays open, as
    closing it would give up every lock.
    """

    def __init__(self, folder: str) -> None:
        self._file: int | None = None
        if fcntl is not None:
            with suppress(OSError):
                Path(folder).mkdir(parents=True, exist_ok=True)
                path = str(Path(folder) / _FILE)
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def take(self, name: str, *, wait: bool = True) -> bool:
        """Return whether `name` is now this process's own; `wait`: until it is."""
        if self._file is None:
            return True
        how = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.lockf(self._file, how, 1, zlib.crc32(name.encode()))
        except (BlockingIOError, PermissionError):  # both mean: somebody else's
            return False
        except OSError:  # no locks on this file system
            return True
        return True

    def give_up(self, name: str) -> None:
        """Let others have `name`."""
        if self._file is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, zlib.crc32(name.encode()))


@cache
def claims_of(folder: str) -> Claims:
    """Return the claims on code that is kept in `folder`."""
    return Claims(folder)
