"""Asking workers: over a connection of one's own, or through Dask where there can be none.

A direct connection costs a tenth of a millisecond a question, Dask's a few. Where a worker cannot
be reached directly (a firewall that lets only Dask's ports through, a transport other than TCP, a
client that sees only the scheduler) the same parcels take Dask's way.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from distributed.protocol import to_serialize

from dh2o.mrtask import wire
from dh2o.mrtask.connection import Connection, Look
from dh2o.mrtask.listener import connect
from dh2o.mrtask.watch import ANSWER_ERRORS, ask

_REACH_TIMEOUT_S = 3.0
_TRY_AGAIN_S = 60.0
_MAX_IDLE = 8
_LOOP_LOOK_S = 5.0
_LOST = (*ANSWER_ERRORS, EOFError)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a worker listens; no `at`: it is asked through Dask until `until`."""

    at: tuple[str, int] | None
    token: bytes
    until: float


class Asked(Protocol):
    """A question under way."""

    def answer(self) -> dict[str, Any]:
        """Return the answer; of a worker that is gone or out of reach a `lost` one."""

    def cancel(self) -> None:
        """Wait for no answer any more; nothing if there was one."""


class Peers:
    """Asks the workers of a cluster, from any thread but the event loop's."""

    def __init__(
        self, loop: Any, pool: Any, scheduler: Any, ssl_context: Any, relayed: bool | None
    ) -> None:
        self._loop = loop
        self._pool = pool
        self._scheduler = scheduler
        self._ssl_context = ssl_context
        # whether workers are out of reach; None: not tried
        self.relayed = relayed
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._idle: dict[str, list[Connection]] = {}
        self._closed = False

    def ask(self, address: str, op: str, message: dict[str, Any]) -> Asked:
        """Send a question and return at once."""
        parcel = wire.pack((op, message))
        try:
            connection = self._connection(address)
            if connection is None:
                return _ThroughDask(self, address, self._start(self._ask_dask, address, parcel))
        except _LOST as error:
            return _Lost(address, error)
        asked = _Directly(self, address, connection)
        asked.send(parcel)
        return asked

    def close(self) -> None:
        """End the connections that nobody uses; the others end when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()

    # -- direct connections ----------------------------------------------------------------------

    def _connection(self, address: str) -> Connection | None:
        """Return a connection to a worker, or None if there can be none."""
        while (idle := self._take_idle(address)) is not None:
            if idle.is_quiet():
                return idle
            idle.close()
        place = self._places.get(address)
        if place is None or place.until < time.monotonic():
            place = self.result(self._start(self._find, address))
            self._places[address] = place
        if place.at is None:
            return None
        try:
            return connect(place.at, place.token, self._ssl_context, _REACH_TIMEOUT_S)
        except _LOST:
            self._places[address] = _Place(None, b"", time.monotonic() + _TRY_AGAIN_S)
            return None

    def _take_idle(self, address: str) -> Connection | None:
        with self._lock:
            idle = self._idle.get(address)
            return idle.pop() if idle else None

    async def _find(self, address: str) -> _Place:
        """Ask a worker where it listens."""
        nowhere = _Place(None, b"", time.monotonic() + _TRY_AGAIN_S)
        if await self._through_scheduler(address):
            return nowhere
        answer = await ask(self._pool, self._scheduler, address, "dh2o_listener", {})
        if answer["place"] is None:
            return nowhere
        host, port = answer["place"]
        return _Place((host, port), answer["token"], float("inf"))

    def give_back(self, address: str, connection: Connection) -> None:
        """Keep a connection for the next question."""
        with self._lock:
            idle = self._idle.setdefault(address, [])
            if not self._closed and len(idle) < _MAX_IDLE:
                idle.append(connection)
                return
        connection.close()

    def forget(self, address: str) -> None:
        """Drop what is known of a worker that did not answer."""
        with self._lock:
            self._places.pop(address, None)
            idle = self._idle.pop(address, [])
        for connection in idle:
            connection.close()

    def look(self, address: str) -> Look:
        """Return what raises an OSError once the scheduler misses the worker."""

        def look() -> None:
            if not self.result(self._start(self._alive, address)):
                raise OSError(f"{address} has left the cluster")

        return look

    # -- through Dask ----------------------------------------------------------------------------

    async def _alive(self, address: str) -> bool:
        return bool(await self._scheduler.dh2o_alive(address=address))

    async def _ask_dask(self, address: str, parcel: wire.Parcel) -> Any:
        message = {"parcel": to_serialize(parcel)}
        if await self._through_scheduler(address):
            answer = await self._scheduler.dh2o_relay(
                address=address, handler="dh2o_lane", message=message
            )
        else:
            answer = await ask(self._pool, self._scheduler, address, "dh2o_lane", message)
        return answer["parcel"]

    async def _through_scheduler(self, address: str) -> bool:
        """Return whether this process reaches workers only through the scheduler; tried once."""
        if self.relayed is None:
            try:
                self._pool.reuse(
                    address, await self._pool.connect(address, timeout=_REACH_TIMEOUT_S)
                )
            except ANSWER_ERRORS:
                if not await self._alive(address):
                    raise  # it has just left: that says nothing about the others
                self.relayed = True
            else:
                self.relayed = False
        return self.relayed

    # -- the event loop --------------------------------------------------------------------------

    def _start(self, fn: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Future[Any]:
        loop = self._loop.asyncio_loop
        if not loop.is_running():
            raise OSError("the connection to the cluster has ended")
        return asyncio.run_coroutine_threadsafe(fn(*args), loop)

    def result(self, future: Future[Any]) -> Any:
        """Return the result of a coroutine, unless the loop ends before."""
        try:
            while True:
                try:
                    return future.result(_LOOP_LOOK_S)
                except TimeoutError:
                    if future.done():
                        raise
                    if not self._loop.asyncio_loop.is_running():
                        raise OSError("the connection to the cluster has ended") from None
        finally:
            future.cancel()  # if it is not done
            del future  # an error of its own refers to this frame, and so to all that called


class _Directly:
    """A question on a direct connection."""

    def __init__(self, peers: Peers, address: str, connection: Connection) -> None:
        self._peers = peers
        self._address = address
        self._connection: Connection | None = connection
        self._look = peers.look(address)
        self._failed: dict[str, Any] | None = None

    def send(self, parcel: wire.Parcel) -> None:
        assert self._connection is not None
        try:
            self._connection.send(parcel, self._look)
        except _LOST as error:
            self._failed = lost(self._address, error)
            self._drop()
        except BaseException:
            self.cancel()
            raise

    def answer(self) -> dict[str, Any]:
        if self._failed is not None:
            return self._failed
        assert self._connection is not None
        try:
            parcel = self._connection.receive(self._look)
        except _LOST as error:
            self._drop()
            return lost(self._address, error)
        connection, self._connection = self._connection, None
        self._peers.give_back(self._address, connection)
        answer: dict[str, Any] = parcel.open()
        return answer

    def _drop(self) -> None:
        self.cancel()
        self._peers.forget(self._address)

    def cancel(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _ThroughDask:
    """A question on Dask's connections."""

    def __init__(self, peers: Peers, address: str, future: Future[Any]) -> None:
        self._peers = peers
        self._address = address
        self._future: list[Future[Any]] = [future]

    def answer(self) -> dict[str, Any]:
        try:
            parcel = self._peers.result(self._future.pop())
        except ANSWER_ERRORS as error:
            return lost(self._address, error)
        answer: dict[str, Any] = parcel.open()
        return answer

    def cancel(self) -> None:
        for future in self._future:
            future.cancel()


class _Lost:
    """A question that could not be asked."""

    def __init__(self, address: str, error: BaseException) -> None:
        self._answer = lost(address, error)

    def answer(self) -> dict[str, Any]:
        return self._answer

    def cancel(self) -> None:
        pass


def lost(address: str, error: BaseException) -> dict[str, Any]:
    """Return the answer of a worker that gave none."""
    return {"status": "lost", "reason": f"{address}: {error}"}
