"""Sums of doubles that come out the same in whatever order they are added.

A double is an integer times a power of two; the sum keeps that integer exactly, spread over
64-bit limbs that each stand for 32 bits of the number line (Neal's small superaccumulator).
Limbs are added as integers, so partial sums of blocks combine in any order to the same bits,
and the total is rounded to a double once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

N_LIMBS = 68  # 2**-1074 … 2**1024 in steps of 32 bits, one spare for the carry
N_SLOTS = N_LIMBS + 3  # and how many +inf, -inf and NaN were added
_LIMB_BITS = 32
_MASK = (1 << 32) - 1
_CARRY_EVERY = 1 << 28  # additions of < 2**32 that an int64 limb surely holds


@njit(cache=True, nogil=True)
def _add_all(bits, acc):  # type: ignore[no-untyped-def]
    """Exact sum: acc += sum of doubles.   IN: their bits as int64.  OUT: acc[N_SLOTS]."""
    for b in bits:
        exponent = (b >> 52) & 0x7FF
        mantissa = b & 0xFFFFFFFFFFFFF
        if exponent == 0x7FF:
            if mantissa != 0:
                acc[70] += 1
            elif b > 0:
                acc[68] += 1
            else:
                acc[69] += 1
            continue
        if exponent == 0:
            exponent = 1
        else:
            mantissa |= 1 << 52
        position = exponent - 1
        limb = position >> 5
        shift = position & 31
        low = (mantissa << shift) & 0xFFFFFFFF
        middle = (mantissa >> (32 - shift)) & 0xFFFFFFFF
        high = (mantissa >> 32) >> (32 - shift)
        if b < 0:
            acc[limb] -= low
            acc[limb + 1] -= middle
            acc[limb + 2] -= high
        else:
            acc[limb] += low
            acc[limb + 1] += middle
            acc[limb + 2] += high


def empty_sums(n: int) -> I64:
    """Return `n` sums of nothing, shape (n, N_SLOTS)."""
    return np.zeros((n, N_SLOTS), dtype=np.int64)


def exact_sums(*columns: NDArray[Any]) -> I64:
    """Return one exact sum per array, shape (n_columns, N_SLOTS), carries propagated."""
    acc = empty_sums(len(columns))
    for row, column in zip(acc, columns, strict=True):
        values = np.ascontiguousarray(column, dtype=np.float64).ravel()
        for start in range(0, len(values), _CARRY_EVERY):
            piece = values[start : start + _CARRY_EVERY]
            _add_all(piece.view(np.int64), row)
            _carry(row)
    return acc


def combine_sums(a: I64, b: I64) -> I64:
    """Return the sums of both; the order of the arguments does not matter."""
    total: I64 = a + b
    for row in total:
        _carry(row)
    return total


def _carry(row: I64) -> None:
    """Bring limbs back to 0 … 2**32-1, the topmost keeping the sign."""
    carry = 0
    for idx in range(N_LIMBS):
        value = int(row[idx]) + carry
        if idx == N_LIMBS - 1:
            row[idx] = value
        else:
            row[idx] = value & _MASK
            carry = value >> _LIMB_BITS


def sum_values(sums: I64) -> list[float]:
    """Return the sums rounded to doubles, each correctly."""
    return [_value(row) for row in sums]


def _value(row: I64) -> float:
    n_pinf, n_ninf, n_nan = (int(n) for n in row[N_LIMBS:])
    if n_nan or (n_pinf and n_ninf):
        return math.nan
    if n_pinf or n_ninf:
        return math.inf if n_pinf else -math.inf
    total = 0
    for limb in reversed(row[:N_LIMBS].tolist()):
        total = (total << _LIMB_BITS) + limb
    # total is in units of 2**-1074; Python divides big integers with correct rounding
    try:
        return total / (1 << 1074)
    except OverflowError:
        return math.inf if total > 0 else -math.inf
