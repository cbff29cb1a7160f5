"""The worker's side of the lane: a plugin whose message handlers fold blocks and run local states.

A request carries a tree of workers. The handler starts its children's requests, folds its own
blocks on its own threads meanwhile, and answers with the tree nodes (see folding) of all of them.
Every answer has a ``status``: ``ok``, ``lost`` (a worker or a block is not where the plan says:
plan again), or ``error`` (what the user's code raised).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin
from distributed.protocol import to_serialize

from dh2o.mrtask import wire
from dh2o.mrtask.blocks import BlockKey, Recipe
from dh2o.mrtask.folding import Fold
from dh2o.mrtask.threads import LaneThreads, one_blas_thread
from dh2o.mrtask.watch import ANSWER_ERRORS, ask

PLUGIN_NAME = "dh2o-lane"


class BlockMovedError(Exception):
    """A block is not on the worker on which the plan expects it."""


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
        """Register the handlers on the worker's server."""
        from dh2o.mrtask import serializers
        from dh2o.mrtask.local_worker import LocalStates

        serializers.register()
        self.worker = worker
        self.threads = LaneThreads(worker.state.nthreads)
        self.context = WorkerContext(worker.address, self.threads)
        self.states = LocalStates(self)
        self.engine: Any = None  # made when code on this worker first asks for it
        worker.handlers.update(
            dh2o_fold=self.handle_fold,
            dh2o_collect=self.handle_collect,
            dh2o_local_build=self.states.handle_build,
            dh2o_local_run=self.states.handle_run,
            dh2o_local_drop=self.states.handle_drop,
            dh2o_spool_remove=self.handle_spool_remove,
        )

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """Drop states and threads."""
        self.states.handle_drop()
        self.threads.close()

    # -- blocks of this worker -------------------------------------------------------------------

    def block(self, recipe: Recipe, idx: int, foreign: dict[BlockKey, Any]) -> Any:
        """Return block `idx` from this worker's memory and the fetched `foreign` parts."""
        data = self.worker.data
        parts = []
        for key in recipe.keys_of(idx):
            part = foreign.get(key)
            if part is None:
                try:
                    part = data[key]
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

    async def fetch(self, foreign: dict[str, list[BlockKey]]) -> dict[BlockKey, Any]:
        """Return parts of blocks that lie on other workers."""
        from distributed.worker import get_data_from_worker

        found: dict[BlockKey, Any] = {}
        for address, keys in foreign.items():
            answer = await get_data_from_worker(self.worker.rpc, keys, address, who=None)
            if answer["status"] != "OK" or set(answer["data"]) != set(keys):
                raise BlockMovedError(f"{address} does not send {keys[0]}")
            found.update(answer["data"])
        return {key: _plain(value) for key, value in found.items()}

    # -- handlers --------------------------------------------------------------------------------

    async def handle_fold(self, tree: dict[str, Any], parcel: Any) -> dict[str, Any]:
        """Fold this worker's blocks and those of the workers below it."""
        children = [
            asyncio.ensure_future(self.ask(child["address"], "dh2o_fold", parcel, tree=child))
            for child in tree["children"]
        ]
        try:
            foreign = await self.fetch(tree["foreign"])
            own = await self.in_thread(self._fold_parcel, parcel, tree["blocks"], foreign)
            answers = [own, *[await child for child in children]]
            bad = next((a for a in answers if a["status"] == "error"), None) or next(
                (a for a in answers if a["status"] != "ok"), None
            )
            if bad is not None:
                return bad
            if not children:
                return {"status": "ok", "nodes": to_serialize(Nodes(own["nodes"]))}
            return await self.in_thread(self._merge, parcel, answers)
        except (*ANSWER_ERRORS, BlockMovedError) as error:
            return {"status": "lost", "reason": str(error)}
        finally:
            for child in children:
                child.cancel()

    def _fold_parcel(
        self, parcel: Any, numbers: list[int], foreign: dict[BlockKey, Any]
    ) -> dict[str, Any]:
        try:
            task, recipe = parcel.open()
            return {"status": "ok", "nodes": self.fold(task, recipe, numbers, foreign).nodes()}
        except BlockMovedError as error:
            return {"status": "lost", "reason": str(error)}
        except Exception as error:  # noqa: BLE001  (the user's; raised again on the driver)
            return {"status": "error", "exception": wire.pack_exception(error)}

    def _merge(self, parcel: Any, answers: list[dict[str, Any]]) -> dict[str, Any]:
        try:
            task, recipe = parcel.open()
            fold = Fold(task.combine, len(recipe.layout))
            for answer in answers:
                nodes = answer["nodes"]
                fold.extend(nodes.nodes if isinstance(nodes, Nodes) else nodes)
            return {"status": "ok", "nodes": to_serialize(Nodes(fold.nodes()))}
        except Exception as error:  # noqa: BLE001
            return {"status": "error", "exception": wire.pack_exception(error)}

    async def handle_collect(
        self, parcel: Any, blocks: list[int], foreign: dict[str, list[BlockKey]]
    ) -> dict[str, Any]:
        """Return the results of a function for this worker's blocks, not folded."""
        try:
            parts = await self.fetch(foreign)
            return await self.in_thread(self._collect_parcel, parcel, blocks, parts)
        except (*ANSWER_ERRORS, BlockMovedError) as error:
            return {"status": "lost", "reason": str(error)}

    def _collect_parcel(
        self, parcel: Any, numbers: list[int], foreign: dict[BlockKey, Any]
    ) -> dict[str, Any]:
        try:
            fn, recipe = parcel.open()
            values = self.each(fn, recipe, numbers, foreign)
            return {"status": "ok", "values": to_serialize(Nodes(values))}
        except BlockMovedError as error:
            return {"status": "lost", "reason": str(error)}
        except Exception as error:  # noqa: BLE001
            return {"status": "error", "exception": wire.pack_exception(error)}

    async def handle_spool_remove(self, files: list[str]) -> None:
        """Delete spool files that nobody needs."""
        from dh2o.mrtask.spool import remove_files

        await self.in_thread(remove_files, files)

    # -- plumbing --------------------------------------------------------------------------------

    async def ask(self, address: str, op: str, parcel: Any, **message: Any) -> dict[str, Any]:
        """Return the answer of another worker; a `lost` one if it cannot be reached."""
        worker = self.worker
        message["parcel"] = to_serialize(parcel)
        try:
            answer: dict[str, Any]
            answer = await ask(worker.rpc, worker.scheduler, address, op, message)
        except ANSWER_ERRORS as error:
            return {"status": "lost", "reason": f"{address}: {error}"}
        return answer

    async def in_thread(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Run `fn` on one of this worker's lane threads."""
        return await asyncio.wrap_future(self.threads.submit(fn, *args))


class Nodes:
    """Results on their way; a class, so that they are pickled as one, buffers outside."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list[Any]) -> None:
        self.nodes = nodes

    def __reduce__(self) -> tuple[Any, ...]:
        return Nodes, (self.nodes,)


def _plain(value: Any) -> Any:
    from distributed.protocol import Serialized, deserialize

    if isinstance(value, Serialized):
        return deserialize(value.header, value.frames)
    return value


def lane_of(worker: Any) -> LanePlugin:
    """Return the lane plugin of a worker of this process."""
    plugin: LanePlugin = worker.plugins[PLUGIN_NAME]
    return plugin
