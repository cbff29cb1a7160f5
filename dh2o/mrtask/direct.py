"""Blocks without a task graph: for the one worker that lives in this process.

A worker that can only be lost together with its client needs no lineage, and a graph's round trip
costs ten milliseconds. So a few tasks, or small ones, run at once on the worker's threads, and
their results are handed to the worker's memory as Dask's own ``scatter`` does. Spilling, claims and
the DKV work as for any result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dh2o.mrtask.threads import one_blas_thread
from dh2o.mrtask.turns import on_loop

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

_here = threading.local()
_SMALL_NBYTES = 16 << 20  # what results may hold beside the worker's memory until it has all,
_SMALL_SHARE = 1 / 32  # or this part of its limit
_CELL_NBYTES = 8


def is_small(engine: Engine, n_tasks: int, n_cells: int | None) -> bool:
    """Return whether these tasks may run here: no more than the graph runs at once, or small."""
    if engine.scheduler_here is None:
        return False
    if n_tasks <= engine.here().threads.n_threads:
        return True
    limit = engine.own_worker.memory_manager.memory_limit or 0
    room = max(_SMALL_NBYTES, int(_SMALL_SHARE * limit))
    return n_cells is not None and n_cells * _CELL_NBYTES <= room


def run(
    engine: Engine,
    invoke: Callable[[int, list[Any]], Any],
    keys: Sequence[Any],
    needed: Sequence[Sequence[Any]],
) -> dict[Any, Any] | None:
    """Return futures of ``invoke(i, values)``; None if a value is not in this worker's memory yet.

    ``needed[i]`` are the keys of the values that task i takes.
    """
    data = engine.own_worker.data
    threads, shards = engine.here().threads, engine.here().shards
    if any(key not in data for group in needed for key in group):
        return None

    def one(i: int) -> Any:
        _here.key = keys[i]
        try:
            return invoke(i, [data[key] for key in needed[i]])
        finally:
            _here.key = None

    try:
        with one_blas_thread():
            results = threads.map(one, range(len(keys)))
    except BaseException as error:
        for key in keys:
            shards.discard(key)
        if isinstance(error, KeyError) and any(k not in data for group in needed for k in group):
            return None  # it has been released in between: let Dask say so, or make it again
        raise
    return hand_over(engine, dict(zip(keys, results, strict=True)))


def running_key() -> Any:
    """Return the key of the task that runs in this thread."""
    key = getattr(_here, "key", None)
    if key is None:
        from distributed import get_worker

        key = get_worker().get_current_task()
    return key


def hand_over(engine: Engine, values: dict[Any, Any]) -> dict[Any, Any]:
    """Put values into the worker's memory and return this client's futures of them."""
    from dask.sizeof import sizeof
    from distributed import Future

    client = engine.client
    scheduler: Any = engine.scheduler_here
    nbytes = {key: sizeof(value) for key, value in values.items()}

    def tell() -> None:
        engine.own_worker.update_data(values)
        scheduler.update_data(
            who_has={key: [engine.own_address] for key in values},
            nbytes=nbytes,
            client=client.id,
        )
        for key, value in values.items():
            client.futures[key].finish(type(value))

    futures = {key: Future(key, client) for key in values}
    on_loop(client.loop, tell)
    return futures
