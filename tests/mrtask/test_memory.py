"""Blocks travel and spill in their compressed form, and passes do not mind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest
from distributed.protocol import deserialize, serialize

from dh2o.chunks import Block, encode_ints
from dh2o.mrtask import serializers
from dh2o.mrtask.room import Room
from dh2o.mrtask.start import start_cluster
from tests.mrtask.tables import FloatSum


def even_ints(i: int) -> Any:
    """A block that zstandard packs well."""
    return (encode_ints(np.repeat(np.random.default_rng(i).integers(0, 2**40, 250), 1000)),)


def any_ints(i: int) -> Any:
    """A block of 2 MB that nothing makes smaller."""
    return (encode_ints(np.random.default_rng(i).integers(-(2**62), 2**62, 250_000)),)


def test_block_on_the_wire_is_packed() -> None:
    serializers.register()
    block = Block.of(even_ints(0))
    header, frames = serialize(block)
    assert header["serializer"] == "dask"
    assert sum(memoryview(frame).nbytes for frame in frames) < block.nbytes / 10
    np.testing.assert_array_equal(deserialize(header, frames).ints(0), block.ints(0))


def test_passes_over_spilled_blocks() -> None:
    no_pause = {
        "distributed.worker.memory.pause": False,  # it looks at the whole process, which is larger
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.target": 0.5,
    }
    with (
        dask.config.set(no_pause),
        start_cluster(n_workers=1, threads_per_worker=2, memory_limit="16MB") as engine,
    ):
        assert engine.memory_limits() == [16_000_000]
        assert engine.memory_limits() == [f["memory_limit"] for f in engine.worker_facts()]
        blocks = engine.submit_blocks(any_ints, [(i,) for i in range(12)])
        expected = sum(float(any_ints(i)[0].floats().sum()) for i in range(12))
        data = engine.own_worker.data
        assert len(data.slow) > 4  # of 24 MB no more than 8 stay in memory
        assert FloatSum().do_all(blocks) == pytest.approx(expected)
        with engine.local(blocks, lambda parts, *_: [part.n_rows for part in parts]) as state:
            assert state.n_workers == 1
        assert data.fast.total_weight < 9e6


class _Fast(dict[str, int]):
    """What a worker holds in memory."""

    def __init__(self, total_weight: int) -> None:
        super().__init__(warm=1)
        self.total_weight = total_weight


class _Spilled:
    """A worker's dictionary: what is read from disk is taken into memory."""

    def __init__(self, n_held: int) -> None:
        self.n = 100
        self.fast = _Fast(n_held)
        self.slow = {"cold": 2}

    def __getitem__(self, key: str) -> int:
        self.fast[key] = self.slow[key]
        return self.fast[key]


@pytest.mark.parametrize("n_held", [20, 90])
def test_a_full_worker_reads_from_disk_and_keeps_what_it_has(n_held: int) -> None:
    data = _Spilled(n_held)
    limits = SimpleNamespace(memory_limit=None)
    room = Room(SimpleNamespace(memory_manager=limits, data=data, nanny=None))
    assert [room.value("warm"), room.value("cold")] == [1, 2]
    assert ("cold" in data.fast) == (n_held == 20)
    with pytest.raises(KeyError):
        room.value("gone")
