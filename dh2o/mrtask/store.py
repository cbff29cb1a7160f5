"""What the scheduler keeps for all clients: entries and locks of the DKV, jobs, spool files.

One scheduler plugin made of four nouns (`Entries`, `Locks`, `Jobs`, `SpoolHolds`). Values are
opaque bytes here: the scheduler never unpickles what users store. The plugin holds Dask's claims on
the tasks that entries and jobs mention, as Dask's published datasets do, so they outlive the client
that made them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from dh2o.mrtask.store_entries import PLUGIN_NAME, Entries, LockedKeyError, Locks
from dh2o.mrtask.store_jobs import Jobs
from dh2o.mrtask.store_shards import ShardHolds
from dh2o.mrtask.store_spool import SpoolHolds
from dh2o.mrtask.watch import ask

UNKNOWN_GRACE_S = 2.0
HANDLERS = (
    "alive", "relay", "where", "workers", "worker_facts", "has_dashboard", "setting", "release_all",
    "put", "get", "kind", "keep", "remove", "remove_when_free", "entry_list",
    "lock", "unlock", "unlock_all",
    "job_create", "job_claimed", "job_begin", "job_update", "job_checkpoint", "job_finish",
    "job_get", "job_list", "job_wait", "job_cancel", "job_remove",
    "spool_hold", "spool_release", "spool_bind",
)  # fmt: skip


class StorePlugin(SchedulerPlugin):
    """The scheduler's side of dh2o."""

    idempotent = True
    name = PLUGIN_NAME

    scheduler: Any

    async def start(self, scheduler: Any) -> None:
        """Register the handlers that clients and workers call."""
        self.scheduler = scheduler
        # A block task may sit in the queue of several dying workers without being to blame.
        scheduler.allowed_failures = max(scheduler.allowed_failures, 10)
        self.settings: dict[str, Any] = {}
        self._ending = False
        self.claims = Claims(scheduler)
        self.locks = Locks(self._holder_alive)
        self.entries = Entries(self.claims, self.locks)
        self.spool = SpoolHolds(self._delete_files)
        self.entries.spool = self.spool
        self.shards = ShardHolds(scheduler)
        self.jobs = Jobs(scheduler, self.claims, self.entries, self.locks)
        for name in HANDLERS:
            scheduler.handlers[f"dh2o_{name}"] = getattr(self, name)
        scheduler.stream_handlers["dh2o-claim"] = self.claim

    # -- where the data are ---------------------------------------------------------------------

    def workers(self) -> list[tuple[str, int]]:
        """Return address and thread count of every running worker, in order of arrival."""
        scheduler = self.scheduler
        return [
            (ws.address, ws.nthreads)
            for ws in scheduler.workers.values()
            if ws in scheduler.running
        ]

    def alive(self, address: str) -> bool:
        """Return whether the worker is part of the cluster."""
        return address in self.scheduler.workers

    def has_dashboard(self) -> bool:
        """Return whether the scheduler serves Dask's dashboard."""
        return bool(self.scheduler.http_application.applications)

    def worker_facts(self) -> list[dict[str, Any]]:
        """Return what each running worker last reported of itself."""
        return [
            {
                "address": ws.address,
                "name": str(ws.name),
                "pid": ws.pid,
                "n_threads": ws.nthreads,
                "memory": int(ws.metrics.get("memory", 0)),
                "memory_limit": int(ws.memory_limit or 0),
                "cpu_pct": float(ws.metrics.get("cpu", 0.0)),
                "n_fds": int(ws.metrics.get("num_fds", 0)),
                "last_seen": ws.last_seen,
            }
            for ws in self.scheduler.workers.values()
            if ws in self.scheduler.running
        ]

    async def relay(self, address: str, handler: str, message: dict[str, Any]) -> Any:
        """Ask a worker for a client that reaches only the scheduler (see lane)."""
        return await ask(self.scheduler.rpc, self, address, handler, message)

    async def dh2o_alive(self, address: str) -> bool:
        """Return `alive`, as `watch.ask` asks for it."""
        return self.alive(address)

    async def where(self, keys: list[Any], wait_s: float) -> dict[str, Any]:
        """Return the workers that hold each key, waiting up to `wait_s` while some are computed."""
        deadline = time.monotonic() + wait_s
        unknown_until = time.monotonic() + UNKNOWN_GRACE_S
        delay = 0.002
        tasks = self.scheduler.tasks
        while True:
            states = [tasks.get(k) for k in keys]
            erred = next((ts.key for ts in states if ts is not None and ts.state == "erred"), None)
            if erred is not None:
                return {"status": "erred", "key": erred}
            if all(ts is not None and ts.state == "memory" for ts in states):
                return self._holders(states)
            unknown = [k for k, ts in zip(keys, states, strict=True) if ts is None]
            now = time.monotonic()
            if unknown and now > unknown_until and not self.scheduler._active_graph_updates:
                return {"status": "unknown", "keys": unknown[:5]}
            if now > deadline:
                return {"status": "waiting", "n_workers": len(self.scheduler.running)}
            await asyncio.sleep(delay)
            delay = min(delay * 1.5, 0.01)

    def _holders(self, states: list[Any]) -> dict[str, Any]:
        numbers: dict[str, int] = {}
        holders = [
            [numbers.setdefault(ws.address, len(numbers)) for ws in ts.who_has or ()]
            for ts in states
        ]
        nbytes = [max(ts.nbytes, 0) for ts in states]
        return {"status": "ok", "workers": list(numbers), "holders": holders, "nbytes": nbytes}

    def setting(self, name: str, value: Any = None) -> Any:
        """Return the cluster-wide setting `name`; the first client that gives a value sets it."""
        if value is not None:
            self.settings.setdefault(name, value)
        return self.settings.get(name)

    def claim(self, client: str, keys: list[Any], bridge: str = "") -> None:
        """Claim tasks for a client, in order with its releases; leave out those that are gone."""
        if client in self.scheduler.clients:
            self.scheduler.client_desires_keys(self.claims.known(keys), client)
        self.claims.release(bridge)

    # -- the DKV --------------------------------------------------------------------------------

    async def put(
        self,
        key: str,
        value: bytes,
        kind: str,
        tasks: list[Any],
        files: list[str],
        holder: str | None = None,
        expected: int | None = None,
    ) -> dict[str, Any]:
        """Store a value; `expected` is the version that it must replace (0: none)."""
        if gone := await self.claims.wait_known(tasks):
            return {"status": "gone", "task": gone[0]}
        return self.entries.put(key, value, kind, tasks, files, holder, expected)

    def get(self, key: str, bridge: str) -> dict[str, Any] | None:
        """Return the stored value, kind and version, or None.

        Its tasks are held under the name `bridge` until the client's own claim arrives, which may
        be later than what the client or another one does next.
        """
        tasks = self.entries.tasks(key)
        if tasks:
            self.claims.hold(bridge, tasks)
        found = self.entries.get(key)
        return found and {**found, "bridged": bool(tasks)}

    def kind(self, key: str) -> str | None:
        """Return the kind of the stored value, or None."""
        found = self.entries.get(key)
        return None if found is None else found["kind"]

    def release_all(self) -> None:
        """Let go of all data: the cluster is about to end, and its spool folder with it."""
        self._ending = True
        self.claims.release_everything()

    def keep(self, keys: list[str]) -> None:
        """Let these keys outlive the job that made them, however it ends."""
        self.entries.keep(keys)

    def remove(
        self, keys: list[str] | None, retained: list[str], holder: str | None
    ) -> dict[str, Any]:
        """Remove `keys`, or with None all but `retained`; return which, or the locked one."""
        try:
            if keys is None:
                removed = self.entries.remove_all(retained, holder)
            else:
                removed = self.entries.remove(keys, holder)
        except LockedKeyError as error:
            return {"status": "locked", "key": error.key, "by": error.by}
        return {"status": "ok", "removed": removed}

    def remove_when_free(self, key: str, holder: str | None) -> None:
        """Remove `key`, at once or when the last lock that others have on it is given back."""
        self.entries.remove_when_free(key, holder)

    def entry_list(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what `DKV.entries` shows, in order of insertion."""
        return self.entries.listing(kind)

    def lock(self, key: str, holder: str, write: bool, client: str) -> dict[str, Any]:
        """Take a lock for `holder`, or say who is in the way."""
        return self.locks.acquire(key, holder, write, client)

    def unlock(self, key: str, holder: str) -> None:
        """Give back the locks of `holder` on `key`."""
        self.locks.release(key, holder)

    def unlock_all(self) -> None:
        """Break all locks but those of running jobs."""
        self.locks.break_all(
            keep={key for key, job in self.jobs.records.items() if not job.finished}
        )

    def _holder_alive(self, holder: str, client: str) -> bool:
        job = self.jobs.records.get(holder)
        if job is not None:
            return not job.finished
        return client in self.scheduler.clients

    # -- jobs (see store_jobs) ------------------------------------------------------------------

    async def job_create(self, job: dict[str, Any], tasks: list[Any], files: list[str]) -> Any:
        """Register a job and lock its destination."""
        await self.claims.wait_known(tasks)
        return self.jobs.create(job, tasks, files)

    async def job_claimed(self, job: str) -> dict[str, Any] | None:
        """Return the job once its driver task no longer needs the client."""
        await self.jobs.claimed(job)
        return self.jobs.get(job)

    def job_begin(self, job: str, worker: str) -> dict[str, Any]:
        """Note that a driver starts, or starts again after its worker was lost."""
        return self.jobs.begin(job, worker)

    def job_update(self, job: str, attempt: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Store progress; return what the driver must know (cancellation)."""
        return self.jobs.update(job, attempt, changes)

    def job_checkpoint(
        self, job: str, attempt: int, value: bytes | None, tasks: list[Any], files: list[str]
    ) -> None:
        """Store what a driver needs to resume."""
        if self.jobs.is_latest(job, attempt):
            self.jobs.checkpoint(job, value, tasks, files)

    def job_finish(
        self, job: str, attempt: int, status: str, exception: bytes | None, result: bytes | None
    ) -> None:
        """Note that the driver is done."""
        if self.jobs.is_latest(job, attempt):
            self.jobs.finish(job, status, exception, result)

    def job_get(self, job: str) -> dict[str, Any] | None:
        """Return the public state of a job."""
        return self.jobs.get(job)

    def job_list(self) -> list[dict[str, Any]]:
        """Return the public state of all jobs, oldest first."""
        return self.jobs.listing()

    def job_cancel(self, job: str) -> None:
        """Ask the driver to stop."""
        self.jobs.cancel(job)

    def job_remove(self, job: str) -> None:
        """Forget a finished job."""
        self.jobs.remove(job)

    async def job_wait(self, job: str, revision: int, timeout_s: float) -> dict[str, Any] | None:
        """Return the job once it differs from `revision`, or after `timeout_s`."""
        return await self.jobs.wait(job, revision, timeout_s)

    # -- spool ----------------------------------------------------------------------------------

    def spool_hold(self, files: list[str], client: str) -> None:
        """Note that `client` needs these files."""
        self.spool.hold(files, client)

    def spool_release(self, files: list[str], client: str) -> None:
        """Note that `client` no longer needs these files."""
        self.spool.release(files, client)

    def spool_bind(self, files: list[str], tasks: list[Any]) -> None:
        """Note that tasks read these files, and may do so again as long as Dask knows them."""
        self.spool.bind(files, tasks)

    def _delete_files(self, files: list[str]) -> None:
        worker = next(iter(self.scheduler.running), None)
        if worker is not None and not self._ending:
            asyncio.ensure_future(self._tell(worker.address, "dh2o_spool_remove", files=files))  # noqa: RUF006

    # -- hooks of the scheduler -----------------------------------------------------------------

    def transition(self, key: Any, start: str, finish: str, *_: Any, **facts: Any) -> None:
        """Watch drivers; forget that a task which succeeded was on dying workers before."""
        if finish == "memory":
            ts = self.scheduler.tasks.get(key)
            if ts is not None and ts.suspicious:
                ts.suspicious = 0
        elif finish == "no-worker":
            self._let_run_anywhere(key)
        elif finish == "forgotten":
            self.spool.task_forgotten(key)
        self.shards.moved(key, start, finish, facts)
        if key in self.jobs.by_task:
            self.jobs.task_moved(key, finish)

    def remove_worker(self, scheduler: Any, worker: str, *, stimulus_id: str, **_: Any) -> None:  # noqa: ARG002
        """Let go of what lay in files of that worker."""
        self.shards.worker_left(worker, stimulus_id)

    def _let_run_anywhere(self, key: Any) -> None:
        """Drop the wish of a task for a worker when there is none at all.

        Dask would start such a task on any worker, but not once it has waited without workers.
        """
        ts = self.scheduler.tasks.get(key)
        if ts is not None and ts.loose_restrictions:
            ts.worker_restrictions = None

    def remove_client(self, scheduler: Any, client: str) -> None:
        """Drop what only that client needed: its local states on workers, its spool files."""
        self.spool.client_left(client)
        for name in [n for n in scheduler.clients if n.startswith(f"dh2o-got-{client}-")]:
            self.claims.release(name.removeprefix("dh2o-"))
        if not client.startswith("dh2o-"):
            for worker in list(scheduler.workers):
                asyncio.ensure_future(self._tell(worker, "dh2o_local_drop", owner=client))  # noqa: RUF006

    async def _tell(self, address: str, op: str, **message: Any) -> None:
        with suppress(OSError, TimeoutError):  # a worker that is gone has nothing to drop
            await getattr(self.scheduler.rpc(address), op)(**message)


class Claims:
    """Dask's claims on tasks in the name of keys of the DKV."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler

    async def wait_known(self, tasks: Iterable[Any]) -> list[Any]:
        """Wait until the scheduler has taken in the graphs of `tasks`; return those gone."""
        give_up = time.monotonic() + UNKNOWN_GRACE_S
        missing = list(tasks)
        while missing := [t for t in missing if t not in self.scheduler.tasks]:
            if time.monotonic() > give_up and not self.scheduler._active_graph_updates:
                break
            await asyncio.sleep(0.002)
        return missing

    def hold(self, name: str, tasks: Iterable[Any]) -> None:
        """Keep `tasks` alive under `name`."""
        if known := self.known(tasks):
            self.scheduler.client_desires_keys(known, f"dh2o-{name}")

    def known(self, tasks: Iterable[Any]) -> list[Any]:
        """Return those of `tasks` that the scheduler has."""
        return [t for t in tasks if t in self.scheduler.tasks]

    def release_everything(self) -> None:
        """Let go of all tasks."""
        for client in [name for name in self.scheduler.clients if name.startswith("dh2o-")]:
            self.release(client.removeprefix("dh2o-"))

    def release(self, name: str, tasks: Iterable[Any] | None = None) -> None:
        """Let go of `tasks`, or of all that `name` holds."""
        client = self.scheduler.clients.get(f"dh2o-{name}")
        if client is None:
            return
        held = {ts.key for ts in client.wants_what}
        drop = held if tasks is None else held & set(tasks)
        if drop:
            self.scheduler.client_releases_keys(list(drop), f"dh2o-{name}")
        if drop == held:
            self.scheduler.clients.pop(f"dh2o-{name}", None)

    def nbytes(self, tasks: Iterable[Any]) -> int:
        """Return the bytes of the results of `tasks` that are in memory."""
        known = self.scheduler.tasks
        return sum(max(known[t].nbytes, 0) for t in tasks if t in known)
