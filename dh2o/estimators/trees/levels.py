"""The large nodes of one tree, level by level: scan for splits, send the rows, take siblings.

Between two passes over the rows nobody but the driver works, so what it does is a few kernels
(`dh2o.estimators.trees.level_kernels`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64
from dh2o.estimators.trees.level_kernels import choose_splits, note_level, pair_facts
from dh2o.estimators.trees.splitting import scan_pairs, varied_in
from dh2o.estimators.trees.steps import LevelSums, RouteLevel

if TYPE_CHECKING:
    from dh2o.estimators.trees.columns import Columns
    from dh2o.estimators.trees.grower import Grower
    from dh2o.estimators.trees.raw_tree import RawTree
    from dh2o.estimators.trees.small_nodes import SmallNodes

__all__ = ["Levels"]

_MAX_POOL_NBYTES = 1 << 28  # histograms of one frontier; a larger one is grown in two halves
_FIRST_NODES = 1024  # room for nodes that a tree begins with


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
class _Found:
    """What scanning a frontier found: `gains`, `splits`, `left_words` of `scan_pairs`."""

    totals: I64
    facts: F64
    hists: I64
    gains: F64
    splits: I32
    left_words: I64


class Levels:
    """Grows the large nodes of `tree`; small ones are noted in `small`."""

    def __init__(
        self, grower: Grower, tree: RawTree, columns: Columns, small: SmallNodes,
        run: Callable[[Any], LevelSums],
    ) -> None:  # fmt: skip
        self._grower = grower
        self._tree = tree
        self._columns = columns
        self._small = small
        self._run = run
        self._n_nodes = 1
        self._rules = grower.rules.copy()
        self._rules[4] = small.limit
        self._tries = columns.tries(grower.params.depth_limit + 1)
        self._cells = grower.params.cells_by_depth()
        self._draws = bool((self._tries < int(columns.of_tree.sum())).any())

    def grow(self, hists: I64, squares: int, key: int) -> None:
        """Grow the tree from the root's histogram, its coarse squares and its key."""
        root = _Frontier(
            0, np.array([[0, -1]], np.int64), np.array([[0, 0, 1, 0, -1]], np.int32),
            np.zeros(0, np.int64), hists.reshape(-1), np.array([[squares, 0]]),
            np.array([[key, 0]]),
        )  # fmt: skip
        self._tree.add_nodes(_FIRST_NODES)
        stack = [root]
        while stack:
            frontier = stack.pop()
            if frontier.depth >= self._grower.params.depth_limit:
                continue
            n_bytes = 16 * len(frontier.nodes) * self._grower.bin_map.n_slots
            if n_bytes > _MAX_POOL_NBYTES and len(frontier.nodes) > 1:
                stack.extend(reversed(frontier.halves()))
                self._grower.leave_rooms()  # halves keep theirs
                continue
            children = self._split(frontier, self._scan(frontier))
            if children is not None and len(children.nodes):
                stack.append(children)
        self._tree.cut(self._n_nodes)

    def _scan(self, frontier: _Frontier) -> _Found:
        """Return the best split of each node of a frontier; the nodes' histograms are made."""
        grower, tree, n = self._grower, self._tree, len(frontier.nodes)
        found = _Found(
            np.empty((n, 2), np.int64), np.empty((n, 2, 3)),
            grower.room(frontier.depth, n, frontier.parents), np.empty((n, 2)),
            np.empty((n, 2, 3), np.int32), np.zeros((n, 2), np.int64),
        )  # fmt: skip
        fixed = grower.fixed
        pair_facts(
            frontier.nodes, frontier.rows, frontier.squares, tree.sums, tree.counts, self._rules,
            fixed.shift, fixed.square_shift, found.totals, found.facts,
        )  # fmt: skip
        allowed = self._columns.allowed(tree, frontier.nodes.reshape(-1))
        n_tries, n_cells = int(self._tries[frontier.depth]), int(self._cells[frontier.depth])
        shifts, edges = grower.params.shifts_cells, grower.bin_map.edges

        def scan(first: int, stop: int, scratch: tuple[I32, I64, F64]) -> None:
            scan_pairs(
                first, stop, frontier.parents, frontier.built, found.hists, grower.bin_map.n_slots,
                frontier.rows, found.totals, found.facts, frontier.keys, grower.table, allowed,
                n_tries, n_cells, shifts, edges, fixed.shift, *scratch, found.gains, found.splits,
                found.left_words,
            )  # fmt: skip

        grower.each_part(n, scan)
        return found

    def _split(self, frontier: _Frontier, found: _Found) -> _Frontier | None:
        """Make the splits that are worth it; returns the frontier of their children, if any."""
        grower, tree, fixed = self._grower, self._tree, self._grower.fixed
        goes_on = frontier.depth + 1 < grower.params.depth_limit
        about, ways, gain, places, columns, builds, starts, goes_left, sides, bits = choose_splits(
            frontier.nodes, frontier.rows, found.totals, found.facts, found.gains, found.splits,
            found.left_words, tree.counts, tree.places, frontier.squares, frontier.keys,
            found.hists, grower.bin_map.n_slots, grower.table, grower.bin_map.columns, self._rules,
            fixed.shift, goes_on, grower.scratch[0][1],
        )  # fmt: skip
        n = len(about)
        if n == 0:
            return None
        first_place = self._small.take_places(2 * n)
        level = self._run(
            RouteLevel(
                nodes=places,
                first_child=first_place,
                columns=columns,
                starts=starts,
                goes_left=goes_left,
                builds=builds,
                hist_idx=ways[:, 3].copy(),
                n_built=int(np.count_nonzero(builds)),
                square_shift=fixed.square_shift,
                weight_mask=fixed.weight_mask,
            )
        )
        if self._n_nodes + 2 * n > tree.n_nodes:
            tree.add_nodes(tree.n_nodes + 2 * n)
        added, pairs, rows, squares, keys, small = note_level(
            about, ways, gain, columns, sides, level.counts[0], level.counts[1], self._n_nodes,
            first_place, len(tree.bits), goes_on, grower.table, self._rules, fixed.shift,
            fixed.square_shift, tree.nodes, tree.features, tree.na_sides, tree.na_left, tree.gains,
            tree.sums, tree.counts, tree.depths, tree.places,
        )  # fmt: skip
        self._n_nodes += added
        if len(bits):
            tree.bits = np.concatenate([tree.bits, bits])
        self._small.add(self._with_varied(small, found.hists))
        built = level.hists.reshape(-1)
        return _Frontier(frontier.depth + 1, pairs, rows, found.hists, built, squares, keys)

    def _with_varied(self, small: I64, hists: I64) -> I64:
        """Return small nodes as `SmallNodes` takes them; `small` ends with the parent's row."""
        grower = self._grower
        if self._draws:
            bits = varied_in(hists, grower.bin_map.n_slots, small[:, 3].copy(), grower.table)
        else:
            bits = np.zeros((len(small), (len(grower.table) + 63) // 64), np.int64)
        return np.column_stack([small[:, :3], bits])
