"""SIGKILL of one of three workers: the same answer as without, and the time that it took."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine, JobContext, StateLost
from tests.killing import kill_worker, killing, leave_mark, say, wait_for_workers
from tests.mrtask.tables import CountUp, FloatSum, SlowScaled, SlowSum, counters, table

pytestmark = pytest.mark.cluster
LAYOUT = (50, 0, 70, 1, 30, 30, 40, 20, 20)


@pytest.fixture(autouse=True)
def _whole_again(cluster3: Engine) -> Any:
    yield
    wait_for_workers(cluster3, 3)


def test_during_a_lane_pass(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    with killing(tmp_path, after_marks=4) as recovery:
        assert SlowSum(str(tmp_path)).do_all(blocks) == expected
    assert recovery.report("lane pass") < 30


def test_during_a_graph_pass(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    with killing(tmp_path, after_marks=4) as recovery:
        assert SlowSum(str(tmp_path)).do_all(blocks, carrier="graph") == expected
    assert recovery.report("graph pass") < 30


def test_while_a_frame_is_made(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    with killing(tmp_path, after_marks=4) as recovery:
        made = SlowScaled(2.0, str(tmp_path)).new_blocks(blocks, 1)
        assert FloatSum().do_all(made) == 2 * expected
    assert recovery.report("frame-making pass") < 30


def test_before_a_pass_on_a_derived_frame(cluster3: Engine, tmp_path: Path) -> None:
    made = SlowScaled(2.0, str(tmp_path)).new_blocks(table(cluster3, LAYOUT), 1)
    expected = FloatSum().do_all(made)
    kill_worker(cluster3, cluster3.places(made)[0])
    began = time.monotonic()
    assert FloatSum().do_all(made) == expected
    say(f"derived frame: recomputed and passed in {time.monotonic() - began:.2f} s")


def test_all_workers_at_once(cluster3: Engine) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    for facts in cluster3.worker_facts():
        os.kill(facts["pid"], signal.SIGKILL)
    began = time.monotonic()
    assert FloatSum().do_all(blocks) == expected
    say(f"all workers lost: made again and passed in {time.monotonic() - began:.2f} s")


def train(ctx: JobContext, blocks: Any, folder: str, n_steps: int) -> tuple[int, list[int]]:
    """A model in small: every step adds the same sum; outlives lost states and drivers."""
    step, sums = ctx.restore() or (0, [])
    with ctx.engine.local(blocks, counters, step) as state:
        while step < n_steps:
            ctx.check()
            try:
                total, count = state.run(CountUp())
            except StateLost:
                state.rebuild(step)
                continue
            assert count == step + 1, "a step was lost or done twice"
            step, sums = step + 1, [*sums, total]
            ctx.update(step / n_steps)
            ctx.checkpoint((step, sums))
            leave_mark(folder)
            time.sleep(0.02)  # so that there is something to interrupt
    return step, sums


def expected_sums(engine: Engine, blocks: Any, n_steps: int) -> tuple[int, list[int]]:
    total = sum(engine.collect(blocks, lambda b: int(b.ints(1).sum())))
    return n_steps, [total] * n_steps


def test_driver_of_a_job_with_state(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    with killing(tmp_path, after_marks=5) as recovery:  # marks are the driver's
        job = cluster3.start_job("Training", train, blocks, str(tmp_path), 20)
        assert job.result(timeout=600) == expected_sums(cluster3, blocks, 20)
    recovery.report("job whose driver was killed at step 5 of 20")


def test_worker_of_a_job_with_state(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    job = cluster3.start_job("Training", train, blocks, str(tmp_path), 30)
    while job.progress < 0.2:
        job.wait_for_change()
    kill_worker(cluster3, next(p for p in cluster3.places(blocks) if p != job.worker))
    began = time.monotonic()
    assert job.result(timeout=600) == expected_sums(cluster3, blocks, 30)
    say(f"job with a killed worker: done {time.monotonic() - began:.2f} s after the kill")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lane", "frame", "job"])
def test_twenty_kills_in_a_row(cluster3: Engine, tmp_path: Path, kind: str) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    slowest = 0.0
    for i in range(20):
        folder = tmp_path / str(i)
        folder.mkdir()
        with killing(folder, after_marks=2 + i % 4) as recovery:
            if kind == "lane":
                assert SlowSum(str(folder), 0.05).do_all(blocks) == expected
            elif kind == "frame":
                made = SlowScaled(2.0, str(folder)).new_blocks(blocks, 1)
                assert FloatSum().do_all(made) == 2 * expected
            else:
                job = cluster3.start_job("Training", train, blocks, str(folder), 10)
                assert job.result(timeout=600) == expected_sums(cluster3, blocks, 10)
        slowest = max(slowest, recovery.report(f"{kind}, kill {i + 1}"))
        wait_for_workers(cluster3, 3)
    say(f"{kind}: slowest of 20 recoveries {slowest:.2f} s")


@pytest.mark.slow
def test_one_job_survives_twenty_kills(cluster3: Engine, tmp_path: Path) -> None:
    blocks = table(cluster3, LAYOUT)
    job = cluster3.start_job("Training", train, blocks, str(tmp_path), 150)
    for i in range(20):
        while job.progress < (i + 1) * 0.04:
            job.wait_for_change()
        driver = job.worker
        others = [address for address, _ in cluster3.workers() if address != driver]
        kill_worker(cluster3, driver if i % 2 else others[0])
        wait_for_workers(cluster3, 3)
    assert job.result(timeout=600) == expected_sums(cluster3, blocks, 150)
