"""Workers are asked directly where they can be, through Dask where they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import Engine
from dh2o.mrtask.lane_worker import lane_of
from tests.killing import wait_until
from tests.mrtask.tables import CountUp, FloatSum, counters, table

pytestmark = pytest.mark.cluster
LAYOUT = (50, 0, 70, 1, 30, 30, 40)


def add(ctx: Any, blocks: Any) -> float:
    return float(FloatSum().do_all(blocks))


def close_listener(dask_worker: Any) -> None:
    lane_of(dask_worker).listener.close()


def open_listener(dask_worker: Any) -> None:
    from dh2o.mrtask.lane_worker import listen

    lane = lane_of(dask_worker)
    lane.listener = listen(dask_worker, lane.serve)


def forget(dask_worker: Any = None, peers: Any = None) -> None:
    """Drop what peers know of each other, so that they ask where the listeners are."""
    found = lane_of(dask_worker).peers if peers is None else peers
    found._places.clear()


def n_direct(dask_worker: Any) -> int:
    return len(lane_of(dask_worker).listener._open)


def test_passes_go_over_direct_connections(cluster3: Engine) -> None:
    FloatSum().do_all(table(cluster3, LAYOUT))
    assert sum(cluster3.client.run(n_direct).values()) >= 2


def test_a_closed_port_is_no_obstacle(cluster3: Engine) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    state = cluster3.local(blocks, counters, 0)
    assert state.run(CountUp())[1] == 1
    cluster3.client.run(close_listener)  # known places no longer answer
    try:
        assert state.run(CountUp())[1] == 2
        assert FloatSum().do_all(blocks) == expected
        assert cluster3.collect(blocks, lambda b: b.n_rows) == list(LAYOUT)
        assert cluster3.start_job("Adding", add, blocks).result(timeout=600) == expected
        with pytest.raises(ZeroDivisionError):
            cluster3.collect(blocks, lambda b: b.n_rows // 0)
    finally:
        state.close()
        cluster3.client.run(open_listener)
        cluster3.client.run(forget)
        forget(peers=cluster3.lane.peers)
    assert FloatSum().do_all(blocks) == expected
    assert sum(cluster3.client.run(n_direct).values()) >= 2


def test_large_results_come_whole(cluster3: Engine) -> None:
    found = cluster3.collect(table(cluster3, LAYOUT), lambda b: np.full(200_000, b.index))
    assert [int(array.sum()) for array in found] == [200_000 * i for i in range(len(LAYOUT))]


def test_what_cannot_be_sent_back_is_an_error(cluster3: Engine) -> None:
    import threading

    with pytest.raises(Exception, match="pickle"):
        cluster3.collect(table(cluster3, LAYOUT), lambda _: threading.Lock())


def test_connections_of_a_client_go_with_it(cluster3: Engine) -> None:
    from dh2o.mrtask.start import join_cluster

    before = sum(cluster3.client.run(n_direct).values())
    guest = join_cluster(cluster3.client.scheduler.address)
    FloatSum().do_all(table(guest, LAYOUT))
    assert sum(cluster3.client.run(n_direct).values()) > before
    guest.close()
    wait_until(
        lambda: sum(cluster3.client.run(n_direct).values()) <= before, "the connections to end"
    )
