"""Kernel that weaves columns of text into lines."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def weave(data, offsets, separator, out):  # type: ignore[no-untyped-def]
    """Fill `out` with cell 0, separator, cell 1, … and a newline for each row.

    IN: `data` holds the bytes of all cells; cell (k, i), column k of row i, lies from
    ``offsets[k, i]`` to ``offsets[k, i + 1]``. OUT: `out`, of just the right length.
    """
    at = 0
    n_cols, n_bounds = offsets.shape
    for i in range(n_bounds - 1):
        for k in range(n_cols):
            for j in range(offsets[k, i], offsets[k, i + 1]):
                out[at] = data[j]
                at += 1
            if k + 1 < n_cols:
                for byte in separator:
                    out[at] = byte
                    at += 1
        out[at] = np.uint8(10)
        at += 1
