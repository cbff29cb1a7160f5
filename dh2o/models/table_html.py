"""Tables as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dh2o.models.table_text import shorten


def table_html(name: str, description: str, header: Sequence[str], rows: list[list[str]]) -> str:
    """Return a caption and a table element; every cell is escaped."""
    lines = shorten(rows)
    title = f"{name}: {description}" if description else name
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines
    )
    note = (
        f"<div>[{len(rows)} rows x {len(header)} columns]</div>" if len(rows) > len(lines) else ""
    )
    caption = f"<caption style='caption-side:top;text-align:left'>{escape(title)}</caption>"
    return (
        f"<table class='dh2o-table'>{caption}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{note}"
    )
