"""The lane carrier, driver's side: plan, ask the root of the worker tree, again if one was lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from distributed.protocol import to_serialize

from dh2o.errors import KeyNotFoundError, WorkerLostError
from dh2o.mrtask import wire
from dh2o.mrtask.blocks import Recipe
from dh2o.mrtask.folding import Fold
from dh2o.mrtask.lane_worker import BlockMovedError
from dh2o.mrtask.plan import Plan, make_plan
from dh2o.mrtask.watch import ANSWER_ERRORS, ask

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

_MAX_PLANS = 256
_WHERE_WAIT_S = 5.0
_REACH_TIMEOUT_S = 3.0


class LostError(Exception):
    """A worker or a block is not where the plan says."""


class Lane:
    """Runs passes over blocks where they lie, without the scheduler."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._plans_lock = threading.Lock()
        # whether workers are out of reach; None: not tried. Workers do reach each other.
        self._relayed: bool | None = None if engine.own_worker is None else False

    # -- passes ----------------------------------------------------------------------------------

    def fold(self, task: Any, recipe: Recipe) -> Any:
        """Return the total of ``task.map`` over all blocks, or None without blocks."""
        if not recipe.layout:
            return None
        return self.retrying(recipe, lambda plan: self._fold_once(task, recipe, plan))

    def _fold_once(self, task: Any, recipe: Recipe, plan: Plan) -> Any:
        own = self.own_share(plan)
        if own is not None:
            return own.fold(task, recipe, plan.numbers, {}).total()
        parcel = wire.pack((task, recipe))
        answer = self._engine.sync(
            self._ask, plan.tree(self._engine.own_address), "dh2o_fold", parcel
        )
        fold = Fold(task.combine, len(recipe.layout))
        nodes = checked(answer)["nodes"]
        fold.extend(getattr(nodes, "data", nodes).nodes)
        return fold.total()

    def collect(
        self, recipe: Recipe, fn: Callable[[Any], Any], numbers: Sequence[int] | None
    ) -> list[Any]:
        """Return ``fn(block)`` for the blocks of these numbers (all), in that order."""
        wanted = tuple(range(len(recipe.layout)) if numbers is None else numbers)
        if not wanted:
            return []
        found = self.retrying(recipe, lambda plan: self._collect_once(recipe, fn, plan), wanted)
        return [found[idx] for idx in wanted]

    def _collect_once(self, recipe: Recipe, fn: Any, plan: Plan) -> dict[int, Any]:
        own = self.own_share(plan)
        if own is not None:
            return dict(zip(plan.numbers, own.each(fn, recipe, plan.numbers, {}), strict=True))
        parcel = wire.pack((fn, recipe))
        answers = self._engine.sync(self._ask_all, plan, parcel)
        found: dict[int, Any] = {}
        for share, answer in zip(plan.shares, answers, strict=True):
            values = checked(answer)["values"]
            found.update(zip(share.blocks, getattr(values, "data", values).nodes, strict=True))
        return found

    # -- plans -----------------------------------------------------------------------------------

    def retrying(
        self, recipe: Recipe, run: Callable[[Plan], Any], numbers: tuple[int, ...] | None = None
    ) -> Any:
        """Return ``run(plan)``; with a new plan as long as workers or blocks are lost meanwhile."""
        give_up = None
        delay = 0.01
        while True:
            try:
                return run(self.plan(recipe, numbers))
            except (LostError, BlockMovedError) as error:
                now = time.monotonic()
                give_up = give_up or now + self._engine.recovery_timeout_s
                if now > give_up:
                    raise WorkerLostError(
                        f"Workers kept leaving during a pass ({error}). "
                        "Check their memory and logs, then run it again."
                    ) from error
                self.forget_plans()
                time.sleep(delay)
                delay = min(delay * 2, 0.5)

    def plan(self, recipe: Recipe, numbers: tuple[int, ...] | None = None) -> Plan:
        """Return where the blocks are worked on; asks the scheduler once per set of blocks."""
        key = (recipe.uid, numbers)
        plan = self._plans.get(key)
        if plan is None:
            wanted = tuple(range(len(recipe.layout))) if numbers is None else numbers
            plan = make_plan(recipe, wanted, self._holders(recipe, wanted))
            with self._plans_lock:
                self._plans[key] = plan
                if len(self._plans) > _MAX_PLANS:
                    self._plans.popitem(last=False)
        return plan

    def forget_plans(self) -> None:
        """Drop all plans: one that was wrong says that workers have left."""
        with self._plans_lock:
            self._plans.clear()

    def _holders(self, recipe: Recipe, numbers: Sequence[int]) -> dict[Any, list[str]]:
        for part in recipe.parts:
            self._engine.futures(part)
        keys = list(dict.fromkeys(k for idx in numbers for k in recipe.keys_of(idx)))
        without_workers_since = None
        while True:
            found = self._engine.call("where", keys=keys, wait_s=_WHERE_WAIT_S)
            if found["status"] == "ok":
                names = found["workers"]
                return {
                    key: [names[i] for i in at]
                    for key, at in zip(keys, found["holders"], strict=True)
                }
            if found["status"] == "erred":
                self._engine.raise_task_error(tuple(found["key"]))
            if found["status"] == "unknown":
                raise KeyNotFoundError(
                    f"The data of {found['keys'][0][0]!r} are gone: they were deleted, "
                    "or lost with the scheduler. Import or compute them again."
                )
            now = time.monotonic()
            if found["n_workers"]:
                without_workers_since = None
            else:
                without_workers_since = without_workers_since or now
                if now - without_workers_since > self._engine.recovery_timeout_s:
                    raise WorkerLostError("The cluster has no workers. Start some, then try again.")

    def own_share(self, plan: Plan) -> Any:
        """Return this process's lane if it holds every block of the plan, else None."""
        engine = self._engine
        if engine.own_lane is None or len(plan.shares) != 1:
            return None
        share = plan.shares[0]
        return (
            engine.own_lane if share.address == engine.own_address and not share.foreign else None
        )

    # -- talking to workers ----------------------------------------------------------------------

    async def _ask(self, tree: dict[str, Any], op: str, parcel: Any) -> dict[str, Any]:
        return await self.request(tree["address"], op, tree=tree, parcel=parcel)

    async def _ask_all(self, plan: Plan, parcel: Any) -> list[dict[str, Any]]:
        return await asyncio.gather(
            *(
                self.request(
                    s.address,
                    "dh2o_collect",
                    blocks=list(s.blocks),
                    foreign=s.foreign,
                    parcel=parcel,
                )
                for s in plan.shares
            )
        )

    async def request(self, address: str, op: str, **message: Any) -> dict[str, Any]:
        """Return a worker's answer; a worker that cannot be reached gives a `lost` one."""
        engine = self._engine
        try:
            if address == engine.own_address:
                here: dict[str, Any] = await engine.own_worker.handlers[op](**message)
                return here
            if "parcel" in message:
                message["parcel"] = to_serialize(message["parcel"])
            client = engine.client
            if await self._through_scheduler(address):
                answer = await client.scheduler.dh2o_relay(
                    address=address, handler=op, message=message
                )
            else:
                answer = await ask(client.rpc, client.scheduler, address, op, message)
        except ANSWER_ERRORS as error:
            return {"status": "lost", "reason": f"{address}: {error}"}
        found: dict[str, Any] = answer
        return found

    async def _through_scheduler(self, address: str) -> bool:
        """Return whether this process reaches workers only through the scheduler; tried once."""
        if self._relayed is None:
            pool = self._engine.client.rpc
            try:
                pool.reuse(address, await pool.connect(address, timeout=_REACH_TIMEOUT_S))
            except ANSWER_ERRORS:
                if not await self._engine.client.scheduler.dh2o_alive(address=address):
                    raise  # it has just left: that says nothing about the others
                self._relayed = True
            else:
                self._relayed = False
        return self._relayed

    def ask_every(
        self, addresses: Sequence[str], op: str, messages: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the answers of several workers, asked at once."""

        async def gather() -> Any:
            return await asyncio.gather(
                *(self.request(a, op, **m) for a, m in zip(addresses, messages, strict=True))
            )

        answers: list[dict[str, Any]] = self._engine.sync(gather)
        return answers


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a good answer; raise what a bad one says."""
    if answer["status"] == "ok":
        return answer
    if answer["status"] == "error":
        raise wire.unpack_exception(answer["exception"])
    raise LostError(answer.get("reason", "lost"))


AsyncCall = Callable[..., Coroutine[Any, Any, Any]]
