"""Growing a decision tree level by level: two passes over the rows a level."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.decision_tree.passes import CountBins, Layout, NodeSpans, Spans
from dh2o.estimators.decision_tree.splitting import (
    BINS,
    Split,
    bin_ends,
    entropy,
    level_split,
    number_split,
)
from dh2o.estimators.trees.arrays import F64, I64
from dh2o.models.forest import UNSEEN_RIGHT, Forest

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["NodeList", "grow_decision_tree"]

_MIN_IMPROVEMENT = 1e-6
_MAX_NBYTES = 1 << 26  # counts of the nodes that one pass looks at


@dataclass(slots=True)
class NodeList:
    """The nodes of a tree under way; children come in pairs.

    `shares` is the share of class 0, `splits` None in leaves, `gains` the rows' entropy removed.
    """

    depths: list[int] = field(default_factory=lambda: [0])
    left: list[int] = field(default_factory=lambda: [-1])
    splits: list[Split | None] = field(default_factory=lambda: [None])
    shares: list[float] = field(default_factory=lambda: [0.0])
    weights: list[float] = field(default_factory=lambda: [0.0])
    gains: list[float] = field(default_factory=lambda: [0.0])

    def divide(self, node: int, split: Split) -> tuple[int, int]:
        """Split a node; returns its children."""
        first = len(self.left)
        self.splits[node], self.left[node] = split, first
        for _ in range(2):
            self.depths.append(self.depths[node] + 1)
            self.left.append(-1)
            self.splits.append(None)
            for values in (self.shares, self.weights, self.gains):
                values.append(0.0)
        return first, first + 1

    def forest(self, n_features: int) -> Forest:
        """Return the tree as it scores: left is what is below the float after the cut."""
        n = len(self.left)
        features = np.full(n, -1, np.int32)
        thresholds = np.zeros(n, np.float32)
        bit_starts, n_bits = np.full(n, -1, np.int64), np.zeros(n, np.int32)
        bits: list[np.ndarray] = [np.zeros(0, np.uint8)]
        for k, split in enumerate(self.splits):
            if split is None:
                continue
            features[k] = split.feature
            if split.left is None:
                thresholds[k] = _above(split.cut)
            else:
                bit_starts[k], n_bits[k] = sum(map(len, bits)), len(split.left)
                bits.append(np.packbits(~split.left, bitorder="little"))
        sides = np.where(features >= 0, UNSEEN_RIGHT, 0).astype(np.int8)
        return Forest(
            n_classes=1,
            n_features=n_features,
            starts=np.array([0, n], np.int64),
            features=features,
            thresholds=thresholds,
            left=np.array(self.left, np.int32),
            na_sides=sides,
            values=np.array(self.shares, np.float32),
            weights=np.array(self.weights, np.float32),
            gains=np.array(self.gains, np.float32),
            bit_starts=bit_starts,
            n_bits=n_bits,
            bits=np.concatenate(bits),
        )


def _above(cut: float) -> np.float32:
    """Return the smallest float32 above `cut`."""
    with np.errstate(over="ignore"):
        near = np.float32(cut)
    return near if near > cut else np.nextafter(near, np.float32(np.inf))


def grow_decision_tree(
    ctx: JobContext, frame: Frame, layout: Layout, max_depth: int, min_rows: int
) -> NodeList:
    """Return the tree: a node of too few rows of either class, or as deep as may be, is a leaf."""
    tree, n_features = NodeList(), len(layout.names)
    level = [0]
    while level:
        children: list[int] = []
        step = _nodes_a_pass(layout)
        for at in range(0, len(level), step):
            active = np.array(level[at : at + step], np.int64)
            forest = tree.forest(n_features)
            spans = NodeSpans(layout, forest, active).do_all(frame)
            open_ = _settle(tree, active, spans, max_depth, min_rows)
            if not len(open_):
                continue
            ends = _ends(layout, spans, open_)
            counts = CountBins(layout, forest, active[open_], ends).do_all(frame)
            for i, k in enumerate(open_):
                split = _best_split(layout, spans, int(k), ends[i], counts[i], min_rows)
                node = int(active[k])
                before = float(entropy(tree.shares[node]))
                if split is not None and abs(before - split.entropy) >= _MIN_IMPROVEMENT:
                    tree.gains[node] = (before - split.entropy) * tree.weights[node]
                    children.extend(tree.divide(node, split))
            ctx.check()
        depth = tree.depths[level[0]] + 1
        ctx.update(depth / (max_depth + 1), f"{depth} levels of the tree built")
        level = children
    return tree


def _nodes_a_pass(layout: Layout) -> int:
    a_node = 16 * (int(layout.starts[-1]) + len(layout.names) * (BINS + 2))
    return max(_MAX_NBYTES // a_node, 1)


def _settle(tree: NodeList, active: I64, spans: Spans, max_depth: int, min_rows: int) -> I64:
    """Set what the nodes are as leaves; returns which of them may be split."""
    for node, counts in zip(active, spans.counts, strict=True):
        rows = int(counts.sum())
        tree.weights[node] = float(rows)
        tree.shares[node] = float(counts[0]) / rows if rows else 0.0
    deep = np.array([tree.depths[node] >= max_depth for node in active])
    return np.flatnonzero(~deep & (spans.counts > min_rows).all(axis=1))


def _ends(layout: Layout, spans: Spans, nodes: I64) -> F64:
    """Return the ends of the bins of all numeric columns, NaN where there are none."""
    ends = np.full((len(nodes), len(layout.names), BINS), np.nan)
    for i, k in enumerate(nodes):
        for f, n_levels in enumerate(layout.levels):
            if n_levels == 0:
                found = bin_ends(*spans.ranges[k, f])
                ends[i, f, : len(found)] = found
    return ends


def _best_split(
    layout: Layout, spans: Spans, node: int, ends: F64, counts: I64, min_rows: int
) -> Split | None:
    """Return the split of least entropy; the first column wins among equals."""
    best: Split | None = None
    starts = layout.starts
    for f, n_levels in enumerate(layout.levels):
        if n_levels:
            of_levels = spans.levels[node, starts[f] : starts[f + 1]]
            split = level_split(f, of_levels.sum(axis=1) > 0, of_levels, min_rows)
        else:
            n_bins = int((~np.isnan(ends[f])).sum())
            split = number_split(f, ends[f, :n_bins], counts[f, :n_bins], min_rows)
        if split is not None and (best is None or split.entropy < best.entropy):
            best = split
    return best
