"""A server on a free port over the embedded engine, and the official client connected to it."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from dh2o.mrtask import Engine
from dh2o.server import Server, ServerOptions


@pytest.fixture(scope="session")
def embedded(_embedded: Engine) -> Engine:
    return _embedded


@pytest.fixture(scope="session")
def server(embedded: Engine) -> Iterator[Server]:
    with Server(embedded, ServerOptions(port=0, no_auth=True)) as running:
        yield running


@pytest.fixture
def call(server: Server) -> Callable[..., requests.Response]:
    """Send one request: call("GET", "/3/Cloud", params={…})."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, server.url + path, timeout=600, **options)

    return send


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server in a process of its own.

    The client's frames send a request when they are collected, on whatever thread that happens:
    in the server's own process this could be the thread that has to answer.
    """
    with started(tmp_path_factory.mktemp("server"), "--no-auth") as (_, url):
        yield url


@pytest.fixture
def h2o(own_server: str) -> Iterator[Any]:
    """The official client, connected; everything is removed afterwards."""
    with warnings.catch_warnings():
        # The client imports optional packages and prints advice by warnings of its own.
        warnings.filterwarnings("ignore", module=r"h2o\..*")
        warnings.filterwarnings("ignore", category=ResourceWarning)
        import h2o as client

        client.connect(url=own_server, verbose=False, strict_version_check=True)
        client.no_progress()
        yield client
        client.remove_all()
        client.connection().close()


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server in a process of its own; give the process and the URL it serves."""
    ready, log = folder / "ready", folder / "log"
    command = [sys.executable, "-m", "dh2o.server", "--port", "0", "--ready-file", str(ready)]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, *arguments], stdout=out, stderr=subprocess.STDOUT, text=True
        )
    try:
        deadline = time.monotonic() + 600
        while not ready.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the ready file was not written"
            time.sleep(0.05)
        yield process, ready.read_text().strip()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Any]:
    """The function that starts a server: with start("--no-auth") as (process, url)."""

    def call(*arguments: str) -> Any:
        return started(tmp_path, *arguments)

    return call


@pytest.fixture(scope="session")
def prostate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the prostate data that ships with the client."""
    import h2o

    return str(Path(h2o.__file__).parent / "h2o_data" / "prostate.csv")
