"""A drawing of one tree as SVG, and a text form, with nothing but strings."""

from __future__ import annotations

from html import escape

from dh2o.models.explain.tree_rules import java_float
from dh2o.models.explain.tree_view import Split, TreeView

__all__ = ["node_label", "positions", "split_label", "tree_svg", "tree_text"]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 124, 40, 14, 44
_SHOWN_LEVELS = 3
_MAX_LABEL = 21


def split_label(split: Split) -> str:
    """Return what decides for the left child: a threshold, or its levels."""
    if split.is_by_levels:
        levels = split.levels(0)
        more = ", …" if len(levels) > _SHOWN_LEVELS else ""
        return f"{split.feature} in {{{', '.join(levels[:_SHOWN_LEVELS])}{more}}}"
    if split.threshold != split.threshold:  # NaN: only NA goes right
        return f"{split.feature} is not NA"
    return f"{split.feature} < {java_float(split.threshold)}"


def node_label(view: TreeView, at: int) -> str:
    """Return the question of an inner node, or the value of a leaf."""
    split = view.splits[at]
    return java_float(view.predictions[at]) if split is None else split_label(split)


def positions(view: TreeView) -> list[tuple[float, int]]:
    """Return each node's column (leaves side by side, parents in the middle) and depth."""
    order: list[int] = []
    stack = [0]
    while stack:
        at = stack.pop()
        order.append(at)
        if view.splits[at] is not None:
            stack += [view.right[at], view.left[at]]
    column = [0.0] * len(view)
    n_leaves = 0
    for at in order:
        if view.splits[at] is None:
            column[at] = float(n_leaves)
            n_leaves += 1
    for at in reversed(order):
        if view.splits[at] is not None:
            column[at] = (column[view.left[at]] + column[view.right[at]]) / 2
    return list(zip(column, view.depths, strict=True))


def tree_svg(view: TreeView, title: str = "") -> str:
    """Return the tree as an SVG document: left is where the condition holds."""
    placed = [(10 + x * (_WIDTH + _GAP_X), 30 + y * (_HEIGHT + _GAP_Y)) for x, y in positions(view)]
    width = max(x for x, _ in placed) + _WIDTH + 10
    height = max(y for _, y in placed) + _HEIGHT + 10
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="11">'
    )
    parts = [
        head,
        f'<text x="10" y="18" font-size="13">{escape(title)}</text>',
    ]
    for at, split in enumerate(view.splits):
        if split is not None:
            for child, word in ((view.left[at], "LEFT"), (view.right[at], "RIGHT")):
                parts.append(_edge(placed[at], placed[child], split.na == word))
    parts += [_box(view, at, *placed[at]) for at in range(len(view))]
    return "\n".join([*parts, "</svg>"])


def _edge(above: tuple[float, float], below: tuple[float, float], takes_na: bool) -> str:
    x1, y1, x2, y2 = above[0] + _WIDTH / 2, above[1] + _HEIGHT, below[0] + _WIDTH / 2, below[1]
    line = f'<path d="M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}" stroke="#888" fill="none"/>'
    if not takes_na:
        return line
    return (
        f'{line}<text x="{(x1 + x2) / 2 + 4:.0f}" y="{(y1 + y2) / 2:.0f}" fill="#888" '
        'font-size="9">NA</text>'
    )


def _box(view: TreeView, at: int, x: float, y: float) -> str:
    split = view.splits[at]
    full = label = node_label(view, at)
    if split is not None and split.is_by_levels:
        full = f"{split.feature} in {{{', '.join(split.levels(0))}}}"
    label = label if len(label) <= _MAX_LABEL else label[: _MAX_LABEL - 1] + "…"
    round_, fill = (12, "#e3f1e3") if split is None else (3, "#e8eef7")
    middle = x + _WIDTH / 2
    return (
        f"<g><title>{escape(full)}</title>"
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="{round_}" '
        f'fill="{fill}" stroke="#666"/>'
        f'<text x="{middle:.0f}" y="{y + 17:.0f}" text-anchor="middle">{escape(label)}</text>'
        f'<text x="{middle:.0f}" y="{y + 31:.0f}" text-anchor="middle" fill="#666" font-size="9">'
        f"#{view.node_ids[at]} · {view.weights[at]:g} rows</text></g>"
    )


def tree_text(view: TreeView) -> str:
    """Return the tree as indented lines, the left child (where the condition holds) first."""
    lines: list[str] = []
    stack: list[tuple[int, str]] = [(0, "")]
    while stack:
        at, head = stack.pop()
        indent = "  " * view.depths[at]
        split = view.splits[at]
        what = f"value {node_label(view, at)}" if split is None else node_label(view, at)
        lines.append(f"{indent}{head}{what}  (#{view.node_ids[at]}, {view.weights[at]:g} rows)")
        if split is not None:
            stack += [
                (view.right[at], _head(split, "RIGHT")),
                (view.left[at], _head(split, "LEFT")),
            ]
    return "\n".join(lines)


def _head(split: Split, side: str) -> str:
    return f"{'yes' if side == 'LEFT' else 'no'}{' or NA' if split.na == side else ''}: "
