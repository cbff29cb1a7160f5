"""Job-local state: built where the blocks lie, changed by steps, never used half-changed."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from dh2o.mrtask import Engine, LocalTask, StateLost
from dh2o.mrtask.lane_worker import lane_of
from tests.killing import kill_worker, wait_for_workers, wait_until
from tests.mrtask.tables import CountUp, counters, table

LAYOUT = (50, 0, 70, 1, 30, 30, 40)


def total(engine: Engine) -> int:
    return sum(engine.collect(table(engine, LAYOUT), lambda b: int(b.ints(1).sum())))


def n_states(engine: Engine) -> int:
    """States that all workers of the cluster keep."""

    def count(dask_worker: Any) -> int:
        return len(lane_of(dask_worker).states)

    return sum(engine.client.run(count).values())


def test_steps_change_the_state(any_engine: Engine) -> None:
    with any_engine.local(table(any_engine, LAYOUT), counters, 10) as state:
        assert [state.run(CountUp()) for _ in range(3)] == [
            (total(any_engine), count) for count in (11, 12, 13)
        ]


def test_rebuild_starts_anew(any_engine: Engine) -> None:
    with any_engine.local(table(any_engine, LAYOUT), counters, 0) as state:
        state.run(CountUp())
        state.rebuild(40)
        assert state.run(CountUp())[1] == 41


def test_blocks_come_in_order(any_engine: Engine) -> None:
    with any_engine.local(table(any_engine, LAYOUT), _row_starts) as state:
        starts = state.run(Collect())
    assert sorted(starts) == [0, 50, 50, 120, 121, 151, 181]


def _row_starts(blocks: list[Any], *_: Any) -> list[int]:
    starts = [b.row_start for b in blocks]
    assert starts == sorted(starts)
    return starts


class Collect(LocalTask[list[int], list[int]]):
    def map(self, state: Any, _: Any) -> list[int]:
        return list(state)

    def combine(self, a: list[int], b: list[int]) -> list[int]:
        return a + b


def test_frame_without_blocks(any_engine: Engine) -> None:
    with any_engine.local(table(any_engine, ()), counters, 0) as state:
        assert state.run(CountUp()) is None


class Failing(CountUp):
    def map(self, *_: Any) -> Any:
        raise ZeroDivisionError("the user's own mistake")


def test_a_step_that_broke_off_leaves_no_state(any_engine: Engine) -> None:
    with any_engine.local(table(any_engine, LAYOUT), counters, 0) as state:
        with pytest.raises(ZeroDivisionError, match="own mistake"):
            state.run(Failing())
        with pytest.raises(StateLost):
            state.run(CountUp())
        state.rebuild(5)
        assert state.run(CountUp())[1] == 6


def test_states_go_with_close_and_with_the_object(any_engine: Engine) -> None:
    before = n_states(any_engine)
    blocks = table(any_engine, LAYOUT)
    state = any_engine.local(blocks, counters, 0)
    other = any_engine.local(blocks, counters, 0)
    assert n_states(any_engine) > before
    state.close()
    del other
    gc.collect()
    wait_until(lambda: n_states(any_engine) == before, "the states to be dropped")


@pytest.mark.cluster
def test_states_go_with_the_client(cluster3: Engine) -> None:
    from dh2o.mrtask.start import join_cluster

    before = n_states(cluster3)
    guest = join_cluster(cluster3.client.scheduler.address)
    state = guest.local(table(guest, LAYOUT), counters, 0)
    assert n_states(cluster3) > before
    guest.close()
    wait_until(lambda: n_states(cluster3) == before, "the states to be dropped")
    with pytest.raises(Exception, match="closed"):
        state.run(CountUp())


@pytest.mark.cluster
def test_lost_worker_costs_a_rebuild(cluster3: Engine) -> None:
    blocks = table(cluster3, LAYOUT)
    with cluster3.local(blocks, counters, 0) as state:
        state.run(CountUp())
        kill_worker(cluster3, cluster3.places(blocks)[-1])
        with pytest.raises(StateLost):
            state.run(CountUp())
        state.rebuild(7)
        assert state.run(CountUp()) == (total(cluster3), 8)
    wait_for_workers(cluster3, 3)
