"""Small nodes are finished whole: the subtree below each grows in one kernel, depth first.

A node of few rows needs no histogram of every bin: its rows' bins, gathered side by side, are
added up feature by feature, and only the bins that occur are looked at.  Sums are the same
integers and splits the same formulas as level by level, so it does not matter who finishes a node.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees._bits import lowest_bit
from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8, U16, U32, U64
from dh2o.estimators.trees.gradients import mix
from dh2o.estimators.trees.leaves import leaf_of
from dh2o.estimators.trees.partition import copy_record
from dh2o.estimators.trees.splitting import (
    NA_VS_REST,
    best_cut,
    draw_next,
    least_gain,
    merge_cells,
    send_bins,
    side_of_na,
    split_facts,
)

__all__ = ["copy_segments", "grow_subtrees", "settle_rows"]


@njit(nogil=True, cache=True)
def copy_segments(records: U32, size: int, segments: I64, to_records: U32) -> None:
    """Copy stretches of records, of `size` times four bytes: segments[s] = (first, number, to)."""
    for s in range(segments.shape[0]):
        first, n, to = segments[s, 0] * size, segments[s, 1] * size, segments[s, 2] * size
        for i in range(n):
            to_records[np.uint64(to + i)] = records[np.uint64(first + i)]


@njit(nogil=True, cache=True, error_model="numpy")
def _list_bins(  # noqa: PLR0913, PLR0917
    bins: U8, width: int, wide_bins: U16, n_wide: int, rows: I32, words: I64, start: int,
    stop: int, column: int, n_bins: int, hist: I64, seen: U64, ints: I64,
) -> tuple[int, int]:  # fmt: skip
    """Return (number of bins that are not empty, word of NA); OUT: ints[0] bins, ints[1] words.

    `hist` and `seen` are zero before and after.
    """
    one = np.uint64(1)
    for i in range(start, stop):
        if column >= 0:
            b = np.int64(bins[np.uint64(np.int64(rows[i]) * width + column)])
        else:
            b = np.int64(wide_bins[np.uint64(np.int64(rows[i]) * n_wide - column - 1)])
        hist[np.uint64(b)] += words[i]
        seen[np.uint64(b >> 6)] |= one << np.uint64(b & 63)
    n, na = np.int64(0), hist[n_bins]
    hist[n_bins] = 0
    seen[n_bins >> 6] &= ~(one << np.uint64(n_bins & 63))
    for group in range((n_bins >> 6) + 1):
        left = seen[group]
        seen[group] = np.uint64(0)
        while left != 0:
            b = (group << 6) + lowest_bit(left)
            left &= left - one
            ints[0, n], ints[1, n] = b, hist[b]
            n += np.int64(hist[b] != 0)
            hist[b] = 0
    return n, na  # type: ignore[return-value]


@njit(nogil=True, cache=True, error_model="numpy")
def _has_other_bins(
    bins: U8, width: int, wide_bins: U16, n_wide: int, rows: I32, start: int, stop: int, column: int
) -> bool:
    """Whether the rows are in two bins of a column, NA's counted."""
    first = np.int64(-1)
    for i in range(start, stop):
        if column >= 0:
            b = np.int64(bins[np.uint64(np.int64(rows[i]) * width + column)])
        else:
            b = np.int64(wide_bins[np.uint64(np.int64(rows[i]) * n_wide - column - 1)])
        if first < 0:
            first = b
        elif b != first:
            return True
    return False


@njit(nogil=True, cache=True, error_model="numpy")
def grow_subtrees(  # noqa: C901, PLR0913, PLR0915, PLR0917
    first: int,
    starts: I64,
    roots: I64,
    bins: U8,
    width: int,
    wide_bins: U16,
    n_wide: int,
    words: I64,
    rows: I32,
    spare_words: I64,
    spare_rows: I32,
    features: I32,
    allowed: U8,
    tries: I64,
    cells: I64,
    shifts_cells: bool,
    edges: F64,
    limits: F64,
    shift: int,
    square_shift: int,
    order: I32,
    hist: I64,
    seen: U64,
    ints: I64,
    scores: F64,
    goes_left: U8,
    nodes: I32,
    sums: I64,
    gains: F64,
    bits: U8,
    used: I64,
) -> int:
    """Grow the trees below the nodes first, first + 1, ... ; returns the first one not done.

    Node p holds the rows starts[p]..starts[p + 1]-1 of the gathered records and words; roots[p] =
    (word sum, rows, coarse squares, key, depth, then bits: whether feature k varied in its parent).
    features[k] = (column, number of bins, is coded, monotone sign, first of its `edges`); at depth
    d tries[d] features are tried, in cells[d] cells; limits = (depth, min rows, weight scale, 1 if
    weights are second derivatives, min split improvement).
    OUT: used = (nodes, bytes of bits) so far, used[2 + p] = nodes after p; nodes[k] = (feature or
    -1, cut, left child, NA side, first byte of bits, depth), children counted from the first node
    below p; sums[k] = (word sum, rows).  Ends early when `nodes` or `bits` are full.
    """
    found, zero = np.zeros(3, np.int64), np.int64(0)  # a constant would be a type of its own
    stack = np.zeros((160, 7), np.int64)
    constant = np.zeros((cells.size + 1, features.shape[0]), np.uint8)  # by depth, on the path
    depth_limit, min_rows, curved = np.int64(limits[0]), limits[1], limits[3] > 0.0
    mask = (np.int64(1) << shift) - 1
    most_bits = np.int64(0)
    for f in range(features.shape[0]):
        if features[f, 2] == 1:
            most_bits = max(most_bits, (np.int64(features[f, 1]) + 7) >> 3)
    for p in range(first, roots.shape[0]):
        n_rows = starts[p + 1] - starts[p]
        if used[0] + 2 * n_rows > nodes.shape[0] or used[1] + n_rows * most_bits > bits.size:
            return p
        base_node = used[0]
        for i in range(starts[p], starts[p + 1]):
            rows[i] = i
        nodes[base_node, 0] = -1
        nodes[base_node, 5] = roots[p, 4]
        sums[base_node, 0], sums[base_node, 1] = roots[p, 0], roots[p, 1]
        used[0] += 1
        stack[0, 0], stack[0, 1], stack[0, 2] = base_node, starts[p], starts[p + 1]
        stack[0, 3], stack[0, 4], stack[0, 5] = roots[p, 2], roots[p, 3], -1
        height = 1
        while height > 0:
            height -= 1
            node, start, stop = stack[height, 0], stack[height, 1], stack[height, 2]
            squares, key = stack[height, 3], stack[height, 4]
            up, up_stop = stack[height, 5], stack[height, 6]  # the parent's rows
            depth, total, count = np.int64(nodes[node, 5]), sums[node, 0], sums[node, 1]
            least, noise = split_facts(
                total, count, squares, shift, square_shift, min_rows, limits[2], curved
            )
            if noise < 0.0 or depth >= depth_limit:
                continue
            n_allowed = np.int64(0)
            for f in range(features.shape[0]):
                constant[depth, f] = constant[depth - 1, f] if up >= 0 else 0
                if allowed[f] != 0:
                    order[n_allowed] = f
                    n_allowed += 1
            g, w = np.float64(total >> shift), np.float64(total & mask)
            best = base = g * g / w
            feature, cut, side, left_word = np.int64(-1), np.int64(0), np.int64(0), np.int64(0)
            n_left = tries[depth]
            for i in range(n_allowed):
                if n_left == 0:
                    break
                if tries[depth] < n_allowed:
                    draw_next(order, i, n_allowed, key)
                k = np.int64(order[i])
                if constant[depth, k] != 0:
                    continue
                n_bins, coded = np.int64(features[k, 1]), features[k, 2] == 1
                n, na = _list_bins(
                    bins, width, wide_bins, n_wide, rows, words, start, stop,
                    np.int64(features[k, 0]), n_bins, hist, seen, ints,
                )  # fmt: skip
                if n + np.int64(na != 0) < 2:
                    constant[depth, k] = 1
                    if up < 0:
                        n_left -= (roots[p, 5 + (k >> 6)] >> (k & 63)) & 1
                    elif tries[depth] < n_allowed:
                        n_left -= _has_other_bins(
                            bins, width, wide_bins, n_wide, rows, up, up_stop,
                            np.int64(features[k, 0]),
                        )  # fmt: skip
                    continue
                n_left -= 1
                if not coded:
                    n = merge_cells(
                        n, n_bins, cells[depth], key if shifts_cells else 0, k,
                        np.int64(features[k, 4]), edges, ints,
                    )  # fmt: skip
                score = best_cut(
                    n, coded, total, na, shift, least, np.int64(features[k, 3]), ints, scores, found
                )
                if coded and limits[4] > 0.0:
                    score -= noise * (n - 1)
                if score > best:
                    best, feature, side, left_word = score, k, np.int64(found[1]), found[2]
                    cut = n_bins if side == NA_VS_REST else found[0]
                    if coded:
                        side_now = side_of_na(side, total, left_word, shift)
                        send_bins(n, cut, side_now, coded, n_bins, ints[0], goes_left, zero)
            gain = best - base
            mass = np.float64(count) if curved else w / limits[2]
            if feature < 0 or gain <= 0.0 or not gain > least_gain(mass, noise, limits[4]):
                continue
            side = side_of_na(side, total, left_word, shift)
            n_bins, coded = np.int64(features[feature, 1]), features[feature, 2] == 1
            if not coded:
                send_bins(zero, cut, side, coded, n_bins, ints[0], goes_left, zero)
            column = np.int64(features[feature, 0])
            front, back, left_squares = start, stop - 1, np.int64(0)
            for i in range(start, stop):
                row, word = np.int64(rows[i]), words[i]
                if column >= 0:
                    b = np.int64(bins[np.uint64(row * width + column)])
                else:
                    b = np.int64(wide_bins[np.uint64(row * n_wide - column - 1)])
                left = np.int64(goes_left[np.uint64(b)])
                to = back + left * (front - back)
                spare_rows[to], spare_words[to] = row, word
                front += left
                back += left - 1
                coarse = word >> square_shift
                square = coarse * coarse
                if not curved and word & mask > 1:
                    square //= word & mask
                left_squares += left * square
            n_left_rows = front - start
            if curved and min(n_left_rows, stop - front) < min_rows:
                continue
            for i in range(start, stop):
                rows[i], words[i] = spare_rows[i], spare_words[i]
            child = used[0]
            used[0] += 2
            nodes[node, 0], nodes[node, 1], nodes[node, 2] = feature, cut, child - base_node - 1
            nodes[node, 3], nodes[node, 4] = side, -1
            gains[node] = gain
            if coded and side != NA_VS_REST:
                nodes[node, 4] = used[1]
                for j in range(n_bins):
                    bit = np.int64(1 - goes_left[j]) << (j & 7)
                    bits[used[1] + (j >> 3)] |= np.uint8(bit)
                used[1] += (n_bins + 7) >> 3
            for c in range(2):
                nodes[child + c, 0], nodes[child + c, 5] = -1, depth + 1
                lo, hi = (start, front) if c == 0 else (front, stop)
                sums[child + c, 0] = left_word if c == 0 else total - left_word
                sums[child + c, 1] = hi - lo
            for c in range(1, -1, -1):  # the left child is taken next
                stack[height, 0] = child + c
                stack[height, 1], stack[height, 2] = (start, front) if c == 0 else (front, stop)
                stack[height, 3] = left_squares if c == 0 else squares - left_squares
                stack[height, 4] = np.int64(mix(key, 1 + c))
                stack[height, 5], stack[height, 6] = start, stop
                height += 1
        used[2 + p] = used[0]
    return roots.shape[0]


@njit(nogil=True, cache=True)
def settle_rows(  # noqa: PLR0913, PLR0917
    bins: U8, wide_bins: U16, size: int, tags: I64, segments: I64, nodes: I32, bits: U8,
    na_left: I8, spare_records: U8, spare_tags: I64, spare_leaves: I32, bounds: I64,
) -> None:  # fmt: skip
    """Sort the records of finished nodes by the leaf they fall into.

    segments[p] = (start, stop, node, first node below it, one after the last).  OUT: bins, tags,
    bounds[k] = (start, stop) for the leaves k.
    """
    for p in range(segments.shape[0]):
        start, stop, root = segments[p, 0], segments[p, 1], segments[p, 2]
        first, last = segments[p, 3], segments[p, 4]
        if first == last:
            continue
        counts = np.zeros(last - first + 1, np.int64)
        for i in range(start, stop):
            k = leaf_of(bins, size, wide_bins, size // 2, i, root, nodes, bits, na_left)
            spare_leaves[i - start] = k - first
            counts[k - first + 1] += 1
        for k in range(first, last):
            at = counts[k - first] + counts[k - first + 1]
            bounds[k, 0], bounds[k, 1] = start + counts[k - first], start + at
            counts[k - first + 1] = at
        for i in range(start, stop):
            leaf = np.int64(spare_leaves[i - start])
            to = counts[leaf]
            counts[leaf] += 1
            spare_tags[to] = tags[i]
            copy_record(spare_records, to * size, bins, i * size, size)
        for i in range(stop - start):
            tags[start + i] = spare_tags[i]
            copy_record(bins, (start + i) * size, spare_records, i * size, size)
