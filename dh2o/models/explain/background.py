"""Exact Shapley values against reference rows (interventional TreeSHAP).

For a row x and a reference z, features in S are taken from x and the others from z. Only nodes at
which x and z part ways matter: a leaf below p choices of x and q of z gives
``(p - 1)! q! / (p + q)!`` of its value to each feature of x's, and takes ``p! (q - 1)! / (p + q)!``
from each of z's (Laberge & Pequignot 2022).
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

from dh2o.compiled import njit
from dh2o.models.explain.paths import paths_of
from dh2o.models.explain.walk import goes_right, walk_of
from dh2o.models.forest import F32, F64, I32, I64, U8, Forest

__all__ = ["against_references"]


def against_references(forest: Forest, row: F64, references: F64) -> F64:
    """Return the Shapley values of one row against each reference.

    Shape (n_references, n_classes, n_features + 1); the last column is the reference's own score.
    IN: `row` and `references` as `TreeModel.tree_rows` makes them.
    """
    w = walk_of(forest)
    size = paths_of(forest).n_distinct + 1
    out = np.zeros((len(references), forest.n_classes, forest.n_features + 1))
    _compare(
        row, references, w.roots, w.features, w.thresholds, w.left, w.flags, w.bit_starts, w.n_bits,
        w.bits, forest.values, _shares(size), out,
    )  # fmt: skip
    return out


@lru_cache(maxsize=64)
def _shares(size: int) -> F64:
    """Return p! q! / (p + q + 1)! by (p, q)."""
    return np.array(
        [[1.0 / ((p + q + 1) * comb(p + q, p)) for q in range(size)] for p in range(size)]
    )


@njit(nogil=True, cache=True)
def _compare(  # noqa: PLR0913, PLR0917
    row: F64,
    references: F64,
    roots: I64,
    features: I32,
    thresholds: F32,
    left: I64,
    flags: U8,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    values: F32,
    shares: F64,
    out: F64,
) -> None:
    """out[i, t % n_classes] += values of `row` against reference i in tree t.   OUT: out."""
    n_classes, bias = out.shape[1], out.shape[2] - 1
    size = shares.shape[0]
    chosen = np.zeros(bias + 1, np.int8)  # 1: this feature is x's below here, 2: z's
    others = np.empty(size, np.int64)  # the child on z's way of each fork
    forks = np.empty(size, np.int64)  # the feature of each fork
    done = np.empty(size, np.bool_)  # whether x's way below the fork is summed
    gained, lost = np.empty(size), np.empty(size)  # what was found there
    for i in range(references.shape[0]):
        for t in range(roots.size):
            klass = t % n_classes
            k, n_forks, n_x, n_z = roots[t], 0, 0, 0
            while True:
                while features[k] >= 0:
                    f = features[k]
                    x_goes = goes_right(
                        row[f], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                    )
                    z_goes = goes_right(
                        references[i, f], thresholds[k], flags[k], bit_starts[k], n_bits[k], bits
                    )
                    if x_goes == z_goes or chosen[f] == 1:
                        k = left[k] + x_goes
                    elif chosen[f] == 2:
                        k = left[k] + z_goes
                    else:
                        forks[n_forks], done[n_forks] = f, False
                        others[n_forks] = left[k] + z_goes
                        n_forks += 1
                        chosen[f] = 1
                        n_x += 1
                        k = left[k] + x_goes
                value = np.float64(values[k])
                plus = shares[n_x - 1, n_z] * value if n_x > 0 else 0.0
                minus = shares[n_x, n_z - 1] * value if n_z > 0 else 0.0
                if n_x == 0:
                    out[i, klass, bias] += value
                while n_forks > 0 and done[n_forks - 1]:
                    n_forks -= 1
                    f = forks[n_forks]
                    out[i, klass, f] += gained[n_forks] - minus
                    plus += gained[n_forks]
                    minus += lost[n_forks]
                    chosen[f] = 0
                    n_z -= 1
                if n_forks == 0:
                    break
                top = n_forks - 1
                gained[top], lost[top], done[top] = plus, minus, True
                chosen[forks[top]] = 2
                n_x -= 1
                n_z += 1
                k = others[top]
