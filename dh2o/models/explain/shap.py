"""Exact Shapley values of tree predictions (TreeSHAP: Lundberg et al. 2018).

The value that a tree expects of a row when only the features in S are known is a sum over leaves
of products, one factor per feature of the path: whether the row follows it (known) or the share of
training rows that do (unknown). The Shapley value of such a product game is an integral,

    phi_i = v (o_i - z_i) * integral over t of prod_{j != i} ((1 - t) z_j + t o_j),

a polynomial of degree d - 1 in t for d features on the path. Gauss-Legendre quadrature with d / 2
points is exact, all terms are positive, and a step down the tree is one product per point: linear
in depth where the published recursion is quadratic. Rows are taken in tiles, side by side.
"""

from __future__ import annotations

import numpy as np

from dh2o.compiled import njit
from dh2o.models.explain.paths import paths_of, quadrature
from dh2o.models.explain.walk import goes_right, walk_of
from dh2o.models.forest import F32, F64, I32, I64, U8, Forest

__all__ = ["tree_shap"]

_TILE = 256  # rows side by side: fewer calls a tile, products along a path stay in the caches


def tree_shap(forest: Forest, x: F64) -> F64:
    """Return the summed Shapley values of the trees of each class.

    Shape (n_classes, n_rows, n_features + 1); the last column is what the trees expect of any row.
    IN: `x` as `TreeModel.tree_rows` makes it.
    """
    w, paths = walk_of(forest), paths_of(forest)
    n, n_features, n_classes = len(x), forest.n_features, forest.n_classes
    points, weights = quadrature(paths.n_distinct)
    out = np.empty((n_classes, n, n_features + 1))
    tile = np.zeros((n_features, _TILE))
    phi = np.empty((n_classes, n_features, _TILE))
    room = (paths.depth + 2, len(points), _TILE)
    products, sums = np.empty(room), np.empty(room)
    follows, right = np.ones((paths.depth + 2, _TILE)), np.empty((paths.depth + 2, _TILE))
    for at in range(0, n, _TILE):
        rows = min(_TILE, n - at)
        tile[:, :rows] = x[at : at + rows, :n_features].T
        phi[:] = 0.0
        _shap_tile(
            tile, rows, w.roots, w.features, w.thresholds, w.left, w.flags, w.bit_starts,
            w.n_bits, w.bits, forest.values, paths.share, paths.above, paths.share_above,
            points, weights, products, sums, follows, right, phi,
        )  # fmt: skip
        out[:, at : at + rows, :-1] = phi[:, :, :rows].transpose(0, 2, 1)
    expected = paths.expected.reshape(-1, n_classes).sum(axis=0)
    out[:, :, -1] = expected[:, None]
    return out


@njit(nogil=True, cache=True)
def _follow(up: F64, right: F64, goes_left: bool, n: int, out: F64) -> None:
    """Set out[r] to 1 if row r took all edges of the feature so far (`up`) and goes this way."""
    if goes_left:
        for r in range(n):
            out[r] = up[r] * (1.0 - right[r])
    else:
        for r in range(n):
            out[r] = up[r] * right[r]


@njit(nogil=True, cache=True)
def _extend(
    before: F64, up: F64, here: F64, points: F64, share: float, above: float, n: int, out: F64
) -> None:
    """Multiply by this edge's factor, over that of the feature's edge above.   OUT: out.

    `above` is that edge's share, negative if there is none.
    """
    for q in range(points.size):
        t = points[q]
        a = (1.0 - t) * share
        if above < 0.0:
            for r in range(n):
                out[q, r] = before[q, r] * (a + here[r] * t)
        else:
            old = (1.0 - t) * above
            unmet = 1.0 / old if old > 0.0 else 0.0
            met = 1.0 / (old + t) - unmet
            for r in range(n):
                out[q, r] = before[q, r] * (unmet + up[r] * met) * (a + here[r] * t)


@njit(nogil=True, cache=True)
def _gather(  # noqa: PLR0913, PLR0917
    below: F64, scale: float, up: F64, here: F64, points: F64, share: float, above: float, n: int,
    sums: F64, phi: F64,
) -> None:  # fmt: skip
    """Add scale * below to sums, and times this edge's quotient (less that above) to phi."""
    for q in range(points.size):
        t = points[q]
        c0 = -1.0 / (1.0 - t)
        c1 = (1.0 - share) / ((1.0 - t) * share + t) - c0
        if above < 0.0:
            for r in range(n):
                s = scale * below[q, r]
                sums[q, r] += s
                phi[r] += s * (c0 + here[r] * c1)
        else:
            p1 = (1.0 - above) / ((1.0 - t) * above + t) - c0
            for r in range(n):
                s = scale * below[q, r]
                sums[q, r] += s
                phi[r] += s * (here[r] * c1 - up[r] * p1)


@njit(nogil=True, cache=True)
def _shap_tile(  # noqa: PLR0913, PLR0917
    x: F64,
    n: int,
    roots: I64,
    features: I32,
    thresholds: F32,
    left: I64,
    flags: U8,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    values: F32,
    share: F64,
    above: I32,
    share_above: F64,
    points: F64,
    weights: F64,
    products: F64,
    sums: F64,
    follows: F64,
    right: F64,
    phi: F64,
) -> None:
    """phi[t % n_classes, f, r] += Shapley value of feature f for row r in tree t.

    At depth d of the path: products[d, q, r], the factors so far at point q (times its weight);
    follows[d, r], 1 if row r takes all edges of the feature of the edge to d, else 0;
    sums[d, q, r], the products of the leaves below times their values; right[d, r], the way of r.
    An edge with share z has the factor a + o b, a = (1 - t) z, b = t, in place of its predecessor's
    on the same feature; the Shapley value gets sums * ((o - z) / factor), less the predecessor's
    quotient: (0 - z) / factor is -1 / (1 - t) for any z, so quotients are c0 + o c1.
    """
    nodes = np.empty(products.shape[0], np.int64)
    stages = np.empty(products.shape[0], np.int64)
    for tree in range(roots.size):
        d = 0
        nodes[0], stages[0] = roots[tree], 0 if features[roots[tree]] >= 0 else 2
        for q in range(points.size):
            for r in range(n):
                products[0, q, r] = weights[q]
        while d >= 0:
            k = nodes[d]
            if stages[d] == 2:  # both sides are summed: hand over to the parent
                d -= 1
                if d < 0:
                    break
                child, below, scale = k, sums[d + 1], 1.0
            else:
                if stages[d] == 0:
                    sums[d, :, :n] = 0.0
                    f = features[k]
                    for r in range(n):
                        right[d, r] = goes_right(
                            x[f, r], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                        )
                child = left[k] + stages[d]
                up = above[child]
                _follow(follows[up], right[d], stages[d] == 0, n, follows[d + 1])
                _extend(
                    products[d], follows[up], follows[d + 1], points, share[child],
                    share_above[child] if up > 0 else -1.0, n, products[d + 1],
                )  # fmt: skip
                stages[d] += 1
                if features[child] >= 0:
                    d += 1
                    nodes[d], stages[d] = child, 0
                    continue
                below, scale = products[d + 1], np.float64(values[child])
            up = above[child]
            _gather(
                below, scale, follows[up], follows[d + 1], points, share[child],
                share_above[child] if up > 0 else -1.0, n, sums[d],
                phi[tree % phi.shape[0], features[nodes[d]]],
            )  # fmt: skip
