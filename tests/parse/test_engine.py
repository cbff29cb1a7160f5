"""Parses on real workers: jobs, locks, failures, and the same bits whatever the cluster."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from dh2o.errors import JobCancelledError, KeyLockedError, ParseError
from dh2o.mrtask import Engine
from dh2o.parse import ParseSetup, RawFile, carriers, guess_setup, parse_files, start_parse
from dh2o.parse.run import ParseRun

N_ROWS = 20_000
TYPES = ("Numeric", "Enum", "String", "Time", "Numeric")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parse") / "table.csv"
    rows = (
        f'{i},level{i * 7919 % 311},"text, {i}\nmore",2020-01-{i % 28 + 1:02d},{i / 8}\n'
        for i in range(N_ROWS)
    )
    path.write_text("n,c,s,t,x\n" + "".join(rows))
    return path


def setup_of(path: Path) -> ParseSetup:
    return guess_setup(path, column_types=list(TYPES), chunk_size=path.stat().st_size // 12)


def bits(engine: Engine, frame: Any) -> list[Any]:
    """Return everything that a frame's blocks hold."""
    [blocks] = {id(vec.ref[0]): vec.ref[0] for vec in frame.vecs}.values()
    return [
        [(c.kind, repr(c.codec), c.n_rows, _values(c)) for c in block.chunks]
        for block in engine.gather(blocks)
    ]


def _values(chunk: Any) -> Any:
    values = chunk.values()
    return values.to_pylist() if chunk.kind == "string" else values.tobytes()


def test_frame_is_stored_with_its_types(engine: Engine, table: Path) -> None:
    frame = parse_files(engine, setup_of(table), "t.hex")
    try:
        assert frame.shape == (N_ROWS, 5)
        assert frame.key == "t.hex"
        assert len(frame.layout) == 13
        assert len(frame.domains["c"] or ()) == 311
        assert engine.dkv.kind("t.hex") == "frame"
        assert engine.dkv.get("t.hex").names == ("n", "c", "s", "t", "x")
        assert list(frame.types.values()) == ["int", "enum", "string", "time", "real"]
    finally:
        engine.dkv.remove("t.hex")


def test_job_tells_progress_and_warnings(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n3,four\n5,6\n")
    job = start_parse(engine, guess_setup(path))
    job.wait(progress=False)
    assert (job.status, job.dest) == ("DONE", "bad.hex")
    assert "Column 'b': 1 cell is no number" in job.warnings[0]
    again = start_parse(engine, guess_setup(path))
    again.wait(progress=False)
    assert again.dest == "bad1.hex"
    engine.dkv.remove("bad.hex", "bad1.hex")


def test_failures_leave_no_key(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "gone.csv"
    path.write_text("a,b\n1,2\n")
    setup = guess_setup(path)
    path.unlink()
    job = start_parse(engine, setup, "gone.hex")
    with pytest.raises(ParseError, match="does not exist"):
        job.result()
    assert job.status == "FAILED"
    with pytest.raises(ParseError, match="does not exist"):
        parse_files(engine, setup, "gone.hex")
    assert not engine.dkv.contains("gone.hex")
    with engine.dkv.writing("gone.hex", "somebody"):
        pass  # nobody holds the lock


def test_destination_in_use(engine: Engine, table: Path) -> None:
    with (
        engine.dkv.writing("busy.hex", "somebody"),
        pytest.raises(KeyLockedError, match=r"busy\.hex"),
    ):
        parse_files(engine, setup_of(table), "busy.hex")


def test_cancel_leaves_no_key(engine: Engine) -> None:
    job = engine.start_job("Parse", _wait_for_cancel, dest="slow.hex")
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(progress=False)
    assert job.status == "CANCELLED"
    assert not engine.dkv.contains("slow.hex")


def _wait_for_cancel(ctx: Any) -> None:
    """Drive a parse whose tasks never report, as those of a hanging file system would not."""
    run = ParseRun(ctx.engine, ParseSetup(number_columns=1), [], ctx)

    class Silent:
        def add_done_callback(self, fn: Any) -> None:
            """Never done."""

    for _ in run._as_done([Silent()]):
        raise AssertionError("nothing can be done")


def test_uploads_are_read_from_the_spool_and_removed(engine: Engine, table: Path) -> None:
    ref = engine.spool.write_bytes(table.read_bytes(), suffix=".csv")
    raw = RawFile("upload_1", ref.url, ref.nbytes, ref)
    engine.dkv.put("upload_1", raw, kind="raw")
    setup = guess_setup(raw, column_types=list(TYPES))
    assert setup.source_frames == ("upload_1",)
    frame = parse_files(engine, setup, "up.hex")
    assert frame.n_rows == N_ROWS
    assert not engine.dkv.contains("upload_1")
    engine.dkv.remove("up.hex")


def test_same_bits_on_threads_and_through_the_graph(
    engine: Engine, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(carriers.carrier_for(engine, 1 << 20), carriers.ThreadCarrier)
    here = bits(engine, parse_files(engine, setup_of(table), "here.hex"))
    monkeypatch.setattr(carriers, "_SHARE_OF_MEMORY", 0.0)
    assert isinstance(carriers.carrier_for(engine, 1 << 20), carriers.GraphCarrier)
    assert bits(engine, parse_files(engine, setup_of(table), "graph.hex")) == here
    engine.dkv.remove("here.hex", "graph.hex")


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(engine: Engine, cluster3: Engine, table: Path) -> None:
    ones = parse_files(engine, setup_of(table), "one.hex")
    threes = parse_files(cluster3, setup_of(table), "three.hex")
    assert ones.layout == threes.layout
    assert ones.domains == threes.domains
    assert bits(engine, ones) == bits(cluster3, threes)
    engine.dkv.remove("one.hex")
    cluster3.dkv.remove("three.hex")


@pytest.mark.cluster
@pytest.mark.parametrize("during", ["parse", "later"])
def test_a_killed_worker_costs_time_only(
    cluster3: Engine, engine: Engine, table: Path, during: str
) -> None:
    want = bits(engine, parse_files(engine, setup_of(table), "want.hex"))
    pids = cluster3.client.run(os.getpid)
    job = start_parse(cluster3, setup_of(table), "killed.hex")
    if during == "later":
        job.wait(progress=False)
    victim = next(iter(pids.values()))
    os.kill(victim, signal.SIGKILL)
    killed_at = time.monotonic()
    job.wait(progress=False)
    assert job.status == "DONE", job.exception
    got = bits(cluster3, cluster3.dkv.get("killed.hex"))
    print(  # noqa: T201 - how long it takes is what one wants to know
        f"recovered {time.monotonic() - killed_at:.2f} s after SIGKILL ({during})"
    )
    assert got == want
    engine.dkv.remove("want.hex")
    cluster3.dkv.remove("killed.hex")
