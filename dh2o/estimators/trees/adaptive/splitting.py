"""The best split of each node, as H2O finds it: its formulas, its order, its roundings.

Sums of a bin are exact; like H2O's, those of w z and w z² are then cut to float32, and all that
follows is done in doubles.  Of columns that are equally good the first one wins.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.adaptive.sorting import sort_by
from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8

__all__ = ["fill_levels", "find_splits"]

NA_VS_REST, NA_LEFT, NA_RIGHT, UNSEEN_LEFT, UNSEEN_RIGHT = 1, 2, 3, 4, 5
_W, _Y, _YY, _NUM, _DEN = range(5)  # rows of a table of sums
_HI = 5  # its second half: sums from above
_SMALL_SET = 32  # levels below this number fit H2O's small sets, which have all 32 bits
_MAX = 1.7976931348623157e308


@njit(nogil=True, cache=True, error_model="numpy")
def _read(hist: I64, slot: int, dim: int, scales: F64, out: F64) -> None:
    """Read the sums of one slot as doubles, those of w z and w z² cut to float32."""
    at = dim * slot
    out[_W] = np.float64(hist[at]) * scales[0]
    out[_Y] = np.float64(np.float32(np.float64(hist[at + 1]) * scales[1]))
    out[_YY] = np.float64(np.float32(np.float64(hist[at + 2]) * scales[2]))
    if dim > 3:
        out[_NUM] = np.float64(hist[at + 3]) * scales[3]
        out[_DEN] = np.float64(hist[at + 4]) * scales[4]
    else:
        out[_NUM], out[_DEN] = out[_Y], out[_W]


@njit(nogil=True, cache=True, error_model="numpy")
def _sorted_levels(hist: I64, base: int, n: int, dim: int, scales: F64, order: I32) -> None:
    """Write 0..n-1 into `order`, by mean, empty ones first, ties by number."""
    means = np.empty(n, np.float64)
    one = np.empty(5, np.float64)
    for b in range(n):
        _read(hist, base + b, dim, scales, one)
        means[b] = -_MAX if one[_W] == 0.0 else one[_Y] / one[_W]
    sort_by(means, n, order)


@njit(nogil=True, cache=True, error_model="numpy")
def _same_float(a: float, b: float) -> bool:
    """Whether two numbers are within one (the smaller) unit in the last place as float32."""
    x, y = np.float32(a), np.float32(b)
    if np.isnan(x) and np.isnan(y):
        return True
    ulp_x = np.nextafter(abs(x), np.float32(np.inf)) - abs(x)
    ulp_y = np.nextafter(abs(y), np.float32(np.inf)) - abs(y)
    return abs(x - y) <= min(ulp_x, ulp_y)


@njit(nogil=True, cache=True, error_model="numpy")
def _error(w: float, y: float, yy: float) -> float:
    """Squared error of rows around their mean, at least 0 whatever the rounding."""
    error = yy - y * y / w
    return error if not error < 0.0 else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def _error_at(w: float, y: float, yy: float, value: float) -> float:
    """Squared error of rows around any value."""
    return yy - 2.0 * value * y + value * value * w


@njit(nogil=True, cache=True, error_model="numpy")
def _fill_sums(  # noqa: PLR0913, PLR0917
    hist: I64, base: int, n: int, dim: int, scales: F64, order: I32, sums: F64, w: F64, na: F64
) -> None:
    """sums[:5, b] of the bins below b, sums[5:, b] of those from b on; w[b] of bin b; na: NA's."""
    one = np.empty(5, np.float64)
    for j in range(10):
        sums[j, 0] = sums[j, n] = 0.0
    for b in range(n):
        _read(hist, base + order[b], dim, scales, one)
        w[b] = one[_W]
        empty = sums[_W, b] == 0.0 and one[_W] == 0.0
        for j in range(5):
            sums[j, b + 1] = 0.0 if empty else sums[j, b] + one[j]
    for b in range(n - 1, -1, -1):
        _read(hist, base + order[b], dim, scales, one)
        empty = sums[_HI + _W, b + 1] == 0.0 and one[_W] == 0.0
        for j in range(5):
            sums[_HI + j, b] = 0.0 if empty else sums[_HI + j, b + 1] + one[j]
    _read(hist, base + n, dim, scales, na)


@njit(nogil=True, cache=True, error_model="numpy")
def _scan_column(  # noqa: PLR0913, PLR0917, C901, PLR0915
    n: int, sums: F64, w: F64, na: F64, min_rows: float, least: float, sign: int, bounds: F64,
    found: F64,
) -> bool:  # fmt: skip
    """Whether a split of `n` bins helps; OUT: found.

    found = (bin, NA side, error before, left, right, weight left, right, value left, right).
    """
    w_na, y_na, yy_na = na[_W], na[_Y], na[_YY]
    total = sums[_W, n] + w_na
    if total < 2 * min_rows:
        return False
    y_all = sums[_Y, n] + y_na
    if np.float32((sums[_YY, n] + yy_na) * total - y_all * y_all) == np.float32(0.0):
        return False
    w0, y0, yy0 = sums[_HI + _W, 0], sums[_HI + _Y, 0], sums[_HI + _YY, 0]
    before = yy0 - y0 * y0 / w0
    before = max(before, 0.0)
    best_l, best_r, best, side = _MAX, _MAX, 0, 0
    n_l, n_r, p_l, p_r, v_l, v_r = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if w_na >= min_rows:
        best_l, best_r, side = before, _error(w_na, y_na, yy_na), NA_VS_REST
        before = (yy0 + yy_na) - (y0 + y_na) * (y0 + y_na) / (w0 + w_na)
        n_l, n_r, p_l, p_r = w0, w_na, y0, y_na
        v_l, v_r = sums[_HI + _NUM, 0] / sums[_HI + _DEN, 0], na[_NUM] / na[_DEN]
    half = n >> 1
    for b in range(1, n):
        if w[b] == 0.0 or sums[_W, b] + w_na < min_rows:
            continue
        if sums[_HI + _W, b] + w_na < min_rows:
            break
        for way in range(2 if w_na != 0.0 else 1):
            # without NAs: way 0 alone; with NAs: first they go left, then right
            a_l = 1.0 if w_na != 0.0 and way == 0 else 0.0
            a_r = 1.0 if way == 1 else 0.0
            wl, wr = sums[_W, b], sums[_HI + _W, b]
            yl, yr = sums[_Y, b], sums[_HI + _Y, b]
            el, er = sums[_YY, b], sums[_HI + _YY, b]
            if a_l == 1.0:
                wl, yl, el = wl + w_na, yl + y_na, el + yy_na
            if a_r == 1.0:
                wr, yr, er = wr + w_na, yr + y_na, er + yy_na
            left, right = _error(wl, yl, el), _error(wr, yr, er)
            closer = abs(b - half) < abs(best - half)
            if not (left + right < best_l + best_r or (left + right == best_l + best_r and closer)):
                continue
            if w_na != 0.0 and (wl < min_rows or wr < min_rows):
                continue
            to_l = (sums[_NUM, b] + a_l * na[_NUM]) / (sums[_DEN, b] + a_l * na[_DEN])
            to_r = (sums[_HI + _NUM, b] + a_r * na[_NUM]) / (sums[_HI + _DEN, b] + a_r * na[_DEN])
            if sign != 0 and not sign * to_l <= sign * to_r:
                continue
            best_l, best_r, best = left, right, b
            n_l, n_r, p_l, p_r, v_l, v_r = wl, wr, yl, yr, to_l, to_r
            if w_na != 0.0:
                side = NA_RIGHT if way == 1 else NA_LEFT
    if best == 0 and side == 0:
        return False
    if not best_l + best_r < before * (1.0 - least):
        return False
    if _same_float(p_l / n_l, p_r / n_r) or n_l < min_rows or n_r < min_rows:
        return False
    if sign != 0 and sign * v_l > sign * v_r:
        return False
    for k in range(2):
        bound = bounds[k]
        if np.isnan(bound):
            continue
        yl, el = sums[_Y, best], sums[_YY, best]
        wl, yr, er = sums[_W, best], sums[_HI + _Y, best], sums[_HI + _YY, best]
        wr = sums[_HI + _W, best]
        if side == NA_VS_REST:
            wl, yl, el, wr, yr, er = w0, y0, yy0, w_na, y_na, yy_na
        elif side == NA_LEFT:
            wl, yl, el = wl + w_na, yl + y_na, el + yy_na
        elif side == NA_RIGHT:
            wr, yr, er = wr + w_na, yr + y_na, er + yy_na
        if (v_l < bound) if k == 0 else (v_l > bound):
            v_l, best_l = bound, _error_at(wl, yl, el, bound)
        if (v_r < bound) if k == 0 else (v_r > bound):
            v_r, best_r = bound, _error_at(wr, yr, er, bound)
    if not best_l + best_r < before * (1.0 - least) or _same_float(v_l, v_r):
        return False
    if side == 0:
        side = UNSEEN_LEFT if n_l > n_r else UNSEEN_RIGHT
    found[0], found[1], found[2] = best, side, before
    found[3], found[4], found[5], found[6] = best_l, best_r, n_l, n_r
    found[7], found[8] = v_l, v_r
    return True


@njit(nogil=True, cache=True, error_model="numpy")
def _edge(b: int, low: float, step: float, points: F64, first: int, absolute: bool) -> float:
    """Lower edge of bin b."""
    if first < 0:
        return low + b / step
    return points[first + b] if absolute else low + points[first + b] / step


@njit(nogil=True, cache=True, error_model="numpy")
def _threshold(  # noqa: PLR0913, PLR0917
    w: F64, n: int, b: int, kind: int, low: float, step: float, points: F64, first: int,
    absolute: bool,
) -> float:  # fmt: skip
    """Return the middle between the bins with rows on both sides of a cut, as float32."""
    below = b - 1
    while below >= 0 and w[below] == 0.0:
        below -= 1
    above = b
    while above < n and w[above] == 0.0:
        above += 1
    lo = _edge(below + 1, low, step, points, first, absolute)
    hi = _edge(above, low, step, points, first, absolute)
    if kind > 0:
        if step == 1.0 and (first < 0 or absolute):
            lo -= 1.0
        else:
            lo, hi = np.floor(lo), np.ceil(hi)
    return np.float64(np.float32((lo + hi) / 2.0))


@njit(nogil=True, cache=True, error_model="numpy")
def _separates(w: F64, n: int, b: int, size: int) -> bool:
    """Whether some, but not all `size` bits are set once empty levels follow the larger side."""
    left = right = 0
    for i in range(n):
        if w[i] > 0.0:
            left += i < b
            right += i >= b
    n_right = right if left >= right else n - left
    return 0 < n_right < size


@njit(nogil=True, cache=True, error_model="numpy")
def find_splits(  # noqa: PLR0913, PLR0917
    first: int,
    stop: int,
    hist: I64,
    dim: int,
    scales: F64,
    kinds: I8,
    signs: I8,
    bounds: F64,
    n_bins: I32,
    low: F64,
    step: F64,
    slots: I64,
    starts: I64,
    points: F64,
    types: I8,
    min_rows: float,
    least: float,
    splits: I32,
    at: F64,
    facts: F64,
) -> None:
    """Find the best split of the nodes first..stop-1.

    `least` is the part of the error that a split must remove; bounds[n] = (least, largest) value
    of node n's leaves or NaN.  OUT: splits[n] = (column or -1, bin, NA side, is by levels), at[n]
    = threshold, facts[n] = (error before, left, right, weight left, right, value left, right).
    """
    widest = np.int64(1)
    for n in range(first, stop):
        for c in range(kinds.size):
            widest = max(widest, np.int64(n_bins[n, c]))
    sums, w = np.empty((10, widest + 1)), np.empty(widest + 1)
    order, na, found = np.empty(widest + 1, np.int32), np.empty(5), np.empty(9)
    for n in range(first, stop):
        splits[n, 0] = -1
        best = np.inf
        for c in range(kinds.size):
            base, bins = slots[n, c], np.int64(n_bins[n, c])
            if base < 0:
                continue
            by_levels = kinds[c] == 2 and step[n, c] == 1.0 and starts[n, c] < 0
            if by_levels:
                _sorted_levels(hist, base, bins, dim, scales, order)
            else:
                for b in range(bins):
                    order[b] = b
            _fill_sums(hist, base, bins, dim, scales, order, sums, w, na)
            sign = np.int64(signs[c])
            if not _scan_column(bins, sums, w, na, min_rows, least, sign, bounds[n], found):
                continue
            if not found[3] + found[4] < best:
                continue
            cut, side = np.int64(found[0]), np.int64(found[1])
            grouped = by_levels and side != NA_VS_REST
            size = bins if low[n, c] + bins > _SMALL_SET else _SMALL_SET
            if grouped and not _separates(w, bins, cut, size):
                continue
            threshold = 0.0
            if not grouped and side != NA_VS_REST:
                threshold = _threshold(
                    w, bins, cut, np.int64(kinds[c]), low[n, c], step[n, c], points,
                    starts[n, c], types[n] != 1,
                )  # fmt: skip
                if not abs(threshold) < np.inf:
                    continue  # values beyond float32 cannot be parted
            best, at[n] = found[3] + found[4], threshold
            splits[n, 0], splits[n, 1], splits[n, 2], splits[n, 3] = c, cut, side, grouped
            for j in range(7):
                facts[n, j] = found[2 + j]


@njit(nogil=True, cache=True, error_model="numpy")
def fill_levels(  # noqa: PLR0913, PLR0917
    nodes: I64,
    hist: I64,
    dim: int,
    scales: F64,
    splits: I32,
    n_bins: I32,
    low: F64,
    slots: I64,
    sizes: I32,
    set_starts: I64,
    left_levels: U8,
) -> None:
    """left_levels[set_starts[s] + level] = 1 for the levels that split s sends left.

    Split s is that of node nodes[s]; set_starts[s] is -1 for splits by number.  Levels that the
    node has no bin for go left if a small set has a bit for them, else they go where NAs go.
    """
    widest = np.int64(1)
    for s in range(nodes.size):
        widest = max(widest, np.int64(n_bins[nodes[s], splits[nodes[s], 0]]))
    order, w, one = np.empty(widest + 1, np.int32), np.empty(widest + 1), np.empty(5)
    for s in range(nodes.size):
        n, start = nodes[s], set_starts[s]
        if start < 0:
            continue
        c, cut = splits[n, 0], np.int64(splits[n, 1])
        base, bins, off = slots[n, c], np.int64(n_bins[n, c]), np.int64(low[n, c])
        _sorted_levels(hist, base, bins, dim, scales, order)
        left = right = np.int64(0)
        for i in range(bins):
            _read(hist, base + order[i], dim, scales, one)
            w[i] = one[_W]
            left += one[_W] > 0.0 and i < cut
            right += one[_W] > 0.0 and i >= cut
        empty_left = 1 if left >= right else 0
        for i in range(bins):
            goes = (1 if i < cut else 0) if w[i] > 0.0 else empty_left
            left_levels[start + off + order[i]] = goes
        na_left = 1 if splits[n, 2] in (NA_LEFT, UNSEEN_LEFT) else 0
        n_bits = _SMALL_SET if off + bins <= _SMALL_SET else 0
        for level in range(sizes[s]):
            if level < off or level >= off + bins:
                left_levels[start + level] = 1 if level < n_bits else na_left
