"""Interactions of features in a model on a stored frame."""

from __future__ import annotations

import numpy as np

from dh2o.errors import FrameError, ParameterError
from dh2o.frame import Frame
from dh2o.models import Model
from dh2o.models.columns import Columns
from dh2o.models.explain.h_statistic import h_statistic
from dh2o.models.explain.raw_score import tree_model_of

from .references import local_columns

__all__ = ["friedman_h"]


def friedman_h(model: Model, frame: Frame, variables: list[str]) -> float:
    """Return Friedman and Popescu's H of columns in a model made of trees."""
    trees = tree_model_of(model, "h")
    if frame.n_rows == 0:
        raise FrameError("h: the frame has no rows.")
    if len(variables) < 2 or len(set(variables)) < len(variables):
        raise ParameterError(f"variables: expected two or more columns, got {variables}.")
    for name in variables:
        if name not in trees.features:
            raise ParameterError(
                f"variables: column {name!r} is not a predictor of model {model.key}."
            )
    wanted = [name for name in variables if name in frame.names]
    columns = local_columns(trees, frame.select(wanted))
    filled = {name: columns.get(name, np.full(frame.n_rows, np.nan)) for name in trees.features}
    x = trees.tree_rows(Columns(filled, frame.n_rows))
    return h_statistic(trees.forest, x, tuple(trees.features.index(name) for name in variables))
