"""One turn of an event loop: how a thread runs something on the loop of its own process.

Dask's ``sync`` takes two turns and builds a dozen objects; a call of a scheduler that lives in this
process takes six more on its way through a connection. Small work is made of such calls.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["on_loop"]

_LOOK_S = 10.0  # how often whoever waits looks whether the loop is still there


def on_loop(loop: Any, fn: Callable[..., Any], **message: Any) -> Any:
    """Return what `fn`, a function or coroutine function, gives on `loop` (another thread's)."""
    turn = _Turn(fn, message)
    loop.asyncio_loop.call_soon_threadsafe(turn.begin)
    try:
        while not turn.ended.acquire(timeout=_LOOK_S):
            if loop.asyncio_loop.is_closed():
                raise RuntimeError("The event loop has ended.")
    except BaseException:
        turn.abandon(loop)
        raise
    if turn.error is not None:
        try:
            raise turn.error
        finally:
            turn.error = None  # its traceback refers to this frame
    return turn.result


class _Turn:
    """A call, its result or error, and a lock that is free once it has ended."""

    __slots__ = ("ended", "error", "fn", "message", "result", "task")

    def __init__(self, fn: Callable[..., Any], message: dict[str, Any]) -> None:
        self.fn = fn
        self.message = message
        self.ended = threading.Lock()
        self.ended.acquire()
        self.task: asyncio.Task[Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None

    def begin(self) -> None:
        try:
            self.result = self.fn(**self.message)
        except BaseException as error:  # noqa: BLE001  (raised where the call came from)
            self.error = error
        if inspect.iscoroutine(self.result):
            self.task = asyncio.ensure_future(self.result)
            self.task.add_done_callback(self.end)
        else:
            self.ended.release()

    def end(self, task: asyncio.Task[Any]) -> None:
        self.task = self.result = None
        try:
            self.result = task.result()
        except BaseException as error:  # noqa: BLE001  (raised where the call came from)
            self.error = error
        self.ended.release()

    def abandon(self, loop: Any) -> None:
        """End a coroutine that nobody waits for any more."""
        task = self.task
        if task is not None and not loop.asyncio_loop.is_closed():
            loop.asyncio_loop.call_soon_threadsafe(task.cancel)
