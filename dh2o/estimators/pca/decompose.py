"""From a spec to a decomposition: what PCA and SVD share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.building.history import duration_text, timestamp_text
from dh2o.estimators.building.small_matrices import blas_threads_for
from dh2o.estimators.pca.methods import (
    Decomposition,
    Limits,
    by_gram,
    by_power,
    by_rows,
    by_subspace,
    finished,
)
from dh2o.estimators.pca.moments import (
    F64,
    ExpandedRows,
    GramTask,
    check_size,
    expansion_of,
    is_complete,
    is_wide,
)
from dh2o.models import TwoDimTable
from dh2o.models.expansion import Expansion

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.mrtask import JobContext


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A decomposition, of what, of how many rows, and the trace of X'X."""

    expansion: Expansion
    parts: Decomposition
    n_rows: int
    trace: float

    @property
    def total_variance(self) -> float:
        """Trace of X'X over rows less one."""
        return self.trace / max(self.n_rows - 1, 1)


def decompose(
    ctx: JobContext, spec: TrainSpec, method: str, k: int, *, imputes: bool, what: str
) -> Found:
    """Return the `k` largest singular values of the training rows and their vectors.

    `what` names the parameter that holds `k`.
    """
    params = spec.params
    ctx.update(0.0, "Looking at the columns")
    expansion = expansion_of(
        spec.train, spec.x, params["transform"],
        all_levels=bool(params["use_all_factor_levels"]), imputes=imputes,
    )  # fmt: skip
    check_size(expansion, spec.train.n_rows)
    limits = Limits(int(params["max_iterations"]), spec.seed, spec.out_of_time)
    frame = spec.train.select(expansion.columns)
    ctx.update(0.1, "Multiplying columns")
    if is_wide(expansion, spec.train.n_rows):
        rows = ExpandedRows(expansion).do_all(frame)
        _check_rows(len(rows), k, what)
        return Found(expansion, _of_rows(rows, method, k, limits), len(rows), _squares(rows))
    with blas_threads_for(expansion.size):
        gram = GramTask(expansion, is_complete(frame, expansion)).do_all(frame)
        _check_rows(gram.n_rows, k, what)
        _check_finite(gram.xx)
        ctx.update(0.8, f"Decomposing by {method}")
        parts = _of_gram(gram.xx, method, k, limits)
    if not len(parts.values):
        raise ModelError(
            "The rows have no direction at all: all transformed columns are 0. Leave constant "
            "columns out."
        )
    return Found(expansion, parts, gram.n_rows, float(np.trace(gram.xx)))


def _of_gram(xx: F64, method: str, k: int, limits: Limits) -> Decomposition:
    if method == "Power":
        return by_power(xx, k, limits)
    if method in ("Randomized", "GLRM"):
        trace = float(np.trace(xx)) if method == "GLRM" else None
        return by_subspace(lambda basis: xx @ basis, len(xx), k, limits, trace)
    return by_gram(xx, k)


def _of_rows(rows: F64, method: str, k: int, limits: Limits) -> Decomposition:
    if method in ("Randomized", "GLRM"):
        # the few directions of the rows hold all that is sought: the iterations need no others
        directions, inside = np.linalg.qr(rows.T)
        gram = inside @ inside.T
        trace = _squares(rows) if method == "GLRM" else None
        found = by_subspace(lambda basis: gram @ basis, len(gram), k, limits, trace)
        return finished(found.values, directions @ found.vectors, found.events)
    return by_rows(rows, k)


def _squares(rows: F64) -> float:
    return float(np.square(rows).sum())


def _check_rows(n_rows: int, k: int, what: str) -> None:
    if n_rows == 0 or n_rows < k:
        raise ModelError(
            f"Number of row in _train is less than {what}: {n_rows} rows without missing values. "
            f"Consider setting impute_missing = TRUE or reducing the value of parameter {what}."
        )


def _check_finite(xx: F64) -> None:
    if not np.isfinite(xx).all():
        raise ModelError(
            "The products of the columns are too large for doubles. Scale the columns down, or "
            "set transform to STANDARDIZE."
        )


def history_table(found: Decomposition, method: str, start_ms: int, now_ms: int) -> TwoDimTable:
    """Return the iterations of a method; GramSVD has one."""
    events = found.events or [(now_ms, 0.0, 0)]
    columns: dict[str, Any] = {
        "": ("string", [""] * len(events)),
        "timestamp": ("string", [timestamp_text(when) for when, _, _ in events]),
        "duration": ("string", [duration_text(when - start_ms) for when, _, _ in events]),
        "iterations": ("long", range(len(events))),
    }
    if method == "Power":
        columns["err"] = ("double", [error for _, error, _ in events])
        columns["principal_component_"] = ("double", [number for _, _, number in events])
    elif method == "Randomized":
        columns["average_see"] = ("double", [error for _, error, _ in events])
    elif method == "GLRM":
        columns["objective"] = ("double", [objective for _, objective, _ in events])
    names = {"Power": "Power SVD", "Randomized": "Randomized SVD"}
    return TwoDimTable.of(f"Scoring History from {names.get(method, method)}", columns)
