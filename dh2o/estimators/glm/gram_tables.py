"""X'WX as tables: what levels share with numbers, what pairs of levels share, and the numbers.

There are no one-hot columns: a row counts into one cell of each table. A table is small and in one
piece, so that it stays in the cache while a tile is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.rows import I32, Tile
from dh2o.estimators.glm.slopes import SlopedNumbers, standardise_rows
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: Tiles of fewer (row, number) pairs are not worth loading compiled code for.
KERNEL_PAIRS = 1 << 15


@dataclass(slots=True, eq=False)
class GramTables:
    """``sums[i]`` (level, number), ``pairs[i][h]`` (level of i, level of h < i), ``numbers``.

    The last number is the constant 1, so the last column of ``sums`` has the weights of levels.
    Behind the categoricals come the slopes of levels, as they are, not standardised; ``squares``
    are theirs.
    """

    sums: list[F64]
    pairs: list[list[F64]]
    numbers: F64
    squares: list[F64]

    @classmethod
    def empty(cls, design: Design, sloped: SlopedNumbers) -> GramTables:
        """Return the tables of no rows."""
        sizes = [len(domain) for domain in design.levels] + [s.n_slots for s in sloped.slopes]
        q = len(sloped.plain)
        return cls(
            [np.zeros((n, q)) for n in sizes],
            [[np.zeros((n, m)) for m in sizes[:i]] for i, n in enumerate(sizes)],
            np.zeros((q, q)),
            [np.zeros(s.n_slots) for s in sloped.slopes],
        )

    def __iadd__(self, other: GramTables) -> GramTables:
        for mine, theirs in zip(self.sums, other.sums, strict=True):
            mine += theirs
        for row, other_row in zip(self.pairs, other.pairs, strict=True):
            for mine, theirs in zip(row, other_row, strict=True):
                mine += theirs
        self.numbers += other.numbers
        for mine, theirs in zip(self.squares, other.squares, strict=True):
            mine += theirs
        return self

    def add(self, tile: Tile, weight: F64, *, spoil: bool = False) -> None:
        """Count the rows of a tile; with `spoil` its numbers are overwritten."""
        for i, codes in enumerate(tile.codes):
            add_level_sums(codes, tile.numbers, weight, self.sums[i])
            for h, table in enumerate(self.pairs[i]):
                add_level_pairs(codes, tile.codes[h], weight, table)
        for g, (slopes, slots, factor) in enumerate(tile.sloped):
            i, by_factor = len(tile.codes) + g, weight * factor
            add_level_sums(slots, tile.numbers, by_factor, self.sums[i])
            self.squares[g] += np.bincount(slots, by_factor * factor, slopes.n_slots)
            for h, codes in enumerate(tile.codes):
                add_level_pairs(slots, codes, by_factor, self.pairs[i][h])
            for h, (_, others, other) in enumerate(tile.sloped[:g], len(tile.codes)):
                add_level_pairs(slots, others, by_factor * other, self.pairs[i][h])
        self.numbers += _numbers_gram(tile.numbers, weight, spoil)

    def matrix(self, design: Design, sloped: SlopedNumbers) -> F64:
        """Return X'WX over all places."""
        starts, n_levels = design.starts, design.starts[-1]
        places = [np.arange(a, b) for a, b in pairwise(starts)]
        places += [n_levels + slopes.numbers for slopes in sloped.slopes]
        numbers = n_levels + sloped.plain
        diagonals = [sums[:, -1] for sums in self.sums[: len(design.levels)]] + self.squares
        out = np.zeros((design.n_places, design.n_places))
        out[np.ix_(numbers, numbers)] = self.numbers
        for i, own in enumerate(places):
            n = len(own)
            _put(out, own, numbers, self.sums[i][:n])
            out[own, own] = diagonals[i][:n]
            for h, table in enumerate(self.pairs[i]):
                _put(out, own, places[h], table[:n, : len(places[h])])
        standardise_rows(out, sloped.slopes, n_levels)
        standardise_rows(out.T, sloped.slopes, n_levels)
        return out


def _put(out: F64, rows: I64, columns: I64, part: F64) -> None:
    out[np.ix_(rows, columns)] = part
    out[np.ix_(columns, rows)] = part.T


def add_level_sums(codes: I32, numbers: F64, weight: F64, out: F64) -> None:
    """out[level, j] += weighted sum of number j over the rows of the level."""
    if numbers.size >= KERNEL_PAIRS:
        from dh2o.estimators.glm import kernels

        kernels.add_level_sums(codes, numbers, weight, out)
        return
    for j, row in enumerate(numbers):
        out[:, j] += np.bincount(codes, weight * row, len(out))


def add_level_pairs(first: I32, second: I32, weight: F64, out: F64) -> None:
    """out[i, j] += sum of weights of the rows that have level i of the first, j of the second."""
    if len(first) * 8 >= KERNEL_PAIRS:
        from dh2o.estimators.glm import kernels

        kernels.add_level_pairs(first, second, weight, out)
        return
    pairs = first.astype(np.int64) * out.shape[1] + second
    out += np.bincount(pairs, weight, out.size).reshape(out.shape)


def _numbers_gram(numbers: F64, weight: F64, spoil: bool) -> F64:
    least = weight.min(initial=np.inf)
    if least == 1.0 == weight.max():
        return numbers @ numbers.T  # numpy asks BLAS for syrk: half the work
    if len(weight) and least >= 0.0:
        scaled = np.multiply(numbers, np.sqrt(weight), out=numbers if spoil else None)
        return scaled @ scaled.T
    return numbers @ (numbers * weight).T
