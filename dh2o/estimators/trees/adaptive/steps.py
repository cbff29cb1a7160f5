"""The steps of growing a tree by value, as passes over the workers' states: exact integer sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.adaptive.histogram import add_nodes, route_rows
from dh2o.estimators.trees.adaptive.state import ValueState
from dh2o.estimators.trees.adaptive.tables import NodeTables
from dh2o.estimators.trees.adaptive.terms import CUSTOM, fill_terms, largest_terms, sum_leaves
from dh2o.estimators.trees.adaptive.value_tree import ValueTree
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8, writable
from dh2o.estimators.trees.gradients import log_sum_exp
from dh2o.mrtask import LocalTask, WorkerContext

__all__ = [
    "GrowLevel",
    "LargestTerms",
    "LeafFacts",
    "LeafStep",
    "LevelFacts",
    "Residuals",
    "Route",
    "ShiftSums",
    "StartValues",
]

_MAX = 1.7976931348623157e308
_MIN_ROWS_A_THREAD = 1 << 13


@dataclass(frozen=True, slots=True)
class Residuals:
    """Which residuals a tree is fitted to: a loss with its parameter, a class or -1.

    `custom` computes (z, numerator, denominator) of rows from (y, f, weights, class, probability).
    """

    loss: int
    param: float = 0.0
    target: int = -1
    custom: Any = None

    def prepare(self, state: ValueState, refresh: bool) -> None:
        """Compute what the residuals of a class need before: sums over classes, custom terms."""
        k = max(self.target, 0)

        def fill(_shard: int, lo: int, hi: int) -> None:
            if refresh and state.aux.size > 1:
                log_sum_exp(state.f, lo, hi, state.aux)
            if self.loss == CUSTOM and hi > lo:
                weights = state.weights_of(slice(lo, hi))
                weights = np.ones(hi - lo) if weights is None else weights
                f = state.f[k, lo:hi]
                p = None if self.target < 0 else np.exp(f - state.aux[lo:hi])
                given = self.custom(state.y[lo:hi], f, weights, k, p)
                state.given[3 * lo : 3 * hi] = np.stack(given, axis=1).reshape(-1)

        state.each_shard(fill)

    def arrays(self) -> tuple[int, float, int]:
        """Return the loss, its parameter and the class as the kernels take them."""
        return self.loss, self.param, -1 if self.loss == CUSTOM else self.target


def _scores(state: ValueState, target: int) -> F64:
    return state.f[max(target, 0)]


@dataclass(frozen=True, slots=True)
class LargestTerms(LocalTask[F64, F64]):
    """Finish the trees before; the largest size of each term over all rows."""

    pending: tuple[tuple[int, ValueTree], ...]
    residuals: Residuals
    refresh: bool = True

    def map(self, state: ValueState, _worker: WorkerContext) -> F64:
        for k, tree in self.pending:
            state.apply(k, tree)
        self.residuals.prepare(state, self.refresh)

        def largest(_shard: int, lo: int, hi: int) -> F64:
            out = np.zeros(5)
            largest_terms(
                *self.residuals.arrays(), state.y, _scores(state, self.residuals.target),
                state.aux, state.weights, state.given, lo, hi, out,
            )  # fmt: skip
            return out

        return np.asarray(np.max(state.each_shard(largest), axis=0))

    def combine(self, a: F64, b: F64) -> F64:
        return np.maximum(a, b)

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(5) if total is None else total


@dataclass(frozen=True, slots=True)
class StartValues:
    """Beginning of a tree: sample rows by (key, rates), compute their terms by `scales`.

    `prepared` tells that a pass has just applied the trees before and prepared the residuals.
    """

    pending: tuple[tuple[int, ValueTree], ...]
    residuals: Residuals
    scales: F64
    key: int
    rates: F64
    refresh: bool = True
    prepared: bool = False

    def run(self, state: ValueState) -> None:
        """Start the tree on one worker."""
        for k, tree in self.pending:
            state.apply(k, tree)
        if not self.prepared:
            self.residuals.prepare(state, self.refresh)
        state.bounds = np.zeros((len(state.shards), 1, 2), np.int64)
        scales, rates = writable(self.scales), writable(self.rates)

        def start(shard: int, lo: int, hi: int) -> None:
            out = np.zeros(2, np.int64)
            fill_terms(
                *self.residuals.arrays(), state.y, _scores(state, self.residuals.target),
                state.aux, state.weights, state.given, state.row_ids, lo, hi, scales,
                state.spec.dim, self.key, rates, state.rows[0], state.z, state.row_terms, out,
            )  # fmt: skip
            state.n_in_tree[shard] = out
            state.bounds[shard, 0] = lo, lo + out[0]

        state.each_shard(start)


@dataclass(frozen=True, slots=True)
class Route:
    """Splits: node ``nodes[s]`` (at `depth`) into ``first_child + 2 s`` and the next one."""

    depth: int
    nodes: I64
    first_child: int
    columns: I32
    thresholds: F32
    na_sides: I8
    starts: I64
    n_levels: I32
    left_levels: U8

    def run(self, state: ValueState) -> None:
        """Send the rows of one worker to the children."""
        n_nodes, here = self.first_child + 2 * len(self.nodes), self.depth % 2
        bounds = np.zeros((len(state.shards), n_nodes, 2), np.int64)
        bounds[:, : state.bounds.shape[1]] = state.bounds
        state.bounds = bounds
        tables = [
            writable(a)
            for a in (
                self.columns, self.thresholds, self.na_sides, self.starts, self.n_levels,
                self.left_levels,
            )
        ]  # fmt: skip

        def route(shard: int, _lo: int, _hi: int) -> None:
            segments = bounds[shard, self.nodes]
            left = np.zeros(len(self.nodes), np.int64)
            route_rows(
                state.x, state.width, state.rows[here], state.rows[1 - here], segments, *tables,
                left,
            )  # fmt: skip
            middle = segments[:, 0] + left
            children = bounds[shard, self.first_child :]
            children[0::2, 0], children[0::2, 1] = segments[:, 0], middle
            children[1::2, 0], children[1::2, 1] = middle, segments[:, 1]

        state.each_shard(route)


@dataclass(slots=True)
class LevelFacts:
    """Histograms of nodes, and in `ranges` the values that their rows hold in each column."""

    hist: I64
    ranges: F64

    def plus(self, other: LevelFacts) -> LevelFacts:
        """Return the facts of both."""
        ranges = np.empty_like(self.ranges)
        np.minimum(self.ranges[..., 0], other.ranges[..., 0], out=ranges[..., 0])
        np.maximum(self.ranges[..., 1], other.ranges[..., 1], out=ranges[..., 1])
        return LevelFacts(self.hist + other.hist, ranges)


@dataclass(frozen=True, slots=True)
class GrowLevel(LocalTask[LevelFacts, LevelFacts]):
    """Start a tree or route the rows of the level above, then count the rows of `nodes`.

    `slots` are as in `add_nodes`, `n_slots` of them in all.
    """

    depth: int
    nodes: I64
    tables: NodeTables
    slots: I64
    n_slots: int
    start: StartValues | None = None
    route: Route | None = None

    def map(self, state: ValueState, _worker: WorkerContext) -> LevelFacts:
        if self.start is not None:
            self.start.run(state)
        if self.route is not None:
            self.route.run(state)
        dim, t = state.spec.dim, self.tables
        arrays = [
            writable(a)
            for a in (t.n_bins, t.low, t.step, self.slots, t.starts, t.n_points, t.points, t.types)
        ]

        def count(shard: int, _lo: int, _hi: int) -> LevelFacts:
            hist = np.zeros(self.n_slots * dim, np.int64)
            ranges = np.empty((*self.slots.shape, 2))
            ranges[..., 0], ranges[..., 1] = _MAX, -_MAX
            add_nodes(
                state.x, state.width, state.rows[self.depth % 2], state.row_terms,
                state.bounds[shard, self.nodes], *arrays, dim, hist, ranges,
            )  # fmt: skip
            return LevelFacts(hist, ranges)

        total, *others = state.each_shard(count)
        for other in others:
            total = total.plus(other)
        return total

    def combine(self, a: LevelFacts, b: LevelFacts) -> LevelFacts:
        return a.plus(b)


@dataclass(slots=True)
class LeafFacts:
    """By leaf: sums of (w, numerator, denominator), and the range of the scores before."""

    sums: I64
    ranges: F64

    def plus(self, other: LeafFacts) -> LeafFacts:
        """Return the facts of both."""
        low = np.minimum(self.ranges[:, 0], other.ranges[:, 0])
        high = np.maximum(self.ranges[:, 1], other.ranges[:, 1])
        return LeafFacts(self.sums + other.sums, np.stack([low, high], axis=1))


@dataclass(frozen=True, slots=True)
class LeafStep(LocalTask[LeafFacts, LeafFacts]):
    """Route the rows of the last level, then sum up the leaves of the tree just grown."""

    tree: ValueTree
    residuals: Residuals
    scales: F64
    route: Route | None = None

    def map(self, state: ValueState, _worker: WorkerContext) -> LeafFacts:
        if self.route is not None:
            self.route.run(state)
        scales = writable(self.scales)
        n = len(self.tree.leaves)

        def add(shard: int, _lo: int, _hi: int) -> LeafFacts:
            facts = LeafFacts(np.zeros((n, 3), np.int64), np.empty((n, 2)))
            facts.ranges[:, 0], facts.ranges[:, 1] = _MAX, -_MAX
            sum_leaves(
                *self.residuals.arrays(), state.y, _scores(state, self.residuals.target),
                state.weights, state.given, state.z, *state.rows,
                state.leaf_table(shard, self.tree), scales, facts.sums, facts.ranges,
            )  # fmt: skip
            return facts

        total, *others = state.each_shard(add)
        for other in others:
            total = total.plus(other)
        return total

    def combine(self, a: LeafFacts, b: LeafFacts) -> LeafFacts:
        return a.plus(b)


@dataclass(frozen=True, slots=True)
class ShiftSums(LocalTask[int, int]):
    """Add a constant to all predictions."""

    value: float

    def map(self, state: ValueState, _worker: WorkerContext) -> int:
        state.sums += self.value
        for k in range(len(state.sums)):
            state.refresh(k, 0, state.n_rows)
        return 1

    def combine(self, a: int, b: int) -> int:
        return a + b
