"""Many columns of few rows, encoded together.

`encode_floats` takes some fifty microseconds for a chunk however few rows that has, and a table of
twenty thousand columns has as many chunks a block. Here one kernel looks at all columns, another
makes their codes, and a column by itself costs little more than its objects. What is rare among
few rows (few different values, one value in most rows) is left to `encode_floats`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from dh2o.chunks.bits import pack_bits
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import F64, I64, Mask, NumberCodec, Stored, read_only
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import MAX_UNIQUES
from dh2o.chunks.encode import MIN_CLEVER_ROWS, encode_floats, encode_ints
from dh2o.chunks.integer import GridCodec, narrow_dtype, narrowest_grid
from dh2o.chunks.many import tiles_of
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import KERNEL_ROWS, POWERS_OF_10
from dh2o.chunks.sparse import SparseCodec, likely_fills, listing_nbytes

_MIN_COLUMNS = 16
#: Of the rows: of more entries another form than a list may be the smallest.
_FEW = 1 / 16


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
    tiles = (values[some] for some in tiles_of(n_columns, n_rows))
    return [chunk for tile in tiles for chunk in _chunks_of_tile(np.ascontiguousarray(tile))]


def encode_sparse_columns(n_rows: int, ends: I64, rows: I64, values: F64) -> list[Chunk]:
    """Return columns of which few rows are listed, all others being 0.

    Parameters
    ----------
    n_rows : int
    ends : array of int64, shape (n_columns + 1,)
        Column c has the entries ``ends[c] .. ends[c + 1]``.
    rows, values : arrays, shape (n_entries,)
        In which rows they lie, ascending in a column; the last one of several in a row counts.
    """
    entries = _Entries(n_rows, *_without_zeros(ends, rows, values))
    made = [encode_ints(np.zeros(n_rows, np.int64))] * (len(ends) - 1)
    for column, chunk in entries.chunks():
        made[column] = chunk
    return made


class _Entries:
    """Columns of zeros but for some entries, of which each has at least one that is not 0."""

    def __init__(self, n_rows: int, ends: I64, rows: I64, values: F64) -> None:
        self._n_rows = n_rows
        self._columns = np.flatnonzero(np.diff(ends))
        self._ends = np.append(ends[self._columns], ends[-1])
        self._rows = rows
        self._values = values

    def chunks(self) -> Iterator[tuple[int, Chunk]]:
        """Give the number and the chunk of each column with entries."""
        look = _Look(self._values, self._ends, with_step=False)
        forms = look.forms()
        is_sparse = self._is_sparse(look, forms)
        for i in np.flatnonzero(~is_sparse).tolist():
            forms[i] = None
        children = look.chunks(forms)
        dtype = np.uint16 if self._n_rows <= 1 << 16 else np.uint32
        for i in np.flatnonzero(is_sparse).tolist():
            rows, values = self._of(i)
            child = children[i] or encode_floats(values)
            listed = rows.astype(dtype)
            listed.flags.writeable = False
            codec = SparseCodec(0 if child.is_integer else 0.0, child.is_integer)
            stored = Stored((listed,), (child,))
            yield int(self._columns[i]), Chunk(codec, self._n_rows, "number", stored)
        yield from self._dense(np.flatnonzero(~is_sparse))

    def _of(self, i: int) -> tuple[I64, F64]:
        first, last = self._ends[i], self._ends[i + 1]
        return self._rows[first:last], self._values[first:last]

    def _is_sparse(self, look: _Look, forms: Sequence[NumberCodec | None]) -> Mask:
        """Say which columns take fewer bytes as a list of few entries."""
        n_rows, n_listed = self._n_rows, np.diff(self._ends)
        facts = zip(forms, look.extremes, strict=True)
        dense_widths = np.array([_width_with_zero(form, *extremes) for form, extremes in facts])
        widths = np.array([_width_of(form) for form in forms])
        nbytes = listing_nbytes(n_listed, n_rows) + widths * n_listed / 8
        is_few = (n_listed <= _FEW * n_rows) & (n_rows >= MIN_CLEVER_ROWS)
        return np.asarray(is_few & (nbytes < dense_widths * n_rows / 8))

    def _dense(self, columns: I64) -> Iterator[tuple[int, Chunk]]:
        for tile_of in tiles_of(len(columns), self._n_rows):
            some = columns[tile_of]
            tile = np.zeros((len(some), self._n_rows))
            for at, i in enumerate(some.tolist()):
                rows, values = self._of(i)
                tile[at, rows] = values
            yield from zip(self._columns[some].tolist(), encode_float_columns(tile), strict=True)


def _without_zeros(ends: I64, rows: I64, values: F64) -> tuple[I64, I64, F64]:
    """Return the entries but for those of 0.0 and those that a later one in their row replaces."""
    rows, values, ends = rows[ends[0] : ends[-1]], values[ends[0] : ends[-1]], ends - ends[0]
    of_column = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    is_last = np.ones(len(rows), np.bool_)
    is_last[:-1] = (rows[1:] != rows[:-1]) | (of_column[1:] != of_column[:-1])
    kept = is_last & ((values != 0) | np.signbit(values))
    n_kept = np.concatenate([[0], np.cumsum(kept)])
    return n_kept[ends], rows[kept], values[kept]


def _chunks_of_tile(values: F64) -> list[Chunk]:
    """Return the chunks of the columns that the rows of a matrix are."""
    n_columns, n_rows = values.shape
    is_clever = n_rows >= MIN_CLEVER_ROWS
    look = _Look(values.reshape(-1), np.arange(n_columns + 1) * n_rows, with_step=is_clever)
    forms = look.forms()
    if is_clever:
        widths = np.array([_width_of(form) for form in forms])
        for i in np.flatnonzero(_may_be_smaller(values, widths, look)).tolist():
            forms[i] = None
    chunks = zip(look.chunks(forms), values, strict=True)
    return [chunk or encode_floats(column) for chunk, column in chunks]


def _may_be_smaller(values: F64, widths: I64, look: _Look) -> Mask:
    """Say of which columns a dictionary, or a list of odd rows, may be the smaller form."""
    n_rows = values.shape[1]
    is_fill, n_fill = likely_fills(values)
    nbytes = -(-widths * n_rows // 8)
    smaller: Mask = is_fill & (listing_nbytes(n_rows - n_fill, n_rows) < nbytes)
    smaller |= is_fill & look.has_negative_zero
    wide = np.flatnonzero(widths >= 16)
    bits = np.sort(values.view(np.int64)[wide], axis=1)
    n_values = np.count_nonzero(bits[:, 1:] != bits[:, :-1], axis=1) + 1
    narrow = np.array([1, 2, 4, 8])[np.searchsorted([2, 4, 16], n_values)]
    listed = 8 * n_values + n_rows * narrow / 8
    smaller[wide] |= (n_values <= MAX_UNIQUES) & (listed < n_rows * widths[wide] / 8)
    return smaller


class _Look:
    """What one look at columns of any lengths tells, and how they are encoded by it."""

    def __init__(self, values: F64, ends: I64, *, with_step: bool) -> None:
        from dh2o.chunks.kernels import scan_columns_kernel

        self.ends = ends
        self._values = values
        n_columns = len(ends) - 1
        counts, extremes = np.empty((n_columns, 5), np.int64), np.empty((n_columns, 2))
        flat = read_only(values), read_only(ends)
        scan_columns_kernel(*flat, POWERS_OF_10, with_step, counts, extremes)
        self._counts: list[list[int]] = counts.tolist()
        self.extremes: list[list[float]] = extremes.tolist()
        self.has_negative_zero = counts[:, 3] > 0

    def forms(self) -> list[NumberCodec | None]:
        """Return for each column the smallest form in which all rows have as many bits.

        None stands for what is left to `encode_floats`.
        """
        lengths = np.diff(self.ends).tolist()
        facts = zip(lengths, self._counts, self.extremes, strict=True)
        return [_form(n_rows, counts, *extremes) for n_rows, counts, extremes in facts]

    def chunks(self, forms: Sequence[NumberCodec | None]) -> list[Chunk | None]:
        """Return the columns in these forms, None for those without."""
        grids = {i: form for i, form in enumerate(forms) if isinstance(form, GridCodec)}
        made = self._on_grids(grids)
        ends = self.ends.tolist()
        for i, form in enumerate(forms):
            if form is None or i in grids:
                continue
            column = self._values[ends[i] : ends[i + 1]]
            stored = Stored() if isinstance(form, ConstantCodec) else form.encode(column)
            made[i] = Chunk(form, len(column), "number", stored)
        return [made.get(i) for i in range(len(forms))]

    def _on_grids(self, grids: dict[int, GridCodec]) -> dict[int, Chunk]:
        from dh2o.chunks.kernels import column_codes_kernel

        columns = np.array(list(grids), np.int64)
        facts = [(grid.bias, grid.step, *grid.special_codes) for grid in grids.values()]
        layout = np.array(facts, np.int64).reshape(-1, 4)
        powers = POWERS_OF_10[[grid.decimals for grid in grids.values()]]
        codes = np.empty(len(self._values), np.uint32)
        flat = read_only(self._values), read_only(self.ends)
        column_codes_kernel(*flat, columns, powers, layout, codes)
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        ends = self.ends.tolist()
        for i, grid in grids.items():
            alike[grid.width, ends[i + 1] - ends[i]].append(i)
        made = {}
        for (width, n_rows), some in alike.items():
            places = self.ends[some][:, None] + np.arange(n_rows)
            packed: Any = codes[places].astype(narrow_dtype(width))
            if width <= 8:
                packed = pack_bits(packed, width)
            for i, row in zip(some, packed, strict=True):
                own = row.copy()  # a chunk must not keep the others' bytes
                own.flags.writeable = False
                made[i] = Chunk(grids[i], n_rows, "number", Stored((own,)))
        return made


def _form(n_rows: int, counts: Sequence[int], lo: float, hi: float) -> NumberCodec | None:
    n_na, decimals, fits_float32, has_negative_zero, step = counts
    if n_na == n_rows:
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


def _width_of(form: NumberCodec | None) -> int:
    """Return the bits that a row takes."""
    if isinstance(form, Float64Codec):
        return 32 if isinstance(form, Float32Codec) else 64
    return form.width if isinstance(form, GridCodec) else 0


def _width_with_zero(form: NumberCodec | None, lo: float, hi: float) -> int:
    """Return the bits that a row takes at least if zeros are among the column's values."""
    if isinstance(form, GridCodec):
        scale = 10.0**form.decimals
        ends = round(min(lo, 0.0) * scale), round(max(hi, 0.0) * scale)
        grid = _grid(*ends, 1, form.decimals, form.has_na, form.has_negative_zero)
        return 64 if grid is None else grid.width
    return _width_of(form) or 1


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
