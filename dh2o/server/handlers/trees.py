"""Trees of models, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.models.explain.tree_rules import (
    AUTO_LIMIT,
    decision_paths,
    descriptions,
    tree_rules,
)
from dh2o.models.explain.tree_view import TreeView, view_tree

from .models import model_of

if TYPE_CHECKING:
    from dh2o.server.app import Call
    from dh2o.server.schemas.explain import TreeV3

__all__ = ["show_tree"]

_NAN = float("nan")


def show_tree(call: Call, args: TreeV3) -> TreeV3:
    """Return one tree of a model as lists, one element a node."""
    model = model_of(call, args.model)
    view = view_tree(model, args.tree_number or 0, args.tree_class)
    args.tree_class = view.tree_class
    args.root_node_id = view.node_ids[0]
    args.left_children = [_number(view, child) for child in view.left]
    args.right_children = [_number(view, child) for child in view.right]
    args.thresholds = [_NAN if split is None else split.threshold for split in view.splits]
    args.features = [None if split is None else split.feature for split in view.splits]
    args.nas = [None if split is None else split.na for split in view.splits]
    args.levels = [None if levels is None else list(levels) for levels in view.levels]
    # H2O says nothing of an inner root's prediction.
    root = 0.0 if view.splits[0] is not None else view.predictions[0]
    args.predictions = [root, *view.predictions[1:]]
    args.descriptions = descriptions(view)
    wanted = args.plain_language_rules
    if wanted == "TRUE" or (wanted != "FALSE" and len(view) < AUTO_LIMIT):
        args.tree_decision_path = tree_rules(view)
        args.decision_paths = decision_paths(view)
    return args


def _number(view: TreeView, child: int) -> int:
    return -1 if child < 0 else view.node_ids[child]
