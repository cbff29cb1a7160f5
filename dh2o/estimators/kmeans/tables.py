"""The tables that a K-means model shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.history import duration_text, timestamp_text
from dh2o.models import TwoDimTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dh2o.estimators.kmeans.lloyd import Event
    from dh2o.estimators.kmeans.plan import F64
    from dh2o.models.kmeans import Space


def summary_table(
    n_rows: int, k: int, n_categoricals: int, n_iterations: int, within: float, total: float
) -> TwoDimTable:
    """Return the table that sums the model up."""
    return TwoDimTable.of(
        "Model Summary",
        {
            "": ("string", [""]),
            "number_of_rows": ("long", [n_rows]),
            "number_of_clusters": ("long", [k]),
            "number_of_categorical_columns": ("long", [n_categoricals]),
            "number_of_iterations": ("long", [n_iterations]),
            "within_cluster_sum_of_squares": ("double", "%.5f", [within]),
            "total_sum_of_squares": ("double", "%.5f", [total]),
            "between_cluster_sum_of_squares": ("double", "%.5f", [total - within]),
        },
    )


def history_table(events: Sequence[Event], start_ms: int, *, with_k: bool) -> TwoDimTable:
    """Return what each iteration did."""
    columns: dict[str, Any] = {
        "": ("string", [""] * len(events)),
        "timestamp": ("string", [timestamp_text(e.time_ms) for e in events]),
        "duration": ("string", [duration_text(e.time_ms - start_ms) for e in events]),
        "iterations": ("long", range(len(events))),
    }
    if with_k:
        columns["number_of_clusters"] = ("long", [e.k for e in events])
    columns["number_of_reassigned_observations"] = ("long", [e.n_moved for e in events])
    columns["within_cluster_sum_of_squares"] = ("double", "%.5f", [e.within for e in events])
    return TwoDimTable.of("Scoring History", columns)


def center_table(
    space: Space, centers: F64, domains: Sequence[tuple[str, ...] | None], *, standardized: bool
) -> TwoDimTable:
    """Return the centres, levels by name."""
    columns: dict[str, Any] = {"centroid": ("string", range(1, len(centers) + 1))}
    for idx, name in enumerate(space.names):
        domain, values = domains[idx], centers[:, idx]
        key = name if name not in columns else f"{name} "
        if domain is None:
            columns[key] = ("double", "%f", values)
        else:
            columns[key] = ("string", [domain[int(v)] if domain else "" for v in values])
    name = "Standardized Cluster Means" if standardized else "Cluster Means"
    return TwoDimTable.of(name, columns)
