"""Leaves: sums of the rows that fall into them, and their values added to the predictions."""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8, U16
from dh2o.estimators.trees.records import ROW_MASK, TERM_SHIFT

__all__ = ["add_leaf_values", "leaf_of", "sum_leaf_terms", "walk_bins"]


@njit(nogil=True, cache=True)
def sum_leaf_terms(tags: I64, leaves: I64, out: I64) -> None:
    """out[k] += sum of the terms of leaf k's rows; leaves[k] = (start, stop) of its records."""
    for k in range(leaves.shape[0]):
        total = np.int64(0)
        for i in range(leaves[k, 0], leaves[k, 1]):
            total += tags[i] >> TERM_SHIFT
        out[k] += total


@njit(nogil=True, cache=True)
def add_leaf_values(tags: I64, leaves: I64, values: F32, f: F64) -> None:
    """f[r] += values[k] for the rows r of leaf k; `leaves` as for `sum_leaf_terms`."""
    for k in range(leaves.shape[0]):
        value = np.float64(values[k])
        for i in range(leaves[k, 0], leaves[k, 1]):
            f[tags[i] & ROW_MASK] += value


@njit(nogil=True, cache=True)
def leaf_of(  # noqa: PLR0913, PLR0917
    bins: U8, width: int, wide_bins: U16, n_wide: int, row: int, root: int, nodes: I32, bits: U8,
    na_left: I8,
) -> int:  # fmt: skip
    """Return the leaf below `root` that a row falls into; trees as in `walk_bins`."""
    k = np.int64(root)
    while nodes[k, 2] >= 0:
        column = np.int64(nodes[k, 0])
        if column >= 0:
            b = np.int64(bins[row * width + column])
        else:
            b = np.int64(wide_bins[row * n_wide - column - 1])
        if b == nodes[k, 5]:
            left = na_left[k] == 1
        elif nodes[k, 4] >= 0:
            left = (bits[nodes[k, 4] + (b >> 3)] >> (b & 7)) & 1 == 0
        else:
            left = b < nodes[k, 1]
        k = np.int64(nodes[k, 2] if left else nodes[k, 3])
    return k  # type: ignore[return-value]


@njit(nogil=True, cache=True)
def walk_bins(  # noqa: PLR0913, PLR0917
    bins: U8,
    width: int,
    wide_bins: U16,
    n_wide: int,
    places: I32,
    tags: I64,
    start: int,
    stop: int,
    nodes: I32,
    bits: U8,
    na_left: I8,
    values: F32,
    f: F64,
) -> None:
    """f[r] += value of the leaf that row r falls into, by its bins.

    The rows' records are ``places[start:stop]``, or start..stop-1 if there are no `places`; without
    `tags` record r is row r's.
    nodes[k] = (column, cut, left child, right child, first byte in `bits` or -1, NA bin); a leaf
    has left child -1.  Left if bin < cut, or if the bin's bit is not set for coded splits.
    """
    for i in range(start, stop):
        place = np.int64(places[i]) if places.size > 0 else np.int64(i)
        k = leaf_of(bins, width, wide_bins, n_wide, place, np.int64(0), nodes, bits, na_left)
        row = tags[place] & ROW_MASK if tags.size > 0 else place
        f[row] += np.float64(values[k])
