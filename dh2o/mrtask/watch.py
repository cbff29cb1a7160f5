"""Asking a worker something, without waiting for one that has left the cluster."""

from __future__ import annotations

import asyncio
from typing import Any

FIRST_LOOK_S = 0.3
NEXT_LOOK_S = 1.0
ANSWER_ERRORS = (
    OSError,
    TimeoutError,
)  # of a worker that is gone; CommClosedError is an OSError


async def ask(pool: Any, scheduler: Any, address: str, op: str, message: dict[str, Any]) -> Any:
    """Return the answer of a worker's handler; an OSError once the scheduler misses the worker.

    Connecting to an address that is gone would else be tried for half a minute, and a machine that
    has lost its network never answers.
    """
    call = asyncio.ensure_future(getattr(pool(address), op)(**message))
    look_s = FIRST_LOOK_S
    try:
        while not (await asyncio.wait({call}, timeout=look_s))[0]:
            if not await scheduler.dh2o_alive(address=address):
                raise OSError(f"{address} has left the cluster")
            look_s = NEXT_LOOK_S
        return call.result()
    finally:
        call.cancel()
