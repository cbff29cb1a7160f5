"""The server's life: start, say where it is, serve, stop cleanly."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dh2o.errors import ParameterError

from .app import create_app
from .options import is_loopback
from .state import ServerState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dh2o.mrtask import Engine

    from .options import ServerOptions

__all__ = ["Server", "serve"]

log = logging.getLogger("dh2o.server")

#: Idle connections are dropped after this time, so that silent clients cannot hold all of them.
_CHANNEL_TIMEOUT_S = 120
_STOP_GRACE_S = 5.0


class Server:
    """A server on a thread of its own: ``with Server(engine, options) as server: server.url``."""

    def __init__(self, engine: Engine, options: ServerOptions) -> None:
        from waitress.server import create_server

        self.state = ServerState(engine, options)
        self.state.stop = self.request_stop
        self.state.logbook.attach()
        self._stop = threading.Event()
        self._closing = False
        self._sockets: dict[int, Any] = {}
        try:
            self._wsgi = create_server(
                create_app(self.state),
                map=self._sockets,
                host=_address(options.host),
                port=options.port,
                threads=options.n_threads,
                channel_timeout=_CHANNEL_TIMEOUT_S,
                max_request_body_size=options.max_body_nbytes,
                connection_limit=max(100, 4 * options.n_threads),
                ident=None,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            raise _cannot_listen(options, error) from None
        self._thread = threading.Thread(target=self._run, name="dh2o-http", daemon=True)

    @property
    def url(self) -> str:
        """Where clients connect to."""
        host = self.state.options.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}"

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(getattr(self._wsgi, "effective_port", self.state.options.port))

    def start(self) -> Server:
        """Begin to answer requests."""
        self._thread.start()
        log.info("Listening on %s", self.url)
        return self

    def request_stop(self) -> None:
        """Make `wait` return; running requests are still answered."""
        self._stop.set()

    def wait(self) -> None:
        """Return once somebody asked for a stop."""
        while not self._stop.wait(1.0):
            if not self._thread.is_alive():
                return

    def close(self) -> None:
        """Stop answering; wait a moment for requests that are being served."""
        if self._closing:
            return
        self._stop.set()
        deadline = time.monotonic() + _STOP_GRACE_S
        while self._is_answering() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closing = True
        if self._thread.is_alive():
            self._wsgi.pull_trigger()
            self._thread.join(_STOP_GRACE_S)
        self._wsgi.task_dispatcher.shutdown(timeout=1)
        self._close_sockets()
        self.state.logbook.detach()

    def _is_answering(self) -> bool:
        """Return whether a request is being served, or an answer not yet sent in full."""
        channels = list(self._wsgi.active_channels.values())
        return bool(self.state.n_active) or any(c.requests or c.total_outbufs_len for c in channels)

    def _run(self) -> None:
        adj = self._wsgi.adj
        while not self._closing:
            self._wsgi.asyncore.loop(
                timeout=adj.asyncore_loop_timeout,
                map=self._sockets,
                use_poll=adj.asyncore_use_poll,
                count=1,
            )

    def _close_sockets(self) -> None:
        # Only when neither the loop nor a request can write to them any more: their numbers go to
        # the next file that this process opens, which would get what was meant for them.
        for channel in list(self._wsgi.active_channels.values()):
            with contextlib.suppress(OSError):
                channel.handle_close()
        if self._thread.is_alive() or self._wsgi.task_dispatcher.threads:
            self._wsgi.asyncore.dispatcher.close(self._wsgi)  # the port only
        else:
            self._wsgi.close()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()


def _address(host: str) -> str:
    """Return one address of a host: a name with several would listen on a port for each."""
    try:
        found = socket.getaddrinfo(host or None, 0, 0, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except OSError as error:
        raise ParameterError(f"host: {host!r} is no address of this machine: {error}.") from None
    by_version = sorted(found, key=lambda info: info[0] != socket.AF_INET)
    return str(by_version[0][4][0])


def _cannot_listen(options: ServerOptions, error: OSError) -> ParameterError:
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return ParameterError(
            f"port: {where} is in use, perhaps by another server. Give another port, or 0 for any."
        )
    return ParameterError(f"host, port: cannot listen on {where}: {error.strerror or error}.")


def serve(options: ServerOptions, *, out: TextIO | None = None) -> None:
    """Serve until a signal or ``POST /3/Shutdown``; workers started here stop with it."""
    from dh2o.mrtask import init
    from dh2o.mrtask.allocator import limit_arenas

    limit_arenas()
    stream = out or sys.stdout
    local: dict[str, Any] = {}
    if options.scheduler is None:
        local["dashboard_address"] = options.dashboard
        local["threads_per_worker"] = options.threads_per_worker
        if options.n_workers:
            local.update(n_workers=options.n_workers, processes=True)
    with _signals() as stop:
        engine = init(options.scheduler, **{k: v for k, v in local.items() if v is not None})
        try:
            with Server(engine, options) as server, _ready(server):
                stop.calls = server.request_stop
                _announce(server, stream)
                server.wait()
        finally:
            engine.close()


class _Stop:
    """What a signal does: end the start, or ask the running server to stop."""

    calls: Callable[[], None] | None = None

    def __call__(self, *_: object) -> None:
        if self.calls is None:
            # What Dask had begun to say to workers fails now, and all of it would be printed.
            for name in ("asyncio", "distributed"):
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
            raise SystemExit(0)
        self.calls()


@contextlib.contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {sig: signal.signal(sig, stop) for sig in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextlib.contextmanager
def _ready(server: Server) -> Iterator[None]:
    """Write the ready file in one step once a request is answered; remove it at the end."""
    path = server.state.options.ready_file
    if path is None:
        yield
        return
    _wait_answering(server)
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_text(f"{server.url}\n")
    partial.replace(target)
    try:
        yield
    finally:
        target.unlink(missing_ok=True)


def _wait_answering(server: Server) -> None:
    import http.client

    host = server.state.options.host
    near = "127.0.0.1" if host in ("0.0.0.0", "") else "::1" if host == "::" else host
    connection = http.client.HTTPConnection(near, server.port, timeout=30)
    try:
        connection.request("HEAD", "/3/Ping")
        connection.getresponse().read()
    finally:
        connection.close()


def _announce(server: Server, stream: TextIO) -> None:
    options = server.state.options
    lines = [f"dh2o is listening on {server.url}"]
    link = server.state.engine.dashboard_link
    if link:
        lines.append(f"Dask dashboard: {link}")
    if options.no_auth:
        lines.append(f'Connect with: h2o.connect(url="{server.url}")')
    elif options.password:
        auth = f'auth=("{options.user}", "{options.password}")'
        lines.append(f'Connect with: h2o.connect(url="{server.url}", {auth})')
    else:
        lines.append("Connect with the header: Authorization: Bearer <token>")
    if not is_loopback(options.host):
        lines.append("Passwords and data travel in the clear: put a TLS proxy in front.")
    stream.write("\n".join(lines) + "\n")
    stream.flush()
