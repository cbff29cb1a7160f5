"""Local states as one worker keeps them: built of its blocks, changed by steps, then dropped."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distributed.protocol import to_serialize

from dh2o.mrtask import wire
from dh2o.mrtask.threads import one_blas_thread
from dh2o.mrtask.watch import ANSWER_ERRORS

if TYPE_CHECKING:
    from dh2o.mrtask.lane_worker import LanePlugin


class StateMissingError(Exception):
    """Raised on a worker without the state, or not at the step that the driver has reached."""


@dataclass(slots=True)
class _Slot:
    value: Any
    step: int
    owner: str


class LocalStates:
    """state id → value. A step that did not end leaves a value that no later step accepts."""

    def __init__(self, lane: LanePlugin) -> None:
        self._lane = lane
        self._slots: dict[str, _Slot] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def build(
        self, state: str, owner: str, job: tuple[Any, Any, Any], numbers: Any, foreign: Any
    ) -> None:
        """Make this worker's value of its blocks `numbers`, in block order."""
        fn, recipe, payload = job
        blocks = [self._lane.block(recipe, idx, foreign) for idx in numbers]
        with one_blas_thread():
            value = fn(blocks, payload, self._lane.context)
        with self._lock:
            self._slots[state] = _Slot(value, 0, owner)

    def run(self, state: str, step: int, task: Any) -> Any:
        """Return ``task.map`` of this worker's value; `step` must follow the last one."""
        slot = self._slots.get(state)
        if slot is None or slot.step != step - 1:
            raise StateMissingError(
                f"{self._lane.worker.address} has no state {state} at {step - 1}"
            )
        slot.step = -1  # until the step has ended the value is nobody's
        with one_blas_thread():
            partial = task.map(slot.value, self._lane.context)
        slot.step = step
        return partial

    def drop(self, state: str | None = None, owner: str | None = None) -> None:
        """Forget one state, all states of an owner, or everything."""
        with self._lock:
            if state is not None:
                self._slots.pop(state, None)
            elif owner is not None:
                self._slots = {k: s for k, s in self._slots.items() if s.owner != owner}
            else:
                self._slots.clear()

    # -- handlers --------------------------------------------------------------------------------

    async def handle_build(
        self, state: str, owner: str, parcel: Any, blocks: list[int], foreign: Any
    ) -> dict[str, Any]:
        """Build the value; answers as the lane's handlers do."""
        from dh2o.mrtask.lane_worker import BlockMovedError

        try:
            parts = await self._lane.fetch(foreign)
            return await self._lane.in_thread(
                self._build_parcel, state, owner, parcel, blocks, parts
            )
        except (*ANSWER_ERRORS, BlockMovedError) as error:
            return {"status": "lost", "reason": str(error)}

    def _build_parcel(
        self, state: str, owner: str, parcel: Any, numbers: list[int], foreign: Any
    ) -> dict[str, Any]:
        from dh2o.mrtask.lane_worker import BlockMovedError

        try:
            self.build(state, owner, parcel.open(), numbers, foreign)
        except BlockMovedError as error:
            return {"status": "lost", "reason": str(error)}
        except Exception as error:  # noqa: BLE001  (the user's; raised again on the driver)
            return {"status": "error", "exception": wire.pack_exception(error)}
        return {"status": "ok"}

    async def handle_run(
        self, state: str, step: int, tree: dict[str, Any], parcel: Any
    ) -> dict[str, Any]:
        """Run one step here and on the workers below, and combine."""
        children = [
            asyncio.ensure_future(
                self._lane.ask(
                    child["address"], "dh2o_local_run", parcel, state=state, step=step, tree=child
                )
            )
            for child in tree["children"]
        ]
        try:
            own = await self._lane.in_thread(self._run_parcel, state, step, parcel)
            answers = [own, *[await child for child in children]]
            bad = next((a for a in answers if a["status"] == "error"), None) or next(
                (a for a in answers if a["status"] != "ok"), None
            )
            if bad is not None:
                return bad
            if not children:
                return {"status": "ok", "value": to_serialize(wire.pack(own["value"]))}
            return await self._lane.in_thread(self._merge, parcel, answers)
        finally:
            for child in children:
                child.cancel()

    def _run_parcel(self, state: str, step: int, parcel: Any) -> dict[str, Any]:
        try:
            return {"status": "ok", "value": self.run(state, step, parcel.open())}
        except StateMissingError as error:
            return {"status": "lost", "reason": str(error)}
        except Exception as error:  # noqa: BLE001
            return {"status": "error", "exception": wire.pack_exception(error)}

    def _merge(self, parcel: Any, answers: list[dict[str, Any]]) -> dict[str, Any]:
        try:
            task = parcel.open()
            total = answers[0]["value"]
            for answer in answers[1:]:
                total = task.combine(total, answer["value"].open())
            return {"status": "ok", "value": to_serialize(wire.pack(total))}
        except Exception as error:  # noqa: BLE001
            return {"status": "error", "exception": wire.pack_exception(error)}

    def handle_drop(self, state: str | None = None, owner: str | None = None) -> None:
        """Forget states."""
        self.drop(state, owner)
