"""Growing one tree level by level: every node bins its own range of each column anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.estimators.trees.adaptive.columns import ColumnTable, HistogramType
from dh2o.estimators.trees.adaptive.guides import guides_of
from dh2o.estimators.trees.adaptive.points import set_points
from dh2o.estimators.trees.adaptive.splitting import NA_VS_REST, fill_levels, find_splits
from dh2o.estimators.trees.adaptive.steps import (
    GrowLevel,
    LeafFacts,
    LeafStep,
    LevelFacts,
    Route,
    StartValues,
)
from dh2o.estimators.trees.adaptive.tables import NodeTables, child_tables, root_tables, type_of
from dh2o.estimators.trees.adaptive.value_tree import ValueTree
from dh2o.estimators.trees.arrays import BOOL, F32, F64, I8, I32, I64, U8, writable
from dh2o.estimators.trees.grower import MAX_DEPTH

__all__ = ["ColumnChoice", "ValueGrower", "ValueParams"]

_MAX_SLOTS = 1 << 22  # slots of one pass: 100 MB; a level with more takes several passes


@dataclass(frozen=True, slots=True)
class ValueParams:
    """Limits of a tree and of its bins, by H2O's names. `max_depth` 0 is as deep as can be."""

    max_depth: int = 5
    min_rows: float = 10.0
    min_split_improvement: float = 1e-5
    nbins: int = 20
    nbins_top_level: int = 1024
    nbins_cats: int = 1024
    histogram_type: HistogramType = HistogramType.UniformAdaptive

    @property
    def depth_limit(self) -> int:
        """Depth at which every node is a leaf."""
        return min(self.max_depth or MAX_DEPTH, MAX_DEPTH)


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Columns that a tree may use, and how many of those that still vary a node looks at.

    ``groups[g]`` flags the columns of a group that may meet on a path; None for all.
    """

    of_tree: U8
    n_tries: int
    change: float
    key: int
    groups: BOOL | None = None

    @classmethod
    def draw(
        cls, n_columns: int, rate: float, n_tries: int, change: float, key: int,
        groups: BOOL | None = None,
    ) -> ColumnChoice:  # fmt: skip
        """Return the columns of one tree, a part `rate` of all; the counts are H2O's."""
        of_tree = np.ones(n_columns, np.uint8)
        if rate < 1.0:
            rng = np.random.Generator(np.random.Philox(key=[key & (2**64 - 1), 1]))
            of_tree[rng.permutation(n_columns)[max(1, int(rate * n_columns)) :]] = 0
        return cls(of_tree, n_tries, change, key, groups)

    @property
    def at_root(self) -> U8:
        """The columns that the root may look at."""
        if self.groups is None:
            return self.of_tree
        return self.of_tree & self.groups.any(axis=0).astype(np.uint8)

    def below(self, used: U8, columns: I32) -> U8:
        """Return what the children of nodes that may use `used` may use after these splits."""
        if self.groups is None:
            return used[:1]
        rows = []
        for own, c in zip(used, columns, strict=True):
            rows.append(own & self.groups[self.groups[:, c]].any(axis=0).astype(np.uint8))
        return np.repeat(np.array(rows, np.uint8).reshape(len(rows), used.shape[1]), 2, axis=0)

    def scored(self, alive: U8, depth: int) -> U8:
        """Return the flags (node, column) of the columns that are looked at, of those alive."""
        n = alive.shape[1]
        tries = int(np.clip(int(self.n_tries * self.change**depth), 1, n))
        if tries >= int(self.of_tree.sum()):
            return alive
        rng = np.random.Generator(np.random.Philox(key=[self.key & (2**64 - 1), 2 + depth]))
        draw = rng.random(alive.shape)
        draw[alive == 0] = 2.0
        least = np.argpartition(draw, tries - 1, axis=1)[:, :tries]
        some = np.zeros_like(alive)
        np.put_along_axis(some, least, 1, axis=1)
        return some & alive


@dataclass(slots=True)
class _Level:
    """Nodes that are still to be split: numbers in the tree, bins, bounds of leaf values.

    used[i] flags the columns that node i may look at; one row if all are equal.
    """

    depth: int
    nodes: I64
    tables: NodeTables
    bounds: F64
    used: U8

    def take(self, part: Any) -> _Level:
        """Return some of the nodes."""
        used = self.used if len(self.used) == 1 else self.used[part]
        return _Level(self.depth, self.nodes[part], self.tables.take(part), self.bounds[part], used)


@dataclass(slots=True)
class _Batch:
    """Nodes of one pass: flags of the columns looked at, and where their slots lie."""

    level: _Level
    scored: U8
    slots: I64
    n_slots: int


@dataclass(slots=True)
class _Found:
    """What the search of a batch found, for its first to last node."""

    splits: I32
    at: F64
    facts: F64
    set_starts: I64
    left_levels: U8
    child: NodeTables
    wanted: BOOL
    bounds: F64
    used: U8


class ValueGrower:
    """Grows trees over the values of `columns`. `scales` are those of the terms of the rows."""

    def __init__(
        self, columns: ColumnTable, params: ValueParams, dim: int = 3,
        signs: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.columns = columns
        self.params = params
        self.dim = dim
        given = signs or {}
        self.signs: I8 = np.array([given.get(name, 0) for name in columns.names], np.int8)
        with np.errstate(over="ignore"):
            span = columns.high - columns.low - 1.0
        small = (columns.kinds == 1) & (span < params.nbins)
        self.one_a_value: BOOL = small | (columns.kinds == 2)

    def grow(
        self, start: StartValues, chosen: ColumnChoice, seed: int, run: Callable[[Any], Any]
    ) -> tuple[ValueTree, LeafFacts]:
        """Return the tree that `start` begins, without values, and the sums of its leaves."""
        tree, level = ValueTree(), self._root(chosen, seed)
        first: StartValues | None = start
        route: Route | None = None
        while len(level.nodes) and level.depth < self.params.depth_limit:
            found = []
            for batch in self._batches(level, chosen):
                own = batch.level
                sums = run(
                    GrowLevel(
                        own.depth, own.nodes, own.tables, batch.slots, batch.n_slots, first, route
                    )
                )
                first = route = None
                found.append((batch, self._search(batch, sums, start.scales, chosen)))
            level, route = self._split(tree, level, found)
        return tree, run(LeafStep(tree, start.residuals, start.scales, route))

    def _root(self, chosen: ColumnChoice, seed: int) -> _Level:
        p = self.params
        used = chosen.at_root
        tables = root_tables(
            self.columns, used, max(p.nbins_top_level, p.nbins), p.nbins_cats, p.histogram_type,
            seed,
        )  # fmt: skip
        set_points(tables, self.columns)
        return _Level(0, np.zeros(1, np.int64), tables, np.full((1, 2), np.nan), used[None, :])

    # ---- what a pass counts

    def _batches(self, level: _Level, chosen: ColumnChoice) -> list[_Batch]:
        """Return the passes over a level, each with as many nodes as memory allows."""
        scored = chosen.scored((level.tables.n_bins > 0).astype(np.uint8), level.depth)
        sizes = np.where(scored > 0, level.tables.n_bins.astype(np.int64) + 1, 0)
        ends = np.cumsum(sizes.sum(axis=1))
        batches, at = [], 0
        while at < len(level.nodes):
            before = int(ends[at - 1]) if at else 0
            stop = max(int(np.searchsorted(ends, before + _MAX_SLOTS, "right")), at + 1)
            part = slice(at, stop)
            own = sizes[part].reshape(-1)
            slots = np.where(own > 0, np.cumsum(own) - own, -1).reshape(sizes[part].shape)
            flags = np.ascontiguousarray(scored[part])
            batches.append(_Batch(level.take(part), flags, slots, int(own.sum())))
            at = stop
        return batches

    def _search(self, batch: _Batch, sums: LevelFacts, scales: F64, chosen: ColumnChoice) -> _Found:
        """Return the splits of a batch of nodes, and their children's bins."""
        level, t, p = batch.level, batch.level.tables, self.params
        n, by = len(level.nodes), 1.0 / scales
        splits, at, facts = np.full((n, 4), -1, np.int32), np.zeros(n), np.zeros((n, 7))
        hist = writable(sums.hist)
        find_splits(
            0, n, hist, self.dim, by, self.columns.kinds, self.signs,
            np.ascontiguousarray(level.bounds), t.n_bins, t.low, t.step, batch.slots, t.starts,
            t.points, t.types, p.min_rows, p.min_split_improvement, splits, at, facts,
        )  # fmt: skip
        done = np.flatnonzero(splits[:, 0] >= 0)
        sizes = np.where(splits[done, 3] == 1, self.columns.n_levels[splits[done, 0]], 0)
        set_starts = np.where(sizes > 0, np.cumsum(sizes) - sizes, -1).astype(np.int64)
        left_levels = np.zeros(int(sizes.sum()), np.uint8)
        fill_levels(
            done, hist, self.dim, by, splits, t.n_bins, t.low, batch.slots,
            sizes.astype(np.int32), set_starts, left_levels,
        )  # fmt: skip
        own = level.used if len(level.used) == 1 and chosen.groups is None else level.used[done]
        found = _Found(
            splits, at, facts, set_starts, left_levels,
            child=NodeTables.empty(2 * len(done), self.columns.n_columns),
            wanted=np.zeros(2 * len(done), np.bool_),
            bounds=self._bounds(level.bounds[done], splits[done], facts[done]),
            used=chosen.below(own, splits[done, 0]),
        )  # fmt: skip
        if level.depth + 1 < p.depth_limit and len(done):
            self._set_children(batch, done, found, sums, by)
        return found

    def _set_children(
        self, batch: _Batch, done: I64, found: _Found, sums: LevelFacts, by: F64
    ) -> None:
        """Give the children of the nodes that split their bins."""
        t, p, child, kinds = batch.level.tables, self.params, found.child, self.columns.kinds
        ranges = writable(sums.ranges)
        wanted = np.zeros(2 * len(done), np.uint8)
        child_tables(
            found.splits[done], found.at[done],
            np.ascontiguousarray(found.facts[done][:, [3, 1, 4, 2]]), done, kinds, found.used,
            np.array([p.nbins, p.nbins_cats], np.int32), p.min_rows, t.n_bins, t.low, t.high,
            ranges, batch.scored, t.seeds, child.n_bins, child.low, child.high, child.step,
            child.seeds, wanted,
        )  # fmt: skip
        found.wanted[:] = wanted
        child.types[:] = int(p.histogram_type)
        if p.histogram_type == HistogramType.RoundRobin:
            child.types[:] = [type_of(p.histogram_type, int(seed)) for seed in child.seeds]
        guides = None
        if p.histogram_type == HistogramType.UniformRobust:
            guides = guides_of(
                t, child, done, found.splits, ranges, batch.scored, batch.slots, sums.hist,
                self.dim, by, self.one_a_value, p.nbins,
            )  # fmt: skip
        set_points(child, self.columns, guides)

    def _bounds(self, bounds: F64, splits: I32, facts: F64) -> F64:
        """Return the bounds of the children's values: the middle of a monotone split parts them."""
        out = np.repeat(bounds, 2, axis=0)
        signs = self.signs[splits[:, 0]]
        middle = (facts[:, 5] + facts[:, 6]) / 2
        for way in range(2):
            upper = (signs > 0) if way == 0 else (signs < 0)
            lower = (signs < 0) if way == 0 else (signs > 0)
            own = out[way::2]
            own[upper, 1] = np.fmin(own[upper, 1], middle[upper])
            own[lower, 0] = np.fmax(own[lower, 0], middle[lower])
        return out

    # ---- what comes of it

    def _split(
        self, tree: ValueTree, level: _Level, found: list[tuple[_Batch, _Found]]
    ) -> tuple[_Level, Route | None]:
        """Write the splits into the tree; returns the next level and the way of the rows."""
        parts = [(batch, of, np.flatnonzero(of.splits[:, 0] >= 0)) for batch, of in found]
        nodes = np.concatenate([batch.level.nodes[done] for batch, _, done in parts])
        n_columns = self.columns.n_columns
        none = _Level(
            level.depth + 1, np.zeros(0, np.int64), NodeTables.empty(0, n_columns),
            np.zeros((0, 2)), level.used[:1],
        )  # fmt: skip
        if not len(nodes):
            return none, None
        splits = np.concatenate([of.splits[done] for _, of, done in parts])
        at = np.concatenate([of.at[done] for _, of, done in parts]).astype(np.float32)
        facts = np.concatenate([of.facts[done] for _, of, done in parts])
        starts, sets = _joined_sets([of for _, of in found])
        first = tree.add_nodes(2 * len(nodes), level.depth + 1)
        self._write(tree, nodes, splits, at, facts)
        tree.nodes[nodes, 2] = first + 2 * np.arange(len(nodes))
        tree.nodes[nodes, 3] = tree.nodes[nodes, 2] + 1
        tree.nodes[nodes, 4] = np.where(starts >= 0, starts + len(tree.goes_left), -1)
        tree.goes_left = np.concatenate([tree.goes_left, sets])
        tree.split_values[first:] = facts[:, 5:7].reshape(-1)
        route = Route(
            depth=level.depth, nodes=nodes, first_child=first, columns=splits[:, 0].copy(),
            thresholds=at, na_sides=splits[:, 2].astype(np.int8), starts=starts,
            n_levels=self.columns.n_levels[splits[:, 0]], left_levels=sets,
        )  # fmt: skip
        tables = _joined_tables([of.child.take(of.wanted) for _, of in found], n_columns)
        wanted = np.concatenate([of.wanted for _, of in found])
        bounds = np.concatenate([of.bounds for _, of in found])
        used = found[0][1].used
        if len(level.used) > 1 or len(used) > 1:
            used = np.concatenate([of.used for _, of in found])[wanted]
        children = first + np.flatnonzero(wanted)
        return _Level(level.depth + 1, children, tables, bounds[wanted], used), route

    def _write(self, tree: ValueTree, nodes: I64, splits: I32, at: F32, facts: F64) -> None:
        """Write the splits of `nodes` into the tree."""
        tree.nodes[nodes, 0], tree.nodes[nodes, 1] = splits[:, 0], splits[:, 1]
        tree.nodes[nodes, 5] = self.columns.n_levels[splits[:, 0]]
        tree.features[nodes] = splits[:, 0]
        tree.thresholds[nodes] = np.where(splits[:, 2] == NA_VS_REST, np.float32(0), at)
        tree.na_sides[nodes] = splits[:, 2]
        tree.gains[nodes] = np.maximum(facts[:, 0] - (facts[:, 1] + facts[:, 2]), 0.0)


def _joined_sets(found: list[_Found]) -> tuple[I64, U8]:
    starts, sets, size = [], [], 0
    for of in found:
        starts.append(np.where(of.set_starts >= 0, of.set_starts + size, -1))
        sets.append(of.left_levels)
        size += len(of.left_levels)
    return np.concatenate(starts).astype(np.int64), np.concatenate(sets)


def _joined_tables(parts: list[NodeTables], n_columns: int) -> NodeTables:
    if len(parts) == 1:
        return parts[0]
    joined = NodeTables.empty(0, n_columns)
    size = 0
    for part in parts:
        part.starts = np.where(part.starts >= 0, part.starts + size, -1)
        size += len(part.points)
    for name in NodeTables.__dataclass_fields__:
        setattr(joined, name, np.concatenate([getattr(part, name) for part in parts]))
    return joined
