"""Jobs: they run without us, say how far they are, stop when asked, and leave nothing half-made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dh2o.errors import FrameError, JobCancelledError, KeyLockedError, KeyNotFoundError
from dh2o.mrtask import Engine, JobContext, current_engine
from dh2o.mrtask.start import join_cluster, start_cluster
from tests.killing import leave_mark, marks, wait_until
from tests.mrtask.tables import FloatSum, Scaled, table


def add(ctx: JobContext, blocks: Any, number: int) -> float:
    ctx.update(0.5, "half-way")
    ctx.warn("mind the gap")
    ctx.warn("mind the gap")
    return FloatSum().do_all(blocks) + number


def test_result_progress_and_warnings(any_engine: Engine) -> None:
    blocks = table(any_engine)
    job = any_engine.start_job("Adding", add, blocks, 3)
    assert job.result(timeout=600) == FloatSum().do_all(blocks) + 3
    assert (job.status, job.progress, job.progress_msg) == ("DONE", 1.0, "half-way")
    assert job.warnings == ("mind the gap",)
    assert job.msec >= 0
    assert job.key in [j.key for j in any_engine.jobs()]
    assert any_engine.job(job.key).description == "Adding"


def build(ctx: JobContext, blocks: Any) -> str:
    made = Scaled(2.0).new_blocks(blocks, 1)
    ctx.dkv.put(ctx.dest, made, kind="frame")
    return current_engine().client.scheduler.address


def test_job_makes_its_key(any_engine: Engine) -> None:
    blocks = table(any_engine)
    job = any_engine.start_job("Scaling", build, blocks, dest="out", dest_type="Key<Frame>")
    assert job.result(timeout=600) == any_engine.client.scheduler.address
    doubled = any_engine.dkv.get("out")
    assert FloatSum().do_all(doubled) == 2 * FloatSum().do_all(blocks)
    any_engine.dkv.remove("out")


def fail(ctx: JobContext) -> None:
    ctx.dkv.put(ctx.dest, 1)
    ctx.dkv.put("beside", 2)
    raise FrameError("Column 'x' has no rows.")


def test_failure_is_typed_and_leaves_nothing(any_engine: Engine) -> None:
    before = any_engine.dkv.keys()
    job = any_engine.start_job("Failing", fail, dest="half-made")
    with pytest.raises(FrameError, match="Column 'x'") as caught:
        job.wait(timeout=600)
    assert "in fail" in str(caught.value.__cause__)
    assert job.status == "FAILED"
    assert isinstance(job.exception, FrameError)
    assert any_engine.dkv.keys() == before
    any_engine.dkv.put("half-made", 1)  # no lock is left either
    any_engine.dkv.remove("half-made")


class UnpicklableError(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def fail_oddly(ctx: JobContext) -> None:
    raise UnpicklableError(1, 2)


def test_errors_that_cannot_be_pickled_keep_their_message(any_engine: Engine) -> None:
    with pytest.raises(Exception, match="UnpicklableError: 1 and 2"):
        any_engine.start_job("Failing", fail_oddly).wait(timeout=600)


def until_cancelled(ctx: JobContext, folder: str) -> None:
    ctx.dkv.put(ctx.dest, "half")
    leave_mark(folder)
    while True:
        ctx.check()
        FloatSum().do_all(table(ctx.engine, (3,)))


def test_cancel(any_engine: Engine, tmp_path: Path) -> None:
    job = any_engine.start_job("Endless", until_cancelled, str(tmp_path), dest="endless")
    wait_until(lambda: bool(marks(tmp_path)), "the job to start")
    with pytest.raises(KeyLockedError, match=job.key):
        any_engine.dkv.put("endless", 1)
    with pytest.raises(KeyLockedError, match=job.key):
        any_engine.start_job("Another", until_cancelled, str(tmp_path), dest="endless")
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(timeout=600)
    assert job.status == "CANCELLED"
    assert not any_engine.dkv.contains("endless")


def test_wait_gives_up_in_time(any_engine: Engine, tmp_path: Path) -> None:
    job = any_engine.start_job("Endless", until_cancelled, str(tmp_path), dest="endless2")
    with pytest.raises(TimeoutError, match="still running"):
        job.wait(timeout=0.05)
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(timeout=600)


def test_ctrl_c_cancels(
    any_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = any_engine.start_job("Endless", until_cancelled, str(tmp_path), dest="endless3")

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "wait_for_change", interrupt)
        with pytest.raises(KeyboardInterrupt):
            job.wait()
    with pytest.raises(JobCancelledError):
        job.wait(timeout=600)


def test_removed_job_is_not_found(any_engine: Engine) -> None:
    job = any_engine.start_job("Adding", add, table(any_engine), 3)
    job.wait(timeout=600)
    job.remove()
    with pytest.raises(KeyNotFoundError, match=job.key):
        any_engine.job(job.key)


def meet(ctx: JobContext, folder: str, n_jobs: int) -> int:
    """Go on only when all jobs run at once; then use passes, tasks and a job of its own."""
    leave_mark(folder)
    wait_until(lambda: len(marks(folder)) >= n_jobs, "the other jobs")
    blocks = Scaled(2.0).new_blocks(table(ctx.engine, (5, 5, 5)), 1)
    inner = ctx.engine.start_job("Inner", add, blocks, 0)
    return round(inner.result() - FloatSum().do_all(blocks, carrier="graph"), 9) == 0


def test_jobs_on_one_thread_do_not_deadlock(tmp_path: Path) -> None:
    with start_cluster(n_workers=1, threads_per_worker=1, processes=False) as engine:
        jobs = [engine.start_job(f"Job {i}", meet, str(tmp_path), 3) for i in range(3)]
        assert [job.result(timeout=600) for job in jobs] == [True, True, True]


def wait_for_word(ctx: JobContext, folder: str, blocks: Any) -> float:
    leave_mark(folder)
    wait_until((Path(folder) / "go").exists, "the word to go on")
    return FloatSum().do_all(blocks)


@pytest.mark.cluster
def test_job_outlives_its_client(cluster3: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "marks"
    folder.mkdir()
    guest = join_cluster(cluster3.client.scheduler.address)
    blocks = table(guest)
    expected = FloatSum().do_all(blocks)
    key = guest.start_job("Patient", wait_for_word, str(folder), blocks).key
    del blocks
    guest.close()
    wait_until(lambda: bool(marks(folder)), "the job to start")
    (folder / "go").touch()
    assert cluster3.job(key).result(timeout=600) == expected


def test_two_clients_wait_at_once(any_engine: Engine) -> None:
    job = any_engine.start_job("Adding", add, table(any_engine), 3)
    results: list[float] = []

    def wait() -> None:
        results.append(job.result(600))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1


def large(ctx: JobContext) -> bytes:
    value = bytes(200_000)
    ctx.dkv.put(ctx.dest, value)
    return value


def test_large_result_is_kept_once(any_engine: Engine) -> None:
    job = any_engine.start_job("Large", large, dest="large")
    assert len(job.result(600)) == 200_000
    assert job._state["result"] is None
    any_engine.dkv.remove("large")
