"""Kernels that make input units of decoded columns."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dh2o.compiled import njit

__all__ = ["scale_into"]


@njit(nogil=True, cache=True)
def scale_into(
    values: NDArray[Any], shift: NDArray[Any], scale: NDArray[Any], out: NDArray[Any]
) -> None:
    """out[r, c] = (values[c, r] - shift[c]) * scale[c], and 0 where that is NaN.

    OUT: neighbouring columns of rows of any step, written row by row: memory is written in lines.
    """
    for r in range(values.shape[1]):
        for c in range(values.shape[0]):
            x = (values[c, r] - shift[c]) * scale[c]
            out[r, c] = x if x == x else 0.0  # noqa: PLR0124  # NaN
