"""Numbers from text: correctly rounded, a few nanoseconds each.

The decimal text is read as mantissa x 10^exponent. Where both are small the quotient is exact in
floating point (Clinger 1990); else the 128-bit product with a power of five decides (Lemire 2021,
"Number parsing at a gigabyte per second"); the few cases it leaves open are read by Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse.decimals import (
    EXACT_INT,
    FIVES,
    MAX_POWER,
    MIN_POWER,
    NBYTES_AFTER,
    NBYTES_BEFORE,
    SHORT,
    TENS,
    TWOS,
    quotient,
    spelled,
)
from dh2o.parse.tokenise import CellArray, U8Array, is_na
from dh2o.parse.words import is_digits, leading_zeros, load_word, multiply_wide, tail_digits

F64Array = NDArray[np.float64]
I64Array = NDArray[np.int64]

# What a cell is.
N_KINDS = 6
_ROWS_AT_ONCE = 128  # their cells and texts fit into the nearest cache
EMPTY, ZERO, NONZERO, WORD, NA_WORD, HARD = range(N_KINDS)

# Slots of the tally of a numeric column.
N_BAD, FIRST_BAD, N_FRACTIONS, N_WIDE = range(4)
TALLY_LEN = 4


SIGNS = np.array([1.0, -1.0])
_SAMPLE = 16
_NBYTES_BESIDE = 3  # of the digits after the dot: sign, one digit, dot
_SHORT = np.uint64(SHORT)
_ONE = np.uint64(1)
_TEN = np.uint64(10)
_EXACT = np.uint64(EXACT_INT)
_TWO63 = np.uint64(1 << 63)
_ZERO = np.uint64(0)
_ZEROS = np.uint64(0x3030303030303030)
_MAX64 = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW9 = np.uint64(0x1FF)
_TIE_MASK = np.uint64(3)
_HIDDEN_BIT = np.uint64(1 << 52)
_DOUBLE_HIDDEN_BIT = np.uint64(1 << 53)


@njit(cache=True, nogil=True)
def _nearest_double(w: Any, q: int) -> float:
    """Return the double nearest to w x 10^q, w > 0; NaN where this method cannot tell."""
    if q < MIN_POWER:
        return 0.0
    if q > MAX_POWER:
        return np.inf
    zeros = leading_zeros(w)
    w <<= zeros
    n_zeros = np.int64(zeros)
    hi, lo = multiply_wide(w, FIVES[q - MIN_POWER, 0])
    if (hi & _LOW9) == _LOW9:
        more, _ = multiply_wide(w, FIVES[q - MIN_POWER, 1])
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
    is_tie = lo <= _ONE and -4 <= q <= 23 and (mantissa & _TIE_MASK) == _ONE
    if is_tie and (mantissa << (upper + np.uint64(9))) == hi:
        mantissa &= ~_ONE
    mantissa += mantissa & _ONE
    mantissa >>= _ONE
    if mantissa >= _DOUBLE_HIDDEN_BIT:
        mantissa = _HIDDEN_BIT
        power += 1
    if power >= 0x7FF:
        return np.inf
    return np.float64(np.int64(mantissa)) * TWOS[power]


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
def parts(  # noqa: C901, PLR0915 - the grammar of a number, read once from left to right
    buf: U8Array, start: int, stop: int
) -> tuple[int, Any, int, bool, Any]:
    """Return (what the cell is, w, q, is negative, is an integer): the value is w x 10^q.

    HARD is a number of more digits than w holds.
    """
    while stop > start and (buf[stop - 1] == 32 or buf[stop - 1] == 9):
        stop -= 1
    while start < stop and (buf[start] == 32 or buf[start] == 9):
        start += 1
    if stop <= start:
        return EMPTY, _ZERO, 0, False, False
    p = start
    if buf[p] == 36:  # $
        p += 1
    negative = False
    if p < stop and (buf[p] == 45 or buf[p] == 43):
        negative = buf[p] == 45
        p += 1
    w = _ZERO
    q = 0
    first = p
    while p < stop:
        digit = buf[p] - np.uint8(48)
        if digit > 9:
            break
        w = w * _TEN + np.uint64(digit)
        p += 1
    n_digits = p - first
    is_int = True
    if p < stop and buf[p] == 46:
        is_int = False
        p += 1
        dot = p
        while p < stop:
            digit = buf[p] - np.uint8(48)
            if digit > 9:
                break
            w = w * _TEN + np.uint64(digit)
            p += 1
        n_digits += p - dot
        q = dot - p
    if n_digits == 0:
        return (NA_WORD if _is_na_word(buf, start, stop) else WORD), w, 0, False, False
    lost = False
    if n_digits > 19:
        w, q, lost = _long_mantissa(buf, first, p)
    if p < stop and (buf[p] | 32) == 101:  # e
        p += 1
        e_negative = False
        if p < stop and (buf[p] == 45 or buf[p] == 43):
            e_negative = buf[p] == 45
            p += 1
        e: Any = 0
        first = p
        while p < stop and 48 <= buf[p] <= 57:
            if e < 100000:
                e = e * 10 + np.int64(buf[p]) - 48
            p += 1
        if p == first:
            return WORD, w, 0, False, False
        q += -e if e_negative else e
        is_int = False
    while p < stop and buf[p] == 32:
        p += 1
    while p < stop and buf[p] == 37:  # %
        q -= 2
        is_int = False
        p += 1
    if p < stop:
        return WORD, w, 0, False, False
    if w == _ZERO:
        return ZERO, w, 0, negative, True
    whole = is_int and q == 0 and w < _TWO63
    return (HARD if lost else NONZERO), w, q, negative, whole


@njit(cache=True, nogil=True)
def _long_mantissa(buf: U8Array, start: int, stop: int) -> tuple[Any, int, bool]:
    """Return (w, q, is a nonzero digit lost) of digits with at most one dot, more than 19."""
    w = _ZERO
    q = 0
    n_kept = 0
    after_dot = False
    lost = False
    for p in range(start, stop):
        if buf[p] == 46:
            after_dot = True
            continue
        digit = np.uint64(buf[p]) - np.uint64(48)
        if n_kept < 19:
            w = w * _TEN + digit
            n_kept += 1 if n_kept > 0 or digit > _ZERO else 0
            q -= 1 if after_dot else 0
        else:
            lost |= digit != _ZERO
            q += 0 if after_dot else 1
    return w, q, lost


@njit(cache=True, nogil=True)
def _foreseen_digits(cells: CellArray, n_rows: int, slot: int) -> Any:
    """Return how many digits `spelled` should look for: where rows differ, one way for all."""
    longest: Any = 0
    for r in range(0, n_rows, max(n_rows // _SAMPLE, 1)):
        longest = max(longest, cells[r, slot, 1] - cells[r, slot, 0])
    return np.uint64(max(longest - _NBYTES_BESIDE, 0))


@njit(cache=True, nogil=True)
def read_numbers(  # noqa: C901 - one loop, for speed
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

    IN: all but out, tally, hard.   OUT: tally (bad numbers, first of them as a row of the block;
    values that are no integers; integers beyond 2^53), hard (rows left to Python).
    """
    n_hard = n_fractions = 0
    foreseen = _foreseen_digits(cells, n_rows, slot)
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        if start == stop:
            out[at + r] = np.nan
            continue
        x: Any = np.nan
        # Most cells are [-]digits[.digits] with up to 19 digits: read here, the rest by `parts`.
        negative = buf[start] == 45
        p = start + np.int64(negative)
        kind, w, whole = WORD, _ZERO, True
        q: Any = 0
        if p < stop and p >= NBYTES_BEFORE and p + NBYTES_AFTER <= buf.size:
            is_plain, w, n_decimals = spelled(buf, p, stop, foreseen)
            if is_plain and n_decimals > _ZERO and w > _ZERO:
                is_certain, x = quotient(w, n_decimals)
                if is_certain:
                    n_fractions += 1
                    out[at + r] = x * SIGNS[np.int64(negative)]  # as a branch: half of them missed
                    continue
            if is_plain:
                q = -np.int64(n_decimals)
                kind = NONZERO if w != _ZERO else ZERO
                whole = w == _ZERO or (q == 0 and w < _TWO63)
        if kind == WORD:
            kind, w, q, negative, whole = WORD, _ZERO, 0, False, False
            if stop > 0:
                kind, w, q, negative, whole = parts(buf, start, stop)
        if kind == NONZERO and whole and w <= _EXACT:
            x = np.float64(np.int64(w))
        elif kind == NONZERO:
            if w <= _EXACT and -22 <= q <= 22:
                x = np.float64(np.int64(w))
                x = x / TENS[-q] if q < 0 else x * TENS[q]
            else:
                x = _nearest_double(w, q)
            if np.isnan(x):
                kind = HARD
            if whole:
                tally[N_WIDE] += 1
            else:
                n_fractions += 1
        elif kind == ZERO:
            x = 0.0
        elif kind == WORD:
            if tally[N_BAD] == 0:
                tally[FIRST_BAD] = at + r
            tally[N_BAD] += 1
        elif kind == HARD:
            n_fractions += 1
        if kind == HARD:
            hard[n_hard] = r
            n_hard += 1
        out[at + r] = -x if negative else x
    tally[N_FRACTIONS] += n_fractions
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
            _, w, _, negative, whole = parts(buf, cells[r, slot, 0], stop)
            if whole:
                out[at + r] = -np.int64(w) if negative else np.int64(w)


@njit(cache=True, nogil=True)
def kind_of(buf: U8Array, start: int, stop: int, quote: int) -> int:
    """Return what a cell is to a number parser: EMPTY, ZERO, NONZERO or a WORD."""
    if start == stop:
        return EMPTY if is_na(buf, start, stop, quote) else WORD
    c: Any = buf[start] if start < stop else np.uint8(0)
    if c > 57:  # no number begins beyond the digits
        return WORD
    first = start + 1 if c == 45 else start
    if NBYTES_BEFORE <= first < stop and first + NBYTES_AFTER <= buf.size:
        is_plain, w, _ = spelled(buf, first, stop, _SHORT)
        if is_plain:
            return NONZERO if w != _ZERO else ZERO
    kind = WORD
    if stop >= 0:
        kind, _, _, _, _ = parts(buf, start, stop)
    if kind == NA_WORD or (kind == EMPTY and not is_na(buf, start, stop, quote)):
        return WORD
    return NONZERO if kind == HARD else kind


@njit(cache=True, nogil=True)
def find_kinds(
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    quote: int,
    kinds: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> None:
    """Find what the cells of all columns are.   OUT: kinds[column, row]; counts[column, kind]."""
    for first_row in range(0, n_rows, _ROWS_AT_ONCE):
        last_row = min(first_row + _ROWS_AT_ONCE, n_rows)
        for slot in range(kinds.shape[0]):
            for r in range(first_row, last_row):
                start, stop = cells[r, slot, 0], cells[r, slot, 1]
                first = start + (buf[start] == 45) if start < stop else stop
                kind: Any = WORD
                word = _ZERO
                if stop >= 8 and first < stop <= first + 8:
                    word = tail_digits(load_word(buf, stop - 8), stop - first)
                if is_digits(word):
                    kind = ZERO + np.int64(word != _ZEROS)
                else:
                    kind = kind_of(buf, start, stop, quote)
                kinds[slot, r] = kind
                counts[slot, kind] += 1


def hard_number(text: str) -> float:
    """Return the number that `text` spells, as Python rounds it; signs and marks as in kernels."""
    text = text.strip(" \t").removeprefix("$")
    n_percent = len(text) - len(text.rstrip("%"))
    text = text.rstrip("%").rstrip(" ")
    if n_percent:
        mantissa, _, exponent = text.lower().partition("e")
        text = f"{mantissa}e{int(exponent or 0) - 2 * n_percent}"
    return float(text)
