"""What the C library keeps of freed memory, and how to make it give that back.

glibc gives each thread that allocates an arena of its own and keeps what is freed in it. A server
with many threads then holds several times what its frames need. Dask's nannies therefore make
their workers return everything at once. That has its price: whoever sets one of these limits also
ends glibc's habit of raising the other, and every array of 128 kB or more is then mapped, filled
with zeros by the kernel, and unmapped again. Training spends a third of its time on that. So
a process here keeps some megabytes for the next array, and gives the rest back when work has ended.
"""

from __future__ import annotations

import ctypes
import os
import sys

# From malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_N_ARENAS = 2
_KEPT_NBYTES = 32 << 20  # of an arena
_MAPPED_NBYTES = 4 << 20  # larger arrays are worth a mapping of their own
_OF_NANNIES = "65536"  # Dask's default for MALLOC_TRIM_THRESHOLD_


def limit_arenas() -> bool:
    """Let all threads of this process share two arenas; return whether the C library can."""
    libc = _glibc()
    if libc is None:
        return False
    return bool(libc.mallopt(_M_ARENA_MAX, _N_ARENAS)) and _keep_some(libc)


def reuse_memory() -> bool:
    """Let a worker process keep memory for the next array; return whether that changed anything.

    Only if a nanny has told it to keep nothing: what users set in the environment stays.
    """
    libc = _glibc()
    by_nanny = os.environ.get("MALLOC_TRIM_THRESHOLD_") == _OF_NANNIES
    if libc is None or not by_nanny or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    return _keep_some(libc)


def _keep_some(libc: ctypes.CDLL) -> bool:
    return bool(libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_NBYTES)) and bool(
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_NBYTES)
    )


def keep_nothing() -> bool:
    """Let this process return freed memory at once; return whether the C library can."""
    libc = _glibc()
    if libc is None:
        return False
    few = int(_OF_NANNIES)
    return bool(libc.mallopt(_M_TRIM_THRESHOLD, few)) and bool(libc.mallopt(_M_MMAP_THRESHOLD, few))


def give_back() -> bool:
    """Return freed memory of this process to the operating system; return whether there was any."""
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
