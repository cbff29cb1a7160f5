"""Growing one tree: level by level while nodes are large, then each small node as a whole.

A level: scan histograms for splits, route rows, take siblings by subtraction.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import BOOL, F64, I8, I32, I64, U8
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.columns import Columns, child_keys
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.small_nodes import SmallNodes
from dh2o.estimators.trees.splitting import (
    NA_LEFT,
    NA_VS_REST,
    UNSEEN_LEFT,
    route_tables,
    scan_pairs,
)
from dh2o.estimators.trees.steps import LevelSums, RouteLevel

__all__ = ["Columns", "Grower", "TreeParams"]

DEFAULT_IMPROVEMENT = 1e-5
MAX_DEPTH = 63  # what the scoring formats can name
_MAX_POOL_NBYTES = 1 << 28  # histograms of one frontier; a larger one is grown in two halves
_SLOTS_A_THREAD = 1 << 16  # slots to scan below which another thread does not pay
_SMALL = (256, 8192)  # least and most rows of what counts as a small node
_ROWS_A_SLOT = 4  # a row tried on a feature costs about a fourth of a histogram's slot


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


@dataclass(slots=True)
class _Frontier:
    """Nodes whose children are still to be scanned, as pairs: see `scan_pairs`.

    `nodes[p, c]` is the tree's node or -1, `rows` the pairs' histograms in `parents` and `built`.
    """

    depth: int
    nodes: I64
    rows: I32
    parents: I64
    built: I64
    squares: I64
    keys: I64

    def halves(self) -> tuple[_Frontier, _Frontier]:
        """Return the first and the second half of the pairs."""
        half = len(self.nodes) // 2
        first, second = (
            _Frontier(
                self.depth, self.nodes[s], self.rows[s].copy(), self.parents, self.built.copy(),
                self.squares[s], self.keys[s],
            )
            for s in (slice(0, half), slice(half, None))
        )  # fmt: skip
        return first, second


@dataclass(slots=True)
class _Chosen:
    """The nodes of a frontier that split, and how."""

    nodes: I64
    hist_rows: I32
    splits: I32
    gains: F64
    left_words: I64
    squares: I64
    keys: I64


class Grower:
    """Grows trees over one set of bins. `run` sends a step to the workers.

    Unless it `settles`, rows of small nodes are not sorted into the leaves below them: then only
    `walk_bins` tells where they end.
    """

    def __init__(
        self, bin_map: BinMap, params: TreeParams, fixed: FixedPoint, n_threads: int = 1,
        signs: dict[str, int] | None = None, settles: bool = True,
    ) -> None:  # fmt: skip
        self.bin_map = bin_map
        self.params = params
        self.fixed = fixed
        self.table = bin_map.table(signs)
        self.n_threads = n_threads
        self.settles = settles
        self._threads: ThreadPoolExecutor | None = None
        self._scratch = [self._new_scratch() for _ in range(n_threads)]
        self._pools: list[I64] = [np.empty(0, np.int64), np.empty(0, np.int64)]

    def _new_scratch(self) -> tuple[I32, I64, F64]:
        size = self.bin_map.max_bins + 1
        order = np.zeros(len(self.bin_map.features), np.int32)
        return order, np.zeros((4, size), np.int64), np.zeros(size, np.float64)

    def close(self) -> None:
        """Let the threads end."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    def threads(self) -> ThreadPoolExecutor:
        """Return the driver's other threads."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(self.n_threads - 1, 1))
        return self._threads

    def small_rows(self, columns: Columns) -> int:
        """Return how many rows make a node small: by what it costs, which only the data decide."""
        if columns.groups is not None:
            return 0
        tries = min(columns.n_tries, max(int(columns.of_tree.sum()), 1))
        return int(np.clip(_ROWS_A_SLOT * self.bin_map.n_slots // tries, *_SMALL))

    def grow(self, root: LevelSums, columns: Columns, run: Callable[[Any], Any]) -> RawTree:
        """Return the tree that grows from the root's histogram; leaves have no values yet.

        ``root.counts`` = (rows in the tree, rows left out, sum of words, coarse squares).
        """
        tree = RawTree()
        tree.counts[0], tree.sums[0] = root.counts[0], root.counts[2]
        small = SmallNodes(self, tree, columns)
        squares, keys = np.array([int(root.counts[3]), 0]), np.array([columns.root_key, 0])
        if tree.counts[0] <= small.limit:
            small.add(np.array([0]), squares[:1], keys[:1])
        else:
            pair, none = np.array([[0, 0, 1, 0, -1]], np.int32), np.zeros(0, np.int64)
            nodes = np.array([[0, -1]], np.int64)
            hists = root.hists.reshape(-1)
            first = _Frontier(0, nodes, pair, none, hists, squares[None], keys[None])
            self._grow_large(tree, first, columns, small, run)
        small.finish(run)
        return tree

    def _grow_large(
        self, tree: RawTree, first: _Frontier, columns: Columns, small: SmallNodes,
        run: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        stack = [first]
        while stack:
            frontier = stack.pop()
            if frontier.depth >= self.params.depth_limit:
                continue
            n_bytes = 16 * len(frontier.nodes) * self.bin_map.n_slots
            if n_bytes > _MAX_POOL_NBYTES and len(frontier.nodes) > 1:
                stack.extend(reversed(frontier.halves()))
                self._pools = [np.empty(0, np.int64), np.empty(0, np.int64)]  # halves keep theirs
                continue
            children = self._split(tree, frontier, columns, small, run)
            if children is not None and len(children.nodes):
                stack.append(children)

    def facts_of(self, sums: I64, counts: I64, squares: I64) -> F64:
        """Return (least weight of a child, residual variance) of nodes: see `split_facts`.

        A variance below 0 says that the node is a leaf.
        """
        fixed, min_rows = self.fixed, self.params.min_rows
        rows = np.maximum(counts, 1)
        weight = np.maximum(sums & ((1 << fixed.shift) - 1), 1).astype(np.float64)
        gradient = (sums >> fixed.shift).astype(np.float64)
        least = min_rows * (weight / rows if fixed.curved else fixed.weight_scale)
        coarse = float(1 << (2 * (fixed.square_shift - fixed.shift)))
        mass = rows if fixed.curved else weight
        noise = (squares.astype(np.float64) * coarse - gradient * gradient / mass) / weight
        if not fixed.curved:
            noise *= fixed.weight_scale  # of a row that weighs 1
        heavy = counts >= 2 * min_rows if fixed.curved else weight >= 2 * least
        return np.stack([least + 0 * weight, np.where(heavy & (noise > 0), noise, -1.0)], axis=-1)

    def _split(
        self, tree: RawTree, frontier: _Frontier, columns: Columns, small: SmallNodes,
        run: Callable[[Any], Any],
    ) -> _Frontier | None:  # fmt: skip
        hists, rows = self._pool(frontier), frontier.rows
        at = np.maximum(frontier.nodes, 0)
        totals, counts = tree.sums[at], tree.counts[at]
        facts = self.facts_of(totals, counts, frontier.squares)
        wanted = (facts[:, :, 1] >= 0) & (frontier.nodes >= 0)
        order = np.cumsum(wanted.reshape(-1)).reshape(wanted.shape) - 1
        rows[:, 3:5] = np.where(wanted, order, -1)
        allowed = columns.allowed(tree, frontier.nodes.reshape(-1))
        n_tries = int(columns.tries(frontier.depth + 1)[-1])
        prices = facts
        if self.params.min_split_improvement == 0:  # any gain is worth a split: levels are free
            prices = np.stack([facts[:, :, 0], np.minimum(facts[:, :, 1], 0.0)], axis=-1)
        gains, splits, left_words = self._scan(frontier, hists, totals, prices, allowed, n_tries)
        mass = counts if self.fixed.curved else self.fixed.weight_of(totals)
        part = self.params.min_split_improvement * mass
        if self.params.min_split_improvement <= DEFAULT_IMPROVEMENT:
            part = np.minimum(part, 1.0)  # see `least_gain`
        least = part * facts[:, :, 1]
        accepted = wanted & (splits[:, :, 0] >= 0) & (gains > np.maximum(least, 0.0))
        if not accepted.any():
            return None
        chosen = _Chosen(
            nodes=frontier.nodes[accepted],
            hist_rows=rows[:, 3:5][accepted],
            splits=splits[accepted],
            gains=gains[accepted],
            left_words=left_words[accepted],
            squares=frontier.squares[accepted],
            keys=frontier.keys[accepted],
        )
        return self._route(tree, frontier.depth, chosen, hists, small, run)

    def _pool(self, frontier: _Frontier) -> I64:
        """Return room for the histograms of a frontier's children, other than the parents' own."""
        size = 2 * len(frontier.nodes) * self.bin_map.n_slots
        which = frontier.depth % 2
        if self._pools[which].size < size or self._pools[which] is frontier.parents:
            self._pools[which] = np.empty(size, np.int64)
        return self._pools[which]

    def _scan(
        self, frontier: _Frontier, hists: I64, totals: I64, facts: F64, allowed: U8, n_tries: int
    ) -> tuple[F64, I32, I64]:
        n = len(frontier.nodes)
        gains = np.zeros((n, 2))
        splits = np.full((n, 2, 3), -1, np.int32)
        left_words = np.zeros((n, 2), np.int64)
        n_slots = self.bin_map.n_slots

        def scan(part: int, first: int, stop: int) -> None:
            order, ints, scores = self._scratch[part]
            scan_pairs(
                first, stop, frontier.parents, frontier.built, hists, n_slots, frontier.rows,
                totals, facts, frontier.keys, self.table, allowed, n_tries, self.fixed.shift,
                order, ints, scores, gains, splits, left_words,
            )  # fmt: skip

        n_parts = min(self.n_threads, n, max(2 * n * n_slots // _SLOTS_A_THREAD, 1))
        ends = [n * i // n_parts for i in range(n_parts + 1)]
        if n_parts == 1:
            scan(0, 0, n)
        else:
            threads = self.threads()
            jobs = [threads.submit(scan, i, ends[i], ends[i + 1]) for i in range(1, n_parts)]
            scan(0, ends[0], ends[1])
            for job in jobs:
                job.result()
        return gains, splits, left_words

    def _route(
        self, tree: RawTree, depth: int, chosen: _Chosen, hists: I64, small: SmallNodes,
        run: Callable[[Any], LevelSums],
    ) -> _Frontier:  # fmt: skip
        n = len(chosen.nodes)
        tables = self._tables(tree, chosen, hists)
        sums = np.stack([chosen.left_words, tree.sums[chosen.nodes] - chosen.left_words], axis=1)
        weights = sums & ((1 << self.fixed.shift) - 1)
        again = depth + 1 < self.params.depth_limit
        expected = (
            weights * (tree.counts[chosen.nodes] / np.maximum(weights.sum(axis=1), 1))[:, None]
        )
        heavy = expected >= 1.5 * self.params.min_rows  # a guess: counted below
        if not self.fixed.curved:
            heavy = weights >= 2 * self.params.min_rows * self.fixed.weight_scale
        is_small = expected <= small.limit
        wanted = (heavy & ~is_small).any(axis=1) & again
        left_is_smaller = weights[:, 0] <= weights[:, 1]
        hist_idx = np.where(wanted, np.cumsum(wanted) - 1, 0).astype(np.int32)
        first_place = small.take_places(2 * n)
        step = RouteLevel(
            depth=depth,
            nodes=tree.places[chosen.nodes].astype(np.int64),
            first_child=first_place,
            columns=self.bin_map.columns[chosen.splits[:, 0]],
            starts=tables.starts,
            goes_left=tables.goes_left,
            builds=np.where(wanted, np.where(left_is_smaller, 1, 2), 0).astype(np.int8),
            hist_idx=hist_idx,
            n_built=int(wanted.sum()),
            square_shift=self.fixed.square_shift,
            weight_mask=self.fixed.weight_mask,
        )
        level = run(step)
        total = tree.counts[chosen.nodes]
        counts = np.stack([level.counts[0], total - level.counts[0]], axis=1)
        squares = np.stack([level.counts[1], chosen.squares - level.counts[1]], axis=1)
        kept = np.ones(n, np.bool_)
        if self.fixed.curved:  # weights told the rows only roughly
            kept = counts.min(axis=1) >= self.params.min_rows
        first = _write_splits(self, tree, chosen, tables, kept)
        some = int(kept.sum())
        nodes = np.full((n, 2), -1, np.int64)
        nodes[kept] = first + np.arange(2 * some).reshape(some, 2)
        tree.sums[first:], tree.counts[first:] = sums[kept].reshape(-1), counts[kept].reshape(-1)
        tree.depths[first:] = depth + 1
        tree.parity[first:] = (depth + 1) % 2
        places = first_place + np.arange(2 * n).reshape(n, 2)
        tree.places[first:] = places[kept].reshape(-1)
        keys = child_keys(chosen.keys)
        if again:
            few = is_small & (nodes >= 0)
            small.add(nodes[few], squares[few], keys[few])
        nodes[is_small] = -1
        rows = np.column_stack([chosen.hist_rows, hist_idx, left_is_smaller, np.zeros((n, 2))])
        wanted &= (nodes >= 0).any(axis=1)
        return _Frontier(
            depth=depth + 1,
            nodes=nodes[wanted],
            rows=rows[wanted].astype(np.int32),
            parents=hists,
            built=level.hists.reshape(-1),
            squares=squares[wanted],
            keys=keys[wanted],
        )

    def _tables(self, tree: RawTree, chosen: _Chosen, hists: I64) -> _Tables:
        features, sides = chosen.splits[:, 0], chosen.splits[:, 2]
        n_bins = self.table[features, 1].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(n_bins + 1)])
        has_bits = (self.table[features, 2] == 1) & (sides != NA_VS_REST)
        sizes = np.where(has_bits, (n_bins + 7) // 8, 0)
        ends = np.cumsum(sizes)
        bit_starts = np.where(has_bits, ends - sizes, -1)
        tables = _Tables(
            starts[:-1],
            np.zeros(int(starts[-1]), np.uint8),
            np.zeros(len(features), np.int8),
            bit_starts,
            np.zeros(int(sizes.sum()), np.uint8),
        )
        route_tables(
            hists, self.bin_map.n_slots, chosen.hist_rows, tree.sums[chosen.nodes],
            chosen.left_words, self.table, chosen.splits, self.fixed.shift, self._scratch[0][1],
            tables.starts, tables.goes_left, tables.na_sides, bit_starts, tables.bits,
        )  # fmt: skip
        return tables


@dataclass(slots=True)
class _Tables:
    """Where bins go in the splits of a level: see `route_tables`."""

    starts: I64
    goes_left: U8
    na_sides: I8
    bit_starts: I64
    bits: U8


def _write_splits(
    grower: Grower, tree: RawTree, chosen: _Chosen, tables: _Tables, kept: BOOL
) -> int:
    """Write the splits that are kept into the tree; returns the first of the new children."""
    n = int(kept.sum())
    at, splits, sides = chosen.nodes[kept], chosen.splits[kept], tables.na_sides[kept]
    first = tree.add_nodes(2 * n)
    bit_starts = tables.bit_starts[kept]
    nodes = tree.nodes
    nodes[at, 0] = grower.bin_map.columns[splits[:, 0]]
    nodes[at, 1] = splits[:, 1]
    nodes[at, 2] = first + 2 * np.arange(n)
    nodes[at, 3] = first + 2 * np.arange(n) + 1
    nodes[at, 4] = np.where(bit_starts >= 0, bit_starts + len(tree.bits), -1)
    nodes[at, 5] = grower.table[splits[:, 0], 1]
    tree.bits = np.concatenate([tree.bits, tables.bits])
    tree.features[at] = splits[:, 0]
    tree.na_sides[at] = sides
    tree.na_left[at] = (sides == NA_LEFT) | (sides == UNSEEN_LEFT)
    tree.gains[at] = chosen.gains[kept]
    return first
