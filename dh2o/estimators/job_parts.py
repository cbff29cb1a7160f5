"""One of several builds inside a job: its share of the progress and its own checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.mrtask import JobContext

if TYPE_CHECKING:
    from dh2o.models import Model


class JobPart(JobContext):
    """A job's context as part `number` of `n_parts` sees it.

    A checkpoint is kept with the number of its part, so that a driver that starts again gives it
    to the part that made it; parts before that one are done, and their models are stored.
    """

    def __init__(self, job: JobContext, number: int, n_parts: int) -> None:
        self.job = job
        self.engine = job.engine
        self.dkv = job.dkv
        self.key = job.key
        self.dest = job.dest
        self.number = number
        self.n_parts = n_parts

    def update(self, progress: float | None = None, message: str | None = None) -> None:
        """Report the progress of this part."""
        if progress is not None:
            progress = (self.number + min(max(progress, 0.0), 1.0)) / self.n_parts
        if message is not None and self.n_parts > 1:
            label = "main model" if self.number == self.n_parts - 1 else f"fold {self.number + 1}"
            message = f"{label}: {message}"
        self.job.update(progress, message)

    def warn(self, text: str) -> None:
        """Tell the user something about the result."""
        self.job.warn(text)

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self.job.cancel_requested

    def check(self) -> None:
        """Raise `JobCancelledError` if somebody asked the job to stop."""
        self.job.check()

    def flush(self) -> None:
        """Send what is pending."""
        self.job.flush()

    def checkpoint(self, value: Any) -> None:
        """Keep `value` for this part."""
        self.job.checkpoint({"part": self.number, "value": value})

    def restore(self) -> Any:
        """Return this part's last checkpoint, or None."""
        saved = self.job.restore()
        return saved["value"] if saved is not None and saved["part"] == self.number else None

    def finished_model(self, key: str) -> Model | None:
        """Return the model that a driver before this one built for this part."""
        saved = self.job.restore()
        if saved is None or saved["part"] <= self.number or not self.dkv.contains(key):
            return None
        model: Model = self.dkv.get(key)
        return model
