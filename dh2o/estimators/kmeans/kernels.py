"""Kernels of Lloyd's algorithm over a tile of rows, column by column.

A number is held as two float32, ``hi + lo`` (48 bits). Products of ``hi`` bound the distances;
rows for which the bounds leave a doubt are measured in double precision, so that the nearest
centre is the exact one, the first where there are several. Sums are integers of scaled numbers:
they come out the same in whatever order rows and workers are added.
"""
# ruff: noqa: PLR0913, PLR0917  (kernels take arrays)

from __future__ import annotations

import numpy as np
from numba import njit

_STRIP = 256  # rows whose products with all centres stay close to the core


@njit(nogil=True, cache=True)
def split(values, mean, factor, hi, lo):  # type: ignore[no-untyped-def]
    """Hi + lo = (values - mean) * factor, NA as 0."""
    for r in range(len(values)):
        x = (values[r] - mean) * factor
        x = 0.0 if np.isnan(x) else x
        hi[r] = x
        lo[r] = x - hi[r]


@njit(nogil=True, cache=True)
def add_norms(hi, lo, norms):  # type: ignore[no-untyped-def]
    """norms[r] = |row r|^2.   OUT: norms, double."""
    norms[:] = 0.0
    for q in range(hi.shape[0]):
        for r in range(hi.shape[1]):
            x = np.float64(hi[q, r]) + np.float64(lo[q, r])
            norms[r] += x * x


@njit(nogil=True, cache=True, fastmath={"contract"})
def _products(hi, codes, doubled, levels, unit, start, stop, d):  # type: ignore[no-untyped-def]
    """d[j, r] = doubled[j] . row + unit * mismatches, for the rows start..stop-1."""
    n = stop - start
    k = doubled.shape[0]
    d[:, :n] = 0.0
    for j in range(0, k - 3, 4):
        d0, d1, d2, d3 = d[j], d[j + 1], d[j + 2], d[j + 3]
        for q in range(hi.shape[0]):
            x = hi[q, start:stop]
            a, b, c, e = doubled[j, q], doubled[j + 1, q], doubled[j + 2, q], doubled[j + 3, q]
            for r in range(n):
                d0[r] += a * x[r]
                d1[r] += b * x[r]
                d2[r] += c * x[r]
                d3[r] += e * x[r]
    for j in range(k - k % 4, k):
        d0 = d[j]
        for q in range(hi.shape[0]):
            x = hi[q, start:stop]
            a = doubled[j, q]
            for r in range(n):
                d0[r] += a * x[r]
    for j in range(k):
        for q in range(codes.shape[0]):
            level = levels[j, q]
            x = codes[q, start:stop]
            for r in range(n):
                d[j, r] += unit if x[r] != level else np.float32(0.0)


@njit(nogil=True, cache=True, fastmath={"contract"})
def choose(hi, codes, norms, doubled, levels, unit, constants, low, slope, label, rivals):  # type: ignore[no-untyped-def]
    """label[r] = argmin_j d(r, j); rivals[r] = how many j may truly be as near.

    d(r, j) = doubled[j] . row + constants[j] + mismatches; its error is at most
    low[j] + slope[j] * |row|.   IN: all float32 but codes and levels.   OUT: label, rivals.
    """
    k = doubled.shape[0]
    d = np.empty((k, _STRIP), np.float32)
    best = np.empty(_STRIP, np.float32)
    root = np.empty(_STRIP, np.float32)
    for start in range(0, hi.shape[1] if hi.shape[0] else codes.shape[1], _STRIP):
        stop = min(start + _STRIP, len(norms))
        n = stop - start
        _products(hi, codes, doubled, levels, unit, start, stop, d)
        own, others = label[start:stop], rivals[start:stop]
        for r in range(n):
            root[r] = np.sqrt(norms[start + r])
            best[r] = d[0, r] + constants[0]
            own[r] = 0
        for j in range(1, k):
            c = constants[j]
            for r in range(n):
                v = d[j, r] + c
                nearer = v < best[r]
                best[r] = v if nearer else best[r]
                own[r] = j if nearer else own[r]
        for r in range(n):
            best[r] += low[own[r]] + slope[own[r]] * root[r]
            others[r] = 0
        for j in range(k):
            c = constants[j] - low[j]
            s = slope[j]
            for r in range(n):
                others[r] += np.int32(d[j, r] + c - s * root[r] <= best[r])


@njit(nogil=True, cache=True)
def distance(hi, lo, codes, r, center, levels, unit):  # type: ignore[no-untyped-def]
    """Return |row r - center|^2 + unit * mismatches, in double precision."""
    total = 0.0
    for q in range(hi.shape[0]):
        step = np.float64(hi[q, r]) + np.float64(lo[q, r]) - center[q]
        total += step * step
    for q in range(codes.shape[0]):
        if codes[q, r] != levels[q]:
            total += unit
    return total


@njit(nogil=True, cache=True)
def settle(hi, lo, codes, centers, levels, unit, rivals, label):  # type: ignore[no-untyped-def]
    """label[r] = the first of the nearest centres, for rows of several rivals."""
    for r in range(len(label)):
        if rivals[r] < 2:
            continue
        least = np.inf
        label[r] = 0
        for j in range(centers.shape[0]):
            d = distance(hi, lo, codes, r, centers[j], levels[j], unit)
            if d < least:
                least = d
                label[r] = j


@njit(nogil=True, cache=True)
def move(hi, lo, codes, scales, starts, old, new, sums, squares, sizes, counts):  # type: ignore[no-untyped-def]
    """Rows whose label changed leave the sums of `old` (unless -1) and join those of `new`.

    IN: scales[n_numbers + 1] of the numbers and of the squared norm; starts of levels.
    OUT: sums[n_numbers, k], squares[k], sizes[k], counts[n_levels, k]; old = new.
    Returns how many changed.
    """
    moved = np.flatnonzero(old != new)
    norms = np.zeros(len(moved))
    for q in range(hi.shape[0]):
        own, scale = sums[q], scales[q]
        for i in range(len(moved)):
            r = moved[i]
            x = np.float64(hi[q, r]) + np.float64(lo[q, r])
            norms[i] += x * x
            word = np.int64(np.rint(x * scale))
            own[new[r]] += word
            if old[r] >= 0:
                own[old[r]] -= word
    for i in range(len(moved)):
        r = moved[i]
        word = np.int64(np.rint(norms[i] * scales[-1]))
        squares[new[r]] += word
        sizes[new[r]] += 1
        if old[r] >= 0:
            squares[old[r]] -= word
            sizes[old[r]] -= 1
        for q in range(codes.shape[0]):
            at = starts[q] + codes[q, r]
            counts[at, new[r]] += 1
            if old[r] >= 0:
                counts[at, old[r]] -= 1
        old[r] = new[r]
    return len(moved)


@njit(nogil=True, cache=True)
def within(hi, lo, codes, centers, levels, unit, label, out):  # type: ignore[no-untyped-def]
    """out[j] += squared distances of the rows of label j.  Returns the farthest row and its.

    IN: centers[n_numbers, k] and levels[n_categoricals, k].
    """
    d = np.zeros(len(label))
    for q in range(hi.shape[0]):
        c = centers[q]
        for r in range(len(label)):
            step = np.float64(hi[q, r]) + np.float64(lo[q, r]) - c[label[r]]
            d[r] += step * step
    for q in range(codes.shape[0]):
        for r in range(len(label)):
            if codes[q, r] != levels[q, label[r]]:
                d[r] += unit
    worst, most = -1, 0.0
    for r in range(len(label)):
        out[label[r]] += d[r]
        if d[r] > most:
            worst, most = r, d[r]
    return worst, most


@njit(nogil=True, cache=True)
def come_closer(hi, lo, codes, norms, doubled, centers, levels, unit, constants, least):  # type: ignore[no-untyped-def]
    """least[r] = min(least[r], squared distance of row r to the nearest centre).

    Differences of nearly equal numbers are measured again, exactly.  Returns the sum of least.
    """
    k = doubled.shape[0]
    d = np.empty((k, _STRIP), np.float32)
    best = np.empty(_STRIP, np.float32)
    nearest = np.empty(_STRIP, np.int32)
    total = 0.0
    for start in range(0, len(least), _STRIP):
        stop = min(start + _STRIP, len(least))
        n = stop - start
        _products(hi, codes, doubled, levels, np.float32(unit), start, stop, d)
        for r in range(n):
            best[r] = d[0, r] + constants[0]
            nearest[r] = 0
        for j in range(1, k):
            c = constants[j]
            for r in range(n):
                v = d[j, r] + c
                nearer = v < best[r]
                best[r] = v if nearer else best[r]
                nearest[r] = j if nearer else nearest[r]
        for r in range(n):
            row, j = start + r, nearest[r]
            near = np.float64(best[r]) + norms[row]
            if near < 1e-4 * (norms[row] + abs(constants[j])):
                near = distance(hi, lo, codes, row, centers[j], levels[j], unit)
            least[row] = min(least[row], near)
            total += least[row]
    return total


@njit(nogil=True, cache=True)
def boxes(hi, lo, label, low, high):  # type: ignore[no-untyped-def]
    """low[q, j] and high[q, j]: extremes of the numbers of the rows of label j."""
    for q in range(hi.shape[0]):
        for r in range(len(label)):
            x = np.float64(hi[q, r]) + np.float64(lo[q, r])
            low[q, label[r]] = min(low[q, label[r]], x)
            high[q, label[r]] = max(high[q, label[r]], x)
