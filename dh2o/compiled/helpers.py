"""Helper processes, which compile ahead what a new machine lacks, and the line that says so.

The first process that misses code starts them. They end when they are through with the list, or
when the one that started them ends, however that happens: it holds the other end of their input.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from dh2o.compiled.claims import claims_of
from dh2o.version import __version__

__all__ = ["compiling_begins", "help_compiling"]

log = logging.getLogger("dh2o.compiled")

_ROOT = Path(__file__).resolve().parent.parent
_MOST = 4  # helpers; each takes up to 300 MB
_VARIABLE = "DH2O_COMPILE_HELPERS"
_running: list[subprocess.Popen[bytes]] = []
_begun = False


def compiling_begins(folder: str) -> None:
    """Tell the user, and start helpers, if this is the first process of the machine that compiles.

    Parameters
    ----------
    folder
        Where the code that is missing will lie.
    """
    global _begun  # noqa: PLW0603  (numba compiles one function at a time in a process)
    if _begun:
        return
    _begun = True
    here = _cache_path()
    if not claims_of(here).take("helpers", wait=False):
        return  # another process has told and started them
    log.warning(  # not a warning, but the level that is seen where nobody set up logging
        "dh2o compiles loops for this machine when they are first used (a minute at most in all). "
        "They are kept in %s, so the next start is quick.",
        _where(folder),
    )
    if not _marker(here).exists():
        _start(_n_helpers())


def _where(folder: str) -> str:
    """Return the folder that a user knows: NUMBA_CACHE_DIR, or `folder`."""
    return os.environ.get("NUMBA_CACHE_DIR") or folder


def _n_helpers() -> int:
    """Return one helper for each core: who asks soon waits for what they have begun."""
    given = os.environ.get(_VARIABLE, "")
    if given.isdigit():
        return int(given)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(n_cores, _MOST) if n_cores and n_cores > 1 else 0


def _start(n_helpers: int) -> None:
    if not sys.executable:
        return  # Python inside another program
    code = (
        f"import sys; sys.path.append({str(_ROOT.parent)!r}); "
        "from dh2o.compiled.helpers import help_compiling; help_compiling(sys.stdin)"
    )
    for _ in range(n_helpers):
        with contextlib.suppress(OSError):  # no room for another process: it goes without
            process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the one who is waited for
            )
            _running.append(process)
            threading.Thread(target=process.wait, name="dh2o-helper", daemon=True).start()
    atexit.register(_end)


def _end() -> None:
    """End the helpers that are still at work."""
    for process in _running:
        process.kill()  # what is half written is not found by name
        process.wait()
        if process.stdin:
            process.stdin.close()
    _running.clear()


def help_compiling(until: Any) -> None:
    """Compile what `FIRST_KERNELS` lists and is not there yet, unless `until` ends before.

    What another process has claimed is left to it.
    """
    global _begun  # noqa: PLW0603
    _begun = True  # helpers start no helpers
    threading.Thread(target=_leave_with, args=(until,), daemon=True).start()
    from dh2o.compiled.first_kernels import FIRST_KERNELS

    for module, name, signature in FIRST_KERNELS:
        loop = getattr(importlib.import_module(module), name)
        if loop._cache.claim(wait=False):
            loop.compile(signature)
            loop._cache.give_up()
    _marker(_cache_path()).touch()


def _leave_with(stream: Any) -> None:
    """End this process when `stream` ends."""
    stream.read()
    os._exit(0)


def _cache_path() -> str:
    """Return the folder in which numba keeps code of this package."""
    from numba.core.caching import FunctionCache

    return str(FunctionCache(compiling_begins).cache_path)


def _marker(folder: str) -> Path:
    """Return the file that is in `folder` once all of the list is compiled for this machine."""
    import llvmlite.binding as llvm  # type: ignore[import-untyped]
    import numba

    from dh2o.compiled.first_kernels import FIRST_KERNELS

    facts: list[Any] = [__version__, numba.__version__, sys.version, llvm.get_host_cpu_name()]
    for module in sorted({module for module, *_ in FIRST_KERNELS}):
        source = _ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py").stat()
        facts.append((module, source.st_mtime_ns, source.st_size))
    key = hashlib.sha256(repr((facts, FIRST_KERNELS)).encode()).hexdigest()[:16]
    return Path(folder) / f"dh2o-first-kernels-{key}"
