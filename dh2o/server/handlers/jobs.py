"""Jobs: what runs, how far it is, and stopping it."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.cluster import JobsV3, JobV3

if TYPE_CHECKING:
    from dh2o.mrtask import Job
    from dh2o.server.app import Call

__all__ = ["cancel_job", "job_schema", "list_jobs", "show_job"]


def list_jobs(call: Call, args: JobsV3) -> JobsV3:
    """Return all jobs of the cluster."""
    args.jobs = [job_schema(job) for job in call.state.engine.jobs()]
    return args


def show_job(call: Call, args: JobsV3) -> JobsV3:
    """Return one job."""
    args.jobs = [job_schema(_job(call, args))]
    return args


def cancel_job(call: Call, args: JobsV3) -> JobsV3:
    """Ask a job to stop."""
    _job(call, args).cancel()
    args.jobs = [job_schema(_job(call, args))]
    return args


def job_schema(job: Job) -> JobV3:
    """Return `job`, as it was when last asked for, as clients see it."""
    job = job.as_last_seen()
    error = job.exception if job.status == "FAILED" else None
    kind = (job.dest_type or "Key<Keyed>").removeprefix("Key<").removesuffix(">")
    return JobV3(
        key=Key(job.key, "Job"),
        description=job.description,
        status=job.status,
        progress=1.0 if job.status == "DONE" else float(job.progress),
        progress_msg=job.progress_msg,
        start_time=int(_epoch_s(job.start_time) * 1000),
        msec=int(job.msec),
        dest=Key(job.dest, kind),
        warnings=list(job.warnings) or None,
        exception=str(error) if error is not None else None,
        stacktrace=_stack(error) if error is not None else None,
        auto_recoverable=False,
        ready_for_view=job.status == "DONE" or kind == "Model",
    )


def _job(call: Call, args: JobsV3) -> Job:
    key = (args.job_id.name if args.job_id else None) or ""
    try:
        return call.state.engine.job(key)
    except KeyNotFoundError as error:
        error.values = {"argument": "job_id", "name": key}  # type: ignore[attr-defined]  # shown
        raise


def _epoch_s(value: Any) -> float:
    return value.timestamp() if hasattr(value, "timestamp") else float(value or time.time())


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
