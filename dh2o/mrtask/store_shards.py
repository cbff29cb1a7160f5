"""Which files of shards must stay, as the scheduler keeps it: those of results that Dask has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

SHARD_TYPE = "dh2o.mrtask.shards.Shard"  # as Dask tells it of a result

FREED, DROP = "dh2o-shard-freed", "dh2o-shard-drop"


class ShardHolds:
    """Files that outlive their worker's copy of the result, since other workers have copies.

    Dask's memory manager removes copies that it thinks too many, the one beside the file among
    them. So a worker that loses its copy asks first.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._makers: dict[Any, str] = {}
        self._held: dict[Any, list[tuple[str, str]]] = defaultdict(list)  # worker and path
        scheduler.stream_handlers[FREED] = self.freed

    def moved(self, key: Any, start: str, finish: str, facts: dict[str, Any]) -> None:
        """Note that a task has made a shard, or drop the files of one that Dask has let go."""
        if finish == "memory" and facts.get("typename") == SHARD_TYPE:
            self._makers[key] = facts["worker"]
        elif start == "memory":
            self._makers.pop(key, None)
            for worker, path in self._held.pop(key, ()):
                self._drop(worker, path)

    def freed(self, key: Any, path: str, worker: str) -> None:
        """Take a worker's word that it has no copy of a result, whose file it still has."""
        if self._in_memory(key):
            self._held[key].append((worker, path))
        else:
            self._drop(worker, path)

    def worker_left(self, worker: str, stimulus_id: str) -> None:
        """Let Dask make anew what copies say to lie in files that went with the worker."""
        lost = [k for k, maker in self._makers.items() if maker == worker and self._in_memory(k)]
        self._scheduler.transitions(dict.fromkeys(lost, "released"), stimulus_id)

    def _in_memory(self, key: Any) -> bool:
        ts = self._scheduler.tasks.get(key)
        return ts is not None and ts.state == "memory"

    def _drop(self, worker: str, path: str) -> None:
        if worker in self._scheduler.stream_comms:
            self._scheduler.worker_send(worker, {"op": DROP, "path": path})


def file_owner(worker: Any) -> Callable[[Any, str], None]:
    """Return how the shards of a worker ask whether a file may go."""

    def ask(key: Any, path: str) -> None:
        worker.batched_send({"op": FREED, "key": key, "path": path})

    return ask
