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
from tests.killing import wait_until


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


def test_files_go_with_their_task(engine: Engine) -> None:
    cut = engine.submit(IntoShard(parts), [(5,), (3,)])
    found = engine.gather(cut)
    assert all(Path(shard.path).is_file() for shard in found)
    assert found[0].read(4).n_rows == 5
    del cut
    wait_until(lambda: not any(Path(shard.path).exists() for shard in found), "the files to go")
    with pytest.raises(ShardLostError):
        found[0].read(4)


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
