"""The small nodes of a tree that is being grown: collected, finished, and put into the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.trees.arrays import I32, I64
from dh2o.estimators.trees.finishing import (
    FinishSubtrees,
    RowBatch,
    SettleRows,
    SubtreeRules,
    Subtrees,
    grow_batch,
)
from dh2o.estimators.trees.splitting import NA_LEFT, UNSEEN_LEFT

if TYPE_CHECKING:
    from dh2o.estimators.trees.columns import Columns
    from dh2o.estimators.trees.grower import Grower
    from dh2o.estimators.trees.raw_tree import RawTree

__all__ = ["SmallNodes"]

_BATCH_ROWS = 32_768  # rows of a batch: one thread's work, and its scratch of some megabytes
_ROUND_ROWS = 1 << 20  # rows that one step may gather: bounds the memory of a driver


class SmallNodes:
    """Small nodes of one tree, in the order in which they were met."""

    def __init__(self, grower: Grower, tree: RawTree, columns: Columns) -> None:
        self.limit = grower.small_rows(columns)
        self._grower = grower
        self._tree = tree
        self._columns = columns
        self._found: list[I64] = []
        self._n_places = 1

    def take_places(self, n: int) -> int:
        """Return the first of `n` new places where states keep the rows of nodes."""
        first = self._n_places
        self._n_places += n
        return first

    def add(self, found: I64) -> None:
        """Note small nodes that are no leaves: (node, squares, key, bits of `varied_in`...)."""
        if len(found):
            self._found.append(found)

    def finish(self, run: Callable[[Any], Any]) -> None:
        """Grow what is below the nodes."""
        if not self._found:
            return
        found = np.concatenate(self._found)
        nodes, squares, keys = found[:, :3].T
        tree = self._tree
        roots = np.column_stack(
            [tree.sums[nodes], tree.counts[nodes], squares, keys, tree.depths[nodes], found[:, 3:]]
        ).astype(np.int64)
        rules, ends = self._rules(), _batches(roots[:, 1])
        grown: list[Subtrees] = []
        rows = np.add.reduceat(roots[:, 1], ends[:-1])
        first = 0
        while first < len(rows):
            held = np.cumsum(rows[first:])
            last = first + max(int(np.searchsorted(held, _ROUND_ROWS, "right")), 1)
            some = slice(int(ends[first]), int(ends[last]))
            step = FinishSubtrees(
                roots[some], tree.places[nodes[some]], ends[first : last + 1] - ends[first], rules
            )
            grown.extend(self._own_share(step, run(step)))
            first = last
        self._append(nodes, grown, run)

    def _own_share(self, step: FinishSubtrees, done: dict[int, Any]) -> list[Subtrees]:
        """Return all subtrees: those that no worker could grow alone are grown here."""

        def grow(b: int) -> Subtrees:
            if isinstance(done[b], Subtrees):
                return done[b]
            rows = RowBatch.joined(done[b])
            roots = step.roots[int(step.ends[b]) : int(step.ends[b + 1])]
            return grow_batch(step.rules, roots, rows)

        batches = range(len(step.ends) - 1)
        if self._grower.n_threads == 1 or all(isinstance(part, Subtrees) for part in done.values()):
            return [grow(b) for b in batches]
        return list(self._grower.threads().map(grow, batches))

    def _rules(self) -> SubtreeRules:
        grower, params, fixed = self._grower, self._grower.params, self._grower.fixed
        features = grower.table.copy()
        features[:, 0] = grower.bin_map.columns
        limits = [
            params.depth_limit, params.min_rows, fixed.weight_scale, fixed.curved,
            params.min_split_improvement,
        ]  # fmt: skip
        return SubtreeRules(
            features=features,
            allowed=self._columns.of_tree,
            tries=self._columns.tries(params.depth_limit + 1),
            cells=params.cells_by_depth(),
            shifts_cells=params.shifts_cells,
            edges=grower.bin_map.edges,
            limits=np.array(limits, np.float64),
            shift=fixed.shift,
            square_shift=fixed.square_shift,
        )

    def _append(self, roots: I64, grown: list[Subtrees], run: Callable[[Any], Any]) -> None:
        """Put the subtrees into the tree: first what `roots` became, then what is below."""
        tree, bin_map, table = self._tree, self._grower.bin_map, self._grower.table
        sizes = np.concatenate([np.diff(part.ends, prepend=0) for part in grown])
        tops = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        below = sizes - 1
        first = tree.add_nodes(int(below.sum()))
        starts = first + np.concatenate([[0], np.cumsum(below)[:-1]])
        nodes = np.concatenate([part.nodes for part in grown])
        owner = np.repeat(np.arange(len(roots)), sizes)
        at = starts[owner] + np.arange(len(nodes)) - tops[owner] - 1
        at[tops] = roots
        inner = nodes[:, 0] >= 0
        features = nodes[:, 0]
        here, of = at[inner], features[inner]
        tree.features[at] = features
        tree.nodes[here, 0] = bin_map.columns[of]
        tree.nodes[here, 1] = nodes[inner, 1]
        left = (starts[owner[inner]] + nodes[inner, 2]).astype(np.int32)
        tree.nodes[here, 2], tree.nodes[here, 3] = left, left + 1
        tree.nodes[here, 4] = self._take_bits(grown, nodes)[inner]
        tree.nodes[here, 5] = table[of, 1]
        sides = nodes[inner, 3]
        tree.na_sides[here] = sides
        tree.na_left[here] = (sides == NA_LEFT) | (sides == UNSEEN_LEFT)
        tree.gains[here] = np.concatenate([part.gains for part in grown])[inner]
        sums = np.concatenate([part.sums for part in grown])
        tree.sums[at], tree.counts[at] = sums[:, 0], sums[:, 1]
        tree.depths[at] = nodes[:, 5]
        offset = self.take_places(int(below.sum())) - first
        tree.places[first:] = np.arange(first, tree.n_nodes) + offset
        if self._grower.settles:
            wants = self._grower.needs_terms
            terms = run(SettleRows(tree, roots, starts, starts + below, offset, wants))
            if wants:
                tree.terms[tree.leaves], tree.has_terms = terms, True

    def _take_bits(self, grown: list[Subtrees], nodes: I32) -> I32:
        """Append the bits of all subtrees; returns where those of each node begin."""
        ends = np.cumsum([len(self._tree.bits), *(len(part.bits) for part in grown)])
        moved = np.repeat(ends[:-1], [len(part.nodes) for part in grown])
        self._tree.bits = np.concatenate([self._tree.bits, *(part.bits for part in grown)])
        return np.where(nodes[:, 4] >= 0, nodes[:, 4] + moved, -1).astype(np.int32)


def _batches(rows: I64) -> I64:
    """Return where batches of consecutive nodes end, 0 first: enough rows for a thread each."""
    target = int(np.clip(rows.sum() // 8, 2048, _BATCH_ROWS))
    number = (np.cumsum(rows) - rows) // target
    ends = np.flatnonzero(np.diff(number)) + 1
    return np.concatenate([[0], ends, [len(rows)]]).astype(np.int64)
