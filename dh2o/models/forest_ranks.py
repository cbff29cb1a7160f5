"""From values to codes: a value's rank among a forest's thresholds decides every split as it did.

``value >= threshold`` exactly when more thresholds than the threshold's own rank are not above the
value.  Codes of 64 rows lie side by side, column after column: row i of column j is at
``(i // 64 * n_columns + j) * 64 + i % 64``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.models._lanes import below

__all__ = ["LANES", "Ranks", "keys_of"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
#: Bytes or 16-bit words.
Codes = npt.NDArray[Any]

LANES = 64
_FANOUT = 16
_TILE = 4_096  # rows read at a time: all columns of them fit into the second cache


@njit(nogil=True, cache=True)
def _write_ranks(  # noqa: PLR0913, PLR0917
    x: F64, keys: F32, start: int, n_levels: int, near: F32, near_bits: I32, floor: F32,
    floor_bits: I32, place: int, group: int, na: int, out: Codes,
) -> None:  # fmt: skip
    """Write the code of each value of a column: how many thresholds are not above it; NA: `na`.

    The tree that `keys_of` makes begins at keys[start].  `near` and `floor` have room for the
    rows, `near_bits` and `floor_bits` are their memory as integers.  A value's floor, the greatest
    float that is not above it, is above the same floats.
    """
    for i in range(x.size):
        near[i] = np.float32(x[i])
    for i in range(x.size):
        bits = near_bits[i]
        lower = bits + (np.int32(1) if bits < 0 else np.int32(-1))
        floor_bits[i] = lower if np.float64(near[i]) > x[i] else bits
    fanout = np.uint64(_FANOUT)
    for row in range(0, x.size, LANES):
        to = np.uint64((row >> 6) * group + place)
        for i in range(min(LANES, x.size - row)):
            value = floor[np.uint64(row + i)]
            at, size = np.uint64(start), fanout
            rank = below(keys, at, value) * fanout
            for _ in range(n_levels - 2):
                at += size
                size *= fanout
                rank = (rank + below(keys, at + rank, value)) * fanout
            rank += below(keys, at + size + rank, value)
            is_na = value != value  # noqa: PLR0124
            out[to + np.uint64(i)] = np.uint64(na) if is_na else rank


@njit(nogil=True, cache=True)
def _write_levels(x: F64, place: int, group: int, na: int, out: Codes) -> None:
    """Write the code of each level of a column: its own; NA: `na`; beyond ``na - 2``: one less."""
    for i in range(x.size):
        value = x[i]
        code = np.uint64(value) if 0.0 <= value < na - 1.0 else np.uint64(na - 1)
        is_na = value != value  # noqa: PLR0124
        out[np.uint64((i >> 6) * group + place + (i & 63))] = np.uint64(na) if is_na else code


@njit(nogil=True, cache=True)
def _write(x: F64, n_rows: int, keys: F32, starts: I64, depths: I64, na: int, out: Codes) -> None:
    """Write the codes of the first rows of all columns, those of row 0 from out[0] on."""
    n_columns = x.shape[0]
    near, floor = np.empty(n_rows, np.float32), np.empty(n_rows, np.float32)
    near_bits, floor_bits = near.view(np.int32), floor.view(np.int32)
    group = LANES * n_columns
    for j in range(n_columns):
        if starts[j] < 0:
            _write_levels(x[j, :n_rows], j * LANES, group, na, out)
        else:
            _write_ranks(
                x[j, :n_rows], keys, starts[j], depths[j], near, near_bits, floor, floor_bits,
                j * LANES, group, na, out,
            )  # fmt: skip


def keys_of(cuts: F32) -> tuple[F32, int]:
    """Return (keys, levels) of a search tree over ascending `cuts`: 16 keys a node, NaN after all.

    Key i of a level is the last of as many cuts as there are below it; the last level has them all.
    """
    n_levels = 2  # at least: a kernel that need not ask is quicker
    while _FANOUT**n_levels <= len(cuts):
        n_levels += 1
    levels = []
    for level in range(n_levels):
        step = int(_FANOUT ** (n_levels - 1 - level))
        keys = np.full(_FANOUT ** (level + 1), np.nan, np.float32)
        picked = cuts[step - 1 :: step]
        keys[: len(picked)] = picked
        levels.append(keys)
    return np.concatenate(levels), n_levels


@dataclass(frozen=True, slots=True)
class Ranks:
    """How the columns of a frame become columns of codes.

    Column j is made of feature ``used[j]``: searched in the `depths[j]` levels of keys from
    ``starts[j]`` on, or a level's own code (``starts[j] < 0``).  `na` is the code of NA, the
    highest.
    """

    used: I32
    keys: F32
    starts: I64
    depths: I64
    na: int

    @property
    def group(self) -> int:
        """Codes of the 64 rows that lie side by side."""
        return LANES * max(len(self.used), 1)

    def room(self, n_rows: int) -> Codes:
        """Return room for the codes of so many rows, in pairs of groups."""
        pairs = -(-n_rows // (2 * LANES))
        return np.zeros(2 * pairs * self.group, np.uint8 if self.na < 1 << 8 else np.uint16)

    def write(self, columns: Sequence[F64] | F64, first: int, n_rows: int, out: Codes) -> None:
        """Write the codes of rows `first` to ``first + n_rows - 1``; IN: one column a feature."""
        x = np.empty((len(self.used), min(_TILE, n_rows)))
        for begin in range(0, n_rows, _TILE):
            n, at = min(_TILE, n_rows - begin), first + begin
            for j, feature in enumerate(self.used):
                x[j, :n] = columns[feature][at : at + n]
            to = out[begin // LANES * self.group :]
            _write(x, n, self.keys, self.starts, self.depths, self.na, to)
