"""Numbers from text: correctly rounded, a few nanoseconds each.

The decimal text is read as mantissa x 10^exponent. Where both are small the quotient is exact in
floating point (Clinger 1990); else the 128-bit product with a power of five decides (Lemire 2021,
"Number parsing at a gigabyte per second"); the few cases it leaves open are read by Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dh2o.parse.tokenise import CellArray, U8Array

F64Array = NDArray[np.float64]
I64Array = NDArray[np.int64]

MIN_POWER, MAX_POWER = -342, 308
EXACT_INT = 1 << 53

# What a cell is.
EMPTY, ZERO, NONZERO, WORD, NA_WORD, HARD = range(6)

# Slots of the tally of a numeric column.
N_BAD, FIRST_BAD, N_FRACTIONS, N_WIDE = range(4)
TALLY_LEN = 4


def _powers_of_five() -> NDArray[np.uint64]:
    table = np.empty((MAX_POWER - MIN_POWER + 1, 2), np.uint64)
    for q in range(MIN_POWER, MAX_POWER + 1):
        if q < 0:
            power = 5**-q
            bits = (power - 1).bit_length()
            c = 2 ** (bits + 127 if q >= -27 else 2 * bits + 128) // power + 1
        else:
            power = 5**q
            c = power << max(0, 128 - power.bit_length())
        c >>= max(0, c.bit_length() - 128)
        table[q - MIN_POWER] = (c >> 64, c & 0xFFFFFFFFFFFFFFFF)
    return table


FIVES = _powers_of_five()
TENS = 10.0 ** np.arange(23)

_LOW32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_MAX64 = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW9 = np.uint64(0x1FF)
_TIE_MASK = np.uint64(3)
_HIDDEN_BIT = np.uint64(1 << 52)
_DOUBLE_HIDDEN_BIT = np.uint64(1 << 53)


@njit(cache=True, nogil=True, inline="always")
def _multiply(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the high and low halves of the 128-bit product."""
    a_lo, a_hi = a & _LOW32, a >> _32
    b_lo, b_hi = b & _LOW32, b >> _32
    low = a_lo * b_lo
    mid = a_hi * b_lo + (low >> _32)
    mid2 = a_lo * b_hi + (mid & _LOW32)
    return a_hi * b_hi + (mid >> _32) + (mid2 >> _32), (mid2 << _32) | (low & _LOW32)


@njit(cache=True, nogil=True)
def _nearest_double(w: Any, q: int) -> float:
    """Return the double nearest to w x 10^q, w > 0; NaN where this method cannot tell."""
    if q < MIN_POWER:
        return 0.0
    if q > MAX_POWER:
        return np.inf
    n_zeros = 0
    while not (w >> np.uint64(63)):
        w <<= _ONE
        n_zeros += 1
    hi, lo = _multiply(w, FIVES[q - MIN_POWER, 0])
    if (hi & _LOW9) == _LOW9:
        more, _ = _multiply(w, FIVES[q - MIN_POWER, 1])
        lo += more
        if more > lo:
            hi += _ONE
    if lo == _MAX64 and (q < -27 or q > 55):
        return np.nan
    upper = hi >> np.uint64(63)
    mantissa = hi >> (upper + np.uint64(9))
    power = ((217706 * q) >> 16) + 63 + np.int64(upper) - n_zeros + 1023
    if power <= 0:
        return np.nan
    if lo <= _ONE and -4 <= q <= 23 and (mantissa & _TIE_MASK) == _ONE:
        if (mantissa << (upper + np.uint64(9))) == hi:
            mantissa &= ~_ONE
    mantissa += mantissa & _ONE
    mantissa >>= _ONE
    if mantissa >= _DOUBLE_HIDDEN_BIT:
        mantissa = _HIDDEN_BIT
        power += 1
    if power >= 0x7FF:
        return np.inf
    return np.ldexp(np.float64(np.int64(mantissa)), power - 1023 - 52)


@njit(cache=True, nogil=True, inline="always")
def _is_na_word(buf: U8Array, start: int, stop: int) -> bool:
    """Say whether a word in a numeric column means NA: NA, N/A, NaN, null, None, any case."""
    n = stop - start
    if n < 2 or n > 4:
        return False
    a, b = buf[start] | 32, buf[start + 1] | 32
    if a != 110:  # n
        return False
    if n == 2:
        return b == 97  # na
    c = buf[start + 2] | 32
    if n == 3:
        return (b == 97 and c == 110) or (b == 47 and c == 97)  # nan, n/a
    d = buf[start + 3] | 32
    return (b == 117 and c == 108 and d == 108) or (b == 111 and c == 110 and d == 101)


@njit(cache=True, nogil=True)
def number_at(  # noqa: C901, PLR0915 - the grammar of a number, read once from left to right
    buf: U8Array, start: int, stop: int
) -> tuple[int, float, int, bool]:
    """Return (what the cell is, its value, the value as an int where it is one, is it one)."""
    while stop > start and (buf[stop - 1] == 32 or buf[stop - 1] == 9):
        stop -= 1
    while start < stop and (buf[start] == 32 or buf[start] == 9):
        start += 1
    if stop <= start:
        return EMPTY, np.nan, 0, False
    p = start
    if buf[p] == 36:  # $
        p += 1
    negative = False
    if p < stop and (buf[p] == 45 or buf[p] == 43):
        negative = buf[p] == 45
        p += 1
    w = _ZERO
    n_digits = 0
    n_kept = 0
    exponent = 0
    lost = False
    while p < stop:
        digit = np.int64(buf[p]) - 48
        if digit < 0 or digit > 9:
            break
        if n_kept < 19:
            w = w * np.uint64(10) + np.uint64(digit)
            if n_kept > 0 or digit > 0:
                n_kept += 1
        else:
            exponent += 1
            lost |= digit != 0
        n_digits += 1
        p += 1
    is_int = True
    if p < stop and buf[p] == 46:
        is_int = False
        p += 1
        while p < stop:
            digit = np.int64(buf[p]) - 48
            if digit < 0 or digit > 9:
                break
            if n_kept < 19:
                w = w * np.uint64(10) + np.uint64(digit)
                exponent -= 1
                if n_kept > 0 or digit > 0:
                    n_kept += 1
            else:
                lost |= digit != 0
            n_digits += 1
            p += 1
    if n_digits == 0:
        return (NA_WORD if _is_na_word(buf, start, stop) else WORD), np.nan, 0, False
    if p < stop and (buf[p] | 32) == 101:  # e
        q = p + 1
        e_negative = False
        if q < stop and (buf[q] == 45 or buf[q] == 43):
            e_negative = buf[q] == 45
            q += 1
        e = 0
        first = q
        while q < stop and 48 <= buf[q] <= 57:
            if e < 100000:
                e = e * 10 + np.int64(buf[q]) - 48
            q += 1
        if q == first:
            return WORD, np.nan, 0, False
        exponent += -e if e_negative else e
        is_int = False
        p = q
    while p < stop and buf[p] == 32:
        p += 1
    while p < stop and buf[p] == 37:  # %
        exponent -= 2
        is_int = False
        p += 1
    if p < stop:
        return WORD, np.nan, 0, False
    if w == _ZERO:
        return ZERO, (-0.0 if negative else 0.0), 0, True
    if exponent == 0 and w <= np.uint64(EXACT_INT):
        m = np.int64(w)
        m = -m if negative else m
        return NONZERO, np.float64(m), m, True
    if exponent == 0 and is_int and w < np.uint64(1 << 63):
        m = np.int64(w)
        x = np.float64(m)
        return NONZERO, (-x if negative else x), (-m if negative else m), True
    if not lost and w <= np.uint64(EXACT_INT) and -22 <= exponent <= 22:
        x = np.float64(np.int64(w))
        x = x / TENS[-exponent] if exponent < 0 else x * TENS[exponent]
    else:
        x = _nearest_double(w, exponent)
        if lost and x != _nearest_double(w + _ONE, exponent):
            x = np.nan
        if np.isnan(x):
            return HARD, np.nan, 0, False
    return NONZERO, (-x if negative else x), 0, False


@njit(cache=True, nogil=True)
def read_numbers(
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slot: int,
    out: F64Array,
    at: int,
    tally: I64Array,
    hard: I64Array,
) -> int:
    """out[at + r] = the number in cell (r, slot), NA where there is none; the count of hard ones.

    IN: all but out, tally, hard.   OUT: tally (bad numbers, first of them as a row of the tile;
    values that are no integers; integers beyond 2^53), hard (rows left to Python).
    """
    n_hard = 0
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if stop < 0:
            kind, x, m, whole = WORD, np.nan, np.int64(0), False
        else:
            kind, x, m, whole = number_at(buf, start, stop)
        out[at + r] = x
        if kind == WORD:
            if tally[N_BAD] == 0:
                tally[FIRST_BAD] = at + r
            tally[N_BAD] += 1
        elif kind == HARD:
            hard[n_hard] = r
            n_hard += 1
            tally[N_FRACTIONS] += 1
        elif kind == NONZERO:
            if not whole:
                tally[N_FRACTIONS] += 1
            elif m > EXACT_INT or m < -EXACT_INT:
                tally[N_WIDE] += 1
    return n_hard


@njit(cache=True, nogil=True)
def read_ints(
    buf: U8Array, cells: CellArray, n_rows: int, slot: int, out: I64Array, at: int, na: int
) -> None:
    """out[at + r] = the integer in cell (r, slot), exactly, or `na` where there is none."""
    for r in range(n_rows):
        stop = cells[r, slot, 1]
        out[at + r] = na
        if stop >= 0:
            _, x, m, whole = number_at(buf, cells[r, slot, 0], stop)
            if whole:
                out[at + r] = m


@njit(cache=True, nogil=True)
def kinds_of_cells(
    buf: U8Array, cells: CellArray, n_rows: int, slot: int, kinds: NDArray[np.uint8]
) -> None:
    """kinds[r] = what cell (r, slot) is to a number parser: empty, zero, nonzero or a word."""
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if stop < 0:
            kinds[r] = WORD
        else:
            kind, x, m, whole = number_at(buf, start, stop)
            if kind == NA_WORD:
                kind = WORD
            elif kind == HARD:
                kind = NONZERO
            kinds[r] = kind


def hard_number(text: str) -> float:
    """Return the number that `text` spells, as Python rounds it; signs and marks as in kernels."""
    text = text.strip(" \t").removeprefix("$")
    n_percent = len(text) - len(text.rstrip("%"))
    text = text.rstrip("%").rstrip(" ")
    if n_percent:
        mantissa, _, exponent = text.lower().partition("e")
        text = f"{mantissa}e{int(exponent or 0) - 2 * n_percent}"
    return float(text)
