"""``python -m dh2o.server``: the same as ``dh2o server`` with its main options."""

from __future__ import annotations

import argparse

from . import ServerOptions, serve
from .options import CLIENT_VERSION


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m dh2o.server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=54321)
    parser.add_argument("--scheduler")
    parser.add_argument("--workers", type=int, default=0, dest="n_workers")
    parser.add_argument("--threads-per-worker", type=int)
    parser.add_argument("--dashboard")
    parser.add_argument("--no-auth", action="store_true")
    parser.add_argument("--ready-file")
    parser.add_argument("--client-version", default=CLIENT_VERSION)
    serve(ServerOptions(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
