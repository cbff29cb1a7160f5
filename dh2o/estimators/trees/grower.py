"""Growing one tree: level by level while nodes are large, then each small node as a whole.

A level: scan histograms for splits, route rows, take siblings by subtraction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.columns import Columns
from dh2o.estimators.trees.fixed_point import FixedPoint, WeightFacts
from dh2o.estimators.trees.levels import Levels
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.small_nodes import SmallNodes
from dh2o.estimators.trees.splitting import split_facts
from dh2o.estimators.trees.steps import LevelSums

__all__ = ["Columns", "Grower", "TreeParams"]

MAX_DEPTH = 63  # what the scoring formats can name
_SLOTS_A_THREAD = 1 << 16  # slots to scan below which another thread does not pay
_PARTS_A_THREAD = 4  # the thread that is done first takes the next one

_Scratch = tuple[I32, I64, F64]
_SMALL = (256, 8192)  # least and most rows of what counts as a small node
_ROWS_A_CELL = 16
_ROWS_A_SLOT = 4  # a row tried on a feature costs about a fourth of a histogram's slot


@dataclass(frozen=True, slots=True)
class TreeParams:
    """Limits of a tree. `max_depth` 0 means as deep as the format allows.

    Of a number's bins a node tells apart no more than `merge_cells` makes: `nbins_top_level` cells
    at the root, half as many with each level, but at least `nbins` (H2O).
    """

    max_depth: int = 5
    min_rows: float = 10.0
    min_split_improvement: float = 1e-5
    col_sample_rate: float = 1.0
    col_sample_rate_change_per_level: float = 1.0
    col_sample_rate_per_tree: float = 1.0
    nbins: int = 0
    nbins_top_level: int = 0
    shifts_cells: bool = False

    @classmethod
    def of(
        cls, params: Mapping[str, Any], facts: WeightFacts, shifts_cells: bool = False
    ) -> TreeParams:
        """Return the limits that a model's parameters set.

        Many rows can tell more cells apart than few: the root has one for every 16 rows.  Boosting
        ``shifts_cells``, each tree has other ones; there the root has no more cells than that.
        """
        names = set(cls.__dataclass_fields__) - {"shifts_cells", "nbins_top_level"}
        limits = {name: params[name] for name in names if name in params}
        top = facts.n_repeated // _ROWS_A_CELL
        if not shifts_cells:
            top = max(top, params["nbins_top_level"])
        return cls(**limits, nbins_top_level=top, shifts_cells=shifts_cells)

    def cells_by_depth(self) -> I64:
        """Return the cells that a number's range has in a node, by depth (H2O's); 0: all bins."""
        depths = np.minimum(np.arange(self.depth_limit + 1), 62)
        return np.maximum(np.int64(self.nbins_top_level) >> depths, self.nbins)

    @property
    def depth_limit(self) -> int:
        """Depth at which every node is a leaf."""
        return min(self.max_depth or MAX_DEPTH, MAX_DEPTH)


class Grower:
    """Grows trees over one set of bins. `run` sends a step to the workers.

    Unless it `settles`, rows of small nodes are not sorted into the leaves below them: then only
    `walk_bins` tells where they end.
    """

    def __init__(
        self, bin_map: BinMap, params: TreeParams, fixed: FixedPoint, n_threads: int = 1,
        signs: dict[str, int] | None = None, settles: bool = True, needs_terms: bool = False,
    ) -> None:  # fmt: skip
        self.bin_map = bin_map
        self.params = params
        self.fixed = fixed
        self.table = bin_map.table(signs)
        self.n_threads = n_threads
        self.settles = settles
        self.needs_terms = needs_terms  # the pass that settles sums the leaf terms
        self._threads: ThreadPoolExecutor | None = None
        self.scratch = [self._new_scratch() for _ in range(n_threads)]
        self._pools: list[I64] = [np.empty(0, np.int64), np.empty(0, np.int64)]

    @cached_property
    def rules(self) -> F64:
        """What level kernels know of the limits, but for the rows of a small node."""
        params, fixed = self.params, self.fixed
        improvement = params.min_split_improvement
        return np.array([params.min_rows, fixed.weight_scale, improvement, fixed.curved, 0.0])

    def _new_scratch(self) -> _Scratch:
        size = self.bin_map.max_bins + 1
        order = np.zeros(len(self.bin_map.features), np.int32)
        return order, np.zeros((5, size), np.int64), np.zeros(size, np.float64)

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
        squares, key = int(root.counts[3]), columns.root_key
        if tree.counts[0] > small.limit:
            Levels(self, tree, columns, small, run).grow(root.hists, squares, key)
        elif self.can_split(int(tree.sums[0]), int(tree.counts[0]), squares):
            no_parent = np.zeros((len(self.table) + 63) // 64, np.int64)
            small.add(np.array([[0, squares, key, *no_parent]]))
        small.finish(run)
        return tree

    def can_split(self, total: int, count: int, squares: int) -> bool:
        """Return whether a node of these sums has the rows and the variance for a split."""
        rules, fixed = self.rules, self.fixed
        facts = split_facts(
            total, max(count, 1), squares, fixed.shift, fixed.square_shift, rules[0], rules[1],
            bool(rules[3]),
        )  # fmt: skip
        return facts[1] >= 0

    def room(self, depth: int, n_pairs: int, parents: I64) -> I64:
        """Return room for the histograms of the children of pairs, other than the parents' own."""
        size = 2 * n_pairs * self.bin_map.n_slots
        which = depth % 2
        if self._pools[which].size < size or self._pools[which] is parents:
            self._pools[which] = np.empty(size, np.int64)
        return self._pools[which]

    def leave_rooms(self) -> None:
        """Let the rooms be whose they are now."""
        self._pools = [np.empty(0, np.int64), np.empty(0, np.int64)]

    def each_part(self, n: int, scan: Callable[[int, int, _Scratch], None]) -> None:
        """Call ``scan(first, stop, scratch)`` with parts of n pairs, on all threads."""
        n_slots = 2 * n * self.bin_map.n_slots
        n_threads = min(self.n_threads, n, max(n_slots // _SLOTS_A_THREAD, 1))
        if n_threads == 1:
            scan(0, n, self.scratch[0])
            return
        n_parts = min(n, _PARTS_A_THREAD * n_threads)
        parts = iter([(n * i // n_parts, n * (i + 1) // n_parts) for i in range(n_parts)])

        def work(thread: int) -> None:
            for first, stop in parts:  # a list's iterator is atomic under the GIL
                scan(first, stop, self.scratch[thread])

        jobs = [self.threads().submit(work, i) for i in range(1, n_threads)]
        work(0)
        for job in jobs:
            job.result()
