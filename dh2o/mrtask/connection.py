"""A connection between two processes that carries parcels: blocking sockets, no event loop.

A pass is one short question and one answer, often thousands of times a model. On an event loop
each of them is cut into frames, copied, queued and woken up for several times; a thread that
blocks in the kernel is awake within microseconds, and buffers go from array to array.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from dh2o.mrtask.wire import Parcel

Look = Callable[[], None]
"""Called now and then while the other side is silent; raises an OSError to give up."""

LOOK_INTERVAL_S = 1.0
_HEADER = struct.Struct("<QQ")  # bytes of the pickle, number of buffers
_JOIN_NBYTES = 1 << 16
_SLICE_NBYTES = 1 << 30  # one call of a TLS socket takes less than 2 GB


class Connection:
    """Sends and receives parcels, one at a time; after an error it is of no more use."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
        self._sock = sock

    def send(self, parcel: Parcel, look: Look | None = None) -> None:
        """Send a parcel; without `look` this waits as long as the other side is there."""
        buffers = parcel.buffers
        lengths = struct.pack(f"<{len(buffers)}Q", *(b.nbytes for b in buffers))
        first = _HEADER.pack(len(parcel.head), len(buffers)) + lengths
        if len(parcel.head) <= _JOIN_NBYTES:
            self.write(first + parcel.head, look)
        else:
            self.write(first, look)
            self.write(parcel.head, look)
        for buffer in buffers:
            self.write(buffer, look)

    def receive(self, look: Look | None = None) -> Parcel:
        """Return the next parcel; its buffers are nobody else's and may be written to."""
        n_head, n_buffers = _HEADER.unpack(self.read(_HEADER.size, look))
        lengths = struct.unpack(f"<{n_buffers}Q", self.read(8 * n_buffers, look))
        head = self.read(n_head, look)
        return Parcel.of(head.tobytes(), *(self.read(n, look) for n in lengths))

    def write(self, data: Any, look: Look | None = None) -> None:
        """Send bytes as they are."""
        view = memoryview(data)
        self._sock.settimeout(None if look is None else LOOK_INTERVAL_S)
        while view.nbytes:
            try:
                n = self._sock.send(view[:_SLICE_NBYTES])
            except TimeoutError:
                assert look is not None
                look()
            else:
                view = view[n:]

    def read(self, n_bytes: int, look: Look | None = None) -> memoryview:
        """Return the next `n_bytes` bytes; an EOFError if the other side has closed."""
        found = np.empty(n_bytes, np.uint8).data
        self._sock.settimeout(None if look is None else LOOK_INTERVAL_S)
        view = found
        while view.nbytes:
            try:
                n = self._sock.recv_into(view[:_SLICE_NBYTES])
            except TimeoutError:
                assert look is not None
                look()
            else:
                if n == 0:
                    raise EOFError("the other side has closed the connection")
                view = view[n:]
        return found

    def is_quiet(self) -> bool:
        """Return whether nothing has come since the last parcel: no end, no error."""
        self._sock.settimeout(0.0)
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End the connection; a thread that waits in it gets an error."""
        with suppress(OSError):  # it has ended already
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


def _keep_alive(sock: socket.socket) -> None:
    """Let the kernel notice within a minute that a silent machine is gone."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
