"""Frames outlive their workers: what came from a client is made again from the spool."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.frame.tables import a_bit_of_everything, same_arrow
from tests.killing import kill_worker, wait_until


@pytest.mark.cluster
def test_a_frame_survives_the_loss_of_a_worker(cluster3: Engine) -> None:
    table = a_bit_of_everything(300)
    frame = Frame.from_arrow(table).rebalance((50,) * 6)
    kept = frame.filter(lambda block: block.floats("int") > 0)
    taken = kept.rbind(frame).take([3, 350, 1])
    want = taken.to_arrow()
    rollups = frame.rollups()
    kill_worker(cluster3, cluster3.places(frame)[0])
    same_arrow(frame.to_arrow(), table)
    same_arrow(taken.to_arrow(), want)
    fresh = Frame(frame.names, tuple(v.moved(v.ref) for v in frame.vecs), frame.layout)
    assert repr(fresh.rollups()) == repr(rollups)


def test_memory_is_given_back_when_the_last_frame_goes(engine: Engine) -> None:
    worker = engine.own_worker
    before = set(worker.data)
    frame = Frame.from_arrow(pa.table({"x": range(1000)}))
    frame.rollups()
    mine = set(worker.data) - before
    assert mine
    del frame
    wait_until(lambda: not mine & set(worker.data), "the blocks are freed")
