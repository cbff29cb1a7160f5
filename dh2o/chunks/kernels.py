"""Compiled kernels of the chunks. Imported only when a chunk is large enough to want them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dh2o.compiled import njit

_FAR = np.int64(1 << 62)
_NEGATIVE_ZERO = np.int64(-(1 << 63))

# Callers pass inputs as read-only views, so that each kernel is compiled for one signature, and
# only when it is first needed.


@njit(nogil=True, cache=True, error_model="numpy")
def scan_floats_kernel(values: Any, powers: Any) -> Any:
    """(n_na, min, max, decimals or -1, float32 is exact, has -0.0).   Twin: scan_floats_numpy."""
    n_na = 0
    lo = math.inf
    hi = -math.inf
    decimals = 0
    limit = 2.0**63
    fits = True
    negative_zero = False
    for value in values:
        if math.isnan(value):
            n_na += 1
            continue
        lo = min(lo, value)
        hi = max(hi, value)
        fits = fits and np.float64(np.float32(value)) == value
        # "&" instead of "and": zeros come unforeseen, and a wrong guess costs more than the test
        negative_zero = negative_zero | ((value == 0.0) & (math.copysign(1.0, value) < 0.0))
        if decimals < 0:
            continue
        if decimals == 0 and np.rint(value) == value:
            if abs(value) >= limit:
                decimals = -1
            continue
        while np.rint(value * powers[decimals]) / powers[decimals] != value:
            decimals += 1
            limit = 2.0**51
            if decimals == len(powers) or abs(value) * powers[decimals] >= limit:
                decimals = -1
                break
        if decimals >= 0 and max(-lo, hi) * powers[decimals] >= limit:
            decimals = -1
    return n_na, lo, hi, decimals, fits, negative_zero


@njit(nogil=True, cache=True, error_model="numpy")
def scan_grid_kernel(values: Any, bits: Any, power: float, limit: float) -> Any:
    """(how many lie on no grid of 1 / power below limit, n_na, min, max, n of -0.0).

    The extremes are times power; `bits` are those of the values.   Twin: scan_floats_numpy.
    """
    # sums, minima and choices only: LLVM takes four values at a time
    n_off = n_known = n_negative_zero = 0
    lo = _FAR
    hi = -_FAR
    for i in range(len(values)):
        value = values[i]
        known = value == value  # noqa: PLR0124 - NaN is not
        scaled = np.rint(value * power)
        near = abs(scaled) < limit
        n_off += ((scaled / power != value) | (not near)) & known
        code = np.int64(scaled if near else 0.0)
        lo = min(lo, code if known else _FAR)
        hi = max(hi, code if known else -_FAR)
        n_known += known
        n_negative_zero += bits[i] == _NEGATIVE_ZERO
    return n_off, len(values) - n_known, lo, hi, n_negative_zero


@njit(nogil=True, cache=True)
def grid_codes_kernel(
    values: Any, power: float, bias: int, na_code: int, negative_zero_code: int, out: Any
) -> None:
    """Out = round(values * power) - bias, or the code of NA or -0.0.   Twin: grid_codes_numpy."""
    for i in range(len(values)):
        value = values[i]
        if math.isnan(value):
            out[i] = na_code
        elif (value == 0.0) & (math.copysign(1.0, value) < 0.0):
            out[i] = negative_zero_code
        else:
            out[i] = np.int64(np.rint(value * power)) - bias


@njit(nogil=True, cache=True)
def scan_columns_kernel(
    values: Any, ends: Any, powers: Any, with_step: bool, counts: Any, extremes: Any
) -> None:
    """Do as `scan_floats_kernel` for each column, values[ends[c] : ends[c + 1]]; find its step too.

    OUT: counts (n_na, decimals, float32 is exact, has -0.0, step; 0 is a step that is not known),
    extremes (min, max).
    """
    for c in range(len(ends) - 1):
        column = values[ends[c] : ends[c + 1]]
        n_na, lo, hi, decimals, fits, negative_zero = scan_floats_kernel(column, powers)
        step = np.int64(1)
        if with_step and decimals >= 0 and n_na < len(column):
            power = powers[decimals]
            step = np.int64(0)
            if (hi - lo) * power < _FAR and max(-lo, hi) * power < _FAR:
                first = np.int64(np.rint(lo * power))
                for value in column:
                    if step == 1:
                        break
                    if not math.isnan(value):
                        a, b = step, np.int64(np.rint(value * power)) - first
                        while b:
                            a, b = b, a % b
                        step = a
                step = max(step, np.int64(1))
        counts[c, 0] = n_na
        counts[c, 1] = decimals
        counts[c, 2] = fits
        counts[c, 3] = negative_zero
        counts[c, 4] = step
        extremes[c, 0] = lo
        extremes[c, 1] = hi


@njit(nogil=True, cache=True)
def column_codes_kernel(
    values: Any, ends: Any, columns: Any, powers: Any, grids: Any, out: Any
) -> None:
    """Out = the codes of columns[i] on grid i: bias, step, codes of NA and of -0.0 (or -1)."""
    for i in range(len(columns)):
        bias, step, na_code, negative_zero_code = grids[i]
        for r in range(ends[columns[i]], ends[columns[i] + 1]):
            value = values[r]
            if math.isnan(value):
                out[r] = na_code
                continue
            code = np.int64(np.rint(value * powers[i])) - bias
            if step != 1:
                code //= step
            if (value == 0.0) & (math.copysign(1.0, value) < 0.0) & (negative_zero_code >= 0):
                code = negative_zero_code
            out[r] = code


@njit(nogil=True, cache=True)
def dictionary_kernel(bits: Any, table: Any, codes: Any) -> int:
    """table[codes[i]] = bits[i], numbered by occurrence.   Twin: dictionary_numpy.

    OUT: table, codes.  Returns how many entries the table has, -1 when it is too short.
    """
    n_slots = 1024
    slots = np.full(n_slots, -1, dtype=np.int16)
    n_uniques = 0
    for i in range(len(bits)):
        key = bits[i]
        mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
        slot = np.int64(mixed >> np.uint64(54))
        while slots[slot] >= 0 and table[slots[slot]] != key:
            slot = (slot + 1) % n_slots
        if slots[slot] < 0:
            if n_uniques == len(table):
                return -1
            table[n_uniques] = key
            slots[slot] = n_uniques
            n_uniques += 1
        codes[i] = slots[slot]
    return n_uniques


@njit(nogil=True, cache=True)
def gather_kernel(values: Any, rows: Any, na: Any, out: Any) -> None:
    """Out = values[rows], `na` where there is no such row.   Twin: gathered_numpy."""
    n_rows = np.uint64(len(values))
    for i in range(len(rows)):
        row = np.uint64(rows[i])
        out[i] = values[row] if row < n_rows else na


@njit(nogil=True, cache=True)
def count_keys(keys: Any, counts: Any) -> None:
    """counts[key] += 1."""
    for i in range(len(keys)):
        counts[keys[i]] += 1


@njit(nogil=True, cache=True)
def repeat_kernel(values: Any, starts: Any, out: Any) -> None:
    """out[starts[k]:starts[k + 1]] = values[k]."""
    for k in range(len(values)):
        value = values[k]
        # unsigned: else each place is looked at whether it counts from the end
        for i in range(np.uint64(starts[k]), np.uint64(starts[k + 1])):
            out[i] = value


@njit(nogil=True, cache=True)
def pack_bits_kernel(codes: Any, width: int, out: Any) -> None:
    """Out = codes of 2 or 4 bits, packed, lowest bits first.   Twin: pack_bits_numpy."""
    n_whole = len(codes) * width // 8
    if width == 4:
        for i in range(n_whole):
            out[i] = codes[2 * i] | codes[2 * i + 1] << 4
    else:
        for i in range(n_whole):
            low = codes[4 * i] | codes[4 * i + 1] << 2
            out[i] = low | codes[4 * i + 2] << 4 | codes[4 * i + 3] << 6
    if n_whole < len(out):
        out[n_whole] = 0
        for j in range(n_whole * 8 // width, len(codes)):
            out[n_whole] |= codes[j] << (j * width) % 8


@njit(nogil=True, cache=True)
def bytes_of_kernel(packed: Any, width: int, out: Any) -> None:
    """Out = the codes of 2 or 4 bits of packed bytes, a byte each.   Twin: bytes_of_numpy."""
    if width == 4:
        for i in range(len(packed)):
            out[2 * i] = packed[i] & 15
            out[2 * i + 1] = packed[i] >> 4
    else:
        for i in range(len(packed)):
            code = packed[i]
            out[4 * i] = code & 3
            out[4 * i + 1] = code >> 2 & 3
            out[4 * i + 2] = code >> 4 & 3
            out[4 * i + 3] = code >> 6


@njit(nogil=True, cache=True, error_model="numpy")
def grids_kernel(
    codes: Any, firsts: Any, grids: Any, powers: Any, n_rows: Any, starts: Any, out: Any
) -> None:
    """out[starts[k]:][:n_rows[k]] = (codes * step + bias) / 10**decimals of grid k.

    ``grids[k]`` is (width, bias, step, decimals, code of NA, code of -0.0), -1 for no such code;
    its codes begin at ``codes[firsts[k]]``, packed where they have fewer than 8 bits.
    Twin: GridCodec.decode.
    """
    for k in range(len(n_rows)):
        width, bias, step, decimals, na_code, negative_zero_code = grids[k]
        narrow = width < 8
        mask = (1 << width) - 1
        power = powers[decimals]
        first, start = firsts[k], starts[k]
        for i in range(n_rows[k]):
            if narrow:
                bit = i * width
                code = (np.int64(codes[first + (bit >> 3)]) >> (bit & 7)) & mask
            else:
                code = np.int64(codes[first + i])
            value = np.float64(code * step + bias)
            if code == na_code:
                out[start + i] = math.nan
            elif code == negative_zero_code:
                out[start + i] = -0.0
            else:
                out[start + i] = value / power if decimals else value


@njit(nogil=True, cache=True)
def place_kernel(values: Any, n_rows: Any, starts: Any, out: Any) -> None:
    """out[starts[k]:][:n_rows[k]] = the next n_rows[k] of values."""
    at = 0
    for k in range(len(n_rows)):
        start = starts[k]
        for i in range(n_rows[k]):
            out[start + i] = values[at]
            at += 1


@njit(nogil=True, cache=True)
def lane_sum(x: Any, n: int, center: float, square: bool) -> float:
    """Sum of the first n of x, or of (x - center)**2, in 8 lanes.   Twin: stats.lane_sum."""
    lanes = np.zeros(8)
    whole = n - n % 8
    if square:
        for i in range(0, whole, 8):
            for j in range(8):
                gap = x[i + j] - center
                lanes[j] += gap * gap
        for j in range(n - whole):
            gap = x[whole + j] - center
            lanes[j] += gap * gap
    else:
        for i in range(0, whole, 8):
            for j in range(8):
                lanes[j] += x[i + j]
        for j in range(n - whole):
            lanes[j] += x[whole + j]
    a = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    b = (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
    return a + b


@njit(nogil=True, cache=True, error_model="numpy")
def stats_kernel(values: Any, counts: Any, moments: Any, mins: Any, maxs: Any) -> None:
    """Stats of each row of values.   Twin: stats.stats_of_values.

    OUT: counts (NA, zeros, +inf, -inf, whether all are integers), moments (mean, m2), and the five
    smallest and largest values, NaN where there are fewer.
    """
    n_cols, n_rows = values.shape
    x = np.empty(n_rows)
    n_extremes = mins.shape[1]
    for k in range(n_cols):
        n = n_zero = n_pinf = n_ninf = 0
        whole = True
        least, most = mins[k], maxs[k]
        least[:] = math.inf
        most[:] = -math.inf
        for i in range(n_rows):
            value = values[k, i]
            if not math.isfinite(value):
                n_pinf += value == math.inf
                n_ninf += value == -math.inf
                continue
            x[n] = value
            n += 1
            n_zero += value == 0.0
            whole = whole & (np.rint(value) == value)
            if value < least[-1]:
                j = n_extremes - 1
                while j > 0 and value < least[j - 1]:
                    least[j] = least[j - 1]
                    j -= 1
                least[j] = value
            if value > most[-1]:
                j = n_extremes - 1
                while j > 0 and value > most[j - 1]:
                    most[j] = most[j - 1]
                    j -= 1
                most[j] = value
        mean = m2 = 0.0
        if n:
            if least[0] == most[0]:
                mean = least[0]
            else:
                mean = lane_sum(x, n, 0.0, False) / n
                if not math.isfinite(mean):
                    for i in range(n):
                        values[k, i] = x[i] / n
                    mean = lane_sum(values[k], n, 0.0, False)
                m2 = lane_sum(x, n, mean, True)
        least[n:] = np.nan
        most[n:] = np.nan
        counts[k, 0] = n_rows - n - n_pinf - n_ninf
        counts[k, 1] = n_zero
        counts[k, 2] = n_pinf
        counts[k, 3] = n_ninf
        counts[k, 4] = whole
        moments[k, 0] = mean
        moments[k, 1] = m2
