"""Shards: parts cut by one task and read by others, in files that go with the task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block, encode_floats, encode_strings
from dh2o.errors import DH2OError
from dh2o.mrtask import Engine, FromShards, IntoShard, ShardLostError, shards
from tests.killing import kill_worker, leave_mark, wait_until


def parts(n: int) -> Iterator[tuple[int, Block]]:
    """Parts 0, 2, 4 ... of one, three, five ... rows."""
    import pyarrow as pa

    for part in range(0, n, 2):
        texts = pa.array([f"row {i}" for i in range(part + 1)], pa.large_string())
        yield part, Block.of((encode_floats(np.arange(part + 1) / 3), encode_strings(texts)))


def joined(inputs: list[Any]) -> list[tuple[list[float], list[str]]]:
    return [(block.floats(0).tolist(), block.strings(1).to_pylist()) for block in inputs]


def test_parts_come_as_they_were_cut(any_engine: Engine) -> None:
    cut = any_engine.submit(IntoShard(parts), [(5,), (3,), (0,)])
    found = any_engine.submit(FromShards(joined), [(2,), (4,), (1,)], deps=[cut] * 3)
    expected = dict(parts(5))
    assert any_engine.gather(found) == [
        joined([expected[2], expected[2]]), joined([expected[4]]), []
    ]  # fmt: skip


def files(engine: Engine) -> set[str]:
    """The files of shards that lie beside workers."""

    def found(dask_worker: Any) -> list[str]:
        return [str(path) for path in Path(dask_worker.local_directory).glob("dh2o-shards-*/*")]

    return {path for paths in engine.client.run(found).values() for path in paths}


@pytest.fixture
def nothing_left(any_engine: Engine) -> Iterator[None]:
    """Wait until the files are gone that came during the test."""
    before = files(any_engine)
    yield
    wait_until(lambda: not files(any_engine) - before, "the files to go")


def cut_slowly(folder: str) -> Iterator[tuple[int, Block]]:
    """Give parts until the test says that it is enough."""
    yield from parts(3)
    leave_mark(folder)
    wait_until((Path(folder) / "enough").exists, "the test")


def cut_late(folder: str) -> list[tuple[int, Block]]:
    """Begin to write after the test has cancelled."""
    leave_mark(folder)
    wait_until((Path(folder) / "enough").exists, "the test")
    return list(parts(3))


def cut_badly(n: int) -> Iterator[tuple[int, Block]]:
    yield from parts(3)
    if n:
        raise ValueError("no more")


@pytest.mark.usefixtures("nothing_left")
def test_files_go_with_their_task(any_engine: Engine) -> None:
    cut = any_engine.submit(IntoShard(parts), [(5,), (3,)])
    shard = any_engine.gather(cut)[0]
    assert shard.path in files(any_engine)
    assert shard.read(4).n_rows == 5
    del cut
    wait_until(lambda: shard.path not in files(any_engine), "the file to go")
    with pytest.raises(ShardLostError):
        shard.read(4)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("n_tasks", [2, 4])  # without a graph, and with one
def test_files_of_tasks_that_fail_go(any_engine: Engine, n_tasks: int) -> None:
    with pytest.raises(ValueError, match="no more"):
        any_engine.gather(
            any_engine.submit(IntoShard(cut_badly), [(n % 2,) for n in range(n_tasks)])
        )


@pytest.mark.usefixtures("nothing_left")
def test_files_of_cancelled_tasks_go(any_engine: Engine, tmp_path: Path) -> None:
    cut = any_engine.submit(IntoShard(cut_slowly), [(str(tmp_path),)] * 4)
    wait_until(lambda: list(tmp_path.iterdir()), "a task to write")
    any_engine.client.cancel(cut)
    (tmp_path / "enough").touch()


@pytest.mark.usefixtures("nothing_left")
def test_files_of_tasks_that_write_when_they_are_cancelled_go(
    any_engine: Engine, tmp_path: Path
) -> None:
    cut = any_engine.submit(IntoShard(cut_late), [(str(tmp_path),)] * 4)
    wait_until(lambda: list(tmp_path.iterdir()), "a task to begin")
    keys = [future.key for future in cut]

    def states(dask_worker: Any) -> list[str]:
        tasks = dask_worker.state.tasks
        return [tasks[key].state for key in keys if key in tasks]

    def are_cancelled() -> bool:
        found = {state for known in any_engine.client.run(states).values() for state in known}
        return found == {"cancelled"}

    any_engine.client.cancel(cut)
    wait_until(are_cancelled, "workers to know")
    (tmp_path / "enough").touch()


def test_a_file_that_nobody_wants_any_more_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = shards._written
    held = shards.Shards("here", str(tmp_path), lambda *_: None)

    def cancelled_before(path: str, what: Any) -> Any:
        held.discard("key")
        return written(path, what)

    monkeypatch.setattr(shards, "_written", cancelled_before)
    shard = held.write("key", parts(3))
    assert not Path(shard.path).exists()
    assert len(held) == 0
    held.close()


@pytest.mark.cluster
def test_a_file_stays_with_a_copy_of_its_result(cluster3: Engine) -> None:
    """As when Dask's memory manager removes the copy beside the file."""
    cut = cluster3.submit(IntoShard(parts), [(5,)])
    shard = cluster3.gather(cut)[0]
    cluster3.client.replicate(cut, 3)
    key = cut[0].key

    def remove(dask_scheduler: Any) -> None:
        dask_scheduler.request_remove_replicas(shard.address, [key], stimulus_id="test")

    cluster3.client.run_on_scheduler(remove)
    wait_until(lambda: len(cluster3.client.who_has()[key]) == 2, "the copy to go")
    assert shard.path in files(cluster3)
    assert shard.read(4).n_rows == 5
    del cut
    wait_until(lambda: shard.path not in files(cluster3), "the file to go")


@pytest.mark.cluster
def test_what_went_with_a_worker_is_cut_again(cluster3: Engine) -> None:
    """Though other workers have copies of the result."""
    cut = cluster3.submit(IntoShard(parts), [(5,)])
    shard = cluster3.gather(cut)[0]
    cluster3.client.replicate(cut, 3)
    kill_worker(cluster3, shard.address)
    found = cluster3.gather(cluster3.submit(FromShards(joined), [(4,)], deps=[cut]))
    assert found == [joined([dict(parts(5))[4]])]
    assert cluster3.gather(cut)[0].address != shard.address


def test_a_full_disk_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.here().shards, "_folder", Path("/proc/full"))
    cut = engine.submit(IntoShard(parts), [(5,), (3,), (1,)])
    with pytest.raises(DH2OError, match=r"cannot write to /proc/full.*local_directory"):
        engine.gather(cut)


@pytest.mark.cluster
def test_parts_are_read_through_their_worker(
    cluster3: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on another machine, where the file is not."""

    def no_file(*_: Any) -> bytes:
        raise FileNotFoundError

    cut = cluster3.submit(IntoShard(parts), [(5,)])
    shard = cluster3.gather(cut)[0]
    monkeypatch.setattr(shards, "_read", no_file)
    assert joined([shard.read(4)]) == joined([dict(parts(5))[4]])
    assert shard.read(3) is None
    stranger = shards.Shard(shard.address, "/etc/hostname", {0: (0, 1)})
    with pytest.raises(ShardLostError):  # only what the worker has cut is sent
        stranger.read(0)
