"""Trees with the weights of other rows: contributions then explain a model on those rows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from dh2o.chunks import Block
from dh2o.errors import FrameError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame
from dh2o.models import Model
from dh2o.models.adapt import Adaptation
from dh2o.models.columns import F64
from dh2o.models.explain.raw_score import tree_model_of
from dh2o.models.explain.walk import leaf_nodes
from dh2o.models.forest import Forest
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.models.tree_model import TreeModel
from dh2o.mrtask import MRTask, current_engine

__all__ = ["reweighted", "store_reweighted"]


class LeafWeights(MRTask[Any, Any]):
    """The summed weight of the rows in each leaf."""

    __slots__ = ("model", "plan", "weights")

    def __init__(self, model: TreeModel, plan: Adaptation, weights: str) -> None:
        self.model = model
        self.plan = plan
        self.weights = weights

    def map(self, block: Block) -> F64:
        forest = self.model.forest
        total = np.zeros(len(forest.features))
        for start, stop, columns in tiles(block, self.plan):
            weights = np.nan_to_num(block.chunk(self.weights).floats(start=start, stop=stop))
            for leaves in leaf_nodes(forest, self.model.tree_rows(columns)):
                total += np.bincount(leaves, weights, len(total))
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return a + b


def reweighted(model: Model, frame: Frame, weights: str) -> TreeModel:
    """Return the model with the weights of its nodes counted on the rows of `frame`."""
    trees = tree_model_of(model, "update_tree_weights")
    if weights not in frame.names:
        raise FrameError(f"Input frame doesn't contain weights column `{weights}`.")
    if not frame.vec(weights).is_numeric:
        raise FrameError(f"Weights column {weights!r} must be numeric.")
    plan = adaptation_of(trees, infos_for(trees, frame))
    slimmed = slim(trees)
    assert isinstance(slimmed, TreeModel)
    found = LeafWeights(slimmed, plan, weights).do_all(frame)
    leaves = np.zeros(len(trees.forest.features)) if found is None else found
    forest = dataclasses.replace(trees.forest, weights=_summed(trees.forest, leaves))
    return dataclasses.replace(trees, forest=forest)


def _summed(forest: Forest, weights: F64) -> Any:
    """Return the weights of leaves, and of inner nodes as the sums of their children's."""
    weights = weights.copy()
    starts = np.repeat(forest.starts[:-1], np.diff(forest.starts))
    inner = np.flatnonzero(~forest.is_leaf)
    for depth in range(int(forest.depths.max(initial=0)) - 1, -1, -1):
        here = inner[forest.depths[inner] == depth]
        left = starts[here] + forest.left[here]
        weights[here] = weights[left] + weights[left + 1]
    return weights.astype(np.float32)


def store_reweighted(model: Model, frame: Frame, weights: str) -> str:
    """Store the reweighted model under its key; return OK or H2O's warning of empty nodes."""
    changed = reweighted(model, frame, weights)
    current_engine().dkv.put(model.key, changed, kind="model")
    forest = changed.forest
    empty = np.flatnonzero(forest.weights == 0)
    if not len(empty):
        return "OK"
    tree = int(np.searchsorted(forest.starts, empty[0], side="right")) - 1
    number, klass = divmod(tree, forest.n_classes)
    return (
        "Some of the updated nodes have zero weights "
        f"(eg.: tree #{number + 1}, class #{klass + 1})."
    )
