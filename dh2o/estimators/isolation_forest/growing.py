"""One isolation tree, grown on the rows of its sample: random cuts of the range a node spans.

The rules are H2O's.  A node looks at some of its columns in random order.  Of each it draws cut
points evenly over the range that the parent's rows span (many at the root, half as many a level
below) and takes the one that best tells apart random targets; the first column with such a cut is
split.  So a cut is a random one, but empty stretches at the edge of the range, where what is
unusual lies, are cut more often than their share of the rows says.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, F64, I8, I32, I64, U8
from dh2o.estimators.trees.gradients import mix
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, UNSEEN_LEFT, UNSEEN_RIGHT

__all__ = ["LEVEL", "NUMBER", "WHOLE", "best_cut", "grow_isolation_tree"]

NUMBER, WHOLE, LEVEL = 0, 1, 2  # kinds of columns
_MIN_BINS = 2
_UNIT = 1.0 / 9007199254740992.0


@njit(nogil=True, cache=True)
def _random(key: int, counter: I64) -> float:
    """Return the next number in [0, 1) of the stream `key`; counter[0] counts them."""
    counter[0] += 1
    return np.float64(mix(key, counter[0]) >> np.uint64(11)) * _UNIT


@njit(nogil=True, cache=True, error_model="numpy")
def _squared_error(w: float, s: float, q: float) -> float:
    """Squared error ``q - s²/w``, never below 0."""
    return max(q - s * s / w, 0.0)


@njit(nogil=True, cache=True, error_model="numpy")
def best_cut(sums: F64, n_bins: int, min_rows: float, found: F64) -> bool:
    """Return whether a cut of `n_bins` bins lowers the squared error of the targets.

    sums[b] = (rows, sum, sum of squares of the targets) of bin b, the NAs' last.  Cut b sends the
    bins below b left; NAs are tried on both sides, and alone on the right (b = n_bins).
    OUT: found = (b, NA side or 0, error removed).
    """
    w, s, q = 0.0, 0.0, 0.0
    for b in range(n_bins):
        w, s, q = w + sums[b, 0], s + sums[b, 1], q + sums[b, 2]
    na_w, na_s, na_q = sums[n_bins, 0], sums[n_bins, 1], sums[n_bins, 2]
    all_w, all_s, all_q = w + na_w, s + na_s, q + na_q
    if all_w < 2 * min_rows or np.float32(all_q * all_w - all_s * all_s) == 0.0:
        return False
    best, before = np.inf, _squared_error(w, s, q)
    found[0] = -1.0
    left_mean, right_mean = 0.0, 0.0
    if na_w > 0 and na_w >= min_rows and w > 0 and w >= min_rows:
        best = before + _squared_error(na_w, na_s, na_q)
        before = _squared_error(all_w, all_s, all_q)
        found[0], found[1] = n_bins, NA_VS_REST
        left_mean, right_mean = s / w, na_s / na_w
    low_w, low_s, low_q = 0.0, 0.0, 0.0
    for b in range(1, n_bins):
        low_w, low_s, low_q = low_w + sums[b - 1, 0], low_s + sums[b - 1, 1], low_q + sums[b - 1, 2]
        if sums[b, 0] == 0:
            continue
        for side in range(1 if na_w == 0 else 2):
            left_w, left_s, left_q = low_w, low_s, low_q
            if side == 0:  # the NAs go left, if there are any
                left_w, left_s, left_q = low_w + na_w, low_s + na_s, low_q + na_q
            right_w, right_s, right_q = all_w - left_w, all_s - left_s, all_q - left_q
            if min(left_w, right_w) < min_rows or left_w == 0 or right_w == 0:
                continue
            error = _squared_error(left_w, left_s, left_q)
            error += _squared_error(right_w, right_s, right_q)
            nearer = abs(b - (n_bins >> 1)) < abs(found[0] - (n_bins >> 1))
            if error < best or (error == best and nearer):
                best = error
                found[0] = b
                found[1] = 0 if na_w == 0 else (NA_LEFT if side == 0 else NA_RIGHT)
                left_mean, right_mean = left_s / left_w, right_s / right_w
    found[2] = before - best
    return found[0] >= 0 and best < before and np.float32(left_mean) != np.float32(right_mean)


@njit(nogil=True, cache=True, error_model="numpy")
def _cut_value(edges: F64, sums: F64, b: int, n_bins: int, kind: int) -> float:
    """Return the float32 half-way between the bins on either side of cut b that hold rows."""
    below = b - 1
    while below > 0 and sums[below, 0] == 0:
        below -= 1
    above = b
    while above < n_bins - 1 and sums[above, 0] == 0:
        above += 1
    lo, hi = edges[below + 1], edges[above]
    if kind != NUMBER:
        lo, hi = np.ceil(lo) - 1.0, np.ceil(hi)
    return np.float64(np.float32((lo + hi) / 2.0))


@njit(nogil=True, cache=True, error_model="numpy")
def _fill_bins(  # noqa: PLR0913, PLR0917
    x: F64,
    y: F64,
    rows: I64,
    start: int,
    stop: int,
    column: int,
    edges: F64,
    n_bins: int,
    sums: F64,
) -> None:
    """sums[b] += (1, y, y²) of the rows whose value lies in [edges[b], edges[b + 1])."""
    for b in range(n_bins + 1):
        sums[b, 0] = sums[b, 1] = sums[b, 2] = 0.0
    for i in range(start, stop):
        value, target = x[rows[i], column], y[rows[i]]
        b = n_bins
        if value == value:  # noqa: PLR0124
            lo, hi = 0, n_bins  # edges[lo] <= value < edges[hi]
            while hi - lo > 1:
                mid = (lo + hi) >> 1
                if value >= edges[mid]:
                    lo = mid
                else:
                    hi = mid
            b = lo
        sums[b, 0] += 1.0
        sums[b, 1] += target
        sums[b, 2] += target * target


@njit(nogil=True, cache=True, error_model="numpy")
def _split_rows(
    x: F64, rows: I64, start: int, stop: int, column: int, cut: float, side: int, scratch: I64
) -> int:
    """Put the rows that go left first and return where the others begin; order is kept."""
    front, back = start, 0
    for i in range(start, stop):
        row = rows[i]
        value = x[row, column]
        left = side == NA_LEFT
        if value == value:  # noqa: PLR0124
            left = side == NA_VS_REST or value < cut
        if left:
            rows[front] = row
            front += 1
        else:
            scratch[back] = row
            back += 1
    for i in range(back):
        rows[front + i] = scratch[i]
    return front


@njit(nogil=True, cache=True, error_model="numpy")
def _next_range(
    x: F64, rows: I64, start: int, stop: int, column: int, kind: int, bounds: F64
) -> None:
    """bounds[column] = (smallest, just above the largest) value in the node; 0, 0 if none."""
    smallest, largest = np.inf, -np.inf
    for i in range(start, stop):
        value = x[rows[i], column]
        if np.isfinite(value):
            smallest, largest = min(smallest, value), max(largest, value)
    bounds[column, 0] = bounds[column, 1] = 0.0
    if smallest < largest:
        bounds[column, 0] = smallest
        bounds[column, 1] = largest + 1.0 if kind != NUMBER else np.nextafter(largest, np.inf)


@njit(nogil=True, cache=True)
def _draw_edges(low: float, high: float, n_bins: int, key: int, counter: I64, edges: F64) -> None:
    """edges[0..n_bins] ascending: both ends, and random numbers between them."""
    for b in range(1, n_bins):
        edges[b] = low + _random(key, counter) * (high - low)
    edges[0], edges[n_bins] = low, high
    gap = 1
    while gap < n_bins:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(1 + gap, n_bins):
            edge = edges[i]
            j = i
            while j > gap and edges[j - gap] > edge:
                edges[j] = edges[j - gap]
                j -= gap
            edges[j] = edge


@njit(nogil=True, cache=True)
def _bins_of(kind: int, n_bins: int, low: float, high: float) -> int:
    """Return the number of bins of a column: one a value where whole numbers are few."""
    n = _MIN_BINS if kind == LEVEL else n_bins
    return int(high - low) if kind != NUMBER and high - low <= n else n


@njit(nogil=True, cache=True, error_model="numpy")
def _choose_split(  # noqa: PLR0913, PLR0917
    x: F64, y: F64, kinds: I8, rows: I64, start: int, stop: int, columns: I64, n_columns: int,
    bounds: F64, bins: I64, min_rows: float, key: int, counter: I64,
    edges: F64, sums: F64, scratch: I64, found: F64,
) -> int:  # fmt: skip
    """Return where the rows that go right begin after the first split that works, or -1.

    OUT: rows, in the order of their side; found = (column, NA side or 0, error removed, cut).
    """
    for i in range(n_columns):
        f = columns[i]
        low, high = bounds[f, 0], bounds[f, 1]
        n_bins = _bins_of(kinds[f], bins[f], low, high)
        if n_bins < _MIN_BINS:
            continue
        _draw_edges(low, high, n_bins, key, counter, edges)
        _fill_bins(x, y, rows, start, stop, f, edges, n_bins, sums)
        if not best_cut(sums, n_bins, min_rows, found):
            continue
        side, cut = int(found[1]), 0.0
        if side != NA_VS_REST:
            cut = _cut_value(edges, sums, int(found[0]), n_bins, kinds[f])
        middle = _split_rows(x, rows, start, stop, f, cut, side, scratch)
        if start < middle < stop and min(middle - start, stop - middle) >= min_rows:
            found[0], found[3] = f, cut
            return middle
    return -1


@njit(nogil=True, cache=True)
def _draw_columns(of_tree: U8, bounds: F64, n_tries: int, key: int, counter: I64, out: I64) -> int:
    """Return how many of the columns that vary a node looks at; OUT: out, in random order."""
    n = 0
    for f in range(of_tree.size):
        if of_tree[f] == 1 and bounds[f, 1] > bounds[f, 0]:
            out[n] = f
            n += 1
    wanted = min(n_tries, n)
    for i in range(wanted):
        j = i + int(_random(key, counter) * (n - i))
        out[i], out[j] = out[j], out[i]
    return wanted


@njit(nogil=True, cache=True)
def _push(  # noqa: PLR0913, PLR0917
    stack: I64, bounds: F64, bins: I64, top: int, node: int, start: int, stop: int,
    here: F64, widths: I64,
) -> None:  # fmt: skip
    """Put a node with what is known of its columns on the stack."""
    stack[top, 0], stack[top, 1], stack[top, 2] = node, start, stop
    for f in range(widths.size):
        bounds[top, f, 0], bounds[top, f, 1] = here[f, 0], here[f, 1]
        bins[top, f] = widths[f]


@njit(nogil=True, cache=True, error_model="numpy")
def grow_isolation_tree(  # noqa: PLR0913, PLR0917
    x: F64,
    y: F64,
    kinds: I8,
    ranges: F64,
    of_tree: U8,
    n_tries: int,
    change: float,
    max_depth: int,
    min_rows: float,
    top_bins: int,
    key: int,
    features: I32,
    thresholds: F32,
    left: I32,
    na_sides: I8,
    depths: I32,
    counts: F64,
    gains: F64,
) -> int:
    """Return the number of nodes of a tree over the rows of `x` with random targets `y`.

    ranges[f] = (smallest, just above the largest) value of column f in the whole frame; empty
    where it is constant.  `of_tree` flags the columns that this tree may use, of which a node at
    depth d looks at ``n_tries * change^d``.  Bins: `top_bins` at the root, two for levels.
    OUT: the arrays of nodes (room for 2 n + 1), children in pairs.
    """
    n, p = x.shape
    rows = np.arange(n)
    scratch = np.empty(n, np.int64)
    counter = np.zeros(1, np.int64)
    room = max_depth + 3
    stack = np.zeros((room, 3), np.int64)  # node, start, stop
    bounds = np.zeros((room, p, 2))  # what is known of the range of each column
    bins = np.zeros((room, p), np.int64)
    here, widths = ranges.copy(), np.full(p, top_bins)
    edges = np.empty(max(top_bins, 2) + 1)
    sums = np.zeros((max(top_bins, 2) + 1, 3))
    columns = np.empty(p, np.int64)
    found = np.zeros(4)
    _push(stack, bounds, bins, 0, 0, 0, n, here, widths)
    features[0], depths[0], counts[0] = -1, 0, n
    n_nodes, top = 1, 0
    while top >= 0:
        node, start, stop = stack[top, 0], stack[top, 1], stack[top, 2]
        for f in range(p):
            here[f, 0], here[f, 1], widths[f] = bounds[top, f, 0], bounds[top, f, 1], bins[top, f]
        top -= 1
        depth = depths[node]
        if depth >= max_depth or stop - start < max(2 * min_rows, 2):
            continue
        tries = max(int(n_tries * change**depth), 1)
        wanted = _draw_columns(of_tree, here, tries, key, counter, columns)
        middle = _choose_split(
            x, y, kinds, rows, start, stop, columns, wanted, here, widths, min_rows, key, counter,
            edges, sums, scratch, found,
        )  # fmt: skip
        if middle < 0:
            continue
        chosen, side, cut = int(found[0]), int(found[1]), found[3]
        if side == 0:
            side = UNSEEN_LEFT if middle - start > stop - middle else UNSEEN_RIGHT
        features[node], thresholds[node], left[node] = chosen, cut, n_nodes
        na_sides[node], gains[node] = side, found[2]
        for f in range(p):
            widths[f] = max(_bins_of(kinds[f], widths[f], here[f, 0], here[f, 1]) >> 1, _MIN_BINS)
        for i in range(wanted):  # the parent's rows tell how far its children's columns reach
            _next_range(x, rows, start, stop, columns[i], kinds[columns[i]], here)
        for child in range(2):
            to = n_nodes + child
            first, last = (start, middle) if child == 0 else (middle, stop)
            features[to], depths[to], left[to], counts[to] = -1, depth + 1, -1, last - first
            if side == NA_VS_REST and child == 1:
                continue  # nothing but NAs of that column: H2O leaves them together
            top += 1
            _push(stack, bounds, bins, top, to, first, last, here, widths)
            if side != NA_VS_REST:
                at = np.ceil(cut) if kinds[chosen] != NUMBER else cut
                bounds[top, chosen, 1 - child] = at
        n_nodes += 2
    return n_nodes
