"""Compiled kernels of the chunks. Imported only when a chunk is large enough to want them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types

_VALUES = types.Array(types.float64, 1, "C", readonly=True)
_FACTS = types.Tuple((types.int64, types.float64, types.float64, types.int64, types.boolean))


@njit(_FACTS(_VALUES, _VALUES), nogil=True, cache=True, error_model="numpy")
def scan_floats_kernel(values: Any, powers: Any) -> Any:
    """(n_na, min, max, decimals or -1, float32 is exact).   Twin: scan_floats_numpy."""
    n_na = 0
    lo = math.inf
    hi = -math.inf
    decimals = 0
    widest = 0.0
    fits = True
    for value in values:
        if math.isnan(value):
            n_na += 1
            continue
        lo = min(lo, value)
        hi = max(hi, value)
        fits = fits and np.float64(np.float32(value)) == value
        if decimals < 0:
            continue
        size = abs(value)
        if size == math.inf or (value == 0.0 and math.copysign(1.0, value) < 0.0):
            decimals = -1
            continue
        widest = max(widest, size)
        while decimals >= 0 and np.rint(value * powers[decimals]) / powers[decimals] != value:
            decimals += 1
            if decimals == len(powers) or widest * powers[decimals] >= 2251799813685248.0:
                decimals = -1
        if decimals > 0 and size * powers[decimals] >= 2251799813685248.0:
            decimals = -1
    return n_na, lo, hi, decimals, fits
