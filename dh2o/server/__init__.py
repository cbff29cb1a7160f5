"""The REST server: H2O's interface over a Dask cluster, for the official H2O clients."""

from __future__ import annotations

from .app import create_app
from .options import ServerOptions
from .serving import Server, serve
from .state import ServerState

__all__ = ["Server", "ServerOptions", "ServerState", "create_app", "serve"]


def __dir__() -> list[str]:
    return __all__
