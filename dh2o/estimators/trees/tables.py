"""The tables that every model of trees shows: sizes of its trees, importances of its columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.models import TwoDimTable
from dh2o.models.forest import Forest

__all__ = ["importance_table", "summary_table"]


def summary_table(forest: Forest, n_dropped: int = 0) -> TwoDimTable:
    """Return H2O's model summary: numbers, depths and leaves of the trees.

    `n_dropped` trees were built and dropped again, by going back to the best iteration.
    """
    facts = forest.summary()
    facts["number_of_internal_trees"] += n_dropped
    columns: dict[str, Any] = {"": ("string", [""])}
    for name, value in facts.items():
        columns[name] = ("double" if isinstance(value, float) else "int", [value])
    return TwoDimTable.of("Model Summary", columns)


def importance_table(x: tuple[str, ...], forest: Forest) -> TwoDimTable:
    """Return the gains by column, largest first: absolute, scaled to 1, and as a share."""
    gains = forest.importance()
    order = np.argsort(-gains, kind="stable")
    top, total = max(float(gains.max(initial=0.0)), 0.0), float(gains.sum())
    some = order[: len(x)]
    return TwoDimTable.of(
        "Variable Importances",
        {
            "variable": ("string", [x[i] for i in some]),
            "relative_importance": ("double", [float(gains[i]) for i in some]),
            "scaled_importance": ("double", [float(gains[i]) / top if top else 0.0 for i in some]),
            "percentage": ("double", [float(gains[i]) / total if total else 0.0 for i in some]),
        },
    )
