"""A part of a job: its share of the progress, and checkpoints that outlive a driver."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.job_parts import JobPart


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


def test_a_checkpoint_comes_back_to_its_part_only() -> None:
    job = FakeJob()
    part(job, 1).checkpoint({"trees": 7})
    again = FakeJob(saved=job.saved)
    assert part(again, 1).restore() == {"trees": 7}
    assert part(again, 0).restore() is None
    assert part(again, 2).restore() is None


def test_models_of_parts_before_the_checkpoint_are_found() -> None:
    job = FakeJob(saved={"part": 2, "value": None}, stored={"m_cv_1": "first", "m_cv_3": "old"})
    assert part(job, 0).finished_model("m_cv_1") == "first"
    assert part(job, 1).finished_model("m_cv_2") is None  # was lost
    assert part(job, 2).finished_model("m_cv_3") is None  # was being built
    assert part(FakeJob(stored={"m_cv_1": "other"}), 0).finished_model("m_cv_1") is None
