"""The worker's side of the lane: a plugin that folds blocks and runs local states when asked.

A question carries a tree of workers. The worker asks its children first, works on its own blocks
meanwhile, and answers with what comes of all of them (of a pass: tree nodes, see folding). Each
question has a thread of its own, so that a worker that waits for others never keeps them waiting.
Every answer has a ``status``: ``ok``, ``lost`` (a worker or a block is not where the plan says:
plan again), or ``error`` (what the user's code raised).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin
from distributed.protocol import to_serialize

from dh2o.mrtask import wire
from dh2o.mrtask.allocator import give_back, reuse_memory
from dh2o.mrtask.blocks import BlockKey, Recipe
from dh2o.mrtask.folding import Fold
from dh2o.mrtask.imports import import_packages
from dh2o.mrtask.listener import Listener
from dh2o.mrtask.peers import Asked, Peers
from dh2o.mrtask.room import Room, is_ample
from dh2o.mrtask.shards import Shards
from dh2o.mrtask.store_shards import DROP, file_owner
from dh2o.mrtask.threads import LaneThreads, one_blas_thread
from dh2o.mrtask.watch import ANSWER_ERRORS

PLUGIN_NAME = "dh2o-lane"
_REST_AFTER_S = 0.5
_MAX_RELAYED = 1000  # questions through Dask at a time; each waits in a thread
_AT_WORK = ("executing", "long-running", "cancelled", "resumed")  # states of Dask's tasks
_NO_RESULT = ("error", "rescheduled", "forgotten")


def _ends_without_result(start: str, finish: str) -> bool:
    """Whether a task that was at work leaves nothing behind.

    A cancelled one runs on, and may be wanted again; when it is done, Dask calls that "memory" and
    forgets the result.
    """
    return finish in _NO_RESULT or (start == "cancelled" and finish == "memory")


class BlockMovedError(Exception):
    """A block is not on the worker on which the plan expects it."""


class StateMissingError(Exception):
    """Raised on a worker without the state, or not at the step that the driver has reached."""


class _BadAnswer(Exception):  # noqa: N818  (carries the answer of a worker below)
    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["status"])
        self.answer = answer


class WorkerContext:
    """What a local task may know of the worker on which it runs."""

    def __init__(self, address: str, threads: LaneThreads) -> None:
        self.address = address
        self._threads = threads

    @property
    def n_threads(self) -> int:
        """Threads of this worker."""
        return self._threads.n_threads

    def map(self, fn: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return ``[fn(item) for item in items]``, run on this worker's threads."""
        return self._threads.map(fn, items)


class LanePlugin(WorkerPlugin):
    """Folds, collects and keeps local states on one worker."""

    idempotent = True
    name = PLUGIN_NAME

    worker: Any

    def setup(self, worker: Any) -> None:
        """Register the handlers on the worker's server, and listen beside it."""
        from dh2o.mrtask import serializers
        from dh2o.mrtask.local_worker import LocalStates

        if not worker.address.startswith("inproc:"):  # there the client's process has its modules
            import_packages()
        serializers.register()
        self.room = Room(worker)
        self._will_rest = False
        self.gives_back = is_ample(worker) and reuse_memory()
        self.worker = worker
        self.threads = LaneThreads(worker.state.nthreads)
        self.context = WorkerContext(worker.address, self.threads)
        self.states = LocalStates(self)
        self.shards = Shards(worker.address, worker.local_directory, file_owner(worker))
        worker.stream_handlers[DROP] = self.shards.drop
        self.engine: Any = None  # made when code on this worker first asks for it
        self._ops: dict[str, Callable[..., Any]] = {
            "fold": self._fold,
            "collect": self._collect,
            "build": self.states.build_parcel,
            "run": self.states.run_tree,
            "shard": self.shards.read,
        }
        security = worker.security
        self.peers = Peers(
            worker.loop, worker.rpc, worker.scheduler,
            security.get_connection_args("worker")["ssl_context"], relayed=False,
        )  # fmt: skip
        self.listener = listen(worker, self.serve)
        self._relayed = ThreadPoolExecutor(_MAX_RELAYED, thread_name_prefix="dh2o-relayed")
        worker.handlers.update(
            dh2o_lane=self.handle,
            dh2o_listener=self.handle_listener,
            dh2o_local_drop=self.states.handle_drop,
            dh2o_spool_remove=self.handle_spool_remove,
        )

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """Drop states, connections and threads."""
        self.states.drop()
        if self.listener is not None:
            self.listener.close()
        self.peers.close()
        self._relayed.shutdown(wait=False, cancel_futures=True)
        self.shards.close()
        self.threads.close()

    # -- questions -------------------------------------------------------------------------------

    def serve(self, parcel: wire.Parcel) -> wire.Parcel:
        """Return the answer to a question of another process."""
        try:
            op, message = parcel.open()
            return wire.pack(self.answer(op, message))
        except Exception as error:  # noqa: BLE001  (what cannot be pickled; raised on the driver)
            return wire.pack({"status": "error", "exception": wire.pack_exception(error)})

    def answer(self, op: str, message: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a question: its status, and the value or the exception."""
        return self._guarded(lambda: self._ops[op](**message))

    @staticmethod
    def _guarded(work: Callable[[], Any]) -> dict[str, Any]:
        try:
            return {"status": "ok", "value": work()}
        except _BadAnswer as bad:
            return bad.answer
        except (BlockMovedError, StateMissingError) as error:
            return {"status": "lost", "reason": str(error)}
        except Exception as error:  # noqa: BLE001  (the user's; raised again on the driver)
            return {"status": "error", "exception": wire.pack_exception(error)}

    def over_tree(
        self,
        op: str,
        tree: dict[str, Any],
        message: dict[str, Any],
        own: Callable[[], Any],
        merge: Callable[[list[Any]], Any],
    ) -> Any:
        """Return ``own()`` merged with the answers of the workers below, who are asked first."""
        asked: list[Asked] = []
        try:
            for child in tree["children"]:  # those asked before one fails are cancelled below
                whole = {**message, "tree": child}
                asked.append(self.peers.ask(child["address"], op, whole))
            answers = [self._guarded(own), *[question.answer() for question in asked]]
        finally:
            for question in asked:
                question.cancel()
        for status in ("error", "lost"):
            for answer in answers:
                if answer["status"] == status:
                    raise _BadAnswer(answer)
        values = [answer["value"] for answer in answers]
        return merge(values) if asked else values[0]

    # -- blocks of this worker -------------------------------------------------------------------

    def block(self, recipe: Recipe, idx: int, foreign: dict[BlockKey, Any]) -> Any:
        """Return block `idx` from this worker's memory and the fetched `foreign` parts."""
        parts = []
        for key in recipe.keys_of(idx):
            part = foreign.get(key)
            if part is None:
                try:
                    part = self.room.value(key)
                except KeyError:
                    raise BlockMovedError(f"{key} is not on {self.worker.address}") from None
            parts.append(part)
        return recipe.assemble(idx, parts)

    def fold(
        self, task: Any, recipe: Recipe, numbers: Sequence[int], foreign: dict[BlockKey, Any]
    ) -> Fold:
        """Return the fold of `task` over these blocks of this worker."""
        fold = Fold(task.combine, len(recipe.layout))

        def one(idx: int) -> None:
            fold.add(0, idx, task.map(self.block(recipe, idx, foreign)))

        with one_blas_thread():
            self.threads.map(one, numbers)
        return fold

    def each(
        self,
        fn: Callable[[Any], Any],
        recipe: Recipe,
        numbers: Sequence[int],
        foreign: dict[BlockKey, Any],
    ) -> list[Any]:
        """Return fn(block) for these blocks of this worker."""
        with one_blas_thread():
            return self.threads.map(lambda idx: fn(self.block(recipe, idx, foreign)), numbers)

    def fetch(self, foreign: dict[str, list[BlockKey]]) -> dict[BlockKey, Any]:
        """Return parts of blocks that lie on other workers."""
        if not foreign:
            return {}
        loop = self.worker.loop.asyncio_loop
        return asyncio.run_coroutine_threadsafe(self._fetch(foreign), loop).result()

    async def _fetch(self, foreign: dict[str, list[BlockKey]]) -> dict[BlockKey, Any]:
        from distributed.worker import get_data_from_worker

        found: dict[BlockKey, Any] = {}
        for address, keys in foreign.items():
            try:
                answer = await get_data_from_worker(self.worker.rpc, keys, address, who=None)
            except ANSWER_ERRORS as error:
                raise BlockMovedError(f"{address}: {error}") from error
            if answer["status"] != "OK" or set(answer["data"]) != set(keys):
                raise BlockMovedError(f"{address} does not send {keys[0]}")
            found.update(answer["data"])
        return {key: _plain(value) for key, value in found.items()}

    def _fold(
        self, tree: dict[str, Any], parcel: wire.Parcel, opened: tuple[Any, Recipe] | None = None
    ) -> list[Any]:
        """Return the tree nodes of this worker's blocks and those of the workers below it."""
        found: list[tuple[Any, Recipe]] = [] if opened is None else [opened]

        def own() -> list[Any]:
            found[:] = found or [parcel.open()]
            task, recipe = found[0]
            parts = self.fetch(tree["foreign"])
            return self.fold(task, recipe, tree["blocks"], parts).nodes()

        def merge(values: list[Any]) -> list[Any]:
            task, recipe = found[0]
            fold = Fold(task.combine, len(recipe.layout))
            for nodes in values:
                fold.extend(nodes)
            return fold.nodes()

        return self.over_tree("fold", tree, {"parcel": parcel}, own, merge)

    def _collect(
        self, parcel: wire.Parcel, blocks: list[int], foreign: dict[str, list[BlockKey]]
    ) -> list[Any]:
        """Return the results of a function for this worker's blocks, not folded."""
        fn, recipe = parcel.open()
        return self.each(fn, recipe, blocks, self.fetch(foreign))

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:  # noqa: ARG002
        """Spill before and after a task; give back what results took that Dask has dropped."""
        if finish in ("executing", "memory"):
            self.room.tend()
        if start == "memory":
            self.shards.release(key)
        elif start in _AT_WORK and _ends_without_result(start, finish):
            self.shards.discard(key)
        if start == "memory" and self.gives_back and not self._will_rest:
            self._will_rest = True
            self.worker.loop.call_later(_REST_AFTER_S, self.rest)

    def rest(self) -> None:
        """Give freed memory back: the work that would have used it again has ended."""
        self._will_rest = False
        if self.gives_back:
            with suppress(RuntimeError):  # the worker is closing
                self._relayed.submit(give_back)

    # -- handlers of Dask's server ---------------------------------------------------------------

    async def handle(self, parcel: wire.Parcel) -> dict[str, Any]:
        """Answer a question that came through Dask."""
        loop = asyncio.get_running_loop()
        return {
            "parcel": to_serialize(await loop.run_in_executor(self._relayed, self.serve, parcel))
        }

    async def handle_listener(self) -> dict[str, Any]:
        """Say where this worker takes direct connections."""
        if self.listener is None:
            return {"place": None}
        return {"place": self.listener.place, "token": self.listener.token}

    async def handle_spool_remove(self, files: list[str]) -> None:
        """Delete spool files that nobody needs."""
        from dh2o.mrtask.spool import remove_files

        try:
            removal = self.threads.submit(remove_files, files)
        except RuntimeError:  # the threads have ended: so does the cluster, and its spool folder
            return
        await asyncio.wrap_future(removal)


def listen(worker: Any, serve: Callable[[wire.Parcel], wire.Parcel]) -> Listener | None:
    """Return the listener of a worker; None if its transport is not TCP, or its host not local."""
    if worker.address.partition("://")[0] not in ("tcp", "tls"):
        return None
    try:
        return Listener(worker.ip, serve, worker.security.get_listen_args("worker")["ssl_context"])
    except OSError:
        return None


def _plain(value: Any) -> Any:
    from distributed.protocol import Serialized, deserialize

    if isinstance(value, Serialized):
        return deserialize(value.header, value.frames)
    return value


def lane_of(worker: Any) -> LanePlugin:
    """Return the lane plugin of a worker of this process."""
    plugin: LanePlugin = worker.plugins[PLUGIN_NAME]
    return plugin
