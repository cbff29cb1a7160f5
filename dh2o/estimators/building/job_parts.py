"""Several builds inside a job: their shares of the progress and their own checkpoints."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from dh2o.errors import JobCancelledError
from dh2o.mrtask import JobContext

if TYPE_CHECKING:
    from dh2o.models import Model

__all__ = ["JobPart", "JobParts"]


class JobParts:
    """The parts of one job. They may run one after another or side by side, each in its thread.

    What a part checkpoints is kept with its number, and which parts are done; a driver that starts
    again gives each part its own back. Only one thread at a time talks to the job.
    """

    def __init__(self, job: JobContext, n_parts: int) -> None:
        self.job = job
        self.n_parts = n_parts
        self.lock = threading.RLock()
        self.stopped = False
        self._progress = [0.0] * n_parts
        saved = job.restore()
        known = isinstance(saved, dict) and "done" in saved
        self._values: dict[int, Any] = dict(saved["values"]) if known else {}
        self._done: set[int] = set(saved["done"]) if known else set()

    def part(self, number: int) -> JobPart:
        """Return part `number` as a job's context."""
        return JobPart(self.job, number, self.n_parts, self)

    def start_at(self, number: int) -> None:
        """Count the parts before `number` as done, in what the job's progress says."""
        self._progress[:number] = [1.0] * number

    def update(self, number: int, progress: float | None, message: str | None) -> None:
        """Report the progress of a part."""
        with self.lock:
            if progress is not None:
                self._progress[number] = min(max(progress, 0.0), 1.0)
                progress = sum(self._progress) / self.n_parts
            self.job.update(progress, message)

    def checkpoint(self, number: int, value: Any) -> None:
        """Keep `value` for a part."""
        with self.lock:
            self._values[number] = value
            self._save()

    def restored(self, number: int) -> Any:
        """Return the last value that a part kept, or None."""
        return self._values.get(number)

    def done(self, number: int) -> None:
        """Note that what a part made is stored."""
        with self.lock:
            self._values.pop(number, None)
            self._done.add(number)
            self._save()

    def is_done(self, number: int) -> bool:
        """Whether a driver before this one finished a part."""
        return number in self._done

    def _save(self) -> None:
        self.job.checkpoint({"values": dict(self._values), "done": sorted(self._done)})


class JobPart(JobContext):
    """A job's context as part `number` of `n_parts` sees it."""

    def __init__(
        self, job: JobContext, number: int, n_parts: int, parts: JobParts | None = None
    ) -> None:
        if parts is None:
            parts = JobParts(job, n_parts)
            parts.start_at(number)
        self.parts = parts
        self.job = job
        self.engine = job.engine
        self.dkv = job.dkv
        self.key = job.key
        self.dest = job.dest
        self.number = number
        self.n_parts = n_parts

    def update(self, progress: float | None = None, message: str | None = None) -> None:
        """Report the progress of this part."""
        if message is not None and self.n_parts > 1:
            label = "main model" if self.number == self.n_parts - 1 else f"fold {self.number + 1}"
            message = f"{label}: {message}"
        self.parts.update(self.number, progress, message)

    def warn(self, text: str) -> None:
        """Tell the user something about the result."""
        with self.parts.lock:
            self.job.warn(text)

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the job to stop, or another part failed."""
        with self.parts.lock:
            return self.parts.stopped or self.job.cancel_requested

    def check(self) -> None:
        """Raise `JobCancelledError` if somebody asked the job to stop."""
        if self.cancel_requested:
            raise JobCancelledError(f"Job {self.key!r} was cancelled.")

    def flush(self) -> None:
        """Send what is pending."""
        with self.parts.lock:
            self.job.flush()

    def checkpoint(self, value: Any) -> None:
        """Keep `value` for this part."""
        self.parts.checkpoint(self.number, value)

    def restore(self) -> Any:
        """Return this part's last checkpoint, or None."""
        return self.parts.restored(self.number)

    def done(self) -> None:
        """Note that what this part made is stored."""
        self.parts.done(self.number)

    def finished_model(self, key: str) -> Model | None:
        """Return the model that a driver before this one built for this part."""
        if not self.parts.is_done(self.number) or not self.dkv.contains(key):
            return None
        model: Model = self.dkv.get(key)
        return model
