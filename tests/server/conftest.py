"""A server on a free port over the embedded engine, and the official client connected to it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
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
        return requests.request(method, server.url + path, timeout=60, **options)

    return send


@pytest.fixture
def h2o(server: Server) -> Iterator[Any]:
    """The official client, connected; everything is removed afterwards."""
    with warnings.catch_warnings():
        # The client imports optional packages and prints advice by warnings of its own.
        warnings.filterwarnings("ignore", module=r"h2o\..*")
        warnings.filterwarnings("ignore", category=ResourceWarning)
        import h2o as client

        client.connect(url=server.url, verbose=False, strict_version_check=True)
        client.no_progress()
        yield client
        client.remove_all()
        client.connection().close()


@pytest.fixture(scope="session")
def prostate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the prostate data that ships with the client."""
    import h2o

    return str(Path(h2o.__file__).parent / "h2o_data" / "prostate.csv")
