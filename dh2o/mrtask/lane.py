"""The lane carrier, driver's side: plan, ask the root of the worker tree, again if one was lost."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, WorkerLostError
from dh2o.mrtask import wire
from dh2o.mrtask.blocks import Recipe
from dh2o.mrtask.folding import Fold
from dh2o.mrtask.lane_worker import BlockMovedError
from dh2o.mrtask.peers import Asked, Peers
from dh2o.mrtask.plan import Plan, make_plan

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

_MAX_PLANS = 256
_WHERE_WAIT_S = 5.0


class LostError(Exception):
    """A worker or a block is not where the plan says."""


class Lane:
    """Runs passes over blocks where they lie, without the scheduler."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self._plans_lock = threading.Lock()
        if engine.own_lane is not None:
            self.peers: Peers = engine.own_lane.peers
        else:
            client = engine.client
            context = client.security.get_connection_args("client")["ssl_context"]
            self.peers = Peers(client.loop, client.rpc, client.scheduler, context, relayed=None)
            engine.when_closed(self.peers.close)

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
        fold = Fold(task.combine, len(recipe.layout))
        fold.extend(self.ask_tree(plan, "fold", {}, (task, recipe)))
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
        answers = self.ask_shares(plan, "collect", {"parcel": wire.pack((fn, recipe))})
        found: dict[int, Any] = {}
        for share, answer in zip(plan.shares, answers, strict=True):
            found.update(zip(share.blocks, checked(answer), strict=True))
        return found

    def blocks(self, recipe: Recipe) -> list[Any]:
        """Return all blocks in this process, those that lie here without a thread for each."""
        if not recipe.layout:
            return []

        def run(plan: Plan) -> list[Any]:
            own = self.own_share(plan)
            if own is not None:
                return [own.block(recipe, idx, {}) for idx in range(len(recipe.layout))]
            found = self._collect_once(recipe, _itself, plan)
            return [found[idx] for idx in range(len(recipe.layout))]

        return list(self.retrying(recipe, run))

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
        if self._engine.holds_all(keys):
            return {key: [self._engine.own_address or ""] for key in keys}
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

    # -- asking workers --------------------------------------------------------------------------

    def ask_tree(self, plan: Plan, op: str, message: dict[str, Any], content: Any) -> Any:
        """Return what the workers make of a question that goes down their tree.

        This process's own worker, if it has a share, is on top: its part runs in this thread.
        """
        engine = self._engine
        engine.check_open()
        tree = plan.tree(engine.own_address, bare="state" in message)
        parcel = wire.pack(content)
        if tree["address"] == engine.own_address:
            whole = {**message, "tree": tree, "parcel": parcel, "opened": content}
            return checked(engine.here().answer(op, whole))
        asked = self.peers.ask(tree["address"], op, {**message, "tree": tree, "parcel": parcel})
        try:
            return checked(asked.answer())
        finally:
            asked.cancel()

    def ask_shares(self, plan: Plan, op: str, message: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the answers of all workers of a plan to questions about their blocks."""
        self._engine.check_open()
        asked: list[Asked | None] = []
        own: dict[str, Any] = {}
        try:
            for share in plan.shares:
                whole = {**message, "blocks": share.blocks, "foreign": share.foreign}
                if share.address == self._engine.own_address:
                    own = whole
                    asked.append(None)
                else:
                    asked.append(self.peers.ask(share.address, op, whole))
            here = self._engine.here().answer(op, own) if own else {}
            return [here if question is None else question.answer() for question in asked]
        finally:
            for question in asked:
                if question is not None:
                    question.cancel()


def _itself(block: Any) -> Any:
    return block


def checked(answer: dict[str, Any]) -> Any:
    """Return the value of a good answer; raise what a bad one says."""
    if answer["status"] == "ok":
        return answer["value"]
    if answer["status"] == "error":
        raise wire.unpack_exception(answer["exception"])
    raise LostError(answer.get("reason", "lost"))
