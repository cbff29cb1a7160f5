"""The best split of a node, from the sums of the bins that its rows fall into.

A split's worth is what it removes of the squared error, ``GL²/WL + GR²/WR - G²/W``, with G the
sum of weighted residuals and W of weights (or of second derivatives: Newton's gain, Friedman 2000).
Every threshold between bins is tried with the NAs on either side; levels of a categorical are
first sorted by their mean residual, which makes a prefix of that order the best of all subsets
(Fisher 1958).  Sorting fits noise: with k levels in the node a split pays ``(k - 1) times`` the
residual variance, what as many means of noise would bring; nothing if no improvement is asked for.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._bits import double_bits
from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8
from dh2o.estimators.trees.gradients import mix, uniform

__all__ = [
    "NA_LEFT",
    "NA_RIGHT",
    "NA_VS_REST",
    "UNSEEN_LEFT",
    "UNSEEN_RIGHT",
    "best_cut",
    "draw_next",
    "least_gain",
    "merge_cells",
    "route_tables",
    "scan_pairs",
    "send_bins",
    "side_of_na",
    "split_facts",
    "varied_in",
]

# Where NAs go; the numbers are those of H2O's tree format.
NA_VS_REST, NA_LEFT, NA_RIGHT, UNSEEN_LEFT, UNSEEN_RIGHT = 1, 2, 3, 4, 5

_FEW_LEVELS = 16  # they are sorted soonest without buckets
_COLUMN_DRAWS = np.int64(16)  # counts below are the keys of children
_CELL_DRAWS = np.int64(1) << 40


@njit(nogil=True, cache=True, error_model="numpy")
def split_facts(
    total: int, count: int, squares: int, shift: int, square_shift: int, min_rows: float,
    weight_scale: float, curved: bool,
) -> tuple[float, float]:  # fmt: skip
    """(least weight of a child, residual variance in the units of gains) of a node; < 0: a leaf.

    If `curved`, weights are second derivatives, and `min_rows` rows weigh their share.
    """
    weight = max(np.float64(total & ((np.int64(1) << shift) - 1)), 1.0)
    gradient = np.float64(total >> shift)
    least = min_rows * (weight / count if curved else weight_scale)
    mass = np.float64(count) if curved else weight
    coarse = np.float64(np.int64(1) << (2 * (square_shift - shift)))
    noise = (np.float64(squares) * coarse - gradient * gradient / mass) / weight
    if not curved:
        noise *= weight_scale  # of a row that weighs 1
    heavy = count >= 2 * min_rows if curved else weight >= 2 * least
    return least, (noise if heavy and noise > 0.0 else -1.0)


@njit(nogil=True, cache=True)
def least_gain(mass: float, noise: float, improvement: float) -> float:
    """Return what a split must remove: this part of the squared error of `mass` rows.

    Up to the default improvement of 1e-5 no more than the residual variance is asked: of millions
    of rows 1e-5 would be more than the best of thousands of honest splits.
    """
    part = improvement * mass
    return noise * (min(part, 1.0) if improvement <= 1e-5 else part)


@njit(nogil=True, cache=True)
def draw_next(order: I32, done: int, n: int, key: int) -> None:
    """Swap the next of n features, in a random order that depends on `key`, to order[done]."""
    at = done + np.int64(np.uint64(mix(key, _COLUMN_DRAWS + done)) % np.uint64(n - done))
    order[done], order[at] = order[at], order[done]


@njit(nogil=True, cache=True, error_model="numpy")
def merge_cells(
    n: int, n_bins: int, n_cells: int, key: int, feature: int, first_edge: int, edges: F64,
    ints: I64,
) -> int:  # fmt: skip
    """Merge the n bins ints[0] of a number, and their words ints[1], by cells; returns how many.

    The node's range, from its least to its largest bin, is cut into `n_cells` cells of one width
    (H2O); with ``key != 0`` half by value and half by rank, and shifted by a random part of a cell.
    With no cells, or as many as the number has bins, every bin is one.  OUT: ints[0] = last bin of
    a cell, ints[3] = its first one.
    """
    if n_cells == 0 or n_cells >= n_bins or n <= 2:
        for j in range(n):
            ints[3, j] = ints[0, j]
        return n
    low, last = ints[0, 0], ints[0, n - 1]
    shift, rank_share = 0.0, 0.0
    if key != 0:
        shift, rank_share = uniform(key, _CELL_DRAWS + feature), 0.5
    start = edges[first_edge + low]
    by_value = (1.0 - rank_share) * n_cells / (edges[first_edge + last + 1] - start)
    by_rank = rank_share * n_cells / np.float64(last + 1 - low)
    m, before, first, word = np.int64(-1), np.int64(-1), np.int64(0), np.int64(0)
    for j in range(np.uint64(n)):
        b = ints[0, j]
        value = (edges[np.uint64(first_edge + b)] - start) * by_value
        cell = np.int64(value + np.float64(b - low) * by_rank + shift)
        same = np.int64(cell == before)  # where cells end cannot be foretold: no branch
        before = cell
        m += 1 - same
        first = first if same else b
        word = ints[1, j] + (word & -same)
        at = np.uint64(m)
        ints[3, at], ints[1, at], ints[0, at] = first, word, b
    return m + 1  # type: ignore[return-value]


@njit(nogil=True, cache=True, error_model="numpy")
def _varies(hist: I64, start: int, n_bins: int) -> bool:
    """Whether a histogram has rows in two bins of a feature, NA's counted."""
    n = np.int64(0)
    for b in range(n_bins + 1):
        n += np.int64(hist[np.uint64(start + b)] != 0)
        if n == 2:
            return True
    return False


@njit(nogil=True, cache=True, error_model="numpy")
def varied_in(hists: I64, n_slots: int, rows: I64, features: I32) -> I64:
    """Return bit k of row i: whether feature k varies in histogram rows[i]."""
    bits = np.zeros((rows.size, (features.shape[0] + 63) // 64), np.int64)
    for i in range(rows.size):
        for k in range(features.shape[0]):
            start = rows[i] * n_slots + features[k, 0]
            varies = np.int64(_varies(hists, start, np.int64(features[k, 1])))
            bits[i, k >> 6] |= varies << (k & 63)
    return bits


@njit(nogil=True, cache=True, error_model="numpy")
def _sort_levels(n: int, shift: int, ints: I64) -> None:
    """Sort n levels, ints[0], and their words, ints[1], by their mean, ties by level.

    The key is the mean's upper 48 bits, then the level.  Many levels are first dealt to as many
    buckets between the least and the largest mean; Shell's sort does the rest, with gaps as long as
    the fullest bucket.
    """
    mask = (np.int64(1) << shift) - 1
    levels, words, keys, copies, ends = ints[0], ints[1], ints[2], ints[3], ints[4]
    low, high = np.inf, -np.inf
    for j in range(n):
        word = words[j]
        mean = np.float64(word >> shift) / np.float64(word & mask)
        low, high = min(low, mean), max(high, mean)
        bits = double_bits(mean)
        bits ^= (bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF)
        keys[j] = (bits & ~np.int64(0xFFFF)) | levels[j]
        copies[levels[j]] = word
    most = np.int64(n)
    if n > _FEW_LEVELS and high > low:
        scale = np.float64(n - 1) / (high - low)
        for j in range(n + 1):
            ends[j] = 0
        for j in range(n):
            mean = np.float64(words[j] >> shift) / np.float64(words[j] & mask)
            levels[j] = min(max(np.int64((mean - low) * scale), 0), n - 1)
            ends[levels[j] + 1] += 1
        most = np.int64(0)
        for j in range(n):
            most = max(most, ends[j + 1])
            ends[j + 1] += ends[j]
        for j in range(n):
            words[ends[levels[j]]] = keys[j]
            ends[levels[j]] += 1
        for j in range(n):
            keys[j] = words[j]
    gap = 4
    while gap < most:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(gap, n):
            key = keys[i]
            j = i
            while j >= gap and keys[j - gap] > key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key
    for j in range(n):
        levels[j] = keys[j] & 0xFFFF
        words[j] = copies[levels[j]]


@njit(nogil=True, cache=True, error_model="numpy")
def best_cut(  # noqa: PLR0913, PLR0917
    n: int, coded: bool, total: int, na: int, shift: int, least: float, sign: int, ints: I64,
    scores: F64, found: I64,
) -> float:  # fmt: skip
    """Best GL²/WL + GR²/WR over the cuts of n bins; OUT: found = (cut, NA side or 0, left word).

    ints[0] are the bins that are not empty and ints[1] their words; levels are sorted first.  Cut j
    sends the first j of them left.  Numbers' are cells, from bin ints[3] to ints[0]; a cut in the
    gap of empty bins between two is put in its middle.
    """
    if coded:
        _sort_levels(n, shift, ints)
    bins, words, sums, firsts = ints[0], ints[1], ints[2], ints[3]
    mask = (np.int64(1) << shift) - 1
    W, G = np.float64(total & mask), np.float64(total >> shift)
    best = -1.0
    for na_left in range(2 if na != 0 else 1):
        acc = np.int64(na * na_left)
        for j in range(n):
            acc += words[j]
            sums[j] = acc
        n_cuts = n if na != 0 and na_left == 0 else n - 1
        for j in range(n_cuts):
            wl, gl = np.float64(sums[j] & mask), np.float64(sums[j] >> shift)
            wr, gr = W - wl, G - gl
            scores[j] = (gl * gl * wr + gr * gr * wl) / (wl * wr)
        for j in range(n_cuts):
            if scores[j] > best:
                wl, gl = np.float64(sums[j] & mask), np.float64(sums[j] >> shift)
                wr, gr = W - wl, G - gl
                if wl < least or wr < least:
                    continue
                last = j == n - 1
                if sign == 0 or last or sign * (gr * wl - gl * wr) >= 0.0:
                    best = scores[j]
                    found[0] = j + 1 if coded else (bins[j] + firsts[min(j + 1, n - 1)] + 2) >> 1
                    found[1] = 0 if na == 0 else (NA_VS_REST if last else NA_RIGHT - na_left)
                    found[2] = sums[j]
    return best


@njit(nogil=True, cache=True, error_model="numpy")
def scan_pairs(  # noqa: C901, PLR0913, PLR0917
    first: int,
    stop: int,
    parents: I64,
    built: I64,
    out: I64,
    n_slots: int,
    rows: I32,
    totals: I64,
    facts: F64,
    keys: I64,
    features: I32,
    allowed: U8,
    n_tries: int,
    n_cells: int,
    shifts_cells: bool,
    edges: F64,
    shift: int,
    order: I32,
    ints: I64,
    scores: F64,
    gains: F64,
    splits: I32,
    left_words: I64,
) -> None:
    """Histograms of both children of each parent, and the best split of each child.

    Pair p: rows[p] = (parent, built, 1 if the built one is the left, left out, right out); an
    out of -1 means that this child is not wanted.  facts[p, c] = (least weight of
    a child, price of a level).  features[k] =
    (start in the histogram, number of bins, is coded, monotone sign, first of its `edges`).  Of the
    `allowed` ones those that vary in the node are tried, `n_tries` of them in the order of the
    node's key; one that is constant, but was not in the parent, uses up a try (H2O).  parents,
    built and out are flat, `n_slots` a histogram; order, ints and scores are scratch.  OUT:
    histograms in `out`, gains[p, c], splits[p, c] = (feature or -1, cut, NA side),
    left_words[p, c].
    """
    mask = (np.int64(1) << shift) - 1
    found = np.zeros(3, np.int64)
    bins, words = ints[0], ints[1]
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
            n_allowed = np.int64(0)
            for f in range(features.shape[0]):
                if allowed[min(2 * p + c, allowed.shape[0] - 1), f] != 0:
                    order[n_allowed] = f
                    n_allowed += 1
            n_left = n_tries
            for i in range(n_allowed):
                if n_left == 0:
                    break
                if n_tries < n_allowed:
                    draw_next(order, i, n_allowed, keys[p, c])
                k = np.int64(order[i])
                start, n_bins = hist + features[k, 0], np.int64(features[k, 1])
                n = np.int64(0)
                for b in range(n_bins):
                    word = out[np.uint64(start + b)]
                    bins[np.uint64(n)] = b
                    words[np.uint64(n)] = word
                    n += np.int64(word != 0)
                na = out[start + n_bins]
                if n + np.int64(na != 0) < 2:
                    if parents.size > 0 and n_tries < n_allowed:
                        n_left -= _varies(parents, parent + features[k, 0], n_bins)
                    continue
                n_left -= 1
                coded = features[k, 2] == 1
                if not coded:
                    n = merge_cells(
                        n, n_bins, n_cells, keys[p, c] if shifts_cells else 0, k,
                        np.int64(features[k, 4]), edges, ints,
                    )  # fmt: skip
                score = best_cut(
                    n, coded, total, na, shift, facts[p, c, 0], np.int64(features[k, 3]), ints,
                    scores, found,
                )  # fmt: skip
                if coded:
                    score -= facts[p, c, 1] * (n - 1)
                if score > best:
                    best = score
                    gains[p, c] = score - base
                    cut = n_bins if found[1] == NA_VS_REST else found[0]
                    splits[p, c, 0], splits[p, c, 1], splits[p, c, 2] = k, cut, found[1]
                    left_words[p, c] = found[2]


@njit(nogil=True, cache=True)
def side_of_na(side: int, total: int, left: int, shift: int) -> int:
    """Return where NAs go: those that the node never saw follow the heavier side."""
    if side != 0:
        return side
    mask = (np.int64(1) << shift) - 1
    return UNSEEN_LEFT if 2 * (left & mask) > (total & mask) else UNSEEN_RIGHT


@njit(nogil=True, cache=True)
def send_bins(
    n: int, cut: int, side: int, coded: bool, n_bins: int, levels: I64, goes_left: U8, at: int
) -> None:
    """goes_left[at + bin] = 1 for the bins that go left; bin `n_bins` is NA.

    `levels` are the n levels in the node, sorted; absent ones follow the side with more levels.
    """
    for b in range(n_bins):
        goes_left[at + b] = 1 if b < cut or side == NA_VS_REST else 0
    if coded and side != NA_VS_REST:
        for b in range(n_bins):
            goes_left[at + b] = 1 if 2 * cut >= n else 0
        for i in range(n):
            goes_left[at + levels[i]] = 1 if i < cut else 0
    goes_left[at + n_bins] = 1 if side in (NA_LEFT, UNSEEN_LEFT) else 0


@njit(nogil=True, cache=True, error_model="numpy")
def route_tables(  # noqa: PLR0913, PLR0917
    hists: I64,
    n_slots: int,
    rows: I32,
    totals: I64,
    left_words: I64,
    features: I32,
    splits: I32,
    shift: int,
    ints: I64,
    starts: I64,
    goes_left: U8,
    na_sides: I8,
    bit_starts: I64,
    bits: U8,
) -> None:
    """goes_left[starts[s] + bin] = 1 for the bins of split s that go left; last bin is NA.

    splits[s] = (feature, cut, NA side or 0).  OUT: goes_left, na_sides, and from bit_starts[s] >= 0
    on a bit for each bin that goes right.
    """
    for s in range(rows.size):
        k, cut = np.int64(splits[s, 0]), np.int64(splits[s, 1])
        start = np.int64(rows[s]) * n_slots + features[k, 0]
        n_bins = np.int64(features[k, 1])
        side = side_of_na(np.int64(splits[s, 2]), totals[s], left_words[s], shift)
        coded = features[k, 2] == 1
        n = np.int64(0)
        if coded:
            for b in range(n_bins):
                if hists[start + b] != 0:
                    ints[0, n], ints[1, n] = b, hists[start + b]
                    n += 1
            _sort_levels(n, shift, ints)
        send_bins(n, cut, side, coded, n_bins, ints[0], goes_left, starts[s])
        na_sides[s] = side
        if bit_starts[s] >= 0:
            for b in range(n_bins):
                right = np.uint8(1 - goes_left[starts[s] + b])
                bits[bit_starts[s] + (b >> 3)] |= np.uint8(right << np.uint8(b & 7))
