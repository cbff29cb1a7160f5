"""What the C library keeps of freed memory, and how to make it give that back.

glibc gives each thread that allocates an arena of its own and keeps what is freed in it. A server
with many threads then holds several times what its frames need. Dask's nannies set the same limits
for worker processes by environment variables; a process of ours can do it by call.
"""

from __future__ import annotations

import ctypes
import sys

# From malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_ARENA_MAX = -8

_N_ARENAS = 2
_TRIM_NBYTES = 1 << 20


def limit_arenas() -> bool:
    """Let all threads of this process share two arenas; return whether the C library can."""
    libc = _glibc()
    if libc is None:
        return False
    return bool(libc.mallopt(_M_ARENA_MAX, _N_ARENAS)) and bool(
        libc.mallopt(_M_TRIM_THRESHOLD, _TRIM_NBYTES)
    )


def give_back() -> bool:
    """Return freed memory of this process to the operating system; return whether there was any."""
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
