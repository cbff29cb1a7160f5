"""The loop of every model made of trees: a round of trees, now and then a look at how good it is.

What differs between algorithms (how a round is grown, what workers keep, what is measured) is left
to subclasses; losing a worker, stopping early, scoring and saving are done here once.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.cadence import Cadence
from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.building.stopping import StopRule
from dh2o.models.metrics import ModelMetrics
from dh2o.mrtask import LocalState, StateLost

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["Grown", "Rounds", "n_threads"]

_SAVE_INTERVAL_S = 10.0
_ROWS_TO_SCORE_ALWAYS = 1 << 18


@dataclass(slots=True)
class Grown:
    """What a build has come to: enough, with the frame, to go on from there."""

    history: ScoringHistory
    init_f: float
    trees: list[Any] = field(default_factory=list)
    training: ModelMetrics | None = None
    validation: ModelMetrics | None = None
    done: bool = False
    n_dropped: int = 0  # trees that were built and dropped again


class Rounds(ABC):
    """Grows the trees of one model, round after round; `grown` says how far it is.

    A state is kept for the training frame and one for the validation frame, if there is one.  A
    worker that is lost takes its part of them along: they are made again from the trees so far, and
    the step that was under way is done again.
    """

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, init_f: float, n_trees_a_round: int, n_before: int
    ) -> None:
        self.ctx = ctx
        self.spec = spec
        self.params = spec.params
        self.n_trees_a_round = n_trees_a_round
        self.n_before = n_before  # iterations of the model that this build goes on from
        self.grown: Grown = ctx.restore() or Grown(self._new_history(), init_f)
        self._pending: tuple[tuple[int, Any], ...] = ()
        self._validated = 0
        self._saved_at = time.monotonic()
        self._cadence = Cadence()

    # ---- what subclasses say

    @abstractmethod
    def _grow_round(self, state: LocalState) -> list[Any]:
        """Return the trees of one round, one a class; they are in `_pending` too."""

    @abstractmethod
    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        """Return the workers' states of `frame` after the trees so far."""

    @abstractmethod
    def _state_spec(self, weights: str | None, learns: bool) -> Any:
        """Return what the states are made from."""

    @abstractmethod
    def _measure(self, state: LocalState, valid: bool) -> ModelMetrics | None:
        """Return the metrics of the predictions that `state` holds."""

    @abstractmethod
    def _apply(self, state: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        """Add the trees that `state` grew last to its predictions."""

    @abstractmethod
    def _follow(self, valid: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        """Add trees to the predictions of a state that did not grow them."""

    def _before_first(self, state: LocalState) -> None:  # noqa: B027  # most have nothing to do
        """Do what has to be done before the first tree."""

    def _close(self) -> None:  # noqa: B027  # nothing, if nothing is held
        """Let go of what the loop held."""

    def _new_history(self) -> ScoringHistory:
        rule = StopRule.of(self.spec.params, self.spec.category)
        start = self.spec.start_time_ms
        return ScoringHistory(self.spec.category, {"number_of_trees": "int"}, rule, start)

    def _own_columns(self) -> dict[str, Any]:
        """Return the values of the history's columns that are no metrics."""
        return {"number_of_trees": self.n_rounds}

    # ---- the loop

    @property
    def n_rounds(self) -> int:
        """Iterations done so far, those of the model before included."""
        return self.n_before + len(self.grown.trees) // self.n_trees_a_round

    def run(self) -> Grown:
        """Return the finished trees, with metrics of the last scoring."""
        ntrees = self._n_trees_wanted()
        with self._state(self.spec.train, self.spec.weights, True) as state:
            if not self.grown.trees and self.n_before == 0:
                self._guarded(state, None, lambda s, _: self._before_first(s))
            valid = self._valid_state()
            try:
                while not self.grown.done and self.n_rounds < ntrees:
                    self._guarded(state, valid, self._round)
                    self.ctx.update(self.n_rounds / ntrees, f"{self.n_rounds} trees built")
                    self.ctx.check()
                    self._save()
                self._guarded(state, valid, self._finish)
            finally:
                self._close()
                if valid is not None:
                    valid.close()
        return self.grown

    def _n_trees_wanted(self) -> int:
        """Return how many iterations to do: what the folds' models found best on average."""
        found = [facts["ntrees"] for facts in self.spec.cv_facts if "ntrees" in facts]
        if found and self.params["stopping_rounds"] > 0:
            return max(sum(found) // len(found), 1)
        return int(self.params["ntrees"])

    def _guarded(self, state: LocalState, valid: LocalState | None, step: Any) -> None:
        """Run a step of the loop, again from the trees so far whenever a worker is lost."""
        while True:
            try:
                step(state, valid)
            except StateLost:
                self._pending = ()
                state.rebuild(self._state_spec(self.spec.weights, True))
                if valid is not None:
                    valid.rebuild(self._state_spec(self._valid_weights, False))
                    self._validated = len(self.grown.trees)
                continue
            return

    def _round(self, state: LocalState, valid: LocalState | None) -> None:
        """One iteration: score if it is time to, then a tree for each class."""
        if self._is_time_to_score():
            self._score(state, valid)
            if not self.spec.cv_facts and self.grown.history.should_stop():
                self._stop_early()
                return
        if self.grown.trees and self.spec.out_of_time():
            self.grown.done = True
            return
        self.grown.trees.extend(self._grow_round(state))

    def _stop_early(self) -> None:
        """End; a fold's model goes back to the best of the last scoring events, as H2O's do."""
        self.grown.done = True
        if not self.spec.is_cv_model:
            return
        history = self.grown.history
        event = history.events[history.rule.best_of_last(history.stop_values)]
        n_rounds = event.own["number_of_trees"] - self.n_before
        if n_rounds > 0 and n_rounds * self.n_trees_a_round < len(self.grown.trees):
            self.grown.n_dropped = len(self.grown.trees) - n_rounds * self.n_trees_a_round
            del self.grown.trees[n_rounds * self.n_trees_a_round :]
            self.grown.validation = None  # measured anew with the trees that stay

    def _finish(self, state: LocalState, valid: LocalState | None) -> None:
        events = self.grown.history.events
        if not events or events[-1].own["number_of_trees"] < self.n_rounds:
            self._score(state, valid)
        self.grown.done = True

    def _save(self) -> None:
        """Keep the trees so far, now and then, for a driver that has to start again."""
        if time.monotonic() - self._saved_at > _SAVE_INTERVAL_S:
            self.ctx.checkpoint(self.grown)
            self._saved_at = time.monotonic()

    # ---- scoring

    @property
    def _valid_weights(self) -> str | None:
        return self.spec.valid_weights or self.spec.weights

    def _valid_state(self) -> LocalState | None:
        if self.spec.valid is None:
            return None
        self._validated = len(self.grown.trees)
        return self._state(self.spec.valid, self._valid_weights, False)

    def _is_time_to_score(self) -> bool:
        n, params = self.n_rounds, self.params
        events = self.grown.history.events
        if events and events[-1].own["number_of_trees"] == n:
            return False
        if params["score_each_iteration"] or n == self.n_before:
            return True
        if params["score_tree_interval"] > 0:
            return bool(n % params["score_tree_interval"] == 0)
        if params["stopping_rounds"] > 0:  # the number of trees must not depend on the clock
            small = self.spec.train.n_rows * self.n_trees_a_round <= _ROWS_TO_SCORE_ALWAYS
            return small or n % 5 == 0
        return self._cadence.is_due(time.monotonic())

    def _score(self, state: LocalState, valid: LocalState | None) -> None:
        started = time.monotonic()
        if self._pending:
            self._apply(state, self._pending)
            self._pending = ()
        self.grown.training = self._measure(state, False)
        if valid is not None:
            k = self.n_trees_a_round
            new = list(enumerate(self.grown.trees))[self._validated :]
            if new:
                self._follow(valid, tuple((i % k, tree) for i, tree in new))
                self._validated = len(self.grown.trees)
            self.grown.validation = self._measure(valid, True)
        self.grown.history.add(self._own_columns(), self.grown.training, self.grown.validation)
        self._cadence.measured(started, time.monotonic())

    def _take_pending(self) -> tuple[tuple[int, Any], ...]:
        pending, self._pending = self._pending, ()
        return pending


def n_threads() -> int:
    """Threads that the driver's own work may take."""
    return max(min(os.cpu_count() or 1, 8), 1)
