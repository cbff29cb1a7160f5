"""Jobs as clients see them: everything in one answer is of one moment."""

from __future__ import annotations

import time
from typing import Any, cast

from dh2o.errors import ModelError
from dh2o.mrtask import Engine
from dh2o.mrtask.jobs import Job
from dh2o.mrtask.wire import pack_exception
from dh2o.server.handlers.jobs import job_schema


class _FailingNow:
    """An engine on which the job fails right after it was looked at for the second time."""

    def __init__(self) -> None:
        self.n_asked = 0

    def call(self, what: str, **_: Any) -> dict[str, Any]:
        assert what == "job_get"
        self.n_asked += 1
        return _state("RUNNING" if self.n_asked == 1 else "FAILED")


def _state(status: str) -> dict[str, Any]:
    failed = status == "FAILED"
    return {
        "key": "job-1",
        "description": "GBM",
        "dest": "m",
        "dest_type": "Key<Model>",
        "status": status,
        "progress": 0.5,
        "progress_msg": "",
        "warnings": [],
        "start_time": time.time(),
        "end_time": time.time() if failed else None,
        "exception": pack_exception(ModelError("no rows are left")) if failed else None,
        "result": None,
        "revision": 1,
        "worker": None,
    }


def test_a_job_that_fails_while_it_is_shown_has_its_reason() -> None:
    engine = _FailingNow()
    job = Job(cast("Engine", engine), _state("RUNNING"))
    answers = []
    while not job.finished:
        answers.append(job_schema(job))
    answers.append(job_schema(job))
    assert [a.status for a in answers] == ["RUNNING", "FAILED"]
    assert [a.exception for a in answers] == [None, "no rows are left"]
    assert "ModelError" in str(answers[-1].stacktrace)
    assert engine.n_asked == 2  # by `finished`; showing a job asks nothing
