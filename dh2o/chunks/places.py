"""Places on a decimal grid, from 1, 0 for NA: what chunks say of theirs, and chunks made of them.

A chunk of few different numbers is a table and small codes; the codes of others are already their
places but for the first. So keys are packed and unpacked without a look at a double.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import F64, Buffer, Stored
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import DictionaryCodec
from dh2o.chunks.encode import all_na
from dh2o.chunks.integer import GridCodec, narrow_dtype, narrowest_grid

__all__ = ["FewValues", "few_values", "number_chunk", "places_chunk", "plain_grid", "unit_grid"]

U64 = npt.NDArray[np.uint64]


class FewValues(NamedTuple):
    """The number that each code of `width` bits stands for, NaN for NA, and the packed codes."""

    values: F64
    codes: Buffer
    width: int


def few_values(chunk: Chunk) -> FewValues | None:
    """Return a chunk of at most 256 different numbers as a table and codes, else None.

    One number has no codes: width 0.
    """
    codec = chunk.codec
    if isinstance(codec, ConstantCodec):
        return FewValues(chunk.floats(None, 0, min(1, chunk.n_rows)), np.empty(0, np.uint8), 0)
    if isinstance(codec, GridCodec) and codec.width <= 8:
        return FewValues(codec.values_of_codes("d"), chunk.stored.buffers[0], codec.width)
    if isinstance(codec, DictionaryCodec):
        table, codes = chunk.stored.buffers
        return FewValues(codec.full_table(table, np.dtype(np.float64)), codes, codec.width)
    return None


def plain_grid(chunk: Chunk) -> GridCodec | None:
    """Return the grid of a chunk whose codes are an array of integers, one step a unit, or None."""
    grid = unit_grid(chunk)
    return None if grid is None or grid.width < 8 else grid


def unit_grid(chunk: Chunk) -> GridCodec | None:
    """Return the grid of a chunk whose codes are apart by one unit each, or None."""
    codec = chunk.codec
    if not isinstance(codec, GridCodec) or codec.step != 1 or codec.has_negative_zero:
        return None
    return codec


def places_chunk(places: U64, lowest: int, decimals: int, kind: Kind) -> Chunk | None:
    """Return the numbers (lowest - 1 + place) / 10**decimals, NA for place 0, in narrow codes.

    None says that they span more than 32 bits.
    """
    n_rows = len(places)
    if not n_rows:
        return all_na(0, kind)
    first, last = int(places.min()), int(places.max())
    if first == last:
        return number_chunk(first and lowest - 1 + first, decimals, n_rows, kind, na=not first)
    has_na = first == 0
    like = GridCodec(1, 0, 1, decimals, has_na)
    grid = narrowest_grid(lowest - 1 + max(1, first), lowest - 1 + last, like)
    if grid is None:
        return None
    codes = places.astype(narrow_dtype(grid.width))  # modulo 2**width, as is the sum
    codes += codes.dtype.type((lowest - 1 - grid.bias) % (1 << 8 * codes.itemsize))
    if has_na:
        codes[places == 0] = grid.na_code
    return Chunk(grid, n_rows, kind, grid.pack(codes))


def number_chunk(step: int, decimals: int, n_rows: int, kind: Kind, *, na: bool) -> Chunk:
    """Return rows of one number, ``step / 10**decimals``, or of NA."""
    if na:
        return all_na(n_rows, kind)
    value = step / 10.0**decimals if decimals else step
    return Chunk(ConstantCodec(value), n_rows, kind, Stored())
