"""Kernels that make input units of decoded columns."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["scale_into"]


@njit(nogil=True, cache=True)
def scale_into(values: NDArray[Any], shift: float, scale: float, out: NDArray[Any]) -> None:
    """out[i] = (values[i] - shift) * scale, and 0 where that is NaN.   OUT: a column, any step."""
    for i in range(len(values)):
        x = (values[i] - shift) * scale
        out[i] = x if x == x else 0.0  # noqa: PLR0124  # NaN
