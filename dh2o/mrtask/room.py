"""How much of a worker's memory blocks may take before they go to disk.

Dask lets them fill 60 % of a worker's limit, stops it at 80 % and ends it at 95 %. An interpreter
with what it has imported takes a quarter of a gigabyte, and a pass needs some room for what it
opens: with a small limit both together are more than the rest. So blocks get what the process
leaves of the limit, measured again and again, and freed memory is given back at once.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from dh2o.mrtask.allocator import keep_nothing

_USABLE_SHARE = 0.75  # of the limit; at 0.8 Dask stops taking tasks
_PASS_SHARE = 0.12  # for what passes and tasks open at one time
_LEAST_SHARE = 0.05
_AMPLE_NBYTES = 2 << 30
_FULL_SHARE = 0.7
_EVERY_S = 0.05


def is_ample(worker: Any) -> bool:
    """Return whether the worker may keep freed memory for the next array."""
    limit = worker.memory_manager.memory_limit
    return limit is None or limit >= _AMPLE_NBYTES


class Room:
    """Keeps what blocks take in a worker's memory within what the process leaves."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._limit = worker.memory_manager.memory_limit
        self._lock = threading.Lock()
        self._next = 0.0
        # only a dictionary that spills has a target
        self._target = None if is_ample(worker) else getattr(worker.data, "n", None)
        if self._target is not None and worker.nanny is not None:
            keep_nothing()

    def value(self, key: Any) -> Any:
        """Return a value of this worker; raises KeyError if there is none.

        What is on disk is read and left there if memory is nearly full: to take it in would write
        others to disk, which a pass over all blocks would then read again.
        """
        self.tend()
        data = self._worker.data
        slow = getattr(data, "slow", None)
        if slow is None:
            return data[key]
        with suppress(KeyError):  # in memory: without what Dask counts for its charts
            return data.fast[key]
        if data.fast.total_weight > _FULL_SHARE * data.n:
            with suppress(KeyError):  # it has just been taken in
                return slow[key]
        return data[key]

    def tend(self) -> int | None:
        """Spill blocks until there is room; return what they may take, None if that is Dask's."""
        if self._target is None:
            return None
        now = time.monotonic()
        if now < self._next or not self._lock.acquire(blocking=False):
            return int(self._worker.data.n)
        try:
            self._next = now + _EVERY_S
            data = self._worker.data
            others = self._worker.monitor.get_process_memory() - data.fast.total_weight
            room = (_USABLE_SHARE - _PASS_SHARE) * self._limit - others
            data.n = int(min(self._target, max(room, _LEAST_SHARE * self._limit)))
            while data.fast and data.fast.total_weight > data.n and data.evict() >= 0:
                pass
            return int(data.n)
        finally:
            self._lock.release()
