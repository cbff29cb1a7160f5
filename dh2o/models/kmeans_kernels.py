"""Distances between rows and centres: squared differences of numbers, mismatches of levels.

As H2O measures them: d(x, c) = sum over numbers of (x - c)^2 + the number of categorical columns
whose levels differ; ties go to the first centre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

_STRIP = 256  # rows whose distances stay in the first-level cache


@njit(nogil=True, cache=True)
def distances(numbers, codes, centers, modes, out):  # type: ignore[no-untyped-def]
    """out[j, r] = d(row r, centre j).

    NaN is passed over.   IN: numbers[n_numbers, n_rows] and centers[k, n_numbers];
    codes[n_cats, n_rows] and modes[k, n_cats], the level of each centre.   OUT: out[k, n_rows].
    """
    n_rows = out.shape[1]
    for start in range(0, n_rows, _STRIP):
        stop = min(start + _STRIP, n_rows)
        for j in range(out.shape[0]):
            d = out[j, start:stop]
            d[:] = 0.0
            for q in range(numbers.shape[0]):
                c = centers[j, q]
                x = numbers[q, start:stop]
                for r in range(stop - start):
                    step = x[r] - c
                    d[r] += 0.0 if np.isnan(step) else step * step
            for q in range(codes.shape[0]):
                level = modes[j, q]
                x = codes[q, start:stop]
                for r in range(stop - start):
                    if x[r] != level:
                        d[r] += 1.0


def nearest(d: F64) -> I32:
    """Return the first of the nearest centres of each column of `d`, shape (k, n_rows)."""
    found: I32 = np.argmin(d, axis=0).astype(np.int32)
    return found
