"""Calls on the event loop of the same process: results, errors, coroutines, an ended loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.mrtask.turns import on_loop
from tests.mrtask.tables import table


@pytest.fixture
def loop() -> Iterator[IOLoop]:
    made: list[IOLoop] = []
    ready = threading.Event()

    def run() -> None:
        made.append(IOLoop(make_current=False))
        made[0].asyncio_loop.call_soon(ready.set)  # type: ignore[attr-defined]
        made[0].start()
        made[0].close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield made[0]
    made[0].add_callback(made[0].stop)
    thread.join()
    with pytest.raises(RuntimeError):
        on_loop(made[0], threading.get_ident)


def test_functions_and_coroutines_run_on_the_loop(loop: IOLoop) -> None:
    async def later(x: int) -> tuple[int, int]:
        await asyncio.sleep(0)
        return x, threading.get_ident()

    there = on_loop(loop, threading.get_ident)
    assert there != threading.get_ident()
    assert on_loop(loop, later, x=3) == (3, there)


def test_errors_come_back(loop: IOLoop) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("late")

    def fails_at_once() -> None:
        raise LookupError("early")

    with pytest.raises(LookupError, match="late"):
        on_loop(loop, fails)
    with pytest.raises(LookupError, match="early"):
        on_loop(loop, fails_at_once)


def test_a_frame_is_opened_once_where_all_share_a_process(engine: Engine) -> None:
    frame = Frame.of(["x"], table(engine, (5, 5)), ["numeric"]).put("turns_x")
    assert Frame.get("turns_x") is frame
    frame.rollups()
    assert engine.dkv.shared("turns_x") is frame
    engine.dkv.remove("turns_x")
    assert engine.dkv.shared("turns_x") is None


@pytest.mark.cluster
def test_statistics_are_stored_where_readers_are_elsewhere(cluster3: Engine) -> None:
    frame = Frame.of(["x"], table(cluster3, (5, 5)), ["numeric"]).put("turns_y")
    first = cluster3.dkv.put("turns_z", 1)
    frame.rollups()
    assert cluster3.dkv.shared("turns_y") is None
    (entry,) = cluster3.dkv.entries("frame")
    assert (entry.key, entry.version, first) == ("turns_y", 2, 1)
    assert Frame.get("turns_y").vecs[0].cell.rollups is not None
