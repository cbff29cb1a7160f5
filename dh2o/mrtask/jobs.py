"""Jobs: long work that runs on a worker, whoever is watching. See driver for what runs there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dh2o.errors import JobCancelledError, KeyNotFoundError
from dh2o.mrtask import wire
from dh2o.mrtask.dkv import DKV, needs

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

FINISHED = ("CANCELLED", "FAILED", "DONE")
_POLL_S = 1.0
_DRIVER_PRIORITY = 100


class Job:
    """A running or finished job, as any client of the cluster sees it."""

    def __init__(self, engine: Engine, state: dict[str, Any]) -> None:
        self._engine = engine
        self._state = state
        self._driver: Any = None  # the future, in the process that started the job

    @property
    def key(self) -> str:
        """The job's own key."""
        return self._state["key"]

    @property
    def description(self) -> str:
        """What the job does."""
        return self._state["description"]

    @property
    def dest(self) -> str:
        """The key that the job makes, or an empty string."""
        return self._state["dest"]

    @property
    def dest_type(self) -> str:
        """The type of `dest`, such as ``Key<Model>``."""
        return self._state["dest_type"]

    @property
    def status(self) -> str:
        """CREATED, RUNNING, CANCEL_PENDING, CANCELLED, FAILED or DONE."""
        return self._fresh()["status"]

    @property
    def finished(self) -> bool:
        """Whether the job has ended, one way or another."""
        return self.status in FINISHED

    @property
    def progress(self) -> float:
        """How far the job is, 0 to 1."""
        return self._fresh()["progress"]

    @property
    def progress_msg(self) -> str:
        """What the job is at."""
        return self._fresh()["progress_msg"]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about the result."""
        return tuple(self._fresh()["warnings"])

    @property
    def exception(self) -> BaseException | None:
        """What made the job fail, as it was raised, or None."""
        data = self._fresh()["exception"]
        return None if data is None else wire.unpack_exception(data)

    @property
    def start_time(self) -> float:
        """When the job was started, in seconds since 1970."""
        return self._state["start_time"]

    @property
    def msec(self) -> int:
        """How long the job has run, in milliseconds."""
        state = self._fresh()
        return round(((state["end_time"] or time.time()) - state["start_time"]) * 1000)

    @property
    def worker(self) -> str | None:
        """The address of the worker on which the driver runs or ran last."""
        return self._fresh()["worker"]

    def as_last_seen(self) -> Job:
        """Return this job as its state was when last asked for: all of one moment, asked no more.

        Each property asks anew otherwise, and a job that fails between two of them would be FAILED
        without an exception.
        """
        return _JobLastSeen(self._engine, self._state)

    def _fresh(self) -> dict[str, Any]:
        if self._state["status"] not in FINISHED:
            self._take(self._engine.call("job_get", job=self.key))
        return self._state

    def _take(self, state: dict[str, Any] | None) -> None:
        if state is None:
            raise KeyNotFoundError(f"Job {self.key!r} not found: it ended and was removed.")
        self._state = state
        if state["status"] in FINISHED:
            self._driver = None

    def wait(self, progress: bool = False, timeout: float | None = None) -> Job:
        """Return this job once it is done; raises what made it fail, or TimeoutError.

        With `progress` a bar is shown in a terminal or notebook. Ctrl-C cancels the job.
        """
        from dh2o.mrtask.progress import progress_bar

        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            with progress_bar(self.description, enabled=progress) as bar:
                while self._state["status"] not in FINISHED:
                    left = _POLL_S if deadline is None else deadline - time.monotonic()
                    if left <= 0:
                        raise TimeoutError(f"Job {self.key!r} is still running.")
                    self.wait_for_change(min(left, _POLL_S))
                    bar.show(self._state["progress"], self._state["progress_msg"])
        except KeyboardInterrupt:
            self.cancel()
            raise
        self._raise_failure()
        return self

    def wait_for_change(self, timeout: float = _POLL_S) -> None:
        """Return once the job's progress or status has changed, or after `timeout` seconds."""
        if self._state["status"] not in FINISHED:
            revision = self._state["revision"]
            self._take(
                self._engine.call("job_wait", job=self.key, revision=revision, timeout_s=timeout)
            )

    def _raise_failure(self) -> None:
        if self._state["status"] == "FAILED":
            error = self.exception
            if error is not None:
                raise error
        if self._state["status"] == "CANCELLED":
            raise JobCancelledError(f"Job {self.key!r} ({self.description}) was cancelled.")

    def result(self, timeout: float | None = None) -> Any:
        """Return what the job's function returned; waits for it, raises what it raised."""
        self.wait(timeout=timeout)
        data = self._state["result"]
        if data is None:  # too large to be kept twice: it is under its key
            return self._engine.dkv.get(self.dest)
        with wire.mentions() as mentioned:
            value = wire.loads(data)
        self._engine.hold(mentioned)
        return value

    def cancel(self) -> None:
        """Ask the job to stop; it does so at its next check."""
        self._engine.call("job_cancel", job=self.key)

    def remove(self) -> None:
        """Forget the job, if it has ended."""
        self._engine.call("job_remove", job=self.key)

    def __repr__(self) -> str:
        state = self._state
        return f"<Job {self.key}: {self.description}, {state['status']} {state['progress']:.0%}>"


class _JobLastSeen(Job):
    """A job that does not ask how it is by now."""

    def _fresh(self) -> dict[str, Any]:
        return self._state


class JobTable:
    """Starts jobs and finds them again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(
        self,
        description: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        dest: str | None,
        dest_type: str,
    ) -> Job:
        """Register the job, start its driver task, and return once Dask holds it without us."""
        from dh2o.mrtask.driver import drive
        from dh2o.mrtask.graph import travelling

        engine = self._engine
        key = f"job-{uuid.uuid4().hex[:16]}"
        task = f"dh2o-driver-{key}"
        with wire.mentions() as found:
            parcel = wire.pack((fn, args))
        tasks, files = needs(found)
        record = {
            "key": key,
            "description": description,
            "dest": dest or "",
            "dest_type": dest_type,
            "task": task,
        }
        answer = engine.call("job_create", job=record, tasks=tasks, files=files)
        DKV._check_lock(dest or "", answer)
        driver = engine.client.submit(
            drive,
            key,
            travelling(engine, parcel, task),
            key=task,
            pure=False,
            priority=_DRIVER_PRIORITY,
        )
        job = Job(engine, engine.call("job_claimed", job=key))
        job._driver = driver
        return job

    def get(self, key: str) -> Job:
        """Return the job of this key."""
        state = self._engine.call("job_get", job=key)
        if state is None:
            raise KeyNotFoundError.of("Job", key, [job.key for job in self.all()])
        return Job(self._engine, state)

    def all(self) -> list[Job]:
        """Return all jobs, oldest first."""
        return [Job(self._engine, state) for state in self._engine.call("job_list")]

    def stop_all(self, timeout_s: float = 5.0) -> None:
        """Cancel what runs and wait a little for it to end (before a local cluster closes)."""
        running = [job for job in self.all() if not job.finished]
        for job in running:
            job.cancel()
        deadline = time.monotonic() + timeout_s
        while any(not job.finished for job in running) and time.monotonic() < deadline:
            time.sleep(0.02)
