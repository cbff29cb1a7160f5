"""Numbers and tables of H2O's JSON."""

from __future__ import annotations

import math
from typing import Any

from dh2o.models.table import TwoDimTable

__all__ = ["number_of", "table_of"]


def number_of(value: Any) -> float:
    """Return a number of H2O's JSON, where NaN and infinities are texts; NaN if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def table_of(value: Any) -> TwoDimTable | None:
    """Return a table of H2O's JSON; None if it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("columns"), list):
        return None
    data, specs = value.get("data"), value["columns"]
    if not isinstance(data, list) or len(data) != len(specs) or not specs:
        return None
    lengths = {len(column) if isinstance(column, list) else -1 for column in data}
    if len(lengths) > 1 or -1 in lengths or not all(isinstance(spec, dict) for spec in specs):
        return None
    kinds = [str(spec.get("type") or "string") for spec in specs]
    return TwoDimTable(
        str(value.get("name") or ""),
        str(value.get("description") or ""),
        tuple(str(spec.get("name") or "") for spec in specs),
        tuple(kinds),
        tuple(str(spec.get("format") or "%s") for spec in specs),
        tuple(
            tuple(_cell(cell, kind) for cell in column)
            for column, kind in zip(data, kinds, strict=True)
        ),
    )


def _cell(value: Any, kind: str) -> Any:
    if kind == "string":
        return None if value is None else str(value)
    number = math.nan if value is None or value == "" else number_of(value)
    if kind in ("int", "integer", "long"):
        return int(number) if math.isfinite(number) else None
    return None if value is None or value == "" else number
