"""Sorting and searching in kernels: NumPy's own take seconds to compile, these a blink."""

from __future__ import annotations

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F64, I32

__all__ = ["first_not_below", "sort_by", "sort_values"]


@njit(nogil=True, cache=True, error_model="numpy")
def sort_by(keys: F64, n: int, order: I32) -> None:
    """order[:n] = the numbers 0..n-1 by ascending key, ties by number (Shell's sort)."""
    for i in range(n):
        order[i] = i
    gap = 1
    while gap < n:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(gap, n):
            item = order[i]
            key = keys[item]
            j = i
            while j >= gap:
                other = order[j - gap]
                if keys[other] < key or (keys[other] == key and other < item):
                    break
                order[j] = other
                j -= gap
            order[j] = item


@njit(nogil=True, cache=True, error_model="numpy")
def sort_values(values: F64, first: int, n: int) -> None:
    """Sort values[first:first + n] in place, ascending (Shell's sort)."""
    gap = 1
    while gap < n:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(first + gap, first + n):
            value = values[i]
            j = i
            while j >= first + gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@njit(nogil=True, cache=True, error_model="numpy")
def first_not_below(values: F64, first: int, n: int, bound: float) -> int:
    """Return how many of the n ascending values from `first` on lie below `bound`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        if values[first + middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low
