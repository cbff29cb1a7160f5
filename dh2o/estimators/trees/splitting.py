"""The best split of each node, from its histograms.

A split's worth is the squared error it removes, ``GL²/WL + GR²/WR - G²/W`` with G the sum of
weighted residuals and W of weights.  Every threshold between bins is tried with the NAs on
either side; levels of a categorical are first sorted by their mean residual, which makes a
prefix of that order the best of all subsets (Fisher 1958).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8

__all__ = [
    "NA_LEFT",
    "NA_RIGHT",
    "NA_VS_REST",
    "UNSEEN_LEFT",
    "UNSEEN_RIGHT",
    "route_tables",
    "scan_pairs",
]

# Where NAs go; the numbers are those of H2O's tree format.
NA_VS_REST, NA_LEFT, NA_RIGHT, UNSEEN_LEFT, UNSEEN_RIGHT = 1, 2, 3, 4, 5


@njit(nogil=True, cache=True, error_model="numpy")
def _scan(  # noqa: PLR0913, PLR0917
    hists: I64, start: int, order: I32, n: int, coded: bool, total: int, na: int, shift: int,
    min_weight: float, sign: int, found: I64,
) -> float:  # fmt: skip
    """Best GL²/WL + GR²/WR over the cuts of `n` bins; OUT: found = (cut, NA side or 0, left word).

    Cut b sends the first b bins left, in the order of `order` if `coded`; a number's cut in a
    gap of empty bins is put in its middle.
    """
    mask = (np.int64(1) << shift) - 1
    W = np.float64(total & mask)
    G = np.float64(total >> shift)
    best = -1.0
    for na_left in range(2 if na != 0 else 1):
        acc = np.int64(na * na_left)
        last = -1
        for b in range(n + 1 if na != 0 and na_left == 0 else n):
            word = np.int64(1)
            if b < n:
                word = hists[np.uint64(start + (order[np.uint64(b)] if coded else b))]
                if word == 0:
                    continue
            wl = np.float64(acc & mask)
            wr = W - wl
            if last >= 0 and wl >= min_weight and wr >= min_weight:
                gl = np.float64(acc >> shift)
                gr = G - gl
                score = (gl * gl * wr + gr * gr * wl) / (wl * wr)
                if score > best and (sign == 0 or b == n or sign * (gr * wl - gl * wr) >= 0.0):
                    best = score
                    found[0] = b if coded or b == n else (last + b + 2) >> 1
                    found[1] = 0 if na == 0 else (NA_VS_REST if b == n else NA_RIGHT - na_left)
                    found[2] = acc
            acc += word
            last = b
    return best


@njit(nogil=True, cache=True, error_model="numpy")
def _sort_levels(hists: I64, start: int, n_bins: int, shift: int, order: I32, means: F64) -> int:
    """Return the number of non-empty levels, and in `order` the levels by mean, ties by code."""
    mask = (np.int64(1) << shift) - 1
    n = 0
    for b in range(n_bins):
        word = hists[start + b]
        if word != 0:
            means[b] = np.float64(word >> shift) / np.float64(word & mask)
            order[n] = b
            n += 1
    gap = 1
    while gap < n:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(gap, n):
            level = order[i]
            mean = means[level]
            j = i
            while j >= gap:
                other = order[j - gap]
                if means[other] < mean or (means[other] == mean and other < level):
                    break
                order[j] = other
                j -= gap
            order[j] = level
    return n


@njit(nogil=True, cache=True, error_model="numpy")
def scan_pairs(  # noqa: PLR0913, PLR0917
    first: int,
    stop: int,
    parents: I64,
    built: I64,
    out: I64,
    n_slots: int,
    rows: I32,
    totals: I64,
    features: I32,
    allowed: U8,
    shift: int,
    min_weight: float,
    order: I32,
    means: F64,
    gains: F64,
    splits: I32,
    left_words: I64,
) -> None:
    """Histograms of both children of each parent, and the best split of each child.

    Pair p: rows[p] = (parent, built, 1 if the built one is the left, left out, right out); an
    out of -1 means that this child is not wanted.  features[k] = (start in the histogram,
    number of bins, is coded, monotone sign).  parents, built and out are flat, `n_slots` a
    histogram; order and means are scratch, each of the largest number of bins.  OUT: histograms
    in `out`, gains[p, c], splits[p, c] = (feature or -1, cut, NA side), left_words[p, c].
    """
    mask = (np.int64(1) << shift) - 1
    found = np.zeros(3, np.int64)
    for p in range(first, stop):
        source = np.int64(rows[p, 1]) * n_slots
        parent = np.int64(rows[p, 0]) * n_slots
        for c in range(2):
            splits[p, c, 0] = -1
            gains[p, c] = 0.0
            if rows[p, 3 + c] < 0:
                continue
            hist = np.int64(rows[p, 3 + c]) * n_slots
            if rows[p, 2] == 1 - c:
                for i in range(n_slots):
                    out[np.uint64(hist + i)] = built[np.uint64(source + i)]
            else:
                for i in range(n_slots):
                    out[np.uint64(hist + i)] = (
                        parents[np.uint64(parent + i)] - built[np.uint64(source + i)]
                    )
            total = totals[p, c]
            g, w = np.float64(total >> shift), np.float64(total & mask)
            best = base = g * g / w
            for k in range(features.shape[0]):
                if allowed[min(2 * p + c, allowed.shape[0] - 1), k] == 0:
                    continue
                start, n_bins = hist + features[k, 0], np.int64(features[k, 1])
                n, coded = n_bins, features[k, 2] == 1
                if coded:
                    n = _sort_levels(out, start, n_bins, shift, order, means)
                score = _scan(
                    out, start, order, n, coded, total, out[start + n_bins], shift, min_weight,
                    np.int64(features[k, 3]), found,
                )  # fmt: skip
                if score > best:
                    best = score
                    gains[p, c] = score - base
                    splits[p, c, 0], splits[p, c, 1], splits[p, c, 2] = k, found[0], found[1]
                    left_words[p, c] = found[2]


@njit(nogil=True, cache=True, error_model="numpy")
def route_tables(  # noqa: PLR0913, PLR0917
    hists: I64,
    n_slots: int,
    rows: I32,
    features: I32,
    splits: I32,
    shift: int,
    order: I32,
    means: F64,
    starts: I64,
    goes_left: U8,
    na_sides: I8,
) -> None:
    """goes_left[starts[s] + bin] = 1 for the bins of split s that go left; last bin is NA.

    splits[s] = (feature, cut, NA side or 0).  Empty levels follow the side with more levels;
    NAs that the node never saw follow the heavier side.  OUT: goes_left, na_sides.
    """
    mask = (np.int64(1) << shift) - 1
    for s in range(rows.size):
        k, cut, side = splits[s, 0], splits[s, 1], np.int64(splits[s, 2])
        start = np.int64(rows[s]) * n_slots + features[k, 0]
        n_bins = np.int64(features[k, 1])
        at = starts[s]
        for b in range(n_bins):
            goes_left[at + b] = 1 if b < cut or side == NA_VS_REST else 0
        if features[k, 2] == 1 and side != NA_VS_REST:
            n = _sort_levels(hists, start, n_bins, shift, order, means)
            for b in range(n_bins):
                goes_left[at + b] = 1 if 2 * cut >= n else 0
            for i in range(n):
                goes_left[at + order[i]] = 1 if i < cut else 0
        if side == 0:
            balance = np.int64(0)
            for b in range(n_bins):
                balance += (hists[start + b] & mask) * (2 * np.int64(goes_left[at + b]) - 1)
            side = np.int64(UNSEEN_LEFT if balance > 0 else UNSEEN_RIGHT)
        goes_left[at + n_bins] = 1 if side in (NA_LEFT, UNSEEN_LEFT) else 0
        na_sides[s] = side
