"""Growing one tree, level by level: scan for splits, route rows, take siblings by subtraction."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import BOOL, F64, I8, I32, I64, U8
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.splitting import NA_LEFT, UNSEEN_LEFT, route_tables, scan_pairs
from dh2o.estimators.trees.steps import LevelSums, RouteLevel

__all__ = ["Columns", "Grower", "TreeParams"]

MAX_DEPTH = 63  # what the scoring formats can name
_MAX_POOL_NBYTES = 1 << 28  # histograms of one frontier; a larger one is grown in two halves
_SLOTS_A_THREAD = 1 << 16  # slots to scan below which another thread does not pay


@dataclass(frozen=True, slots=True)
class TreeParams:
    """Limits of a tree. `max_depth` 0 means as deep as the format allows."""

    max_depth: int = 5
    min_rows: float = 10.0
    min_split_improvement: float = 1e-5
    col_sample_rate: float = 1.0
    col_sample_rate_change_per_level: float = 1.0
    col_sample_rate_per_tree: float = 1.0

    @property
    def depth_limit(self) -> int:
        """Depth at which every node is a leaf."""
        return min(self.max_depth or MAX_DEPTH, MAX_DEPTH)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which features a node may split on: a set a tree, and of it some at random for each node."""

    of_tree: U8
    n_tries: int
    change: float
    key: int
    groups: BOOL | None = None

    @classmethod
    def draw(
        cls, n_features: int, params: TreeParams, key: int, groups: BOOL | None = None
    ) -> Columns:
        """Return the columns of one tree; the counts are H2O's.

        ``groups[g]`` flags the features of a group that may meet on a path; None for all.
        """
        rate = params.col_sample_rate_per_tree
        of_tree = np.ones(n_features, np.uint8)
        if rate < 1.0:
            rng = np.random.Generator(np.random.Philox(key=[key & (2**64 - 1), 1]))
            of_tree[rng.permutation(n_features)[max(1, int(rate * n_features)) :]] = 0
        n_tries = max(1, int(params.col_sample_rate * rate * n_features))
        return cls(of_tree, n_tries, params.col_sample_rate_change_per_level, key, groups)

    def on_paths(self, tree: RawTree, nodes: I64) -> U8:
        """Return the flags (node, feature) of what groups let meet on the paths to `nodes`."""
        assert self.groups is not None
        parent = np.full(tree.n_nodes, -1)
        inner = np.flatnonzero(tree.nodes[:, 2] >= 0)
        parent[tree.nodes[inner, 2]] = parent[tree.nodes[inner, 3]] = inner
        flags = np.zeros((len(nodes), len(self.of_tree)), np.uint8)
        for i, node in enumerate(nodes):
            met = self.groups.any(axis=0)
            up = parent[node] if node >= 0 else -1
            while up >= 0:
                met &= self.groups[self.groups[:, tree.features[up]]].any(axis=0)
                up = parent[up]
            flags[i] = met
        return flags

    def allowed(self, n_nodes: int, depth: int, batch: int) -> U8:
        """Return the flags (node, feature) of the nodes of one scan; one row if all are equal."""
        n_features = len(self.of_tree)
        n_tries = int(np.clip(int(self.n_tries * self.change**depth), 1, n_features))
        if n_tries >= int(self.of_tree.sum()):
            return self.of_tree[None, :]
        key = [self.key & (2**64 - 1), 2 + (depth << 32) + batch]
        draw = np.random.Generator(np.random.Philox(key=key)).random((n_nodes, n_features))
        draw[:, self.of_tree == 0] = 2.0
        chosen = np.argpartition(draw, n_tries - 1, axis=1)[:, :n_tries]
        allowed = np.zeros((n_nodes, n_features), np.uint8)
        np.put_along_axis(allowed, chosen, 1, axis=1)
        return allowed


@dataclass(slots=True)
class _Frontier:
    """Nodes whose children are still to be scanned, as pairs: see `scan_pairs`.

    `nodes[p, c]` is the tree's node, `rows` the pairs' histograms in `parents` and `built`.
    """

    depth: int
    nodes: I64
    rows: I32
    parents: I64
    built: I64
    squares: F64

    def halves(self) -> tuple[_Frontier, _Frontier]:
        """Return the first and the second half of the pairs."""
        half = len(self.nodes) // 2
        first, second = (
            _Frontier(
                self.depth, self.nodes[s], self.rows[s].copy(), self.parents, self.built.copy(),
                self.squares[s],
            )
            for s in (slice(0, half), slice(half, None))
        )  # fmt: skip
        return first, second


class Grower:
    """Grows trees over one set of bins. `run` sends a step to the workers."""

    def __init__(
        self, bin_map: BinMap, params: TreeParams, fixed: FixedPoint, n_threads: int = 1,
        signs: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.bin_map = bin_map
        self.params = params
        self.fixed = fixed
        self.table = bin_map.table(signs)
        self.n_threads = n_threads
        self._threads: ThreadPoolExecutor | None = None
        self._scratch = [self._new_scratch() for _ in range(n_threads)]
        self._pools: list[I64] = [np.empty(0, np.int64), np.empty(0, np.int64)]

    def _new_scratch(self) -> tuple[I32, F64]:
        size = self.bin_map.max_bins
        return np.zeros(size, np.int32), np.zeros(size, np.float64)

    def close(self) -> None:
        """Let the threads end."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def grow(self, root: LevelSums, columns: Columns, run: Callable[[Any], LevelSums]) -> RawTree:
        """Return the tree that grows from the root's histogram; leaves have no values yet."""
        tree = RawTree()
        tree.sums[0] = root.counts[2]
        pair = np.array([[0, 0, 1, 0, -1]], np.int32)
        nodes = np.array([[0, -1]], np.int64)
        squares = np.array([[float(root.counts[3]), 0.0]])
        none = np.zeros(0, np.int64)
        stack = [_Frontier(0, nodes, pair, none, root.hists.reshape(-1), squares)]
        batch = 0
        while stack:
            frontier = stack.pop()
            if frontier.depth >= self.params.depth_limit:
                continue
            n_bytes = 16 * len(frontier.nodes) * self.bin_map.n_slots
            if n_bytes > _MAX_POOL_NBYTES and len(frontier.nodes) > 1:
                stack.extend(reversed(frontier.halves()))
                self._pools = [np.empty(0, np.int64), np.empty(0, np.int64)]  # halves keep theirs
                continue
            allowed = columns.allowed(2 * len(frontier.nodes), frontier.depth, batch)
            if columns.groups is not None:
                allowed = allowed & columns.on_paths(tree, frontier.nodes.reshape(-1))
            batch += 1
            children = self._split(tree, frontier, allowed, run)
            if children is not None and len(children.nodes):
                stack.append(children)
        return tree

    def _min_weight(self) -> float:
        return self.params.min_rows * self.fixed.weight_scale

    def _split(
        self, tree: RawTree, frontier: _Frontier, allowed: U8, run: Callable[[Any], LevelSums]
    ) -> _Frontier | None:
        hists, rows = self._pool(frontier), frontier.rows
        totals = tree.sums[np.maximum(frontier.nodes, 0)]
        wanted = self._may_split(totals, frontier.squares) & (frontier.nodes >= 0)
        order = np.cumsum(wanted.reshape(-1)).reshape(wanted.shape) - 1
        rows[:, 3:5] = np.where(wanted, order, -1)
        gains, splits, left_words = self._scan(frontier, hists, totals, allowed)
        least = self.params.min_split_improvement * self._error(totals, frontier.squares)
        accepted = wanted & (splits[:, :, 0] >= 0) & (gains > np.maximum(least, 1e-12 * gains))
        if not accepted.any():
            return None
        chosen = _Chosen(
            nodes=frontier.nodes[accepted],
            hist_rows=rows[:, 3:5][accepted],
            splits=splits[accepted],
            gains=gains[accepted],
            left_words=left_words[accepted],
            squares=frontier.squares[accepted],
        )
        return self._route(tree, frontier.depth, chosen, hists, run)

    def _pool(self, frontier: _Frontier) -> I64:
        """Return room for the histograms of a frontier's children, other than the parents' own."""
        size = 2 * len(frontier.nodes) * self.bin_map.n_slots
        which = frontier.depth % 2
        if self._pools[which].size < size or self._pools[which] is frontier.parents:
            self._pools[which] = np.empty(size, np.int64)
        return self._pools[which]

    def _error(self, totals: I64, squares: F64) -> F64:
        """Return the squared error of nodes in the units of gains."""
        fixed = self.fixed
        coarse = 4.0 ** (fixed.square_shift - fixed.shift)
        weight = np.maximum(totals & ((1 << fixed.shift) - 1), 1).astype(np.float64)
        gradient = (totals >> fixed.shift).astype(np.float64)
        return np.maximum(squares * coarse / fixed.mean_weight - gradient**2 / weight, 0.0)

    def _may_split(self, totals: I64, squares: F64) -> BOOL:
        heavy = (totals & ((1 << self.fixed.shift) - 1)) >= 2 * self._min_weight()
        return heavy & (squares > 0)

    def _scan(
        self, frontier: _Frontier, hists: I64, totals: I64, allowed: U8
    ) -> tuple[F64, I32, I64]:
        n = len(frontier.nodes)
        gains = np.zeros((n, 2))
        splits = np.full((n, 2, 3), -1, np.int32)
        left_words = np.zeros((n, 2), np.int64)
        n_slots = self.bin_map.n_slots

        def scan(part: int, first: int, stop: int) -> None:
            scan_pairs(
                first, stop, frontier.parents, frontier.built, hists, n_slots, frontier.rows,
                totals, self.table, allowed, self.fixed.shift, self._min_weight(),
                *self._scratch[part], gains, splits, left_words,
            )  # fmt: skip

        n_parts = min(self.n_threads, n, max(2 * n * n_slots // _SLOTS_A_THREAD, 1))
        ends = [n * i // n_parts for i in range(n_parts + 1)]
        if n_parts == 1:
            scan(0, 0, n)
        else:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.n_threads - 1)
            jobs = [self._threads.submit(scan, i, ends[i], ends[i + 1]) for i in range(1, n_parts)]
            scan(0, ends[0], ends[1])
            for job in jobs:
                job.result()
        return gains, splits, left_words

    def _route(
        self, tree: RawTree, depth: int, chosen: _Chosen, hists: I64,
        run: Callable[[Any], LevelSums],
    ) -> _Frontier:  # fmt: skip
        n = len(chosen.nodes)
        first = tree.add_nodes(2 * n)
        goes_left, starts = self._write_splits(tree, chosen, hists, first)
        sums = np.stack([chosen.left_words, tree.sums[chosen.nodes] - chosen.left_words], axis=1)
        tree.sums[first:] = sums.reshape(-1)
        tree.depths[first:] = depth + 1
        weights = sums & ((1 << self.fixed.shift) - 1)
        again = depth + 1 < self.params.depth_limit
        wanted = (weights >= 2 * self._min_weight()).any(axis=1) & again
        left_is_smaller = weights[:, 0] <= weights[:, 1]
        hist_idx = np.where(wanted, np.cumsum(wanted) - 1, 0).astype(np.int32)
        step = RouteLevel(
            depth=depth,
            nodes=chosen.nodes,
            first_child=first,
            columns=self.bin_map.columns[chosen.splits[:, 0]],
            starts=starts,
            goes_left=goes_left,
            builds=np.where(wanted, np.where(left_is_smaller, 1, 2), 0).astype(np.int8),
            hist_idx=hist_idx,
            n_built=int(wanted.sum()),
            square_shift=self.fixed.square_shift,
        )
        level = run(step)
        left = level.counts.astype(np.float64)
        return _Frontier(
            depth=depth + 1,
            nodes=(first + np.arange(2 * n, dtype=np.int64).reshape(n, 2))[wanted],
            rows=np.column_stack([chosen.hist_rows, hist_idx, left_is_smaller, np.zeros((n, 2))])[
                wanted
            ].astype(np.int32),
            parents=hists,
            built=level.hists.reshape(-1),
            squares=np.stack([left, chosen.squares - left], axis=1)[wanted],
        )

    def _write_splits(
        self, tree: RawTree, chosen: _Chosen, hists: I64, first: int
    ) -> tuple[U8, I64]:
        n = len(chosen.nodes)
        features = chosen.splits[:, 0]
        n_bins = self.table[features, 1].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(n_bins + 1)])
        goes_left = np.zeros(int(starts[-1]), np.uint8)
        na_sides: I8 = np.zeros(n, np.int8)
        route_tables(
            hists, self.bin_map.n_slots, chosen.hist_rows, self.table, chosen.splits,
            self.fixed.shift, *self._scratch[0], starts[:-1], goes_left, na_sides,
        )  # fmt: skip
        nodes = tree.nodes
        nodes[chosen.nodes, 0] = self.bin_map.columns[features]
        nodes[chosen.nodes, 1] = chosen.splits[:, 1]
        nodes[chosen.nodes, 2] = first + 2 * np.arange(n)
        nodes[chosen.nodes, 3] = first + 2 * np.arange(n) + 1
        nodes[chosen.nodes, 5] = n_bins
        coded = self.table[features, 2] == 1
        at = len(tree.goes_left)
        kept = []
        for s in np.flatnonzero(coded):
            nodes[chosen.nodes[s], 4] = at
            kept.append(goes_left[starts[s] : starts[s + 1]])
            at += len(kept[-1])
        if kept:
            tree.goes_left = np.concatenate([tree.goes_left, *kept])
        tree.features[chosen.nodes] = features
        tree.na_sides[chosen.nodes] = na_sides
        tree.na_left[chosen.nodes] = (na_sides == NA_LEFT) | (na_sides == UNSEEN_LEFT)
        tree.gains[chosen.nodes] = chosen.gains
        return goes_left, starts[:-1]


@dataclass(slots=True)
class _Chosen:
    """The nodes of a frontier that split, and how."""

    nodes: I64
    hist_rows: I32
    splits: I32
    gains: F64
    left_words: I64
    squares: F64
