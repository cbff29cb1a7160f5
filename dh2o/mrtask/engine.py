"""The engine: one process's connection to a cluster, and everything that runs through it."""

from __future__ import annotations

import contextvars
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from dh2o.errors import DH2OError, WorkerLostError
from dh2o.mrtask import direct, graph
from dh2o.mrtask.blocks import Blocks, Claim, Recipe, Source
from dh2o.mrtask.dkv import DKV
from dh2o.mrtask.jobs import Job, JobTable
from dh2o.mrtask.lane import Lane
from dh2o.mrtask.local import LocalState
from dh2o.mrtask.spool import Spool, SpoolRef
from dh2o.mrtask.store_entries import PLUGIN_NAME
from dh2o.mrtask.task_errors import task_error
from dh2o.mrtask.turns import on_loop

if TYPE_CHECKING:
    from distributed import Client

    from dh2o.chunks import Block
    from dh2o.mrtask.lane_worker import LanePlugin
    from dh2o.mrtask.store import StorePlugin
    from dh2o.mrtask.task import MRTask


class Engine:
    """Runs passes, makes blocks, starts jobs and keeps keys on one Dask cluster.

    Made by `init`. Code in tasks and jobs gets the one of its worker from `current_engine`.
    """

    def __init__(
        self, client: Client, *, worker: Any = None, cluster: Any = None, spool: str | None = None
    ) -> None:
        from dh2o.mrtask import serializers
        from dh2o.mrtask.lane_worker import lane_of

        serializers.register()
        self.client = client
        self.own_worker = worker
        self.own_lane = None if worker is None else lane_of(worker)
        self.own_address: str | None = None if worker is None else worker.address
        scheduler = getattr(cluster, "scheduler", None)
        # the scheduler, if it and the only worker live in this process (see direct)
        self.scheduler_here = scheduler if worker is not None else None
        self._near_scheduler = scheduler if _share_loop(scheduler, client) else None
        self.recovery_timeout_s = 300.0
        self.closed = False
        self._cluster = cluster
        self._on_close: list[Callable[[], None]] = []
        self._claims: weakref.WeakValueDictionary[Any, Claim] = weakref.WeakValueDictionary()
        self._claims_lock = threading.Lock()
        self.lane = Lane(self)
        self.dkv = DKV(self)
        self.spool = Spool(self, spool)
        self._jobs = JobTable(self)

    # -- making blocks ---------------------------------------------------------------------------

    def map_blocks(
        self,
        fn: Callable[..., Any],
        sources: Source | Sequence[Source],
        *args: Any,
        layout: Sequence[int] | None = None,
        name: str | None = None,
    ) -> Blocks:
        """Return the blocks ``fn(block, ..., *args)``, one block argument for each source.

        `fn` returns a Block or a tuple of chunks. With a `layout` (the row counts it will make)
        this does not wait; without one the row counts are asked of the results.
        """
        many: Sequence[Any] = sources if isinstance(sources, (list, tuple)) else [sources]
        recipes = [Recipe.of(source) for source in many]
        return graph.make_blocks(self, fn, recipes, args, layout, name)

    def submit_blocks(
        self,
        fn: Callable[..., Any],
        args: Sequence[tuple[Any, ...]],
        *,
        deps: Sequence[Sequence[Any]] | None = None,
        layout: Sequence[int] | None = None,
        name: str | None = None,
    ) -> Blocks:
        """Return blocks made by one task for each element of `args`.

        Task i runs ``fn(*args[i])``, or with `deps` ``fn(*args[i], inputs)``, where ``inputs`` is
        the list of what ``deps[i]`` names: a pair (frame or Blocks, block number) gives that block,
        a future of `submit` its result.
        """
        key, futures, homes = self._submit(fn, args, deps, name, makes_block=True)
        return graph.finished_blocks(self, key, futures, homes, layout)

    def keep_blocks(self, made: Sequence[Block]) -> Blocks:
        """Return blocks that this process has made as those of the worker that lives here.

        There must be one (`scheduler_here`); it is lost only together with what made them.
        """
        name = f"kept-{uuid.uuid4().hex[:12]}"
        keys = [(name, i) for i in range(len(made))]
        futures = direct.hand_over(self, dict(zip(keys, made, strict=True)))
        homes = (self.own_address or "",) * len(made)
        layout = [block.n_rows for block in made]
        return graph.finished_blocks(self, name, futures, homes, layout)

    def submit(
        self,
        fn: Callable[..., Any],
        args: Sequence[tuple[Any, ...]],
        *,
        deps: Sequence[Sequence[Any]] | None = None,
        name: str | None = None,
    ) -> list[Any]:
        """Return futures of tasks as in `submit_blocks`, whose results may be anything."""
        _, futures, _ = self._submit(fn, args, deps, name, makes_block=False)
        return list(futures.values())

    def _submit(
        self, fn: Any, args: Any, deps: Any, name: str | None, *, makes_block: bool
    ) -> tuple[str, dict[Any, Any], tuple[str, ...]]:
        inputs = [[self._input(d) for d in group] for group in deps or [[]] * len(args)]
        call = graph.TaskCall(graph.task_name(name or fn), makes_block)
        if deps is None:  # fn takes no list of inputs then
            return graph.submit(self, call, fn, args, inputs, spread=True)
        return graph.submit(self, call, fn, args, inputs, spread=False)

    def _input(self, dep: Any) -> graph.Dependency:
        if isinstance(dep, tuple) and len(dep) == 2 and not isinstance(dep[0], str):
            return graph.block_input(self, Recipe.of(dep[0]), dep[1])
        return graph.Dependency([dep], None, None)

    # -- looking at blocks -----------------------------------------------------------------------

    def fold(self, task: MRTask, source: Source, carrier: str = "lane") -> Any:
        """Return the combined partial results of `task` over all blocks (None without blocks)."""
        recipe = Recipe.of(source)
        if carrier == "lane":
            return self.lane.fold(task, recipe)
        return graph.fold(self, task, recipe)

    def collect(
        self, source: Source, fn: Callable[[Any], Any], indices: Sequence[int] | None = None
    ) -> list[Any]:
        """Return ``fn(block)`` for the blocks of these numbers, run where they lie."""
        return self.lane.collect(Recipe.of(source), fn, indices)

    def gather(self, what: Any) -> list[Any]:
        """Return the blocks themselves, or the results of futures of `submit`, in this process."""
        if isinstance(what, Blocks) or hasattr(what, "columns"):
            return self.lane.blocks(Recipe.of(what))
        futures = list(what)
        found = list(self.client.gather(futures, errors="skip"))  # see task_errors
        for future in futures:
            if future.status != "finished":
                self.raise_task_error(future.key)
        return found

    def wait(self, source: Source) -> None:
        """Return once all blocks are in memory; raises what made a block fail."""
        recipe = Recipe.of(source)
        if recipe.layout:
            self.lane.plan(recipe)

    def local(self, frame: Source, build: Callable[..., Any], payload: Any = None) -> LocalState:
        """Return per-worker state made by ``build(blocks, payload, worker)`` where blocks lie."""
        return LocalState(self, Recipe.of(frame), build, payload)

    # -- jobs ------------------------------------------------------------------------------------

    def start_job(
        self,
        description: str,
        fn: Callable[..., Any],
        *args: Any,
        dest: str | None = None,
        dest_type: str = "Key",
    ) -> Job:
        """Return a job that runs ``fn(ctx, *args)`` on some worker; it write-locks `dest`."""
        return self._jobs.start(description, fn, args, dest, dest_type)

    def job(self, key: str) -> Job:
        """Return the job of this key."""
        return self._jobs.get(key)

    def jobs(self) -> list[Job]:
        """Return all jobs of the cluster, oldest first."""
        return self._jobs.all()

    # -- the cluster -----------------------------------------------------------------------------

    def workers(self) -> list[tuple[str, int]]:
        """Return address and thread count of every running worker."""
        return [(address, n) for address, n in self.call("workers")]

    def worker_facts(self) -> list[dict[str, Any]]:
        """Return address, pid, n_threads, memory, cpu_pct, … of every running worker."""
        return [dict(facts) for facts in self.call("worker_facts")]

    def memory_limits(self) -> list[int]:
        """Return how many bytes each running worker may take, 0 for no limit.

        Where the only worker lives in this process, the scheduler's thread is not asked.
        """
        if self.scheduler_here is not None:
            return [int(self.own_worker.memory_manager.memory_limit or 0)]
        return [int(facts["memory_limit"]) for facts in self.worker_facts()]

    def places(self, source: Source) -> list[str]:
        """Return the address of the worker on which each block lies."""
        recipe = Recipe.of(source)
        if not recipe.layout:
            return []
        plan = self.lane.plan(recipe)
        place = {idx: share.address for share in plan.shares for idx in share.blocks}
        return [place[idx] for idx in range(len(recipe.layout))]

    @property
    def owns_cluster(self) -> bool:
        """Whether `init` started the cluster, which then ends with the engine."""
        return self._cluster is not None

    @property
    def dashboard_link(self) -> str | None:
        """The address of Dask's dashboard, if there is one."""
        if not self.call("has_dashboard"):
            return None
        scheduler = self.client.scheduler_info(n_workers=0)
        if scheduler["address"].startswith("inproc"):  # Dask would name the machine's outer address
            return f"http://127.0.0.1:{scheduler['services']['dashboard']}/status"
        return str(self.client.dashboard_link)

    def futures(self, blocks: Blocks) -> dict[Any, Any]:
        """Return this process's futures of `blocks` (at least); they keep the data alive."""
        claim = blocks.claim
        if claim is not None and claim.engine is self:
            return claim.futures
        with self._claims_lock:
            claim = self._claims.get(blocks.uid)
            if claim is None:
                claim = self._claims.get(blocks.name)
            if claim is None or not all(key in claim.futures for key in blocks.keys):
                claim = self._new_claim(blocks)
                self._claims[blocks.uid] = claim
            blocks.claim = claim
        return claim.futures

    def _new_claim(self, blocks: Blocks) -> Claim:
        from distributed import Future

        futures = {key: Future(key, self.client) for key in blocks.keys}
        if futures:
            self._claim(list(futures))
        return Claim(self, futures)

    def remember(self, name: str, claim: Claim) -> None:
        """Let later Blocks of this name share the claim."""
        with self._claims_lock:
            self._claims[name] = claim

    def hold(self, mentioned: Iterable[Any], bridge: str | None = None) -> None:
        """Claim the blocks that an unpickled value mentions; end the store's hold on them."""
        for thing in mentioned:
            if isinstance(thing, Blocks):
                self.futures(thing)
        if bridge is not None:
            self._claim([], bridge)

    def _claim(self, keys: list[Any], bridge: str = "") -> None:
        """Tell the scheduler that this client needs `keys`, in order with what it releases."""
        client = self.client
        message = {"op": "dh2o-claim", "keys": keys, "client": client.id, "bridge": bridge}
        client._send_to_scheduler(message)

    def bind_files(self, mentioned: Iterable[Any], tasks: list[Any]) -> None:
        """Keep the spool files that the arguments of `tasks` mention as long as the tasks."""
        files = [thing.url for thing in mentioned if isinstance(thing, SpoolRef)]
        if files:
            self.call("spool_bind", files=files, tasks=tasks)

    def raise_task_error(self, key: Any) -> None:
        """Raise what made the task `key` fail."""
        from distributed import Future

        if key not in self.client.futures:
            raise DH2OError(f"Task {key} failed.")
        future = Future(key, self.client)
        error = future.exception(timeout=30) or DH2OError(f"Task {key} failed.")
        raise task_error(error, future.traceback(timeout=30))

    def holds_all(self, keys: Iterable[Any]) -> bool:
        """Return whether the only worker lives in this process and has these results."""
        if self.scheduler_here is None:
            return False
        data = self.own_worker.data
        return all(key in data for key in keys)

    def here(self) -> LanePlugin:
        """Return the lane of the worker in this process; there must be one."""
        if self.own_lane is None:
            raise DH2OError("There is no worker in this process.")
        return self.own_lane

    # -- plumbing --------------------------------------------------------------------------------

    def sync(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return the result of a coroutine function, run on the client's event loop."""
        return self.client.sync(fn, *args, **kwargs)

    def call(self, op: str, **message: Any) -> Any:
        """Return the answer of a handler of the scheduler's plugin (see store)."""
        self.check_open()
        store = self.store_here()
        try:
            if store is not None and not self.client.asynchronous:
                return on_loop(self.client.loop, getattr(store, op), **message)
            return self.client.sync(getattr(self.client.scheduler, f"dh2o_{op}"), **message)
        except OSError as error:
            raise WorkerLostError(
                "The scheduler does not answer: the cluster has ended, or the network has. "
                "Start it again and call dh2o.init()."
            ) from error

    def store_here(self) -> StorePlugin | None:
        """Return the store itself where the scheduler runs on an event loop of this process."""
        scheduler = self._near_scheduler
        if scheduler is None or scheduler.status.name != "running":
            return None
        store: StorePlugin | None = scheduler.plugins.get(PLUGIN_NAME)
        return store

    def send(self, op: str, **message: Any) -> None:
        """Call a handler of the scheduler's plugin some time soon; safe in finalizers."""
        if not self.closed:
            self._later(self._quietly, getattr(self.client.scheduler, f"dh2o_{op}"), message)

    def tell_workers(self, addresses: Sequence[str], op: str, **message: Any) -> None:
        """Send a message to workers some time soon; safe in finalizers."""
        if self.closed:
            return
        for address in addresses:
            if address == self.own_address:
                self.own_worker.handlers[op](**message)
            else:
                self._later(self._quietly, getattr(self.client.rpc(address), op), message)

    def _later(self, fn: Callable[..., Any], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended: so has what the message was about
            self.client.loop.add_callback(fn, *args)

    @staticmethod
    async def _quietly(fn: Callable[..., Any], message: dict[str, Any]) -> None:
        with suppress(OSError, TimeoutError):  # whoever is gone needs no message
            await fn(**message)

    def check_open(self) -> None:
        """Raise if the engine was closed."""
        if self.closed:
            raise DH2OError("This engine was closed. Call dh2o.init() for a new one.")

    def when_closed(self, fn: Callable[[], None]) -> None:
        """Run `fn` when the engine closes."""
        self._on_close.append(fn)

    def close(self) -> None:
        """Leave the cluster; a cluster that `init` started ends."""
        if self.closed:
            return
        if self._cluster is not None and self.client.status == "running":
            self._jobs.stop_all()
            self.call("release_all")
        self.closed = True
        _forget_engine(self)
        with ExitStack() as ends:  # the last first, and each whatever another raises
            for fn in self._on_close:
                ends.callback(fn)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _repr_html_(self) -> str:
        from dh2o.mrtask.status import status_html

        return status_html(self)

    def __repr__(self) -> str:
        where = "in this process" if self.own_worker is not None else self.client.scheduler.address
        return f"<dh2o Engine {'closed' if self.closed else where}>"


def _share_loop(scheduler: Any, client: Client) -> bool:
    return scheduler is not None and scheduler.loop is client.loop


# -- which engine is meant -----------------------------------------------------------------------

_engines: list[Engine] = []
_chosen: contextvars.ContextVar[Engine | None] = contextvars.ContextVar("dh2o_engine", default=None)
_worker_lock = threading.Lock()


def set_current(engine: Engine) -> None:
    """Make `engine` the one that `current_engine` gives in this process."""
    _forget_engine(engine)
    _engines.append(engine)


def _forget_engine(engine: Engine) -> None:
    if engine in _engines:
        _engines.remove(engine)


@contextmanager
def use_engine(engine: Engine) -> Iterator[Engine]:
    """Make `engine` the current one of this thread meanwhile."""
    token = _chosen.set(engine)
    try:
        yield engine
    finally:
        _chosen.reset(token)


def find_engine() -> Engine | None:
    """Return the current engine, or None."""
    chosen = _chosen.get()
    if chosen is not None and not chosen.closed:
        return chosen
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return _engines[-1] if _engines else None
    return engine_on(worker)


def current_engine() -> Engine:
    """Return the engine of this process: what `init` made, or in a task the worker's own."""
    engine = find_engine()
    if engine is None:
        raise DH2OError("There is no engine yet. Call dh2o.init() first.")
    return engine


def engine_on(worker: Any) -> Engine:
    """Return the engine of a worker of this process."""
    from dh2o.mrtask.lane_worker import lane_of

    lane = lane_of(worker)
    with _worker_lock:
        if lane.engine is None or lane.engine.closed:
            lane.engine = Engine(worker._get_client(), worker=worker)
        engine: Engine = lane.engine
    return engine


def engine_of(parts: Sequence[Blocks]) -> Engine:
    """Return the engine that holds the data of `parts`, else the current one."""
    for part in parts:
        if part.claim is not None and not part.claim.engine.closed:
            return part.claim.engine
    return current_engine()
