"""H2OTree: one tree of a model to look at, under the names of H2O's client."""

from __future__ import annotations

import math
from typing import Any

from dh2o.errors import ParameterError
from dh2o.models import Model
from dh2o.models.explain.tree_rules import AUTO_LIMIT, decision_paths, descriptions, tree_rules
from dh2o.models.explain.tree_svg import tree_svg, tree_text
from dh2o.models.explain.tree_view import TreeView, view_tree

__all__ = ["H2OLeafNode", "H2ONode", "H2OSplitNode", "H2OTree"]

_OFF = "Plain language rules generation is turned off."


class H2ONode:
    """A node of a tree."""

    def __init__(self, node_id: int) -> None:
        self.id = node_id

    def __str__(self) -> str:
        return f"Node ID {self.id}"


class H2OLeafNode(H2ONode):
    """A node that predicts."""

    def __init__(self, node_id: int, prediction: float) -> None:
        super().__init__(node_id)
        self.prediction = prediction

    def __str__(self) -> str:
        return f"Leaf node ID {self.id}. Predicted value at leaf node is {self.prediction}"


class H2OSplitNode(H2ONode):
    """A node that asks: `threshold` of a number (NaN for levels), or the levels of each side."""

    def __init__(self, view: TreeView, at: int, left: H2ONode, right: H2ONode) -> None:
        super().__init__(view.node_ids[at])
        split = view.splits[at]
        assert split is not None
        self.threshold = split.threshold
        self.left_child, self.right_child = left, right
        self.split_feature = split.feature
        self.na_direction = split.na
        self.left_levels = split.levels(0) if split.is_by_levels else None
        self.right_levels = split.levels(1) if split.is_by_levels else None

    def __str__(self) -> str:
        lines = [
            f"Node ID {self.id}",
            f"Left child node ID = {self.left_child.id}",
            f"Right child node ID = {self.right_child.id}",
            f"Splits on column {self.split_feature}",
        ]
        if self.left_levels is not None:
            lines.append(f"  - Categorical levels going to the left node: {self.left_levels}")
            lines.append(f"  - Categorical levels going to the right node: {self.right_levels}")
        elif not math.isnan(self.threshold):
            at = self.threshold
            lines.append(f"Split threshold < {at} to the left node, >= {at} to the right node")
        if self.na_direction is not None:
            lines.append(f"NA values go to the {self.na_direction}")
        return "\n".join(lines)


class H2OTree:
    """One tree of a model made of trees.

    Lists have one element a node, from the root down and from left to right; children are given by
    their place in these lists, -1 for none.

    Parameters
    ----------
    model
        An estimator or a model.
    tree_number
        Number of the tree, from 0.
    tree_class
        Level of the response whose tree is meant; only where there are several.
    plain_language_rules
        Whether to put the tree into words; ``AUTO`` for trees of fewer than 256 nodes.
    """

    def __init__(
        self,
        model: Any,
        tree_number: int,
        tree_class: str | None = None,
        plain_language_rules: Any = "AUTO",
    ) -> None:
        found: Model = model if isinstance(model, Model) else model.model
        view = view_tree(found, tree_number, tree_class)
        self.view = view
        self.model_id = found.key
        self.tree_number, self.tree_class = view.tree_number, view.tree_class
        self.left_children, self.right_children = list(view.left), list(view.right)
        self.node_ids = list(view.node_ids)
        self.thresholds = [math.nan if s is None else s.threshold for s in view.splits]
        self.features = [None if s is None else s.feature for s in view.splits]
        self.nas = [None if s is None else s.na for s in view.splits]
        self.predictions = list(view.predictions)
        self.weights = list(view.weights)
        self.gains = list(view.gains)
        self.descriptions = descriptions(view)
        self.left_cat_split = [self._side(at, 0) for at in range(len(view))]
        self.right_cat_split = [self._side(at, 1) for at in range(len(view))]
        self.levels = self._levels()
        wanted = str(plain_language_rules).upper()
        if wanted not in ("AUTO", "TRUE", "FALSE"):
            raise ParameterError(
                "plain_language_rules: expected 'AUTO', True or False, got "
                f"{plain_language_rules!r}."
            )
        in_words = wanted == "TRUE" or (wanted == "AUTO" and len(view) < AUTO_LIMIT)
        self.tree_decision_path = tree_rules(view) if in_words else _OFF
        self.decision_paths: Any = decision_paths(view) if in_words else _OFF

    def _side(self, at: int, side: int) -> list[str] | None:
        split = self.view.splits[at]
        return split.levels(side) if split is not None and split.is_by_levels else None

    def _levels(self) -> list[list[str] | None]:
        """Return the levels that each node gets from its parent's split."""
        levels: list[list[str] | None] = [None] * len(self.view)
        for at in range(len(self.view)):
            if self.left_children[at] >= 0:
                levels[self.left_children[at]] = self.left_cat_split[at]
                levels[self.right_children[at]] = self.right_cat_split[at]
        return levels

    @property
    def root_node_id(self) -> int:
        """Number of the root."""
        return self.view.node_ids[0]

    @property
    def root_node(self) -> H2ONode:
        """The root, from which all nodes can be reached."""
        nodes: list[H2ONode | None] = [None] * len(self.view)
        for at in reversed(range(len(self.view))):  # children come after their parents
            left, right = self.left_children[at], self.right_children[at]
            if left < 0:
                nodes[at] = H2OLeafNode(self.view.node_ids[at], self.predictions[at])
            else:
                nodes[at] = H2OSplitNode(self.view, at, nodes[left], nodes[right])  # type: ignore[arg-type]  # made before
        root = nodes[0]
        assert root is not None
        return root

    def __len__(self) -> int:
        return len(self.view)

    def to_text(self) -> str:
        """Return the tree as indented lines."""
        return tree_text(self.view)

    def to_svg(self) -> str:
        """Return a drawing of the tree as an SVG document."""
        return tree_svg(self.view, self._title)

    def plot(self, save_plot_path: Any = None) -> Any:
        """Draw the tree; needs matplotlib.

        Parameters
        ----------
        save_plot_path : str or Path, optional
            Where the picture is written.
        """
        from dh2o.estimators.explain.plots import plot_tree

        return plot_tree(self.view, self._title, save_plot_path)

    @property
    def _title(self) -> str:
        klass = f", class {self.tree_class}" if self.tree_class is not None else ""
        return f"Tree {self.tree_number}{klass} of {self.model_id}"

    def show(self) -> None:
        """Print the tree."""
        import sys

        sys.stdout.write(f"{self}\n")

    def __str__(self) -> str:
        return f"{self._title}\n{self.to_text()}"

    def __repr__(self) -> str:
        return f"<H2OTree: {self._title}, {len(self)} nodes>"

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto">{self.to_svg()}</div>'
