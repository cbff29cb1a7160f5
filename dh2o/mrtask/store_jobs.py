"""Jobs, as the scheduler keeps them: fed by drivers, clients and Dask's own task events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

MAX_ATTEMPTS = 50  # starts without a new checkpoint: a driver that kills its workers must end
MAX_FINISHED = 1000  # jobs that have ended and are still listed


@dataclass
class JobRecord:
    """One job: what everybody may see, and what its driver needs."""

    key: str
    description: str
    dest: str
    dest_type: str
    task: str
    status: str = "CREATED"  # CREATED RUNNING CANCEL_PENDING CANCELLED FAILED DONE
    progress: float = 0.0
    progress_msg: str = ""
    warnings: list[str] = field(default_factory=list)
    start_time: float = field(default_factory=time.time)
    end_time: float | None = None
    exception: bytes | None = None
    result: bytes | None = None
    attempts: int = 0  # since the last checkpoint
    attempt: int = 0  # number of the driver that counts; an older one that lingers is ignored
    worker: str | None = None
    saved: bytes | None = None
    saved_tasks: tuple[Any, ...] = ()
    saved_files: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    revision: int = 0
    claimed: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finished(self) -> bool:
        """Whether the driver is done, one way or another."""
        return self.status in ("CANCELLED", "FAILED", "DONE")

    def public(self) -> dict[str, Any]:
        """Return what clients see."""
        names = (
            *("key", "description", "dest", "dest_type", "status", "progress", "progress_msg"),
            *("warnings", "start_time", "end_time", "exception", "result", "revision", "worker"),
        )
        return {name: getattr(self, name) for name in names}

    def touch(self) -> None:
        """Wake those who wait for a change."""
        self.revision += 1
        self.changed.set()
        self.changed = asyncio.Event()


class Jobs:
    """All jobs of the cluster by key."""

    def __init__(self, scheduler: Any, claims: Any, entries: Any, locks: Any) -> None:
        self._scheduler = scheduler
        self._claims = claims
        self._entries = entries
        self._locks = locks
        self.records: dict[str, JobRecord] = {}
        self.by_task: dict[str, JobRecord] = {}

    def create(
        self, job: dict[str, Any], tasks: Collection[Any], files: Collection[str]
    ) -> dict[str, Any]:
        """Register the job and lock its destination for writing."""
        record = JobRecord(**job, files=tuple(files))
        if record.dest and (blocker := self._locks.blocker(record.dest, record.key, write=True)):
            return {"status": "locked", "by": blocker}
        self._forget_oldest()
        self.records[record.key] = record
        self.by_task[record.task] = record
        if record.dest:
            self._locks.acquire(record.dest, record.key, True, "")
        self._claims.hold(record.key, tasks)
        self._entries.spool.hold(record.files, f"dh2o-{record.key}")
        return {"status": "ok"}

    def _forget_oldest(self) -> None:
        finished = [key for key, record in self.records.items() if record.finished]
        for key in finished[:-MAX_FINISHED]:
            del self.records[key]

    def task_moved(self, task: str, finish: str) -> None:
        """Follow the driver task: claim it, never blame it for dying workers, see its failure."""
        record = self.by_task[task]
        ts = self._scheduler.tasks.get(task)
        if ts is not None and finish in ("waiting", "processing", "no-worker", "queued"):
            ts.suspicious = 0  # it was on a worker that died, it did not kill it
            if not record.claimed.is_set():
                self._claims.hold(record.key, [task])
                record.claimed.set()
        if finish in ("erred", "forgotten") and not record.finished:
            # the driver catches what its function raises: this is a task that could not run at all
            record.claimed.set()
            blamed = getattr(ts, "exception_text", None) or finish
            loop = asyncio.get_running_loop()
            loop.call_soon(self._fail, record, f"The driver task could not run: {blamed}")

    def _fail(self, record: JobRecord, message: str) -> None:
        from dh2o.errors import WorkerLostError
        from dh2o.mrtask.wire import pack_exception

        if not record.finished:
            self.finish(record.key, "FAILED", pack_exception(WorkerLostError(message)), None)

    async def claimed(self, job: str) -> None:
        """Return once the scheduler holds the driver task itself."""
        await asyncio.wait_for(self.records[job].claimed.wait(), 60)

    def begin(self, job: str, worker: str) -> dict[str, Any]:
        """Note that a driver runs; tell it whether to go on, and from where."""
        record = self.records.get(job)
        if record is None or record.finished:
            return {"status": "stop"}
        record.attempts += 1
        record.attempt += 1
        record.worker = worker
        if record.attempts > MAX_ATTEMPTS:
            return {
                "status": "stuck",
                "attempts": record.attempts - 1,
                "attempt": record.attempt,
            }
        if record.status == "CREATED":
            record.status = "RUNNING"
        record.touch()
        return {
            "status": "ok",
            "attempt": record.attempt,
            "saved": record.saved,
            "cancelled": record.status == "CANCEL_PENDING",
            "dest": record.dest,
        }

    def is_latest(self, job: str, attempt: int) -> bool:
        """Return whether `attempt` is the driver that counts."""
        record = self.records.get(job)
        return record is not None and not record.finished and record.attempt == attempt

    def update(self, job: str, attempt: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Apply progress, message, warnings; return whether the driver should stop."""
        if not self.is_latest(job, attempt):
            return {"cancelled": True}
        record = self.records[job]
        for name in ("progress", "progress_msg"):
            if changes.get(name) is not None:
                setattr(record, name, changes[name])
        record.warnings.extend(w for w in changes.get("warnings", ()) if w not in record.warnings)
        if changes:
            record.touch()
        return {"cancelled": record.status == "CANCEL_PENDING"}

    def checkpoint(
        self, job: str, value: bytes | None, tasks: Collection[Any], files: Collection[str]
    ) -> None:
        """Keep what a driver needs to resume, and the blocks and files that it mentions."""
        record = self.records[job]
        old_tasks, old_files = set(record.saved_tasks), set(record.saved_files)
        record.saved, record.saved_tasks, record.saved_files = value, tuple(tasks), tuple(files)
        record.attempts = 0
        holder = f"{job}@saved"
        self._claims.hold(holder, tasks)
        self._claims.release(holder, old_tasks - set(tasks))
        self._entries.spool.hold(files, f"dh2o-{holder}")
        self._entries.spool.release(old_files - set(files), f"dh2o-{holder}")

    def finish(self, job: str, status: str, exception: bytes | None, result: bytes | None) -> None:
        """End the job: give back its locks and claims, and unless it is done remove its keys."""
        record = self.records.get(job)
        if record is None or record.finished:
            return
        if status != "DONE":
            self._entries.remove_made_by(job)
        record.status, record.exception, record.result = status, exception, result
        record.end_time = time.time()
        record.saved = None
        if status == "DONE":
            record.progress = 1.0
        self._locks.release_all(job)
        self.by_task.pop(record.task, None)
        self._claims.release(f"{job}@saved")
        self._entries.spool.release(record.saved_files, f"dh2o-{job}@saved")
        self._claims.release(job)
        self._entries.spool.release(record.files, f"dh2o-{job}")
        record.claimed.set()
        record.touch()

    def get(self, job: str) -> dict[str, Any] | None:
        """Return the public state of a job, or None."""
        record = self.records.get(job)
        return None if record is None else record.public()

    def listing(self) -> list[dict[str, Any]]:
        """Return the public state of all jobs, oldest first."""
        return [record.public() for record in self.records.values()]

    def cancel(self, job: str) -> None:
        """Ask the driver to stop; it does so at its next check."""
        record = self.records.get(job)
        if record is not None and record.status in ("CREATED", "RUNNING"):
            record.status = "CANCEL_PENDING"
            record.touch()

    def remove(self, job: str) -> None:
        """Forget a finished job."""
        record = self.records.get(job)
        if record is not None and record.finished:
            del self.records[job]

    async def wait(self, job: str, revision: int, timeout_s: float) -> dict[str, Any] | None:
        """Return the job once its revision differs, or after the time."""
        record = self.records.get(job)
        if record is not None and record.revision == revision and not record.finished:
            with suppress(TimeoutError):
                await asyncio.wait_for(record.changed.wait(), timeout_s)
        return self.get(job)
