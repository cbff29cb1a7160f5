"""Kernels over a tile of rows, column by column: numbers in place, and their products."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.compiled import njit
from dh2o.models._lanes import double_at, load, plus_product, splat, total

_LANES = 8
_STRIP = 512  # rows of all columns that stay close to the core


@njit(nogil=True, cache=True)
def fill(addresses: Any, shift: Any, scale: Any, out: Any) -> None:
    """out[i, r] = (double r at addresses[i] - shift[i]) * scale[i]."""
    for i in range(out.shape[0]):
        address, less, factor, row = addresses[i], shift[i], scale[i], out[i]
        for r in range(out.shape[1]):
            row[r] = (double_at(address, np.uint64(r)) - less) * factor


@njit(nogil=True, cache=True)
def products(x: Any) -> Any:
    """Return x[i] . x[j] for all i, j.   IN: x, C-contiguous.

    Four columns by four are summed in registers: of few columns BLAS does half as many a second.
    """
    p, n = x.shape
    flat, sums, out = x.reshape(-1), np.empty((4, 4)), np.zeros((p, p))
    for first in range(0, n, _STRIP):
        stop = min(first + _STRIP, n)
        whole = first + (stop - first) // _LANES * _LANES
        for i in range(0, p, 4):
            for j in range(i, p, 4):
                _four_by_four(flat, n, p, i, j, first, whole, sums)
                for a in range(i, min(i + 4, p)):
                    for b in range(j, min(j + 4, p)):
                        for r in range(whole, stop):
                            sums[a - i, b - j] += x[a, r] * x[b, r]
                        out[a, b] += sums[a - i, b - j]
    for i in range(p):
        for j in range(i):
            out[i, j] = out[j, i]
    return out


@njit(nogil=True, cache=True)
def _four_by_four(
    flat: Any, n: int, p: int, i: int, j: int, first: int, stop: int, sums: Any
) -> None:
    """sums[a, b] = x[i + a] . x[j + b] of the rows first..stop-1; columns behind p are the last."""
    i0, i1, i2, i3 = i * n, min(i + 1, p - 1) * n, min(i + 2, p - 1) * n, min(i + 3, p - 1) * n
    j0, j1, j2, j3 = j * n, min(j + 1, p - 1) * n, min(j + 2, p - 1) * n, min(j + 3, p - 1) * n
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(0.0)
    c0 = c1 = c2 = c3 = e0 = e1 = e2 = e3 = splat(0.0)
    for r in range(first, stop, _LANES):
        x, y = load(flat, np.uint64(j0 + r)), load(flat, np.uint64(j1 + r))
        z, w = load(flat, np.uint64(j2 + r)), load(flat, np.uint64(j3 + r))
        own = load(flat, np.uint64(i0 + r))
        a0, a1 = plus_product(a0, own, x), plus_product(a1, own, y)
        a2, a3 = plus_product(a2, own, z), plus_product(a3, own, w)
        own = load(flat, np.uint64(i1 + r))
        b0, b1 = plus_product(b0, own, x), plus_product(b1, own, y)
        b2, b3 = plus_product(b2, own, z), plus_product(b3, own, w)
        own = load(flat, np.uint64(i2 + r))
        c0, c1 = plus_product(c0, own, x), plus_product(c1, own, y)
        c2, c3 = plus_product(c2, own, z), plus_product(c3, own, w)
        own = load(flat, np.uint64(i3 + r))
        e0, e1 = plus_product(e0, own, x), plus_product(e1, own, y)
        e2, e3 = plus_product(e2, own, z), plus_product(e3, own, w)
    sums[0, 0], sums[0, 1], sums[0, 2], sums[0, 3] = total(a0), total(a1), total(a2), total(a3)
    sums[1, 0], sums[1, 1], sums[1, 2], sums[1, 3] = total(b0), total(b1), total(b2), total(b3)
    sums[2, 0], sums[2, 1], sums[2, 2], sums[2, 3] = total(c0), total(c1), total(c2), total(c3)
    sums[3, 0], sums[3, 1], sums[3, 2], sums[3, 3] = total(e0), total(e1), total(e2), total(e3)
