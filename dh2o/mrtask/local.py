"""Job-local state: one value per worker, made of its blocks; a step costs one call per worker."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dh2o.mrtask import wire
from dh2o.mrtask.blocks import Recipe
from dh2o.mrtask.lane import LostError, checked
from dh2o.mrtask.lane_worker import BlockMovedError, StateMissingError, WorkerContext

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine
    from dh2o.mrtask.plan import Plan

P = TypeVar("P")
R = TypeVar("R")


class StateLost(Exception):  # noqa: N818  (a signal to rebuild, not a failure of the job)
    """A worker with its part of the state is gone, or a step broke off: call ``rebuild``."""


class LocalTask(Generic[P, R]):
    """One step on job-local state; ``map`` may change the state.

    The order in which ``combine`` meets the workers depends on the cluster: it must not matter
    (integer sums, not floating-point ones).
    """

    __slots__ = ()

    def map(self, state: Any, worker: WorkerContext) -> P:
        """Return the partial result of one worker: a value of its own, no part of the state."""
        raise NotImplementedError

    def combine(self, a: P, b: P) -> P:
        """Return the partial result of two; may change and return `a`."""
        raise NotImplementedError

    def finish(self, total: P | None) -> R:
        """Return the result; `total` is None when there are no blocks."""
        return total  # type: ignore[return-value]  # the default result is the total itself


class LocalState:
    """Per-worker values that live as long as this object (or until `close`)."""

    def __init__(
        self, engine: Engine, recipe: Recipe, build: Callable[..., Any], payload: Any
    ) -> None:
        self._engine = engine
        self._recipe = recipe
        self._build = build
        self._state = ""
        self._plan: Plan | None = None
        self._own: Any = None
        self._step = 0
        self._finalizer: Any = None
        self.rebuild(payload)

    @property
    def n_workers(self) -> int:
        """Workers that hold a part of the state."""
        return len(self._plan.shares) if self._plan else 0

    def rebuild(self, payload: Any) -> None:
        """Drop all parts and make them anew, wherever the blocks are now."""
        self.close()
        self._state = f"state-{uuid.uuid4().hex}"
        self._step = 0
        if self._recipe.layout:
            self._plan = self._engine.lane.retrying(
                self._recipe, lambda plan: self._build_once(plan, payload)
            )
            self._own = self._engine.lane.own_share(self._plan)

    def _build_once(self, plan: Plan, payload: Any) -> Plan:
        lane, owner = self._engine.lane, self._engine.client.id
        self._free_when_gone([share.address for share in plan.shares])
        own = lane.own_share(plan)
        job = (self._build, self._recipe, payload)
        if own is not None:
            own.states.build(self._state, owner, job, plan.numbers, {})
            return plan
        message = {"state": self._state, "owner": owner, "parcel": wire.pack(job)}
        answers = lane.ask_shares(plan, "build", message)
        for answer in sorted(answers, key=lambda a: a["status"] != "error"):
            checked(answer)
        return plan

    def _free_when_gone(self, addresses: list[str]) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = weakref.finalize(
            self, _drop, weakref.ref(self._engine), self._state, addresses
        )
        self._finalizer.atexit = False

    def run(self, task: LocalTask[P, R]) -> R:
        """Return the result of a step on all workers; raises `StateLost` if a part is missing."""
        if not self._recipe.layout:
            return task.finish(None)
        if self._plan is None:
            raise StateLost("The state is not there: a step broke off, or it was closed.")
        plan, self._plan = self._plan, None  # a step that does not end leaves no usable state
        self._step += 1
        try:
            total = self._run_once(task, plan)
        except (LostError, BlockMovedError, StateMissingError) as error:
            self._engine.lane.forget_plans()
            raise StateLost(str(error)) from error
        self._plan = plan
        return task.finish(total)

    def _run_once(self, task: LocalTask[P, R], plan: Plan) -> P:
        if self._own is not None:
            return self._own.states.run(self._state, self._step, task)
        message = {"state": self._state, "step": self._step}
        total: P = self._engine.lane.ask_tree(plan, "run", message, task)
        return total

    def close(self) -> None:
        """Free the parts on all workers."""
        self._plan = self._own = None
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None

    def __enter__(self) -> LocalState:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _drop(engine_ref: Any, state: str, addresses: list[str]) -> None:
    engine = engine_ref()
    if engine is not None:
        engine.tell_workers(addresses, "dh2o_local_drop", state=state)
