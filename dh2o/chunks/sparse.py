"""Sparse chunks: nearly all rows hold one value, the others are listed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dh2o.chunks.codec import (
    F64,
    I64,
    NA_INT,
    NA_OF_DTYPE,
    Buffer,
    Codec,
    Mask,
    NumberCodec,
    Stored,
    frozen,
    same_bits,
)

if TYPE_CHECKING:
    from dh2o.chunks.chunk import Chunk

#: Rows looked at to find the commonest value.
_SAMPLE = 64


@dataclass(frozen=True, slots=True)
class SparseCodec(NumberCodec):
    """Rows hold `fill` (None is NA) but for those listed, whose values are a chunk of their own.

    Row numbers take two bytes in chunks of up to 65536 rows, four beyond.
    """

    tag: ClassVar[str] = "sparse"
    fill: float | int | None
    integers: bool = False

    @property
    def is_integer(self) -> bool:
        return self.integers

    def encode(self, values: Buffer) -> Stored:
        from dh2o.chunks.encode import encode_dense_floats, encode_dense_ints

        rows = np.flatnonzero(~self._is_fill(values))
        listed = values[rows]
        if values.dtype == np.int64:
            child = encode_dense_ints(listed)
        else:
            child = encode_dense_floats(listed)
        dtype = np.uint16 if len(values) <= 1 << 16 else np.uint32
        return Stored((frozen(rows.astype(dtype)),), (child,))

    def n_fill(self, values: Buffer) -> int:
        """Return how many of `values` are the fill."""
        return int(np.count_nonzero(self._is_fill(values)))

    def _is_fill(self, values: Buffer) -> Mask:
        if values.dtype == np.int64:
            return values == (NA_INT if self.fill is None else self.fill)
        fill = np.array([math.nan if self.fill is None else self.fill], dtype=np.float64)
        return same_bits(values, fill)

    def _listed(self, stored: Stored, start: int, n: int) -> tuple[I64, int, int]:
        rows = stored.buffers[0]
        first, last = np.searchsorted(rows, [start, start + n])
        return rows[first:last].astype(np.int64) - start, int(first), int(last)

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        out.fill(NA_OF_DTYPE[out.dtype.char] if self.fill is None else self.fill)
        rows, first, last = self._listed(stored, start, len(out))
        listed = np.empty(last - first, dtype=out.dtype)
        child = stored.children[0]
        _numbers(child).decode(child.stored, first, listed)
        out[rows] = listed

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        out.fill(self.fill is None)
        rows, first, last = self._listed(stored, start, len(out))
        out[rows] = stored.children[0].na_mask(first, last)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        rows, first, last = self._listed(stored, start, stop - start)
        dtype = np.uint16 if stop - start <= 1 << 16 else np.uint32
        child = stored.children[0].slice(first, last)
        return self, Stored((frozen(rows.astype(dtype)),), (child,))

    def counts(self, stored: Stored, n_rows: int) -> tuple[F64, I64]:
        child = stored.children[0]
        listed = _numbers(child).counts(child.stored, child.n_rows)
        if listed is None:
            listed = np.unique(child.floats(), return_counts=True)
        values, counts = listed
        fill = math.nan if self.fill is None else float(self.fill)
        return np.append(values, fill), np.append(counts, n_rows - child.n_rows).astype(np.int64)


def _numbers(child: Chunk) -> NumberCodec:
    if not isinstance(child.codec, NumberCodec):
        raise TypeError(f"the listed values of a sparse chunk are numbers, got {child.codec}")
    return child.codec


def listing_nbytes(n_listed: Any, n_rows: int) -> Any:
    """Return the bytes that the row numbers of a sparse chunk take."""
    return n_listed * (2 if n_rows <= 1 << 16 else 4)


def likely_fill(values: Any) -> Any:
    """Return the value that most rows of a sample hold, None when no value stands out."""
    sample = np.sort(values[:: max(1, len(values) // _SAMPLE)])  # NaN comes last
    middle = sample[len(sample) // 2]
    n_same = np.isnan(sample).sum() if np.isnan(middle) else (sample == middle).sum()
    return middle if n_same >= len(sample) / 3 else None


def likely_fills(columns: F64) -> tuple[Mask, I64]:
    """Say of each row of a matrix whether it has a `likely_fill`, and how many values are that.

    -0.0 counts as 0.0.
    """
    n_rows = columns.shape[1]
    sample = np.sort(columns[:, :: max(1, n_rows // _SAMPLE)], axis=1)  # NaN comes last
    middle = sample[:, sample.shape[1] // 2, None]
    n_same = _n_equal(sample, middle)
    is_fill = n_same >= sample.shape[1] / 3
    n_fill = np.zeros(len(columns), np.int64)
    n_fill[is_fill] = _n_equal(columns[is_fill], middle[is_fill])
    return is_fill, n_fill


def _n_equal(rows: F64, to: F64) -> I64:
    is_na = np.isnan(to[:, 0])
    n_equal = np.count_nonzero(rows == to, axis=1)
    n_equal[is_na] = np.count_nonzero(np.isnan(rows[is_na]), axis=1)
    return n_equal


def fill_of(value: Any, *, integers: bool) -> float | int | None:
    """Return a sampled value as the plain number of a codec, NA as None."""
    if np.isnan(value) or value == NA_INT:
        return None
    return int(value) if integers else float(value)
