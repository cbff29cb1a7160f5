"""Facts about an array of doubles that decide how it is encoded, found in one look."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dh2o.chunks.codec import F64, I64, NA_INT

#: Finer grids than this are not looked for: 15 digits is what a double can show.
MAX_DECIMALS = 15
#: Grid points beyond this may not come back exactly from value * 10**decimals.
MAX_SCALED = 2.0**51
#: From here on the compiled kernels pay; below, numpy is as fast and nothing is compiled.
KERNEL_ROWS = 1 << 15
POWERS_OF_10 = 10.0 ** np.arange(MAX_DECIMALS + 1)
POWERS_OF_10.flags.writeable = False


class FloatFacts(NamedTuple):
    """What `scan_floats` finds; `lo` and `hi` span the values that are not NA."""

    n_na: int
    lo: float
    hi: float
    decimals: int  # fewest digits of a decimal grid that holds all values, -1 when there is none
    fits_float32: bool


def scan_floats(values: F64) -> FloatFacts:
    """Return the facts of `values`, NaN being NA.

    With d decimals a value is k / 10**d, both exact, so the quotient is the double nearest to that
    decimal; it is then also 10k / 10**(d+1), which is why digits need only grow while scanning.
    Infinities and -0.0 lie on no grid.
    """
    if len(values) >= KERNEL_ROWS:
        from dh2o.chunks.kernels import scan_floats_kernel

        return FloatFacts(*scan_floats_kernel(values, POWERS_OF_10))
    return scan_floats_numpy(values)


def scan_floats_numpy(values: F64) -> FloatFacts:
    """Return what the compiled `scan_floats_kernel` returns, a whole array at a time."""
    known = values[~np.isnan(values)]
    n_na = len(values) - len(known)
    if not len(known):
        return FloatFacts(n_na, math.inf, -math.inf, 0, True)
    with np.errstate(over="ignore"):
        fits_float32 = bool((known.astype(np.float32) == known).all())
    lo, hi = float(known.min()), float(known.max())
    on_grid = math.isfinite(lo) and math.isfinite(hi)
    on_grid = on_grid and not bool(((known == 0) & np.signbit(known)).any())
    return FloatFacts(n_na, lo, hi, _decimals_of(known) if on_grid else -1, fits_float32)


def _decimals_of(known: F64) -> int:
    decimals = 0
    left = known
    while decimals <= MAX_DECIMALS:
        scaled = np.rint(left * POWERS_OF_10[decimals])
        off = scaled / POWERS_OF_10[decimals] != left
        if decimals:
            off |= np.abs(scaled) >= MAX_SCALED
        left = left[off]
        if not len(left):
            break
        if decimals and bool((np.abs(left) * POWERS_OF_10[decimals] >= MAX_SCALED).any()):
            return -1
        decimals += 1
    if decimals > MAX_DECIMALS:
        return -1
    top = float(np.abs(known).max()) * POWERS_OF_10[decimals]
    return decimals if decimals == 0 or top < MAX_SCALED else -1


def to_grid(values: F64, decimals: int) -> I64:
    """Return round(values * 10**decimals) as integers, NA as `NA_INT`."""
    scaled = np.rint(values * POWERS_OF_10[decimals]) if decimals else values
    na = np.isnan(scaled)
    if not na.any():
        return scaled.astype(np.int64)
    ints = np.where(na, 0.0, scaled).astype(np.int64)
    ints[na] = NA_INT
    return ints
