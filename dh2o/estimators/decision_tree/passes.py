"""Passes over the rows of a decision tree's nodes: what their columns span, what bins hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F64, I64
from dh2o.models.explain.walk import leaf_nodes
from dh2o.models.forest import Forest
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["CountBins", "Layout", "NodeSpans", "Spans"]

_TILE = 32_768


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns and classes: names, levels of each (0 for numbers), and the response."""

    names: tuple[str, ...]
    levels: tuple[int, ...]
    response: str

    @property
    def starts(self) -> I64:
        """Where each column's levels begin among all levels, and their number."""
        return np.concatenate([[0], np.cumsum(self.levels)]).astype(np.int64)


def _rows(
    block: Block, layout: Layout, forest: Forest, active: I64
) -> Iterator[tuple[F64, I64, I64]]:
    """Yield (columns, number among the active nodes or -1, class or -1) of tiles of rows."""
    place = np.full(len(forest.features), -1, np.int64)
    place[active] = np.arange(len(active))
    for start in range(0, block.n_rows, _TILE):
        stop = min(start + _TILE, block.n_rows)
        x = np.zeros((stop - start, len(layout.names) + 1))
        for k, name in enumerate(layout.names):
            x[:, k] = block.chunk(name).floats(None, start, stop)
        y = block.chunk(layout.response).floats(None, start, stop)
        klass = np.where(np.isnan(y), -1, y).astype(np.int64)
        yield x, place[leaf_nodes(forest, x)[0]], klass


@njit(nogil=True, cache=True)
def _span_rows(
    x: F64, nodes: I64, classes: I64, starts: I64, ranges: F64, levels: I64, counts: I64
) -> None:
    """Widen ranges[node, f] = (smallest, largest), count levels[node, level] and classes."""
    for i in range(nodes.size):
        node = nodes[i]
        if node < 0 or classes[i] < 0:
            continue
        counts[node, classes[i]] += 1
        for f in range(starts.size - 1):
            value = x[i, f]
            if starts[f + 1] > starts[f]:
                levels[node, starts[f] + np.int64(value), classes[i]] += 1
            else:
                ranges[node, f, 0] = min(ranges[node, f, 0], value)
                ranges[node, f, 1] = max(ranges[node, f, 1], value)


@njit(nogil=True, cache=True)
def _bin_rows(x: F64, nodes: I64, classes: I64, ends: F64, counts: I64) -> None:
    """counts[node, f, b, class] += 1 for the first bin b whose end is at least the value."""
    for i in range(nodes.size):
        node = nodes[i]
        if node < 0 or classes[i] < 0:
            continue
        for f in range(ends.shape[1]):
            value = x[i, f]
            for b in range(ends.shape[2]):
                if value <= ends[node, f, b]:
                    counts[node, f, b, classes[i]] += 1
                    break


@dataclass(slots=True)
class Spans:
    """Of each node: what its numbers span, rows by level and class, rows by class."""

    ranges: F64
    levels: I64
    counts: I64


@dataclass(frozen=True, slots=True)
class NodeSpans(MRTask[Spans, Spans]):
    """What the rows of the `active` leaves of a tree look like."""

    layout: Layout
    forest: Forest
    active: I64

    def _nothing(self) -> Spans:
        n, starts = len(self.active), self.layout.starts
        ranges = np.empty((n, len(self.layout.names), 2))
        ranges[:, :, 0], ranges[:, :, 1] = np.inf, -np.inf
        levels = np.zeros((n, int(starts[-1]), 2), np.int64)
        return Spans(ranges, levels, np.zeros((n, 2), np.int64))

    def map(self, block: Block) -> Spans:
        out = self._nothing()
        for x, nodes, classes in _rows(block, self.layout, self.forest, self.active):
            _span_rows(x, nodes, classes, self.layout.starts, out.ranges, out.levels, out.counts)
        return out

    def combine(self, a: Spans, b: Spans) -> Spans:
        low = np.minimum(a.ranges[:, :, 0], b.ranges[:, :, 0])
        high = np.maximum(a.ranges[:, :, 1], b.ranges[:, :, 1])
        return Spans(np.stack([low, high], axis=2), a.levels + b.levels, a.counts + b.counts)

    def finish(self, total: Spans | None) -> Spans:
        return total or self._nothing()


@dataclass(frozen=True, slots=True)
class CountBins(MRTask[Any, I64]):
    """Rows by bin and class of each active leaf; ``ends[node, f]`` are NaN past the last bin."""

    layout: Layout
    forest: Forest
    active: I64
    ends: F64

    def map(self, block: Block) -> I64:
        out = np.zeros((*self.ends.shape, 2), np.int64)
        for x, nodes, classes in _rows(block, self.layout, self.forest, self.active):
            _bin_rows(x, nodes, classes, np.require(self.ends, requirements="W"), out)
        return out

    def combine(self, a: I64, b: I64) -> I64:
        return a + b

    def finish(self, total: Any) -> I64:
        return np.zeros((*self.ends.shape, 2), np.int64) if total is None else total
