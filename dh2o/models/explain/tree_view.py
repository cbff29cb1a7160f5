"""One tree of a model, node by node from the root down and from left to right, as H2O tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError, ParameterError
from dh2o.models.forest import F32, NA_LEFT, NA_VS_REST, UNSEEN_LEFT, Forest
from dh2o.models.model import Model
from dh2o.models.tree_model import TreeModel

__all__ = ["Split", "TreeView", "short_float", "tree_class_number", "view_tree"]


@dataclass(frozen=True, slots=True)
class Split:
    """How a node sends rows to its children: by a number, by levels, or NA from the rest.

    ``na`` is the side on which NA can still come: LEFT, RIGHT, or None where an earlier split has
    sent them elsewhere. ``sides`` are the levels that reach the left and the right child.
    """

    feature: str
    threshold: float
    na: str | None
    sides: tuple[tuple[int, ...], tuple[int, ...]] | None
    domain: tuple[str, ...] | None

    @property
    def is_by_levels(self) -> bool:
        """Whether levels are split."""
        return self.sides is not None

    def levels(self, side: int) -> list[str]:
        """Return the levels that reach the left (0) or right (1) child."""
        if self.sides is None or self.domain is None:
            return []
        return [self.domain[code] for code in self.sides[side]]


@dataclass(frozen=True)
class TreeView:
    """A tree as lists, one element a node; children by their place in the lists, -1 for none.

    ``node_ids`` are the numbers that leaf assignment gives. ``predictions`` of inner nodes are what
    they would predict as leaves, where training has told; ``levels`` are those that the parent's
    split lets through.
    """

    tree_number: int
    tree_class: str | None
    node_ids: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    splits: tuple[Split | None, ...]
    predictions: tuple[float, ...]
    weights: tuple[float, ...]
    gains: tuple[float, ...]
    levels: tuple[tuple[int, ...] | None, ...]
    depths: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.node_ids)


def short_float(value: float | np.floating[np.floating]) -> float:  # type: ignore[type-var]  # any width
    """Return the double of fewest digits that is this float32."""
    return float(str(np.float32(value)))


def tree_class_number(model: TreeModel, tree_class: str | None) -> tuple[int, str | None]:
    """Return the number and the name of a class of trees; classes that have no trees are errors."""
    wanted = (tree_class or "").strip()
    output = model.output
    if not output.category.is_classifier:
        if wanted:
            raise ParameterError(
                f"tree_class: a {output.category} model has no classes of trees, got {wanted!r}."
            )
        return 0, None
    domain = output.response_domain or ()
    if model.forest.n_classes == 1:
        if wanted and wanted != domain[0]:
            raise ParameterError(
                f"tree_class: this model has one tree for both classes, filed under {domain[0]!r}; "
                f"got {wanted!r}."
            )
        return 0, domain[0]
    if not wanted and len(domain) == 2:
        return 0, domain[0]
    if wanted not in domain:
        known = ", ".join(domain)
        raise ParameterError(f"tree_class: expected one of {known}, got {wanted!r}.")
    return domain.index(wanted), wanted


def view_tree(model: Model, tree_number: int, tree_class: str | None = None) -> TreeView:
    """Return one tree of `model`; of a model of several classes, `tree_class` says whose."""
    model = getattr(model, "inner", model)  # what an imported MOJO describes
    if not isinstance(model, TreeModel):
        raise ModelError("Given model is not tree-based.")
    forest = model.forest
    if not 0 <= tree_number < forest.n_trees:
        raise ParameterError(f"tree_number: expected 0 to {forest.n_trees - 1}, got {tree_number}.")
    klass, name = tree_class_number(model, tree_class)
    return _Reader(model, tree_number * forest.n_classes + klass).view(tree_number, name)


class _Reader:
    """Walks a tree level by level and keeps track of the levels and NAs that come to each node."""

    def __init__(self, model: TreeModel, tree: int) -> None:
        self.model, self.forest = model, model.forest
        self.start = int(self.forest.starts[tree])
        self.domains = [model.output.domain_of(name) for name in model.features]

    def view(self, tree_number: int, tree_class: str | None) -> TreeView:
        nodes, depths, left, right = [0], [0], [], []
        levels: list[tuple[int, ...] | None] = [None]
        came: list[dict[int, tuple[bool, tuple[int, ...] | None]]] = [{}]
        splits: list[Split | None] = []
        for at in range(len(self.forest.features)):
            if at == len(nodes):
                break
            k = self.start + nodes[at]
            feature = int(self.forest.features[k])
            if feature < 0:
                splits.append(None)
                left.append(-1)
                right.append(-1)
                continue
            na_comes, reach = came[at].get(feature, (True, None))
            split, na_left = self._split(k, feature, na_comes, reach)
            splits.append(split)
            left.append(len(nodes))
            right.append(len(nodes) + 1)
            for side in (0, 1):
                nodes.append(int(self.forest.left[k]) + side)
                depths.append(depths[at] + 1)
                here = None if split.sides is None else split.sides[side]
                levels.append(here or None)
                kept = reach if split.sides is None else here
                came.append({**came[at], feature: (na_comes and na_left == (side == 0), kept)})
        return TreeView(
            tree_number, tree_class, tuple(nodes), tuple(left), tuple(right), tuple(splits),
            self._predictions(nodes, left), self._floats(self.forest.weights, nodes),
            self._floats(self.forest.gains, nodes), tuple(levels), tuple(depths),
        )  # fmt: skip

    def _split(
        self, k: int, feature: int, na_comes: bool, reach: tuple[int, ...] | None
    ) -> tuple[Split, bool]:
        forest, domain = self.forest, self.domains[feature]
        side = int(forest.na_sides[k])
        na_left = side in (NA_LEFT, UNSEEN_LEFT)
        sides = None
        by_levels = forest.bit_starts[k] >= 0
        if by_levels:
            sides = _level_sides(forest, k, reach)
        by_number = not by_levels and side != NA_VS_REST
        threshold = short_float(forest.thresholds[k]) if by_number else float("nan")
        na = ("LEFT" if na_left else "RIGHT") if na_comes else None
        return Split(self.model.features[feature], threshold, na, sides, domain), na_left

    def _predictions(self, nodes: list[int], left: list[int]) -> tuple[float, ...]:
        """Return the values of the nodes; where training kept none, means of the leaves below."""
        here = [self.start + node for node in nodes]
        values = self.forest.values[here].astype(np.float64)
        inner = np.flatnonzero(np.array(left) >= 0)
        if not np.nan_to_num(values[inner]).any():
            weights = self.forest.weights[here].astype(np.float64)
            for at in inner[::-1]:  # children come after their parents
                pair = slice(left[at], left[at] + 2)
                total = weights[pair].sum()
                values[at] = np.average(values[pair], weights=weights[pair] if total else None)
        return tuple(short_float(value) for value in values)

    def _floats(self, values: F32, nodes: list[int]) -> tuple[float, ...]:
        return tuple(short_float(values[self.start + node]) for node in nodes)


def _level_sides(
    forest: Forest, k: int, reach: tuple[int, ...] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the levels that go left and right, of those that reach node `k`."""
    first, n = int(forest.bit_starts[k]), int(forest.n_bits[k])
    bits = np.unpackbits(forest.bits[first : first + (n + 7) // 8], bitorder="little")[:n]
    codes = range(n) if reach is None else [code for code in reach if code < n]
    return tuple(c for c in codes if not bits[c]), tuple(c for c in codes if bits[c])
