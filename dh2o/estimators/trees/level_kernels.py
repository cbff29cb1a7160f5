"""What a level asks of the driver between two passes, as few calls: a tree has no time for more.

Before the scan the facts of the nodes; after it the splits that are worth it and where their rows
go; after the rows have gone there the nodes of the next level.  `rules` = (min rows, weight scale,
min split improvement, 1 if weights are second derivatives, rows of a small node).
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F64, I8, I32, I64, U8
from dh2o.estimators.trees.gradients import mix
from dh2o.estimators.trees.splitting import (
    NA_LEFT,
    NA_VS_REST,
    UNSEEN_LEFT,
    least_gain,
    route_tables,
    split_facts,
)

__all__ = ["choose_splits", "note_level", "pair_facts"]


@njit(nogil=True, cache=True, error_model="numpy")
def pair_facts(  # noqa: PLR0913, PLR0917
    nodes: I64,
    rows: I32,
    squares: I64,
    sums: I64,
    counts: I64,
    rules: F64,
    shift: int,
    square_shift: int,
    totals: I64,
    facts: F64,
) -> None:
    """Facts of the nodes ``nodes[p, c]`` (-1: none) of the pairs that `scan_pairs` takes.

    OUT: totals[p, c] = word sum; facts[p, c] = (least weight of a child, price of a level, residual
    variance, below 0 if the node is a leaf); rows[p, 3 + c] = its histogram, -1 for leaves.
    """
    n_wanted = 0
    for p in range(nodes.shape[0]):
        for c in range(2):
            rows[p, 3 + c] = -1
            totals[p, c] = 0
            facts[p, c, 0], facts[p, c, 1], facts[p, c, 2] = 0.0, 0.0, -1.0
            node = nodes[p, c]
            if node < 0:
                continue
            totals[p, c] = sums[node]
            least, noise = split_facts(
                sums[node], max(counts[node], 1), squares[p, c], shift, square_shift, rules[0],
                rules[1], rules[3] > 0.0,
            )  # fmt: skip
            facts[p, c, 0], facts[p, c, 2] = least, noise
            facts[p, c, 1] = noise if rules[2] > 0.0 else 0.0  # any gain is worth a split
            if noise >= 0.0:
                rows[p, 3 + c] = n_wanted
                n_wanted += 1


@njit(nogil=True, cache=True, error_model="numpy")
def _is_worth(
    gain: float, feature: int, noise: float, count: int, weight: float, rules: F64
) -> bool:
    mass = np.float64(count) if rules[3] > 0.0 else weight / rules[1]
    return feature >= 0 and gain > 0.0 and gain > least_gain(mass, noise, rules[2])


@njit(nogil=True, cache=True, error_model="numpy")
def choose_splits(  # noqa: PLR0913, PLR0917
    nodes: I64,
    rows: I32,
    totals: I64,
    facts: F64,
    gains: F64,
    splits: I32,
    left_words: I64,
    counts: I64,
    places: I32,
    squares: I64,
    keys: I64,
    hists: I64,
    n_slots: int,
    features: I32,
    columns: I32,
    rules: F64,
    shift: int,
    goes_on: bool,
    ints: I64,
) -> tuple[I64, I32, F64, I64, I32, I8, I64, U8, I8, U8]:
    """Return the splits to make, one after the other, and how they route rows.

    Returns: about[s] = (node, word sum, left word, squares, key, first byte of bits or -1);
    ways[s] = (feature, cut, histogram, histogram of the built child, 1 if the left one is the
    smaller, 1 if left is small, right is small, 1 if a histogram is built); gain; place of the
    node's rows; column; child to build (0 none, 1 left, 2 right); start of its routing table; the
    tables (1: left); side of NA; bits.
    """
    mask = (np.int64(1) << shift) - 1
    n = 0
    for p in range(nodes.shape[0]):
        for c in range(2):
            weight = np.float64(totals[p, c] & mask)
            count = counts[nodes[p, c]] if nodes[p, c] >= 0 else 0
            if rows[p, 3 + c] < 0 or not _is_worth(
                gains[p, c], splits[p, c, 0], facts[p, c, 2], count, weight, rules
            ):
                rows[p, 3 + c] = -1
            else:
                n += 1
    about, ways = np.zeros((n, 6), np.int64), np.zeros((n, 8), np.int32)
    gain, place, column = np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int32)
    builds, starts, sides = np.zeros(n, np.int8), np.zeros(n, np.int64), np.zeros(n, np.int8)
    hist_rows, words = np.zeros(n, np.int32), np.zeros((2, n), np.int64)
    kinds, bit_starts = np.zeros((n, 3), np.int32), np.zeros(n, np.int64)
    s, n_built, end, n_bytes = 0, 0, 0, 0
    for p in range(nodes.shape[0]):
        for c in range(2):
            if rows[p, 3 + c] < 0:
                continue
            node, feature = nodes[p, c], np.int64(splits[p, c, 0])
            left, right = left_words[p, c], totals[p, c] - left_words[p, c]
            wl, wr = left & mask, right & mask
            share = np.float64(counts[node]) / np.float64(max(wl + wr, 1))
            wanted = False
            for side in range(2):
                weight = wl if side == 0 else wr
                expected = np.float64(weight) * share
                if rules[3] > 0.0:
                    is_heavy = expected >= 1.5 * rules[0]  # a guess: rows are counted later
                else:
                    is_heavy = np.float64(weight) >= 2 * rules[0] * rules[1]
                is_small = expected <= rules[4]
                ways[s, 5 + side] = is_small
                wanted = wanted or (is_heavy and not is_small)
            wanted = wanted and goes_on
            about[s, 0], about[s, 1], about[s, 2] = node, totals[p, c], left
            about[s, 3], about[s, 4] = squares[p, c], keys[p, c]
            ways[s, 0], ways[s, 1], ways[s, 2] = feature, splits[p, c, 1], rows[p, 3 + c]
            ways[s, 4], ways[s, 7] = wl <= wr, wanted
            if wanted:
                ways[s, 3] = n_built
                builds[s] = 1 if wl <= wr else 2
                n_built += 1
            gain[s], place[s], column[s] = gains[p, c], places[node], columns[feature]
            hist_rows[s], words[0, s], words[1, s] = rows[p, 3 + c], totals[p, c], left
            for i in range(3):  # numba compiles two seconds of messages for a whole row
                kinds[s, i] = splits[p, c, i]
            n_bins = np.int64(features[feature, 1])
            starts[s] = end
            end += int(n_bins) + 1
            bit_starts[s] = -1
            if features[feature, 2] == 1 and splits[p, c, 2] != NA_VS_REST:
                bit_starts[s] = n_bytes
                n_bytes += (int(n_bins) + 7) >> 3
            about[s, 5] = bit_starts[s]
            s += 1
    tables, bits = np.zeros(end, np.uint8), np.zeros(n_bytes, np.uint8)
    route_tables(
        hists, n_slots, hist_rows, words[0], words[1], features, kinds, shift, ints, starts, tables,
        sides, bit_starts, bits,
    )  # fmt: skip
    return about, ways, gain, place, column, builds, starts, tables, sides, bits


@njit(nogil=True, cache=True, error_model="numpy")
def note_level(  # noqa: PLR0913, PLR0917
    about: I64,
    ways: I32,
    gain: F64,
    column: I32,
    sides: I8,
    left_counts: I64,
    left_squares: I64,
    first: int,
    first_place: int,
    first_bit: int,
    goes_on: bool,
    features: I32,
    rules: F64,
    shift: int,
    square_shift: int,
    nodes: I32,
    of_feature: I32,
    na_sides: I8,
    na_left: I8,
    gains: F64,
    sums: I64,
    counts: I64,
    depths: I8,
    places: I32,
) -> tuple[int, I64, I32, I64, I64, I64]:
    """Put splits, `about` and `ways` as of `choose_splits`, into the tree's arrays (the last nine).

    Children are the nodes from `first` on; the rows of split s lie in the places ``first_place + 2
    s`` and the next.  A split that leaves a child with fewer than the least rows is not made.
    Returns (nodes added, pairs of the next level, their `rows`, squares and keys, and (node,
    squares, key, parent's histogram) of small nodes that can be split).
    """
    n = about.shape[0]
    pairs, rows = np.full((n, 2), -1, np.int64), np.zeros((n, 5), np.int32)
    squares, keys = np.zeros((n, 2), np.int64), np.zeros((n, 2), np.int64)
    small = np.zeros((2 * n, 4), np.int64)
    added, n_pairs, n_small = 0, 0, 0
    is_curved = rules[3] > 0.0
    for s in range(n):
        node, feature = about[s, 0], np.int64(ways[s, 0])
        count = counts[node]
        if is_curved and min(left_counts[s], count - left_counts[s]) < rules[0]:
            continue  # weights told the rows only roughly
        nodes[node, 0], nodes[node, 1] = column[s], ways[s, 1]
        nodes[node, 2], nodes[node, 3] = first + added, first + added + 1
        nodes[node, 4] = about[s, 5] + first_bit if about[s, 5] >= 0 else -1
        nodes[node, 5] = features[feature, 1]
        of_feature[node], na_sides[node], gains[node] = feature, sides[s], gain[s]
        na_left[node] = sides[s] in (NA_LEFT, UNSEEN_LEFT)
        is_pair = False
        for c in range(2):
            child = first + added + c
            sums[child] = about[s, 2] if c == 0 else about[s, 1] - about[s, 2]
            counts[child] = left_counts[s] if c == 0 else count - left_counts[s]
            depths[child] = depths[node] + 1
            places[child] = first_place + 2 * s + c
            squares[n_pairs, c] = left_squares[s] if c == 0 else about[s, 3] - left_squares[s]
            keys[n_pairs, c] = np.int64(mix(about[s, 4], 1 + c))
            pairs[n_pairs, c] = -1 if ways[s, 5 + c] else child
            is_pair = is_pair or not ways[s, 5 + c]
            if goes_on and ways[s, 5 + c]:
                _, noise = split_facts(
                    sums[child], max(counts[child], 1), squares[n_pairs, c], shift, square_shift,
                    rules[0], rules[1], is_curved,
                )  # fmt: skip
                if noise >= 0.0:
                    small[n_small, 0], small[n_small, 1] = child, squares[n_pairs, c]
                    small[n_small, 2], small[n_small, 3] = keys[n_pairs, c], ways[s, 2]
                    n_small += 1
        added += 2
        if ways[s, 7] and is_pair:
            rows[n_pairs, 0], rows[n_pairs, 1], rows[n_pairs, 2] = (
                ways[s, 2],
                ways[s, 3],
                ways[s, 4],
            )
            n_pairs += 1
    return (
        added,
        pairs[:n_pairs],
        rows[:n_pairs],
        squares[:n_pairs],
        keys[:n_pairs],
        small[:n_small],
    )
