"""A training's hold on the workers' rows: steps, done again after a worker was lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.kmeans.plan import F64, Plan
from dh2o.estimators.kmeans.rows import build_rows
from dh2o.estimators.kmeans.steps import Assign, ComeCloser, Label, Measure, Relabel, Within
from dh2o.mrtask import LocalState, LocalTask, StateLost

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext


class Session:
    """Runs steps on the rows; remembers those that made the labels, to make them anew."""

    def __init__(self, ctx: JobContext, frame: Frame, plan: Plan) -> None:
        self.ctx = ctx
        self.plan = plan
        self._made_by: list[LocalTask[Any, Any]] = []
        self._state: LocalState = ctx.engine.local(frame, build_rows, plan)

    def run(self, step: LocalTask[Any, Any]) -> Any:
        """Return the result of `step`, on rows that know all steps before it."""
        self.ctx.check()
        is_ready = True
        while True:
            try:
                if not is_ready:
                    self._replay()
                found = self._state.run(step)
            except StateLost:
                is_ready = False
                continue
            self._remember(step)
            return found

    def _replay(self) -> None:
        self._state.rebuild(self.plan)
        for step in self._made_by:
            self._state.run(step)

    def _remember(self, step: LocalTask[Any, Any]) -> None:
        if isinstance(step, Assign | Label):
            self._made_by = [step]
        elif isinstance(step, Relabel | ComeCloser):
            self._made_by.append(step)

    def go_on_from(self, steps: list[LocalTask[Any, Any]]) -> None:
        """Bring the rows to where `steps` (see `made_by`) had brought them."""
        self._made_by = list(steps)
        while True:
            try:
                self._replay()
            except StateLost:
                continue
            return

    @property
    def made_by(self) -> list[LocalTask[Any, Any]]:
        """The steps that give all labels, from unlabelled rows."""
        return list(self._made_by)

    def forget_candidates(self) -> None:
        """Let go of the candidates, from which the first centres are chosen by now."""
        self._made_by = []

    def measured(self, centers: F64, *, labels_too: bool = False) -> tuple[F64, Within]:
        """Return sums of squared distances by cluster, and the step's own result."""
        scale = self.distance_scale(centers)
        found = self.run(Measure(centers, scale, labels_too))
        return found.sums / scale / self.plan.unit**2, found

    def distance_scale(self, centers: F64) -> float:
        """Return the power of two that makes sums of squared distances fit into 64 bits."""
        numbers, codes = self.plan.to_points(centers)
        finite = np.abs(numbers[np.isfinite(numbers)])
        reach = 1.0 + float(finite.max(initial=0.0))
        most = numbers.shape[1] * reach**2 + codes.shape[1] * self.plan.unit**2
        bits = 61 - max(self.plan.n_rows, 1).bit_length() - math.ceil(math.log2(max(most, 1e-300)))
        return float(2.0 ** min(max(bits, -1000), 1000))

    def close(self) -> None:
        """Free the workers' rows."""
        self._state.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
