"""Drivers: what runs on a worker for a job, and what it may do there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dh2o.errors import JobCancelledError, WorkerLostError
from dh2o.mrtask import wire
from dh2o.mrtask.dkv import DKV, needs

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

_REPORT_INTERVAL_S = 0.05
_CHECK_INTERVAL_S = 0.1
_MAX_RESULT_NBYTES = 50_000


class JobContext:
    """The driver's side of a job: progress, cancellation, checkpoints."""

    def __init__(self, engine: Engine, key: str, begun: dict[str, Any]) -> None:
        self.engine = engine
        self.key = key
        self.dest: str = begun["dest"]
        self.dkv: DKV = engine.dkv.held_by(key)
        self._attempt: int = begun["attempt"]
        self._saved: bytes | None = begun["saved"]
        self._cancelled: bool = begun["cancelled"]
        self._pending: dict[str, Any] = {}
        self._asked_at = 0.0

    def update(self, progress: float | None = None, message: str | None = None) -> None:
        """Report progress (0 to 1) and what the job is at; cheap enough for every step."""
        if progress is not None:
            self._pending["progress"] = min(max(float(progress), 0.0), 1.0)
        if message is not None:
            self._pending["progress_msg"] = message
        self._exchange(_REPORT_INTERVAL_S)

    def warn(self, text: str) -> None:
        """Tell the user something about the result; the same text is kept once."""
        self._pending.setdefault("warnings", []).append(text)
        self._exchange(0.0)

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the job to stop."""
        self._exchange(_CHECK_INTERVAL_S)
        return self._cancelled

    def check(self) -> None:
        """Raise `JobCancelledError` if somebody asked the job to stop; call it in every step."""
        if self.cancel_requested:
            raise JobCancelledError(f"Job {self.key!r} was cancelled.")

    def _exchange(self, interval_s: float) -> None:
        """Send what is pending and learn about cancellation, at most once per interval."""
        now = time.monotonic()
        if now - self._asked_at < interval_s:
            return
        changes, self._pending = self._pending, {}
        answer = self.engine.call(
            "job_update", job=self.key, attempt=self._attempt, changes=changes
        )
        self._asked_at = now
        self._cancelled = answer["cancelled"]

    def flush(self) -> None:
        """Send what is pending."""
        if self._pending:
            self._exchange(0.0)

    def checkpoint(self, value: Any) -> None:
        """Keep `value` (None: nothing): a driver that starts again gets it from `restore`.

        Blocks and spool files that it mentions are kept as well. Large arrays belong into the DKV
        or the spool.
        """
        with wire.mentions() as found:
            data = None if value is None else wire.dumps(value)
        tasks, files = needs(found)
        self.engine.call(
            "job_checkpoint",
            job=self.key,
            attempt=self._attempt,
            value=data,
            tasks=tasks,
            files=files,
        )
        self._saved = data

    def restore(self) -> Any:
        """Return the last checkpoint, or None."""
        if self._saved is None:
            return None
        with wire.mentions() as mentioned:
            value = wire.loads(self._saved)
        self.engine.hold(mentioned)
        return value


def drive(key: str, parcel: Any) -> None:
    """Run a job on this worker: the task that Dask starts again elsewhere if it is lost."""
    from distributed import get_worker, secede

    from dh2o.mrtask.engine import engine_on

    worker = get_worker()
    engine = engine_on(worker)
    secede()
    begun = engine.call("job_begin", job=key, worker=worker.address)
    if begun["status"] == "stop":
        return
    attempt = begun.get("attempt", 0)
    if begun["status"] == "stuck":
        _finish(engine, key, attempt, _stuck(begun["attempts"]))
        return
    context = JobContext(engine, key, begun)
    try:
        context.check()
        fn, args = _open(engine, parcel)
        result: Any = fn(context, *args)
    except Exception as error:
        if worker.status.name not in ("running", "paused"):
            raise  # the worker is closing: not the job's fault, Dask runs it again elsewhere
        _finish(engine, key, attempt, error)
        return
    context.flush()
    with wire.mentions():
        data = wire.dumps(result)
    if len(data) > _MAX_RESULT_NBYTES and context.dest and engine.dkv.contains(context.dest):
        data = b""
    engine.call(
        "job_finish", job=key, attempt=attempt, status="DONE", exception=None, result=data or None
    )


def _open(engine: Engine, parcel: Any) -> Any:
    with wire.mentions() as mentioned:
        value = parcel.open()
    engine.hold(mentioned)
    return value


def _stuck(attempts: int) -> WorkerLostError:
    return WorkerLostError(
        f"The job was started {attempts} times without getting further, and its worker died each "
        "time. Does it need more memory than a worker has?"
    )


def _finish(engine: Engine, key: str, attempt: int, error: Exception) -> None:
    status = "CANCELLED" if isinstance(error, JobCancelledError) else "FAILED"
    exception = None if status == "CANCELLED" else wire.pack_exception(error)
    engine.call(
        "job_finish", job=key, attempt=attempt, status=status, exception=exception, result=None
    )
