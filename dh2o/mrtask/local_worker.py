"""Local states as one worker keeps them: built of its blocks, changed by steps, then dropped."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from dh2o.mrtask.lane_worker import StateMissingError
from dh2o.mrtask.threads import one_blas_thread

if TYPE_CHECKING:
    from dh2o.mrtask.lane_worker import LanePlugin
    from dh2o.mrtask.wire import Parcel


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

    # -- what others ask -------------------------------------------------------------------------

    def build_parcel(
        self, state: str, owner: str, parcel: Parcel, blocks: list[int], foreign: Any
    ) -> None:
        """Build the value as another process asks."""
        self.build(state, owner, parcel.open(), blocks, self._lane.fetch(foreign))

    def run_tree(
        self, state: str, step: int, tree: dict[str, Any], parcel: Parcel, opened: Any = None
    ) -> Any:
        """Run one step here and on the workers below, and combine."""
        found: list[Any] = [] if opened is None else [opened]

        def own() -> Any:
            found[:] = found or [parcel.open()]
            return self.run(state, step, found[0])

        message = {"state": state, "step": step, "parcel": parcel}
        return self._lane.over_tree(
            "run", tree, message, own, lambda values: reduce(found[0].combine, values)
        )

    def handle_drop(self, state: str | None = None, owner: str | None = None) -> None:
        """Forget states."""
        self.drop(state, owner)
        self._lane.rest()
