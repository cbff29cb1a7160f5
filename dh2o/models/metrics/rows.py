"""Which rows count: those with a response, a prediction and a positive weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def usable_rows(preds: F64, actual: F64, weights: F64 | None) -> tuple[F64, F64, F64 | None]:
    """Return predictions (two-dimensional), responses and weights of the rows that count."""
    keep = ~np.isnan(actual)
    keep &= ~np.isnan(preds[:, 0]) if preds.shape[1] == 1 else ~np.isnan(preds).any(axis=1)
    if weights is not None:
        keep &= weights > 0  # NA compares false
    if keep.all():
        return preds, actual, weights
    return preds[keep], actual[keep], None if weights is None else weights[keep]
