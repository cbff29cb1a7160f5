"""Killing workers in tests: at a moment that the work itself chooses, never after a sleep."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dh2o.mrtask import Engine

DEADLINE_S = 600.0  # a nanny on a busy machine takes long to start a worker


def leave_mark(folder: str | os.PathLike[str], text: str = "") -> None:
    """Called by work on a worker: says that it is running in this process."""
    path = Path(folder) / f"{uuid.uuid4().hex}.tmp"
    path.write_text(f"{os.getpid()} {text}")
    path.rename(path.with_suffix(f".{os.getpid()}"))


def marks(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the marks left so far."""
    return [path for path in Path(folder).iterdir() if path.suffix != ".tmp"]


def wait_until(condition: object, what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until ``condition()`` is true."""
    until = time.monotonic() + deadline_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, f"gave up waiting: {what}"
        time.sleep(0.005)


def say(text: str) -> None:
    """Show a measured figure (pytest -s, or the report of a failed test)."""
    sys.stdout.write(f"{text}\n")


class Recovery:
    """What a killing says afterwards."""

    pid: int | None = None
    killed_at: float | None = None

    def report(self, what: str) -> float:
        """Print and return how long it took from the kill until now."""
        assert self.killed_at is not None, "the worker was not killed: the work ended before"
        seconds = time.monotonic() - self.killed_at
        say(f"{what}: answered {seconds:.2f} s after SIGKILL of worker {self.pid}")
        return seconds


@contextmanager
def killing(folder: str | os.PathLike[str], after_marks: int = 1) -> Iterator[Recovery]:
    """SIGKILL the worker process that leaves mark number `after_marks` in `folder`.

    The work must go on for a while after its marks, or it ends before it is killed.
    """
    recovery = Recovery()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.002):
            found = sorted(marks(folder), key=lambda path: path.stat().st_mtime_ns)
            if len(found) >= after_marks:
                recovery.pid = int(found[after_marks - 1].suffix[1:])
                assert recovery.pid != os.getpid(), "the work runs in the test's own process"
                os.kill(recovery.pid, signal.SIGKILL)
                recovery.killed_at = time.monotonic()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield recovery
    finally:
        stop.set()
        thread.join(DEADLINE_S)


def kill_worker(engine: Engine, address: str | None = None) -> int:
    """SIGKILL the worker at `address` (the first); return its pid once the scheduler knows."""
    facts = engine.worker_facts()
    victim = next(f for f in facts if address is None or f["address"] == address)
    os.kill(victim["pid"], signal.SIGKILL)
    wait_until(
        lambda: victim["address"] not in {f["address"] for f in engine.worker_facts()},
        f"the scheduler to miss {victim['address']}",
    )
    return int(victim["pid"])


def wait_for_workers(engine: Engine, n_workers: int) -> None:
    """Wait until the cluster has `n_workers` again (nannies start them anew)."""
    wait_until(lambda: len(engine.workers()) == n_workers, f"{n_workers} workers")
