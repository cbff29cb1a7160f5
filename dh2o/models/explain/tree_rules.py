"""A tree in words: nested conditions, the condition of each leaf, a description of each node.

The wording is that of H2O's answers, which clients print and tests read.
"""

from __future__ import annotations

import math

import numpy as np

from dh2o.models.explain.tree_view import Split, TreeView

__all__ = ["AUTO_LIMIT", "decision_paths", "descriptions", "java_float", "tree_rules"]

AUTO_LIMIT = 256  # larger trees are put into words only when asked
_WARNING = "*** WARNING: This property is deprecated! *** "
_NO_LEVELS = "Missing set of levels for underlying node"


def java_float(value: float) -> str:
    """Return a float32 as Java prints it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = np.float32(value)
    if number == 0:
        return "-0.0" if np.signbit(number) else "0.0"
    if 1e-3 <= abs(number) < 1e7:
        return np.format_float_positional(number, unique=True, trim="0")
    mantissa, power = np.format_float_scientific(number, unique=True, trim="0").split("e")
    return f"{mantissa}E{int(power)}"


def tree_rules(view: TreeView) -> str:
    """Return the tree as nested conditions, the right side first."""
    return "".join(_rules(view, 0, 0))


def _rules(view: TreeView, at: int, depth: int) -> list[str]:
    line = "\n" + "\t" * depth
    split = view.splits[at]
    if split is None:
        return [line, f"Predicted value: {java_float(view.predictions[at])}", line]
    return [
        line if depth else "",
        _if_line(split),
        line,
        *_rules(view, view.right[at], depth + 1),
        line,
        _else_line(split),
        line,
        *_rules(view, view.left[at], depth + 1),
        line,
        "}",
    ]


def _if_line(split: Split) -> str:
    if split.is_by_levels:
        return f"If ( {split.feature} is in [ {_spelled(split, 1) or _NO_LEVELS}]) {{"
    if math.isnan(split.threshold):
        return f"If ( {split.feature} is NaN ) {{"
    also = f" or {split.feature} is NaN" if split.na == "RIGHT" else ""
    return f"If ( {split.feature} >= {java_float(split.threshold)}{also} ) {{"


def _else_line(split: Split) -> str:
    if not split.is_by_levels:
        return "} else {"
    return f"}} else if ( {split.feature} is in [ {_spelled(split, 0) or _NO_LEVELS}]) {{"


def _spelled(split: Split, side: int) -> str:
    return "".join(f"{level} " for level in split.levels(side))


def decision_paths(view: TreeView) -> list[str | None]:
    """Return the conditions that lead to each leaf, the root's own prediction, else None."""
    paths: list[str | None] = [None] * len(view)
    before = [""] * len(view)
    for at, split in enumerate(view.splits):
        if split is None:
            paths[at] = f"{before[at]}Prediction: {java_float(view.predictions[at])}"
            continue
        before[view.left[at]] = before[at] + _condition(split, 0)
        before[view.right[at]] = before[at] + _condition(split, 1)
    if view.splits[0] is not None:
        paths[0] = f"Predicted value: {java_float(root_prediction(view))}"
    return paths


def root_prediction(view: TreeView) -> float:
    """Return the mean of the root's children by weight, what H2O tells of the root."""
    left, right = view.left[0], view.right[0]
    if left < 0:
        return view.predictions[0]
    total = view.weights[left] + view.weights[right]
    mean = (
        view.predictions[left] * view.weights[left] + view.predictions[right] * view.weights[right]
    )
    mean = mean / total if total else math.nan
    return 0.0 if abs(mean) < 1e-7 else mean


def _condition(split: Split, side: int) -> str:
    name = split.feature
    if split.is_by_levels:
        return f"If ({name} is in [{_spelled(split, side)}]) -> "
    if math.isnan(split.threshold):
        return f"If ( {name} is {'' if side else 'not '}NaN )"  # H2O has no arrow here
    also = f" or {name} is NaN" if split.na == ("LEFT", "RIGHT")[side] else ""
    sign = "<>"[side] + "=" * side
    return f"If ( {name} {sign} {java_float(split.threshold)}{also} ) -> "


def descriptions(view: TreeView) -> list[str]:
    """Return a sentence or two about each node."""
    parents = [-1] * len(view)
    for at in range(len(view)):
        for child in (view.left[at], view.right[at]):
            if child >= 0:
                parents[child] = at
    return [_described(view, at, parents[at]) for at in range(len(view))]


def _described(view: TreeView, at: int, parent: int) -> str:
    split, number = view.splits[at], view.node_ids[at]
    if parent < 0:
        column = split.feature if split else "null"
        head = f"Root node has id {number} and splits on column '{column}'. "
        return _WARNING + head + _towards_children(view, at)
    text = f"{_WARNING}Node has id {number} and is a terminal node. {_towards_children(view, at)}"
    above = view.splits[parent]
    assert above is not None
    if not math.isnan(above.threshold):
        return (
            f"{text} Parent node split threshold is {java_float(above.threshold)}. "
            f"Prediction: {java_float(view.predictions[at])}."
        )
    if not above.is_by_levels:
        return f"{text}Split value is NA."
    levels = above.levels(0 if view.left[parent] == at else 1)
    head = f"{text} Parent node split on column [{above.feature}"
    if not levels:
        return f"{head}]. No categoricals levels inherited from parent."
    return f"{head}]. Inherited categorical levels from parent split: {','.join(levels)}"


def _towards_children(view: TreeView, at: int) -> str:
    split = view.splits[at]
    if split is None:
        return ""
    left, right = (view.node_ids[child] for child in (view.left[at], view.right[at]))
    if split.is_by_levels:
        return (
            f" Left child node ({left}) inherits categorical levels: {','.join(split.levels(0))}"
            f". Right child node ({right}) inherits categorical levels: "
            f"{','.join(split.levels(1))}. "
        )
    if math.isnan(split.threshold):
        return ""
    threshold = java_float(split.threshold)
    return (
        f"Split threshold is  < {threshold} to the left node ({left}),  >= {threshold} "
        f"to the right node ({right})."
    )
