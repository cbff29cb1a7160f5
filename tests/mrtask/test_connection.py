"""Parcels go over sockets whole; strangers are refused, and the end of one side is the other's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dh2o.mrtask import connection, wire
from dh2o.mrtask.connection import Connection
from dh2o.mrtask.listener import TOKEN_NBYTES, Listener, connect
from tests.killing import wait_until


def echo(parcel: wire.Parcel) -> wire.Parcel:
    return wire.pack(parcel.open())


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener("127.0.0.1", echo, None)
    yield found
    found.close()


def ask(link: Connection, value: Any) -> Any:
    link.send(wire.pack(value))
    return link.receive().open()


def test_values_come_back(listener: Listener) -> None:
    link = connect(listener.place, listener.token, None, 5.0)
    values = [
        None,
        {"a": b"", "b": [1, "x"]},
        np.zeros(0),
        np.arange(7, dtype=np.int8),
        np.arange(3_000_000.0),
        [np.full(1000 * i, i) for i in range(40)],
        "x" * 1_000_000,
    ]
    for value in values:
        np.testing.assert_equal(ask(link, value), value)
    link.close()


def test_what_arrives_may_be_written_to(listener: Listener) -> None:
    link = connect(listener.place, listener.token, None, 5.0)
    for n in (10, 100_000):
        found = ask(link, np.zeros(n))
        found += 1.0
        assert found.sum() == n
    link.close()


def test_many_connections_at_once(listener: Listener) -> None:
    def work(i: int) -> None:
        link = connect(listener.place, listener.token, None, 5.0)
        found.extend(int(ask(link, np.full(50_000, i))[0]) for _ in range(5))
        link.close()

    found: list[int] = []
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(list(range(8)) * 5)


def test_strangers_are_refused(listener: Listener) -> None:
    with pytest.raises((OSError, EOFError)):
        connect(listener.place, b"x" * TOKEN_NBYTES, None, 5.0)
    with socket.create_connection(listener.place, timeout=5.0) as hangs_up:
        hangs_up.sendall(b"GET / HTTP/1.1")
    link = connect(listener.place, listener.token, None, 5.0)
    assert ask(link, 1) == 1
    link.close()


def test_closing_ends_connections_and_threads(listener: Listener) -> None:
    link = connect(listener.place, listener.token, None, 5.0)
    assert ask(link, 1) == 1
    listener.close()
    with pytest.raises((OSError, EOFError)):
        ask(link, 2)
    link.close()
    with pytest.raises(OSError, match="refused"):
        connect(listener.place, listener.token, None, 5.0)
    names = [t.name for t in threading.enumerate()]
    wait_until(
        lambda: "dh2o-listener" not in [t.name for t in threading.enumerate()], f"of {names}"
    )


def test_who_waits_looks_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK_INTERVAL_S", 0.01)
    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise OSError("it has left the cluster")

    here, there = (Connection(sock) for sock in _pair())
    with pytest.raises(OSError, match="left the cluster"):
        here.receive(look)
    looks.clear()
    with pytest.raises(OSError, match="left the cluster"):  # nobody reads: the buffers fill
        here.send(wire.pack(np.zeros(10_000_000)), look)
    there.close()
    with pytest.raises((OSError, EOFError)):
        here.receive()
    here.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    return here, there
