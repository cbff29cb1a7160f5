"""What a worker process imports before its first task, so that its threads need not.

Python imports a module under its lock, and its package within that; a thread that begins with the
package takes the locks the other way round. Of two that meet, one finds a module half made: its
task fails with an ImportError that Dask keeps for ever. A worker that comes back after it was lost
gets tasks and blocks at once, on several threads, and is where that happened.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

#: What only clients and servers use.
_NOT_ON_WORKERS = ("dh2o.api.", "dh2o.server.")


@cache
def worker_packages() -> tuple[str, ...]:
    """Return the packages whose objects and functions come to workers."""
    root = Path(__file__).parents[1]
    folders = sorted(path.parent for path in root.rglob("__init__.py"))
    names = (".".join((root.name, *folder.relative_to(root).parts)) for folder in folders)
    return tuple(name for name in names if not f"{name}.".startswith(_NOT_ON_WORKERS))


def import_packages() -> None:
    """Import them all: once a process, and nothing where it was forked from one that has."""
    for name in worker_packages():
        import_module(name)
