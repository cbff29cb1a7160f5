"""What of the cells of a column was no value, and room for what was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.parse.tokenise import CellArray, Dialect, U8Array, text_of

_SHOWN = 40


@dataclass(frozen=True)
class BadCells:
    """Texts in a column that are no value of its type: how many, and the first of them."""

    count: int = 0
    row: int = -1
    text: str = ""


NO_BAD_CELLS = BadCells()


def first_bad(
    so_far: BadCells,
    tally: NDArray[np.int64],
    buf: U8Array,
    cells: CellArray,
    slot: int,
    at: int,
    dialect: Dialect,
) -> BadCells:
    """Return the count of bad cells, with the text of the first, which lies in this tile.

    `tally` begins with the count and the row of the first; `at` is the tile's first row.
    """
    count, row = int(tally[0]), int(tally[1])
    if so_far.count:
        return BadCells(count, so_far.row, so_far.text)
    return BadCells(count, row, text_of(buf, cells[row - at, slot], dialect)[:_SHOWN])


def room_for(values: NDArray[Any], n_rows: int) -> NDArray[Any]:
    """Return `values`, or a larger copy, so that `n_rows` rows fit."""
    if n_rows <= len(values):
        return values
    larger = np.empty((max(n_rows, 2 * len(values)), *values.shape[1:]), values.dtype)
    larger[: len(values)] = values
    return larger
