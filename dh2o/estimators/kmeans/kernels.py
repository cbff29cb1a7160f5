"""Kernels of Lloyd's algorithm over a tile of rows, column by column.

A number is held as two float32, ``hi + lo`` (48 bits). Products of ``hi`` bound the distances;
rows for which the bounds leave a doubt are measured in double precision, so that the nearest
centre is the exact one, the first where there are several. Sums are integers of scaled numbers:
they come out the same in whatever order rows and workers are added.
"""
# ruff: noqa: PLR0913, PLR0917  (kernels take arrays)

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.models._lanes import double_at, load, plus_product, splat, store

_STRIP = 256  # rows whose products with all centres stay close to the core
_LANES, _TWO, _THREE = np.uint64(16), np.uint64(2), np.uint64(3)
_SIDE_BY_SIDE = 32  # rows whose products with four centres are summed in registers


@njit(nogil=True, cache=True)
def prepare(addresses, rows, means, factors, hi, lo, norms):  # type: ignore[no-untyped-def]
    """hi[q] + lo[q] = (x - means[q]) * factors[q], NA as 0; norms[r] = |row r|^2.

    IN: x are the doubles at addresses[q], those of numbers `rows` if there are any, else all.
    OUT: hi, lo; norms, double.
    """
    norms[:] = 0.0
    for q in range(hi.shape[0]):
        address, mean, factor, high, low = addresses[q], means[q], factors[q], hi[q], lo[q]
        if len(rows) == 0:
            for r in range(len(norms)):
                x = (double_at(address, np.uint64(r)) - mean) * factor
                x = 0.0 if np.isnan(x) else x
                high[r] = x
                low[r] = x - high[r]
        else:
            for r in range(len(norms)):
                x = (double_at(address, np.uint64(rows[r])) - mean) * factor
                x = 0.0 if np.isnan(x) else x
                high[r] = x
                low[r] = x - high[r]
        for r in range(len(norms)):
            x = np.float64(high[r]) + np.float64(low[r])
            norms[r] += x * x


@njit(nogil=True, cache=True, fastmath={"contract"})
def _products(hi, codes, doubled, levels, unit, start, stop, d):  # type: ignore[no-untyped-def]
    """d[j, r] = doubled[j] . row + unit * mismatches, for the rows start..stop-1.

    IN: `doubled` and `d` have a multiple of four rows, of which those behind the last centre are
    of no meaning.
    """
    n, width = stop - start, np.uint64(d.shape[1])
    numbers, out = hi.reshape(-1), d.reshape(-1)
    whole = n - n % _SIDE_BY_SIDE
    for j in range(0, d.shape[0], 4):
        for r in range(0, whole, _SIDE_BY_SIDE):
            a0 = a1 = b0 = b1 = c0 = c1 = e0 = e1 = splat(np.float32(0.0))
            for q in range(hi.shape[0]):
                at = np.uint64(q * hi.shape[1] + start + r)
                x, y = load(numbers, at), load(numbers, at + _LANES)
                f = splat(doubled[j, q])
                a0, a1 = plus_product(a0, f, x), plus_product(a1, f, y)
                f = splat(doubled[j + 1, q])
                b0, b1 = plus_product(b0, f, x), plus_product(b1, f, y)
                f = splat(doubled[j + 2, q])
                c0, c1 = plus_product(c0, f, x), plus_product(c1, f, y)
                f = splat(doubled[j + 3, q])
                e0, e1 = plus_product(e0, f, x), plus_product(e1, f, y)
            to = np.uint64(j) * width + np.uint64(r)
            store(a0, out, to)
            store(a1, out, to + _LANES)
            store(b0, out, to + width)
            store(b1, out, to + width + _LANES)
            store(c0, out, to + width * _TWO)
            store(c1, out, to + width * _TWO + _LANES)
            store(e0, out, to + width * _THREE)
            store(e1, out, to + width * _THREE + _LANES)
    for j in range(levels.shape[0]):
        d[j, whole:n] = 0.0
        for q in range(hi.shape[0]):
            for r in range(whole, n):
                d[j, r] += doubled[j, q] * hi[q, start + r]
        for q in range(codes.shape[0]):
            level = levels[j, q]
            x = codes[q, start:stop]
            for r in range(n):
                d[j, r] += unit if x[r] != level else np.float32(0.0)


@njit(nogil=True, cache=True, fastmath={"contract"})
def choose(hi, codes, norms, doubled, levels, unit, constants, low, slope, label, rivals):  # type: ignore[no-untyped-def]
    """label[r] = argmin_j d(r, j); rivals[r] = how many j may truly be as near.

    d(r, j) = doubled[j] . row + constants[j] + mismatches; its error is at most
    low[j] + slope[j] * |row|.   IN: all float32 but codes and levels; `doubled` with rows of
    zeros up to a multiple of four.   OUT: label, rivals.
    """
    k = constants.shape[0]
    d = np.empty((doubled.shape[0], _STRIP), np.float32)
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
    moved, k = np.flatnonzero(old != new), len(sizes)
    n = len(moved)
    left, joined = np.empty(n, np.uint32), np.empty(n, np.uint32)
    n_first = 0
    for i in range(n):
        r = moved[i]
        joined[i], left[i] = new[r], old[r] if old[r] >= 0 else k
        n_first += old[r] < 0
        sizes[new[r]] += 1
        if old[r] >= 0:
            sizes[old[r]] -= 1
        for q in range(codes.shape[0]):
            at = starts[q] + codes[q, r]
            counts[at, new[r]] += 1
            if old[r] >= 0:
                counts[at, old[r]] -= 1
        old[r] = new[r]
    norms, words, own = np.zeros(n), np.empty(n, np.int64), np.empty((4, k + 1), np.int64)
    for q in range(hi.shape[0] + 1):
        if q == hi.shape[0]:
            for i in range(n):
                words[i] = np.int64(np.rint(norms[i] * scales[q]))
        elif n == len(old):
            _words_of_all(hi[q], lo[q], scales[q], norms, words)
        else:
            for i in range(n):
                x = np.float64(hi[q, moved[i]]) + np.float64(lo[q, moved[i]])
                norms[i] += x * x
                words[i] = np.int64(np.rint(x * scales[q]))
        own[:] = 0
        _deal_out(words, joined, own)
        if n_first < n:
            words *= -1
            _deal_out(words, left, own)
        to = sums[q] if q < hi.shape[0] else squares
        for j in range(k):
            to[j] += own[0, j] + own[1, j] + own[2, j] + own[3, j]
    return n


@njit(nogil=True, cache=True)
def _words_of_all(hi, lo, scale, norms, words):  # type: ignore[no-untyped-def]
    """Words = (hi + lo) * scale, norms += (hi + lo)^2.   Rows side by side make vector code."""
    for r in range(len(hi)):
        x = np.float64(hi[r]) + np.float64(lo[r])
        norms[r] += x * x
        words[r] = np.int64(np.rint(x * scale))


@njit(nogil=True, cache=True)
def _deal_out(words, labels, own):  # type: ignore[no-untyped-def]
    """own[i % 4, labels[i]] += words[i]: a sum of its own for each of four rows in a row.

    Neighbours mostly share a label, and a sum can be added to again only when it is written.
    """
    a, b, c, d = own[0], own[1], own[2], own[3]
    whole = len(words) - len(words) % 4
    for i in range(0, whole, 4):
        a[labels[i]] += words[i]
        b[labels[i + 1]] += words[i + 1]
        c[labels[i + 2]] += words[i + 2]
        d[labels[i + 3]] += words[i + 3]
    for i in range(whole, len(words)):
        a[labels[i]] += words[i]


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

    Differences of nearly equal numbers are measured again, exactly.  IN: `doubled` as of `choose`.
    Returns the sum of least.
    """
    k = constants.shape[0]
    d = np.empty((doubled.shape[0], _STRIP), np.float32)
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
