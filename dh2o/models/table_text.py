"""Tables as lines of text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

MAX_ROWS = 20


def format_cell(cell: Any, kind: str) -> str:
    """Return `cell` as people read it: seven significant digits, NA cells empty."""
    if cell is None:
        return ""
    if kind == "string" or isinstance(cell, str):
        return str(cell)
    if kind in ("int", "integer", "long"):
        return str(int(cell))
    if math.isnan(cell):
        return "nan"
    return f"{cell:.7g}"


def shorten(rows: list[list[str]]) -> list[list[str]]:
    """Return at most `MAX_ROWS` rows, the middle ones replaced by an ellipsis row."""
    if len(rows) <= MAX_ROWS:
        return rows
    half = MAX_ROWS // 4
    return [*rows[:half], ["---"] * len(rows[0]), *rows[-half:]]


def table_text(name: str, description: str, header: Sequence[str], rows: list[list[str]]) -> str:
    """Return title, header, rule and rows, columns aligned on the left."""
    lines = shorten(rows)
    widths = [max([len(head), *(len(line[i]) for line in lines)]) for i, head in enumerate(header)]
    title = f"{name}: {description}" if description else name

    def joined(cells: Sequence[str]) -> str:
        return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()

    rule = "  ".join("-" * w for w in widths)
    body = [joined(header), rule, *map(joined, lines)]
    if len(rows) > len(lines):
        body.append(f"[{len(rows)} rows x {len(header)} columns]")
    return "\n".join(([title] if title else []) + body)
