"""One tree of random hyperplanes, grown on the rows of its sample.

Algorithm 2 of Hariri, Kind, Brunner 2018: a node draws a normal vector (standard normal numbers,
0 but for ``extension_level + 1`` columns) and a point in the box that its rows span; rows whose
``(x - point) · normal`` is at most 0 go left.  A node ends at one row or at the height limit.

The numbers are those that H2O draws: a node's generator is seeded with the tree's seed plus the
node's number (children of i are 2 i + 1 and 2 i + 2), anew for point, normal and zeros.  So the
same seed gives H2O's trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.pcg import below, gaussian_pair, seeded, signed_word, uniform
from dh2o.estimators.trees.arrays import F64, I32, I64, U8
from dh2o.models.oblique_forest import ObliqueForest

__all__ = ["ObliqueTree", "TreeDraw", "draws", "forest_of", "height_limit", "most_splits"]

_SMALLEST = 5e-324  # where H2O's search for a largest value starts: boxes reach up to 0
_LARGEST = 1.7976931348623157e308


def height_limit(sample_size: int) -> int:
    """Return the largest depth of a tree: floor(log2(rows)), as H2O (the paper rounds up)."""
    return max(int(sample_size).bit_length() - 1, 1)


def most_splits(n_rows: int, limit: int) -> int:
    """Return how many splits a tree may have: a level has at most n / 2 nodes of two rows."""
    return max(min((1 << limit) - 1, limit * (n_rows // 2)), 1)


@dataclass(frozen=True, slots=True)
class TreeDraw:
    """What one tree starts from: its rows, ascending, and the seed of its nodes."""

    rows: I64
    seed: int


@njit(nogil=True, cache=True)
def _draw_below(state, n, out):  # type: ignore[no-untyped-def]
    """Return the next state; OUT: numbers in 0..n - 1."""
    for i in range(out.size):
        out[i], state = below(state, n)
    return state


def draws(seed: int, n_rows: int, size: int, n_trees: int) -> Iterator[TreeDraw]:
    """Yield what each tree starts from: functions of the seed and its number."""
    state = np.uint64(seeded(np.int64(seed)))
    for _ in range(n_trees):
        rows = np.arange(n_rows, dtype=np.int64)
        if size < n_rows:
            found: set[int] = set()
            while len(found) < size:  # as one by one: a batch cannot be too many
                batch = np.empty(size - len(found), np.int64)
                state = np.uint64(_draw_below(state, np.int64(n_rows), batch))
                found.update(batch.tolist())
            rows = np.sort(np.fromiter(found, np.int64, size))
        word, drawn = signed_word(state)
        state = np.uint64(drawn)
        yield TreeDraw(rows, seed + int(word))


@njit(nogil=True, cache=True, error_model="numpy")
def _draw_plane(  # noqa: PLR0913, PLR0917
    x: F64, rows: I64, start: int, stop: int, seed: int, normal: F64, columns: I32, points: F64,
    normals: F64,
) -> None:  # fmt: skip
    """OUT: the columns with a weight, ascending, a point of the rows' box and a normal there."""
    p, width = normal.size, columns.size
    state = seeded(seed)
    for k in range(0, p, 2):
        a, b, state = gaussian_pair(state)
        normal[k] = a
        if k + 1 < p:
            normal[k + 1] = b
    state, n_zeros = seeded(seed), p - width
    while n_zeros > 0:
        column, state = below(state, np.int64(p))
        if normal[column] == normal[column]:  # NaN marks those that were drawn
            normal[column] = np.nan
            n_zeros -= 1
    state, j = seeded(seed), 0
    for k in range(p):
        u, state = uniform(state)
        if normal[k] != normal[k]:
            continue
        low, high = _LARGEST, _SMALLEST
        for i in range(start, stop):
            value = x[rows[i], k]
            if np.isfinite(value):
                low, high = min(low, value), max(high, value)
        columns[j], points[j], normals[j] = k, low + u * (high - low), normal[k]
        j += 1


@njit(nogil=True, cache=True, error_model="numpy")
def _part_rows(  # noqa: PLR0913, PLR0917
    x: F64, known: U8, rows: I64, start: int, stop: int, columns: I32, points: F64, normals: F64,
    scratch: I64,
) -> int:  # fmt: skip
    """Put the rows that go left first and return where the others begin; order is kept."""
    front, back = start, 0
    for i in range(start, stop):
        row, side = rows[i], 0.0
        for j in range(columns.size):
            side += (x[row, columns[j]] - points[j]) * normals[j]
        if known[row] == 1 and side <= 0.0:
            rows[front] = row
            front += 1
        else:
            scratch[back] = row
            back += 1
    for i in range(back):
        rows[front + i] = scratch[i]
    return front


@njit(nogil=True, cache=True, error_model="numpy")
def _grow(  # noqa: PLR0913, PLR0917
    x: F64, known: U8, limit: int, seed: int, left: I32, splits: I32, counts: I32, columns: I32,
    points: F64, normals: F64,
) -> int:  # fmt: skip
    """Return the number of splits of a tree over the rows of `x`, a function of them and `seed`.

    OUT: the arrays of an `ObliqueForest`, children in pairs behind their parents.
    """
    n, p = x.shape
    rows, scratch, normal = np.arange(n), np.empty(n, np.int64), np.empty(p)
    stack = np.zeros((limit + 2, 5), np.int64)  # node, its number, start, stop, depth
    stack[0, 3] = n
    left[0], splits[0], counts[0] = -1, -1, n
    n_splits, n_nodes, top = 0, 1, 0
    while top >= 0:
        node, number, depth = stack[top, 0], stack[top, 1], stack[top, 4]
        start, stop = stack[top, 2], stack[top, 3]
        top -= 1
        if depth >= limit or stop - start <= 1:
            continue
        s = n_splits
        at, point, weight = columns[s], points[s], normals[s]
        _draw_plane(x, rows, start, stop, seed + number, normal, at, point, weight)
        middle = _part_rows(x, known, rows, start, stop, at, point, weight, scratch)
        left[node], splits[node] = n_nodes, s
        for child in range(2):
            first, last = (start, middle) if child == 0 else (middle, stop)
            to = n_nodes + child
            left[to], splits[to], counts[to] = -1, -1, last - first
            top += 1
            stack[top, 0], stack[top, 1], stack[top, 4] = to, 2 * number + 1 + child, depth + 1
            stack[top, 2], stack[top, 3] = first, last
        n_nodes += 2
        n_splits += 1
    return n_splits


@dataclass(frozen=True, slots=True)
class ObliqueTree:
    """One tree: the arrays of an `ObliqueForest` that has no other."""

    left: I32
    splits: I32
    counts: I32
    columns: I32
    points: F64
    normals: F64

    @classmethod
    def grow(cls, x: F64, width: int, limit: int, seed: int) -> ObliqueTree:
        """Return the tree over the rows of `x` whose cuts depend on `width` columns each.

        A row that lacks a value, or has an infinite one, goes right everywhere, as when it is
        scored.
        """
        known = np.isfinite(x).all(axis=1).astype(np.uint8)
        room = most_splits(len(x), limit)
        left, splits, counts = (np.zeros(2 * room + 1, np.int32) for _ in range(3))
        columns = np.zeros((room, width), np.int32)
        points, normals = np.zeros((room, width)), np.zeros((room, width))
        seed = (seed + (1 << 63)) % (1 << 64) - (1 << 63)  # 64 bits, as H2O adds
        n = _grow(
            np.ascontiguousarray(x), known, limit, seed, left, splits, counts, columns, points,
            normals,
        )  # fmt: skip
        left, splits, counts = (a[: 2 * n + 1].copy() for a in (left, splits, counts))
        return cls(left, splits, counts, columns[:n].copy(), points[:n].copy(), normals[:n].copy())


def forest_of(trees: Sequence[ObliqueTree], n_features: int) -> ObliqueForest:
    """Return the trees as one forest."""
    starts = np.cumsum([0, *(len(tree.left) for tree in trees)]).astype(np.int64)
    first = np.cumsum([0, *(len(tree.columns) for tree in trees)])
    shifted = [
        np.where(t.splits >= 0, t.splits + k, -1) for t, k in zip(trees, first, strict=False)
    ]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(tree, name) for tree in trees])

    return ObliqueForest(
        n_features=n_features,
        starts=starts,
        left=joined("left"),
        splits=np.concatenate(shifted).astype(np.int32),
        counts=joined("counts"),
        columns=joined("columns"),
        points=joined("points"),
        normals=joined("normals"),
    )
