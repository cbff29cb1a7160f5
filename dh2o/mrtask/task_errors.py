"""What a task raised, as its user gets it: nothing that keeps the task's futures alive.

Dask keeps the exception of a task with its futures. Raised as it is, it gets to know the frames
that it passes, which hold futures in turn: a ring, so that results would stay on the workers until
the garbage collector comes by. So its twin is raised. (Dask's own ``gather`` closes such a ring
when it raises; it is told to skip what failed.)
"""

from __future__ import annotations

import copy
from types import TracebackType

from dh2o.errors import WorkerLostError

__all__ = ["task_error"]


def task_error(error: BaseException, traceback: TracebackType | None) -> BaseException:
    """Return what to raise for an exception that Dask keeps with a future."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return WorkerLostError(
            f"{error} If the workers ran out of memory, give them more, or use more of them."
        )
    made = _twin(error)
    made.__cause__, made.__suppress_context__ = error.__cause__, error.__suppress_context__
    return made.with_traceback(traceback)


def _twin(error: BaseException) -> BaseException:
    """Return an equal exception; the same one if that cannot be made."""
    kind = type(error)
    try:
        if kind.__module__ == "builtins":
            return copy.copy(error)
        made = kind.__new__(kind, *error.args)  # __init__ may word the message anew
        made.__dict__.update(error.__dict__)
        return made if str(made) == str(error) else error
    except (TypeError, ValueError, AttributeError):
        return error
