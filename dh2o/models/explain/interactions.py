"""Which features are asked about one after the other, and what that gains: XGBFI's tables.

Every path of splits that begins at some node counts as one interaction of its features, whatever
their order. Columns, ranks and rules are those of XGBFI as H2O has them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from dh2o.models.explain.tree_view import short_float
from dh2o.models.forest import Forest
from dh2o.models.table import TwoDimTable
from dh2o.models.tree_model import TreeModel

__all__ = ["InteractionLimits", "feature_interactions"]

_RANKED = {
    "Gain": "gain",
    "FScore": "n",
    "wFScore": "n_weighted",
    "Avg wFScore": "mean_weight",
    "Avg Gain": "mean_gain",
    "Expected Gain": "expected_gain",
}


@dataclass(frozen=True, slots=True)
class InteractionLimits:
    """How long interactions may be, how deep trees are read, and where interactions may begin."""

    interaction: int = 100
    tree: int = 100
    deepening: int = -1


@dataclass(slots=True)
class Interaction:
    """Sums over the places where some features are split one after the other."""

    name: str
    depth: int
    gain: float = 0.0
    n: float = 0.0
    n_weighted: float = 0.0
    expected_gain: float = 0.0
    tree_index: float = 0.0
    tree_depth: float = 0.0
    leaf_values: list[float] = field(default_factory=lambda: [0.0, 0.0])
    leaf_covers: list[float] = field(default_factory=lambda: [0.0, 0.0])
    has_leaves: bool = False
    split_values: Counter[float] = field(default_factory=Counter)

    @property
    def mean_weight(self) -> float:
        """Mean share of rows that come by."""
        return self.n_weighted / self.n

    @property
    def mean_gain(self) -> float:
        """Mean gain."""
        return self.gain / self.n

    def add(self, other: Interaction) -> None:
        """Add what was found in another tree."""
        for name in ("gain", "n", "n_weighted", "expected_gain", "tree_index", "tree_depth"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for side in (0, 1):
            self.leaf_values[side] += other.leaf_values[side]
            self.leaf_covers[side] += other.leaf_covers[side]
        self.has_leaves |= other.has_leaves
        self.split_values += other.split_values


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: a node, the path of splits before it, and what they gained."""

    node: int
    path: tuple[int, ...]
    gain: float
    share: float
    depth: int
    deepening: int


class _TreeWalk:
    """Collects the interactions of one tree."""

    def __init__(self, model: TreeModel, tree: int, limits: InteractionLimits) -> None:
        forest: Forest = model.forest
        here = slice(int(forest.starts[tree]), int(forest.starts[tree + 1]))
        self.features = forest.features[here].tolist()
        self.left = forest.left[here].tolist()
        self.gains = forest.gains[here].astype(np.float64).tolist()
        self.weights = forest.weights[here].astype(np.float64).tolist()
        self.values = forest.values[here].astype(np.float64).tolist()
        by_number = forest.bit_starts[here] < 0
        self.thresholds = [
            short_float(value) if plain else None
            for value, plain in zip(forest.thresholds[here], by_number, strict=True)
        ]
        self.names, self.limits = model.features, limits
        self.round = tree // forest.n_classes
        self.found: dict[str, Interaction] = {}

    def collect(self) -> dict[str, Interaction]:
        """Return the interactions by name."""
        stack = [_Place(0, (), 0.0, 1.0, 0, 0)]
        while stack:
            stack += reversed(self._visit(stack.pop()))
        return self.found

    def _visit(self, at: _Place) -> list[_Place]:
        """Count the path that ends at a node; return where to go on."""
        k = at.node
        if self.features[k] < 0 or at.depth == self.limits.tree:
            return []
        path, gain = (*at.path, k), at.gain + self.gains[k]
        children = (self.left[k], self.left[k] + 1)
        total = self.weights[k]
        shares = [at.share * (self.weights[c] / total if total else 0.5) for c in children]
        then: list[_Place] = []
        if not at.path and (self.limits.deepening < 0 or at.depth < self.limits.deepening):
            then += [
                _Place(child, (), 0.0, share, at.depth + 1, at.deepening + 1)
                for child, share in zip(children, shares, strict=True)
            ]
        one = self._count(path, gain, at)
        if len(path) - 1 == self.limits.interaction:
            return then
        if at.deepening == 0:
            self._add_leaves(one, children)
        return then + [
            _Place(child, path, gain, share, at.depth + 1, at.deepening)
            for child, share in zip(children, shares, strict=True)
        ]

    def _count(self, path: tuple[int, ...], gain: float, at: _Place) -> Interaction:
        name = "|".join(sorted(self.names[self.features[node]] for node in path))
        one = self.found.get(name)
        if one is None:
            one = self.found[name] = Interaction(name, len(path) - 1)
        one.gain += gain
        one.n += 1.0
        one.n_weighted += at.share
        one.expected_gain += gain * at.share
        one.tree_index += self.round
        one.tree_depth += at.depth
        threshold = self.thresholds[path[0]]
        if len(path) == 1 and threshold is not None:
            one.split_values[threshold] += 1
        return one

    def _add_leaves(self, one: Interaction, children: tuple[int, int]) -> None:
        for side, child in enumerate(children):
            if self.features[child] < 0:
                one.leaf_values[side] += self.values[child]
                one.leaf_covers[side] += self.weights[child]
                one.has_leaves = True


def feature_interactions(
    model: TreeModel, limits: InteractionLimits | None = None
) -> list[TwoDimTable]:
    """Return a table for each number of features, one of leaves, and the split values of each."""
    limits = limits or InteractionLimits()
    found: dict[str, Interaction] = {}
    for tree in range(len(model.forest.starts) - 1):
        for name, one in _TreeWalk(model, tree, limits).collect().items():
            if name in found:
                found[name].add(one)
            else:
                found[name] = one
    if not found:
        return []
    every = list(found.values())
    deepest = max(one.depth for one in every)
    tables = [
        _depth_table(depth, [one for one in every if one.depth == depth])
        for depth in range(deepest + 1)
    ]
    tables.append(_leaf_table([one for one in every if one.has_leaves]))
    return tables + [_split_table(one) for one in every if one.depth == 0]


def _depth_table(depth: int, some: list[Interaction]) -> TwoDimTable:
    ranks = {name: _ranks([getattr(one, key) for one in some]) for name, key in _RANKED.items()}
    mean_rank = np.mean(list(ranks.values()), axis=0) if some else []
    number = "%.5f"
    columns: dict[str, tuple[str, str, list[float]]] = {
        "Gain": ("double", number, [one.gain for one in some]),
        "FScore": ("double", number, [one.n for one in some]),
        "wFScore": ("double", number, [one.n_weighted for one in some]),
        "Average wFScore": ("double", number, [one.mean_weight for one in some]),
        "Average Gain": ("double", number, [one.mean_gain for one in some]),
        "Expected Gain": ("double", number, [one.expected_gain for one in some]),
    }
    for name, values in ranks.items():
        columns[f"{name} Rank"] = ("int", "%d", [float(v) for v in values])
    columns["Average Rank"] = ("double", number, [float(v) for v in mean_rank])
    columns["Average Tree Index"] = ("double", number, [one.tree_index / one.n for one in some])
    columns["Average Tree Depth"] = ("double", number, [one.tree_depth / one.n for one in some])
    names = ("string", "%s", [one.name for one in some])
    return TwoDimTable.of(f"Interaction Depth {depth}", {"Interaction": names, **columns})


def _ranks(values: list[float]) -> list[int]:
    order = sorted(range(len(values)), key=lambda i: -values[i])
    ranks = [0] * len(values)
    for rank, i in enumerate(order, 1):
        ranks[i] = rank
    return ranks


def _leaf_table(some: list[Interaction]) -> TwoDimTable:
    number = "%.5f"
    return TwoDimTable.of(
        "Leaf Statistics",
        {
            "Interaction": ("string", "%s", [one.name for one in some]),
            "Sum Leaf Values Left": ("double", number, [one.leaf_values[0] for one in some]),
            "Sum Leaf Values Right": ("double", number, [one.leaf_values[1] for one in some]),
            "Sum Leaf Covers Left": ("double", number, [one.leaf_covers[0] for one in some]),
            "Sum Leaf Covers Right": ("double", number, [one.leaf_covers[1] for one in some]),
        },
    )


def _split_table(one: Interaction) -> TwoDimTable:
    pairs = sorted(
        one.split_values.items(), key=lambda pair: (pair[0] != pair[0], pair[0])
    )  # NaN last
    return TwoDimTable.of(
        f"{one.name} Split Value Histogram",
        {
            "Split Value": ("double", "%.5f", [value for value, _ in pairs]),
            "Count": ("int", "%d", [count for _, count in pairs]),
        },
    )
