"""Columns of a frame as plain arrays in this process."""

from __future__ import annotations

import numpy as np

from dh2o.frame import Frame
from dh2o.models.columns import F64

__all__ = ["column_values"]


def column_values(frame: Frame, name: str) -> F64:
    """Return the values of a column, levels by their codes; NA is NaN."""
    block = frame.select([name]).rows(0, frame.n_rows)
    return np.asarray(block.floats(0), dtype=np.float64)
