"""Lloyd's iterations, and the search for the number of clusters."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.kmeans.plan import F64, Plan
from dh2o.estimators.kmeans.seeding import first_centers, points_of_rows
from dh2o.estimators.kmeans.session import Session
from dh2o.estimators.kmeans.steps import Assign, Boxes, ClusterSums, Relabel

if TYPE_CHECKING:
    from typing import Any

    from dh2o.estimators.spec import TrainSpec

_TOLERANCE = 1e-4  # share of rows that may still change their cluster when it stops
_SAVE_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One iteration: when, number of clusters, rows that changed theirs, sum of squares."""

    time_ms: int
    k: int
    n_moved: float
    within: float


@dataclass(slots=True)
class Progress:
    """How far a training is; enough, with the frame, to go on from there."""

    k: int
    centers: F64
    sums: ClusterSums
    events: list[Event] = field(default_factory=list)
    within: F64 = field(default_factory=lambda: np.zeros(0))
    n_iterations: int = 0
    n_rescued: int = 0
    total_before: float = 0.0
    made_by: list[Any] = field(default_factory=list)
    best: Progress | None = None

    def snapshot(self) -> Progress:
        """Return a copy that later iterations do not change."""
        return replace(self, events=list(self.events), best=None, made_by=[])


class Lloyd:
    """Moves centres to the means of their rows until hardly any row changes its cluster."""

    def __init__(self, session: Session, spec: TrainSpec) -> None:
        self.session = session
        self.spec = spec
        self.plan: Plan = session.plan
        self.n_rows = spec.train.n_rows
        self.estimates = bool(spec.params["estimate_k"])
        self.saved_at = time.monotonic()
        self.at: Progress = session.ctx.restore() or self._start()
        if self.at.made_by:
            session.go_on_from(self.at.made_by)

    def _start(self) -> Progress:
        k = 1 if self.estimates else int(self.spec.params["k"])
        centers = first_centers(self.session, self.spec, k)
        start = Event(int(time.time() * 1000), 0, math.nan, math.nan)
        return Progress(k, centers, ClusterSums.empty(k, self.plan), [start])

    def run(self) -> Progress:
        """Return the finished training."""
        while True:
            self._iterate()
            if not self.estimates or self._has_converged():
                return self.at if not self.estimates or self.at.best is None else self._best()
            self.at.best = self.at.snapshot()
            if self.at.k >= self.spec.params["k"] or self.spec.out_of_time():
                return self.at
            self._split_largest()

    def _best(self) -> Progress:
        assert self.at.best is not None
        return self.at.best

    # ---- iterations at one number of clusters

    def _iterate(self) -> None:
        while not self._iteration():
            self._report()

    def _iteration(self) -> bool:
        """Do one iteration; return whether it was the last."""
        at, plan = self.at, self.plan
        moved = self.session.run(Assign(at.centers))
        n_moved = moved.n_moved
        at.sums = at.sums + moved
        within = at.sums.within(plan, at.centers)
        found = at.sums.centers(plan)
        if not self.estimates and self._rescue(found):
            return False
        at.centers, at.within = found, within
        at.n_iterations += 1
        event = Event(int(time.time() * 1000), at.k, float(n_moved), float(within.sum()))
        at.events.append(event)
        is_calm = n_moved < max(1.0, self.n_rows * _TOLERANCE)
        return (
            is_calm
            or at.n_iterations >= self.spec.params["max_iterations"]
            or self.spec.out_of_time()
        )

    def _rescue(self, found: F64) -> bool:
        """Move the first empty cluster to the farthest row; True if others are left to rescue.

        Then the centres stay but for that one, and the rows are dealt out again, which is not
        counted as an iteration; after as many times as there are clusters the others stay empty.
        """
        at = self.at
        empty = np.flatnonzero(at.sums.sizes == 0)
        if len(empty) == 0:
            return False
        _, worst = self.session.measured(at.centers)
        row = max(worst.row, 0)
        frame = self.spec.train.select(self.plan.space.names)
        found[empty[0]] = points_of_rows(frame.rows(row, row + 1), self.plan.space, frame)[0]
        if len(empty) == 1:
            return False
        at.n_rescued += 1
        if at.n_rescued > at.k:
            at.n_rescued = 0
            return False
        at.centers[empty[0]] = found[empty[0]]
        return True

    def _report(self) -> None:
        at, ctx = self.at, self.session.ctx
        params = self.spec.params
        done = at.k / params["k"] if self.estimates else at.n_iterations / params["max_iterations"]
        ctx.update(min(done, 1.0), f"{at.n_iterations} iterations, {at.k} clusters")
        if time.monotonic() - self.saved_at > _SAVE_INTERVAL_S:
            at.made_by = self.session.made_by
            ctx.checkpoint(at)
            self.saved_at = time.monotonic()

    # ---- the number of clusters

    def _has_converged(self) -> bool:
        """Return whether the last cluster brought less than it should have (H2O's rule)."""
        at = self.at
        now, before = at.events[-1].within, at.total_before
        gain = 1.0 if before == 0 else (before - now) / before
        at.total_before = now
        n_columns = len(self.plan.space.names)
        cutoff = min(0.02 + 10.0 / self.n_rows + 2.5 / n_columns**2, 0.8)
        return at.k > 1 and gain < cutoff

    def _split_largest(self) -> None:
        """Cut the cluster of the longest side in two, at its centre.

        As in H2O the two new centres have mean codes for levels, which mostly are no level at all.
        """
        at, plan = self.at, self.plan
        low, high = (side.T for side in self.session.run(Boxes(at.k)))
        sides = np.where(high >= low, high - low, 0.0).astype(np.float32)
        cluster, column = np.unravel_index(int(np.argmax(sides)), sides.shape)
        beyond = float(plan.to_points(at.centers)[0][cluster, column])
        new, at.k = at.k, at.k + 1
        moved = self.session.run(Relabel(int(cluster), int(column), beyond, new))
        at.sums = at.sums.grown(at.k, plan) + moved
        at.sums.n_moved = 0
        means = at.sums.centers(plan)
        means[:, plan.space.is_level] = at.sums.mean_codes(plan)
        at.centers = np.concatenate([at.centers, means[[new]]])
        at.centers[cluster] = means[cluster]
        at.n_iterations = 0
