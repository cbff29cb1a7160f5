"""Seconds, processor seconds and memory of a piece of work, and a real H2O to compare with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """What a piece of work cost: the peak is of memory above what the process had before."""

    wall: float
    cpu: float
    peak_mb: float
    result: Any

    @property
    def text(self) -> str:
        """The cost in words."""
        return f"{self.wall:7.2f} s {self.cpu:7.2f} s CPU  +{self.peak_mb:4.0f} MB"


def timed(work: Callable[[], Any]) -> Run:
    """Return what `work` costs in this process."""
    before = reset_peak()
    start, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    return Run(wall, cpu, peak_mb() - before, found)


def best(runs: list[Run]) -> Run:
    """Return the least time of each kind and the largest peak, with the first result."""
    return Run(
        min(run.wall for run in runs),
        min(run.cpu for run in runs),
        max(run.peak_mb for run in runs),
        runs[0].result,
    )


def reset_peak() -> float:
    """Forget the peak of this process's memory; return what it takes now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """Return the peak; getrusage would count what the parent had before exec."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) / 1e3 for x in status if x.startswith("VmHWM"))


def train_h2o(url: str, table: Any, make: Callable[[Any], Any], **given: Any) -> tuple[float, Any]:
    """Return the seconds that the H2O at `url` trains, and its model.

    ``make(estimators)`` is the estimator, `given` what `train` is told besides the frame, which is
    removed afterwards.
    """
    import h2o
    from h2o import estimators

    h2o.connect(url=url, verbose=False, strict_version_check=False)
    h2o.no_progress()
    frame = h2o.H2OFrame(table)
    start = time.perf_counter()
    model = make(estimators)
    model.train(training_frame=frame, **given)
    seconds = time.perf_counter() - start
    h2o.remove(frame)
    return seconds, model
