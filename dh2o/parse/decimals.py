"""Decimal fractions and integers of the usual form, ``digits[.digits]``, without branches.

The last 24 bytes are three words of eight, the digits before the dot a fourth; what does not belong
to the number is replaced by zeros, so that no step depends on how long it is: unforeseen branches
would cost more than the arithmetic. What is odd is left to `numbers.parts`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse.tokenise import U8Array
from dh2o.parse.words import (
    are_digits,
    digits_of,
    first_dot,
    leading_zeros,
    load_word,
    multiply_wide,
)

#: Digits after the dot, or without one, that are one word.
SHORT = 8
#: Bytes before a cell and after its first that are looked at.
NBYTES_BEFORE, NBYTES_AFTER = 24, 8

MIN_POWER, MAX_POWER = -342, 308
EXACT_INT = 1 << 53
_MAX_DIGITS = 19
_ALL = (1 << 64) - 1


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
        table[q - MIN_POWER] = (c >> 64, c & _ALL)
    return table


def _kept(first: int, last: int) -> NDArray[np.uint64]:
    """Return the masks of the last ``min(max(n, 0), 8)`` bytes of a word, n = first .. last."""
    kept = [8 * min(max(n, 0), 8) for n in range(first, last + 1)]
    return np.array([_ALL & ~(_ALL >> bits) for bits in kept], np.uint64)


#: The highest 128 bits of 5^q.
FIVES = _powers_of_five()
TENS = 10.0 ** np.arange(23)
TWOS = np.ldexp(1.0, np.arange(2047) - 1075)

_SPELLED = 0x3030303030303030
_ZEROS = np.uint64(_SPELLED)
_LOW, _MIDDLE, _TOP = (_kept(-first, _MAX_DIGITS - first) for first in (0, 8, 16))
_LOW_0, _MIDDLE_0, _TOP_0 = (~kept & _ZEROS for kept in (_LOW, _MIDDLE, _TOP))
_INT_TENS = np.array([10**n for n in range(_MAX_DIGITS + 1)], np.uint64)
_FIVES_BELOW = FIVES[-MIN_POWER - np.arange(_MAX_DIGITS + 1), 0].copy()
_POWER_BELOW = np.array(
    [((217706 * -n) >> 16) + 63 + 1023 for n in range(_MAX_DIGITS + 1)], np.uint64
)

_N0, _N1, _N3, _N8, _N9, _N16 = (np.uint64(n) for n in (0, 1, 3, 8, 9, 16))
_N19, _N56, _N63 = (np.uint64(n) for n in (19, 56, 63))
_E8, _E16 = np.uint64(10**8), np.uint64(10**16)
_FEW = np.uint64(10**15)
_LOW9 = np.uint64(0x1FF)


@njit(cache=True, nogil=True, inline="always")
def spelled(buf: U8Array, first: int, stop: int, foreseen: Any) -> tuple[bool, Any, Any]:
    """Return (is it a number of at most 19 digits, w, n): the value is w / 10^n; n = 0: no dot.

    `foreseen` is how many digits to look for before all of them: up to 8, up to 16 or more.
    IN: ``first >= NBYTES_BEFORE``, ``first + NBYTES_AFTER <= buf.size``, ``first < stop``.
    """
    head = load_word(buf, first)
    n_before = first_dot(head)  # 8 if there is none
    n_all = np.uint64(stop - first)
    has_dot = n_before < min(_N8, n_all)
    n_whole = n_before if has_dot else _N0
    n = n_all - n_whole - np.uint64(has_dot)
    if n > _N19 or n + n_whole > _N19 or n == _N0:
        return False, _N0, _N0
    n_bits = n_whole << _N3
    whole = ((head << (_N56 - n_bits)) << _N8) | (_ZEROS >> n_bits)
    low = (load_word(buf, stop - 8) & _LOW[n]) | _LOW_0[n]
    if foreseen <= _N8 and n <= _N8:
        is_plain = are_digits(whole, low)
        return is_plain, digits_of(whole) * _INT_TENS[n] + digits_of(low), n if has_dot else _N0
    middle = (load_word(buf, stop - 16) & _MIDDLE[n]) | _MIDDLE_0[n]
    if foreseen <= _N16 and n <= _N16:
        is_plain = are_digits(whole, low) & are_digits(middle, low)
        w = digits_of(whole) * _INT_TENS[n] + digits_of(middle) * _E8 + digits_of(low)
        return is_plain, w, n if has_dot else _N0
    top = (load_word(buf, stop - 24) & _TOP[n]) | _TOP_0[n]
    if not (are_digits(whole, low) & are_digits(middle, top)):
        return False, _N0, _N0
    w = digits_of(whole) * _INT_TENS[n] + digits_of(top) * _E16
    w += digits_of(middle) * _E8 + digits_of(low)
    return True, w, n if has_dot else _N0


@njit(cache=True, nogil=True, inline="always")
def quotient(w: Any, n: Any) -> tuple[bool, float]:
    """Return (is it certain, the double nearest to w / 10^n), w < 10^19, n <= 19.

    The shorter half of Lemire's method; `numbers` has all of it.
    """
    if w < _FEW:
        return True, np.float64(np.int64(w)) / TENS[n]
    zeros = leading_zeros(w)
    high, low = multiply_wide(w << zeros, _FIVES_BELOW[n])
    upper = high >> _N63
    mantissa = high >> (upper + _N9)
    mantissa = (mantissa + (mantissa & _N1)) >> _N1
    x = np.float64(np.int64(mantissa)) * TWOS[_POWER_BELOW[n] + upper - zeros]
    return ((high & _LOW9) != _LOW9) & (low > _N1), x
