"""How much of a worker's memory blocks may take before they go to disk.

Dask lets them fill 60 % of a worker's limit, and ends the worker at 95 %. An interpreter with what
it has imported takes a quarter of a gigabyte, and a pass needs some room for what it opens: with a
small limit both together are more than the rest. So blocks get what is left of the limit, and a
worker that has little gives freed memory back at once.
"""

from __future__ import annotations

from typing import Any

from dh2o.mrtask.allocator import keep_nothing

_USABLE_SHARE = 0.8  # of the limit; Dask stops taking tasks there
_PASS_SHARE = 0.15  # for what passes and tasks open at one time
_LEAST_SHARE = 0.05
_AMPLE_NBYTES = 2 << 30


def is_ample(worker: Any) -> bool:
    """Return whether the worker may keep freed memory for the next array."""
    limit = worker.memory_manager.memory_limit
    return limit is None or limit >= _AMPLE_NBYTES


def leave_room(worker: Any) -> int | None:
    """Lower what blocks may take in memory if the process leaves less; return it, None if as is."""
    limit = worker.memory_manager.memory_limit
    target = getattr(worker.data, "n", None)  # only a dictionary that spills has one
    if limit is None or target is None or is_ample(worker):
        return None
    if worker.nanny is not None:
        keep_nothing()
    left = _USABLE_SHARE * limit - worker.monitor.get_process_memory() - _PASS_SHARE * limit
    room = int(min(target, max(left, _LEAST_SHARE * limit)))
    if room >= target:
        return None
    worker.data.n = room
    return room
