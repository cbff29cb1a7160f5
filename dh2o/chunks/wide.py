"""Many columns of few rows, encoded together.

`encode_floats` takes some fifty microseconds for a chunk however few rows that has, and a table of
twenty thousand columns has as many chunks a block. Here one kernel looks at all columns, another
makes their codes, and a column by itself costs little more than its objects. What is rare among
few rows (few different values, one value in most rows) is left to `encode_floats`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from dh2o.chunks.bits import pack_bits
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import F64, I64, Mask, NumberCodec, Stored, read_only
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import MAX_UNIQUES
from dh2o.chunks.encode import MIN_CLEVER_ROWS, encode_floats
from dh2o.chunks.integer import GridCodec, narrow_dtype, narrowest_grid
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import KERNEL_ROWS, POWERS_OF_10
from dh2o.chunks.sparse import likely_fills, listing_nbytes

_MIN_COLUMNS = 16
_TILE_CELLS = 1 << 18


def encode_float_columns(values: F64) -> list[Chunk]:
    """Return ``[encode_floats(column) for column in values]``, in less time for few rows.

    Parameters
    ----------
    values : array of float64, shape (n_columns, n_rows)
        A column a row; NaN is NA.
    """
    n_columns, n_rows = values.shape
    if n_columns < _MIN_COLUMNS or not 0 < n_rows < KERNEL_ROWS:
        return [encode_floats(column) for column in values]
    step = max(1, _TILE_CELLS // n_rows)
    tiles = (values[first : first + step] for first in range(0, n_columns, step))
    return [chunk for tile in tiles for chunk in _Tile(np.ascontiguousarray(tile)).chunks()]


class _Tile:
    """Some columns, and what one look at them tells."""

    def __init__(self, values: F64) -> None:
        from dh2o.chunks.kernels import scan_columns_kernel

        self._values = values
        n_columns, self._n_rows = values.shape
        self._is_clever = self._n_rows >= MIN_CLEVER_ROWS
        counts = np.empty((n_columns, 5), np.int64)
        ends = np.empty((n_columns, 2))
        scan_columns_kernel(read_only(values), POWERS_OF_10, self._is_clever, counts, ends)
        self._counts: list[list[int]] = counts.tolist()
        self._ends: list[list[float]] = ends.tolist()
        self._has_negative_zero = counts[:, 3] > 0

    def chunks(self) -> list[Chunk]:
        """Return the columns' chunks."""
        found = zip(self._counts, self._ends, strict=True)
        forms = [self._form(counts, *ends) for counts, ends in found]
        widths = np.array([_width_of(form) for form in forms])
        for i in np.flatnonzero(self._may_be_smaller(widths)).tolist():
            forms[i] = None
        grids = {i: form for i, form in enumerate(forms) if isinstance(form, GridCodec)}
        made = self._on_grids(grids)
        for i, (form, column) in enumerate(zip(forms, self._values, strict=True)):
            if form is None:
                made[i] = encode_floats(column)
            elif i not in grids:
                stored = Stored() if isinstance(form, ConstantCodec) else form.encode(column)
                made[i] = Chunk(form, self._n_rows, "number", stored)
        return [made[i] for i in range(len(forms))]

    def _form(self, counts: Sequence[int], lo: float, hi: float) -> NumberCodec | None:
        """Return the smallest form in which every row has as many bits; None: not known here."""
        n_na, decimals, fits_float32, has_negative_zero, step = counts
        if n_na == self._n_rows:
            return ConstantCodec(None)
        is_whole = decimals == 0 and not has_negative_zero
        if lo == hi and not n_na:
            return None if has_negative_zero else ConstantCodec(int(lo) if is_whole else lo)
        if step == 0:
            return None
        plain = Float32Codec() if fits_float32 else Float64Codec()
        if decimals < 0:
            return plain
        ends = round(lo * 10.0**decimals), round(hi * 10.0**decimals)
        grid = _grid(*ends, step, decimals, n_na > 0, has_negative_zero > 0)
        if is_whole:
            return grid
        return plain if grid is None or grid.width >= _width_of(plain) else grid

    def _may_be_smaller(self, widths: I64) -> Mask:
        """Say of which columns a dictionary, or a list of odd rows, may be the smaller form."""
        if not self._is_clever:
            return np.zeros(len(widths), np.bool_)
        n_rows = self._n_rows
        is_fill, n_fill = likely_fills(self._values)
        nbytes = -(-widths * n_rows // 8)
        smaller = is_fill & (listing_nbytes(n_rows - n_fill, n_rows) < nbytes)
        smaller |= is_fill & self._has_negative_zero
        wide = np.flatnonzero(widths >= 16)
        bits = np.sort(self._values.view(np.int64)[wide], axis=1)
        n_values = np.count_nonzero(bits[:, 1:] != bits[:, :-1], axis=1) + 1
        narrow = np.array([1, 2, 4, 8])[np.searchsorted([2, 4, 16], n_values)]
        listed = 8 * n_values + n_rows * narrow / 8
        smaller[wide] |= (n_values <= MAX_UNIQUES) & (listed < n_rows * widths[wide] / 8)
        return smaller

    def _on_grids(self, grids: dict[int, GridCodec]) -> dict[int, Chunk]:
        from dh2o.chunks.kernels import column_codes_kernel

        n_rows = self._n_rows
        columns = np.array(list(grids), np.int64)
        layout = np.array(
            [
                (
                    grid.bias,
                    grid.step,
                    grid.na_code,
                    grid.negative_zero_code if grid.has_negative_zero else -1,
                )
                for grid in grids.values()
            ],
            np.int64,
        ).reshape(-1, 4)
        powers = POWERS_OF_10[[grid.decimals for grid in grids.values()]]
        codes = np.empty((len(columns), n_rows), np.uint32)
        column_codes_kernel(read_only(self._values), columns, powers, layout, codes)
        by_width: dict[int, list[int]] = defaultdict(list)
        for at, grid in enumerate(grids.values()):
            by_width[grid.width].append(at)
        made = {}
        for width, places in by_width.items():
            packed: Any = codes[places].astype(narrow_dtype(width))
            if width <= 8:
                packed = pack_bits(packed, width)
            for at, row in zip(places, packed, strict=True):
                own = row.copy()  # a chunk must not keep the others' bytes
                own.flags.writeable = False
                i = int(columns[at])
                made[i] = Chunk(grids[i], n_rows, "number", Stored((own,)))
        return made


def _width_of(form: NumberCodec | None) -> int:
    """Return the bits that a row takes."""
    if isinstance(form, Float64Codec):
        return 32 if isinstance(form, Float32Codec) else 64
    return form.width if isinstance(form, GridCodec) else 0


@lru_cache(maxsize=1 << 12)
def _grid(
    lo: int, hi: int, step: int, decimals: int, has_na: bool, has_negative_zero: bool
) -> GridCodec | None:
    """Return the narrowest grid; its step is 1 where that takes less than a byte anyway."""
    like = GridCodec(1, 0, 1, decimals, has_na, has_negative_zero)
    grid = narrowest_grid(lo, hi, like)
    if step > 1 and (grid is None or grid.width >= 8):
        like = GridCodec(1, 0, step, decimals, has_na, has_negative_zero)
        return narrowest_grid(lo, hi, like)
    return grid
