"""Facts about an array of doubles that decide how it is encoded, found in one look."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dh2o.chunks.codec import F64, I64, NA_INT, U32, read_only
from dh2o.chunks.integer import GridCodec

#: Finer grids than this are not looked for: 15 digits is what a double can show.
MAX_DECIMALS = 15
#: Products beyond this may not come back exactly from value * 10**decimals.
MAX_SCALED = 2.0**51
#: From here on the compiled kernels pay; below, numpy is as fast and nothing is compiled.
KERNEL_ROWS = 1 << 12
_FEW = 64
POWERS_OF_10 = 10.0 ** np.arange(MAX_DECIMALS + 1)
POWERS_OF_10.flags.writeable = False


class FloatFacts(NamedTuple):
    """What `scan_floats` finds; `lo` and `hi` span the values that are not NA."""

    n_na: int
    lo: float
    hi: float
    decimals: int  # fewest digits of a decimal grid that holds all values, -1 when there is none
    fits_float32: bool
    has_negative_zero: bool


def scan_floats(values: F64) -> FloatFacts:
    """Return the facts of `values`, NaN being NA.

    With d decimals a value is k / 10**d, both exact, so the quotient is the double nearest to that
    decimal; it is then also 10k / 10**(d+1), which is why digits need only grow while scanning.
    Infinities lie on no grid, and with 0 decimals the values must be 64-bit integers.
    """
    if len(values) >= KERNEL_ROWS:
        from dh2o.chunks.kernels import scan_floats_kernel

        return FloatFacts(*scan_floats_kernel(read_only(values), POWERS_OF_10))
    return scan_floats_numpy(values)


def need_eight_bytes(values: F64) -> bool:
    """Return whether a few values show that neither a decimal grid nor four bytes hold them all.

    False means that one has to look at all of them.
    """
    few = values[:: max(1, len(values) // 4)].tolist()
    return any(_is_long(value) and np.float32(value) != value for value in few)


def _is_long(value: float) -> bool:
    """Return whether a finite number lies on no grid that `scan_floats` finds."""
    if not math.isfinite(value):
        return False
    for power in POWERS_OF_10.tolist():
        if abs(value) * power >= MAX_SCALED:
            return power > 1.0
        if round(value * power) / power == value:
            return False
    return True


def look_at_few(values: F64) -> FloatFacts:
    """Return the facts of a few of many `values`: no grid of all is coarser or has fewer codes."""
    from dh2o.chunks.kernels import scan_floats_kernel

    return FloatFacts(*scan_floats_kernel(read_only(few_of(values)), POWERS_OF_10))


def few_of(values: F64) -> F64:
    """Return some of many values, from first to last."""
    return values[:: max(1, len(values) // _FEW)].copy()


def scan_foreseen(values: F64, few: FloatFacts) -> FloatFacts | None:
    """Return the facts of `values` if they lie on the grid of a `few` of them; else None."""
    if few.decimals <= 0 or few.fits_float32:
        return None
    from dh2o.chunks.kernels import scan_grid_kernel

    power = float(POWERS_OF_10[few.decimals])
    bits = read_only(values.view(np.int64))
    found = scan_grid_kernel(read_only(values), bits, power, MAX_SCALED)
    n_off, n_na, lo, hi, n_negative_zero = found
    if n_off:
        return None
    return FloatFacts(n_na, lo / power, hi / power, few.decimals, False, n_negative_zero > 0)


def scan_floats_numpy(values: F64) -> FloatFacts:
    """Return what the compiled `scan_floats_kernel` returns, a whole array at a time."""
    known = values[~np.isnan(values)]
    n_na = len(values) - len(known)
    if not len(known):
        return FloatFacts(n_na, math.inf, -math.inf, 0, fits_float32=True, has_negative_zero=False)
    with np.errstate(over="ignore"):
        fits_float32 = bool((known.astype(np.float32) == known).all())
    lo, hi = float(known.min()), float(known.max())
    decimals = _decimals_of(known) if math.isfinite(lo) and math.isfinite(hi) else -1
    has_negative_zero = bool(((known == 0) & np.signbit(known)).any())
    return FloatFacts(n_na, lo, hi, decimals, fits_float32, has_negative_zero)


def _decimals_of(known: F64) -> int:
    """Return the digits of the coarsest decimal grid under all of `known`, or -1."""
    widest = float(np.abs(known).max())
    left = known
    for decimals in range(MAX_DECIMALS + 1):
        power = POWERS_OF_10[decimals]
        if widest * power >= (MAX_SCALED if decimals else 2.0**63):
            return -1
        left = left[np.rint(left * power) / power != left]
        if not len(left):
            return decimals
    return -1


def to_grid(values: F64, decimals: int) -> I64:
    """Return round(values * 10**decimals) as integers, NA as `NA_INT`."""
    scaled = np.rint(values * POWERS_OF_10[decimals]) if decimals else values
    na = np.isnan(scaled)
    if not na.any():
        return scaled.astype(np.int64)
    ints = np.where(na, 0.0, scaled).astype(np.int64)
    ints[na] = NA_INT
    return ints


def grid_codes(values: F64, grid: GridCodec) -> U32:
    """Return the codes of `values` on a grid of step 1 that holds them all."""
    if len(values) < KERNEL_ROWS:
        return grid_codes_numpy(values, grid)
    from dh2o.chunks.kernels import grid_codes_kernel

    codes = np.empty(len(values), dtype=np.uint32)
    negative_zero_code = grid.negative_zero_code if grid.has_negative_zero else -grid.bias
    power = POWERS_OF_10[grid.decimals]
    specials = grid.na_code, negative_zero_code
    grid_codes_kernel(read_only(values), power, grid.bias, *specials, codes)
    return codes


def grid_codes_numpy(values: F64, grid: GridCodec) -> U32:
    """Return what `grid_codes` returns, an operation at a time."""
    na = np.isnan(values)
    scaled = np.rint(np.where(na, 0.0, values) * POWERS_OF_10[grid.decimals])
    codes = (scaled.astype(np.int64) - grid.bias).astype(np.uint32)
    codes[na] = grid.na_code
    if grid.has_negative_zero:
        codes[(values == 0) & np.signbit(values)] = grid.negative_zero_code
    return codes
