"""A part of a job: its share of the progress, and checkpoints that outlive a driver."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dh2o.errors import ParameterError
from dh2o.estimators.building.job_parts import JobPart, JobParts
from dh2o.estimators.building.side_by_side import run_parts


class FakeJob:
    """Remembers what is reported and what is kept."""

    key = "job"
    dest = "model"

    def __init__(self, saved: Any = None, stored: dict[str, Any] | None = None) -> None:
        self.engine = None
        self.saved = saved
        self.reports: list[tuple[float | None, str | None]] = []
        self.dkv = FakeDKV(stored or {})

    def update(self, progress: float | None = None, message: str | None = None) -> None:
        self.reports.append((progress, message))

    @property
    def cancel_requested(self) -> bool:
        return False

    def checkpoint(self, value: Any) -> None:
        self.saved = value

    def restore(self) -> Any:
        return self.saved


class FakeDKV(dict[str, Any]):
    def contains(self, key: str) -> bool:
        return key in self


def part(job: FakeJob, number: int) -> JobPart:
    return JobPart(job, number, 4)  # type: ignore[arg-type]  # a fake


def test_progress_is_a_share_of_the_whole() -> None:
    job = FakeJob()
    part(job, 1).update(0.5, "tree 3")
    part(job, 3).update(2.0, "tree 9")
    part(job, 3).update(message=None)
    assert job.reports == [(0.375, "fold 2: tree 3"), (1.0, "main model: tree 9"), (None, None)]


def test_parts_side_by_side_share_the_progress() -> None:
    job = FakeJob()
    parts = JobParts(job, 4)  # type: ignore[arg-type]  # a fake
    for number in (0, 2):
        parts.part(number).update(0.5)
    assert [progress for progress, _ in job.reports] == [0.125, 0.25]


def test_a_checkpoint_comes_back_to_its_part_only() -> None:
    job = FakeJob()
    parts = JobParts(job, 4)  # type: ignore[arg-type]  # a fake
    parts.part(1).checkpoint({"trees": 7})
    parts.part(2).checkpoint({"trees": 9})
    again = JobParts(FakeJob(saved=job.saved), 4)  # type: ignore[arg-type]  # a fake
    assert [again.part(i).restore() for i in range(4)] == [None, {"trees": 7}, {"trees": 9}, None]


def test_models_of_parts_that_are_done_are_found() -> None:
    job = FakeJob()
    parts = JobParts(job, 4)  # type: ignore[arg-type]  # a fake
    for number in (0, 1):
        parts.part(number).done()
    parts.part(2).checkpoint("half")
    stored = {"m_cv_1": "first", "m_cv_3": "old"}
    again = JobParts(FakeJob(job.saved, stored), 4)  # type: ignore[arg-type]  # a fake
    assert again.part(0).finished_model("m_cv_1") == "first"
    assert again.part(1).finished_model("m_cv_2") is None  # was lost
    assert again.part(2).finished_model("m_cv_3") is None  # was being built
    fresh = JobParts(FakeJob(stored={"m_cv_1": "other"}), 4)  # type: ignore[arg-type]  # a fake
    assert fresh.part(0).finished_model("m_cv_1") is None


def test_the_first_error_stops_the_others() -> None:
    parts = JobParts(FakeJob(), 8)  # type: ignore[arg-type]  # a fake
    waiting = threading.Event()

    def run(number: int) -> int:
        if number == 1:
            waiting.wait(600)
            raise ParameterError("the second broke")
        waiting.set()
        while number == 0:
            parts.part(0).check()
        return number

    with pytest.raises(ParameterError, match="second"):
        run_parts(parts, range(8), 2, run)
    assert parts.stopped


def test_side_by_side_gives_what_one_after_another_gives() -> None:
    parts = JobParts(FakeJob(), 8)  # type: ignore[arg-type]  # a fake
    found = [run_parts(parts, range(8), n, lambda i: i * i) for n in (1, 3)]
    assert found[0] == found[1] == [i * i for i in range(8)]
