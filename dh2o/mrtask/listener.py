"""Where a worker takes direct connections: one thread for each, which also does the work."""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dh2o.mrtask.connection import Connection
from dh2o.mrtask.wire import Parcel

TOKEN_NBYTES = 32
WELCOME = b"\x01"
_GREETING_TIMEOUT_S = 10.0
_ACCEPT_AGAIN_S = 0.05


class Listener:
    """Answers parcels with ``serve(parcel)``; only to those who know the token.

    The token is told to members of the cluster over Dask's own connections, and with TLS both
    sides show the certificates that they show to Dask.
    """

    def __init__(self, host: str, serve: Callable[[Parcel], Parcel], ssl_context: Any) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._serve = serve
        self._ssl_context = ssl_context
        self._socket = socket.create_server((host, 0), family=family, backlog=1024)
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._closed = False
        self.token = secrets.token_bytes(TOKEN_NBYTES)
        self.place: tuple[str, int] = (host, self._socket.getsockname()[1])
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=work, args=args, name="dh2o-listener", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(_ACCEPT_AGAIN_S)  # it has gone meanwhile, or there are too many files
                continue
            self._start(self._attend, sock)

    def _attend(self, sock: socket.socket) -> None:
        """Serve one connection until it ends."""
        try:
            connection = self._greet(sock)
        except (OSError, EOFError):
            sock.close()
            return
        with self._lock:
            self._open.add(connection)
            closed = self._closed
        try:
            while not closed:
                connection.send(self._serve(connection.receive()))
        except (OSError, EOFError):
            return  # whoever asked has gone
        finally:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _greet(self, sock: socket.socket) -> Connection:
        sock.settimeout(_GREETING_TIMEOUT_S)
        if self._ssl_context is not None:
            sock = self._ssl_context.wrap_socket(sock, server_side=True)
        token = b""
        while len(token) < TOKEN_NBYTES:
            part = sock.recv(TOKEN_NBYTES - len(token))
            if not part:
                raise EOFError("no token")
            token += part
        if not hmac.compare_digest(token, self.token):
            raise OSError("wrong token")
        sock.sendall(WELCOME)
        return Connection(sock)

    def close(self) -> None:
        """Take no more connections and end those that there are."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        # a thread in accept() holds on to a socket that is only closed
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in connections:
            connection.close()


def connect(place: tuple[str, int], token: bytes, ssl_context: Any, timeout_s: float) -> Connection:
    """Return a connection to a worker's listener."""
    sock = socket.create_connection(place, timeout=timeout_s)
    try:
        if ssl_context is not None:
            sock = ssl_context.wrap_socket(sock)
        sock.sendall(token)
        if sock.recv(1) != WELCOME:
            raise OSError(f"{place} refused the token")
        return Connection(sock)
    except BaseException:
        sock.close()
        raise
