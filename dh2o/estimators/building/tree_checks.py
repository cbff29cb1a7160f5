"""What every algorithm made of trees asks of its parameters and data; rules and words are H2O's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dh2o.estimators.building.calibrate import calibration_messages
from dh2o.estimators.messages import Message

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

__all__ = ["tree_messages"]


def tree_messages(spec: TrainSpec) -> Iterable[Message]:
    """Return what is wrong, from the point of view of trees."""
    params = spec.params
    encoding = params.get("categorical_encoding", "AUTO")
    if encoding == "OneHotInternal":
        yield Message.error(
            "categorical_encoding",
            "Cannot use OneHotInternal categorical encoding for tree methods.",
        )
    if params.get("interaction_constraints") and encoding not in ("AUTO", "Enum", "OneHotInternal"):
        yield Message.error(
            "categorical_encoding",
            "Interaction constraints can be used when the categorical encoding is set to ``AUTO`` "
            "(``one_hot_internal`` or ``OneHotInternal``) only.",
        )
    yield from _check_min_rows(spec)
    yield from calibration_messages(spec)


def _check_min_rows(spec: TrainSpec) -> Iterable[Message]:
    """Return an error if there are not twice ``min_rows``: a split needs that."""
    least = spec.params.get("min_rows")
    if least is None or spec.is_cv_model:
        return
    rows = float(spec.train.n_rows)
    if spec.weights is not None:
        stats = spec.train.select([spec.weights]).rollups()[0]
        rows = stats.mean * stats.n_finite if stats.n_finite else 0.0
    if rows < 2 * least:
        yield Message.error(
            "min_rows",
            f"The dataset size is too small to split for min_rows={float(least)}: must have at "
            f"least {float(2 * least)} (weighted) rows, but have only {rows}.",
        )
