"""Votes of a forest's trees on rows that they were not grown on.

``f[k]`` sums the leaves of the trees that did not see a row and `votes` counts them, so that
``f / votes`` is the out-of-bag prediction.  Which rows a tree saw is a function of (key of its
round, row number): a state that is made again finds it out anew.  In a state that does not learn
(a validation frame's) every tree votes on every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64, PAD, U32, writable
from dh2o.estimators.trees.steps import ScoreRows
from dh2o.estimators.trees.votes import rows_left_out
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalTask, WorkerContext

__all__ = ["Bag", "BallotState", "FollowTrees", "ScoreBag"]


@dataclass(frozen=True, slots=True)
class Bag:
    """Which rows the trees of each round know.

    `keys[r]` draws the rows of round r, those of the model before first; `rates` how many, by
    class if there are several.  `trees` are (class, tree) in the order in which they were grown,
    after the `n_before` rounds of the model before.
    """

    keys: I64
    rates: F64
    learns: bool = True
    trees: tuple[tuple[int, Any], ...] = ()
    n_before: int = 0
    n_trees_a_round: int = 1
    before: Forest | None = field(default=None)


class BallotState:
    """What the state of a forest's worker has beside its rows; comes before the state's class."""

    bag: Bag
    votes: I32
    f: F64
    y: F64
    weights: Any
    row_ids: U32
    each_shard: Callable[[Any], list[Any]]
    _walk: Callable[..., None]
    walk_left_out: Callable[[int, Any, int], None]
    rows_left_out: Callable[[int], Any]

    def apply(self, k: int, tree: Any) -> None:
        """Add the tree just grown to the predictions of the rows that it did not see."""
        self.each_shard(self.applier(k, tree))

    def applier(self, k: int, tree: Any) -> Callable[[int, int, int], None]:
        """Return what applies a tree to the rows of a shard."""

        def add(shard: int, _start: int, _stop: int) -> None:
            self.walk_left_out(k, tree, shard)
            if k == 0:
                self.votes[self.rows_left_out(shard)] += 1

        return add

    def replay(self, number: int, k: int, tree: Any) -> None:
        """Add a tree of round `number` to the predictions of the rows that it does not know."""
        none = np.zeros(0, np.int32)

        def add(_shard: int, start: int, stop: int) -> None:
            if self.bag.learns:
                rows = self._draw_left_out(int(self.bag.keys[number]), start, stop)
                self._walk(k, tree, rows, 0, len(rows))
                if k == 0:
                    self.votes[rows] += 1
                return
            self._walk(k, tree, none, start, stop)
            if k == 0:
                self.votes[start:stop] += 1

        self.each_shard(add)

    def replay_all(self) -> None:
        """Add all the trees that the state's recipe names."""
        bag = self.bag
        for i, (k, tree) in enumerate(bag.trees):
            self.replay(bag.n_before + i // bag.n_trees_a_round, k, tree)

    def start_from(self, before: Forest, x: F64, to: slice) -> None:
        """Add the trees of the model before to the predictions of the rows `to`, which hold `x`.

        The rows' weights are known by now, so rows that do not learn are told from others.
        """
        if not self.bag.learns:
            self.f[:, to] += before.sums(x).T
            self.votes[to] += before.n_trees
            return
        for number in range(before.n_trees):
            rows = self._draw_left_out(int(self.bag.keys[number]), to.start, to.stop)
            own = np.ascontiguousarray(x[rows - to.start])
            self.f[:, rows] += before.sums(own, number, number + 1).T
            self.votes[rows] += 1

    def _draw_left_out(self, key: int, start: int, stop: int) -> I32:
        """Return the rows of start..stop-1 that the sample `key` leaves out."""
        rates, rows = writable(self.bag.rates), np.zeros(stop - start + PAD, np.int32)
        n = rows_left_out(self.y, self.weights, self.row_ids, start, stop, key, rates, rows)
        return rows[:n]


@dataclass(frozen=True, slots=True)
class FollowTrees(LocalTask[int, int]):
    """Count the votes of trees (round, class, tree) in a state that did not grow them."""

    trees: tuple[tuple[int, int, Any], ...]

    def map(self, state: BallotState, _worker: WorkerContext) -> int:
        for number, k, tree in self.trees:
            state.replay(number, k, tree)
        return len(self.trees)

    def combine(self, a: int, b: int) -> int:
        return max(a, b)


@dataclass(frozen=True, slots=True)
class ScoreBag(ScoreRows):
    """Metrics of the rows that have votes; `link` makes predictions of (sums, votes)."""

    def _predicted(self, state: Any, lo: int, hi: int) -> tuple[Any, Any]:
        rows = lo + np.flatnonzero(state.votes[lo:hi] > 0)
        return rows, self.link(state.f[:, rows], state.votes[rows])
