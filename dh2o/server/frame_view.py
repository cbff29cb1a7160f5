"""A frame as clients see it: statistics of its columns and a window of its rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks.many import floats_of_chunks
from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.frame import VecType
from dh2o.frame.rollups import h2o_type

from .schemas.base import Key
from .schemas.frames import ColV3, FrameV3
from .tables import chunk_tables

if TYPE_CHECKING:
    from dh2o.chunks import Chunk
    from dh2o.frame import Frame, Vec
    from dh2o.frame.rollups import Rollups

    from .schemas.frames import FramesV3

__all__ = ["Window", "column_frame", "frame_schema"]

PERCENTILES = (
    *(0.001, 0.01, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5),
    *(0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 0.99, 0.999),
)
_DEFAULT_ROWS = 100
_TEXTS = (VecType.STRING, VecType.UUID)


@dataclass(frozen=True)
class Window:
    """Which rows and columns of a frame are shown."""

    row_offset: int = 0
    row_count: int = -1
    column_offset: int = 0
    column_count: int = -1
    full_column_count: int = -1

    @classmethod
    def of(cls, args: FramesV3) -> Window:
        """Return the window that a request asks for."""
        if args.row_offset < 0 or args.column_offset < 0:
            raise ParameterError("row_offset and column_offset: expected 0 or more.")
        return cls(
            args.row_offset,
            args.row_count,
            args.column_offset,
            args.column_count,
            args.full_column_count,
        )

    def rows(self, frame: Frame) -> tuple[int, int]:
        """Return the first and the end row shown of `frame`."""
        count = _DEFAULT_ROWS if self.row_count < 0 else self.row_count
        start = min(self.row_offset, frame.n_rows)
        return start, min(start + count, frame.n_rows)

    def columns(self, frame: Frame) -> tuple[int, int]:
        """Return the first and the end column shown of `frame`."""
        start = min(self.column_offset, frame.n_cols)
        count = self.column_count if self.column_count >= 0 else frame.n_cols
        return start, min(start + count, frame.n_cols)


def column_frame(frame: Frame, column: str | None) -> Frame:
    """Return the one column `column` of `frame`, as a frame without a key."""
    if column not in frame.names:
        raise KeyNotFoundError.of("Column", str(column), frame.names)
    return frame.select([column]).with_key(None)


def frame_schema(
    frame: Frame, window: Window, *, with_blocks: bool = True, with_histograms: bool = False
) -> FrameV3:
    """Return `frame` with the rows and columns in `window`."""
    start, stop = window.rows(frame)
    first, end = window.columns(frame)
    shown = frame.select(list(range(first, end))) if end - first < frame.n_cols else frame
    n_full = len(shown.names) if window.full_column_count < 0 else window.full_column_count
    rollups = shown.rollups()
    columns = [
        _column(name, vec, rolled)
        for name, vec, rolled in zip(shown.names, shown.vecs, rollups, strict=True)
    ]
    _fill_rows(columns[:n_full], shown, start, stop)
    if with_histograms:
        _fill_histograms(columns, shown)
    out = FrameV3(
        frame_id=Key(frame.key, "Frame"),
        byte_size=frame.nbytes if with_blocks else 0,
        row_offset=start,
        row_count=stop - start,
        column_offset=first,
        column_count=end - first,
        full_column_count=n_full,
        total_column_count=frame.n_cols,
        checksum=_checksum(rollups),
        rows=frame.n_rows,
        num_columns=frame.n_cols,
        default_percentiles=list(PERCENTILES),
        columns=columns,
    )
    if with_blocks:
        out.chunk_summary, out.distribution_summary = chunk_tables(frame)
    return out


def _column(name: str, vec: Vec, rolled: Rollups) -> ColV3:
    return ColV3(
        label=name,
        missing_count=rolled.n_na,
        zero_count=rolled.n_zero,
        positive_infinity_count=rolled.n_pinf,
        negative_infinity_count=rolled.n_ninf,
        mins=list(rolled.mins),
        maxs=list(rolled.maxs),
        mean=rolled.mean,
        sigma=rolled.sigma,
        type=h2o_type(vec, rolled),
        domain=list(vec.domain) if vec.domain is not None else None,
        domain_cardinality=len(vec.domain or ()),
        precision=-1,
    )


def _fill_rows(columns: list[ColV3], frame: Frame, start: int, stop: int) -> None:
    if stop <= start or not columns:
        for column in columns:
            column.data = []
        return
    block = frame.rows(start, stop)
    shown = list(zip(columns, frame.vecs, block.chunks, strict=False))
    numbers = [(column, chunk) for column, vec, chunk in shown if vec.type not in _TEXTS]
    values = np.empty((len(numbers), block.n_rows))
    floats_of_chunks([chunk for _, chunk in numbers], values)
    for (column, _), data in zip(numbers, values.tolist(), strict=True):
        column.data = data
    for column, vec, chunk in shown:
        if vec.type in _TEXTS:
            column.string_data = _texts(vec, chunk)


def _texts(vec: Vec, chunk: Chunk) -> list[Any]:
    if vec.type is VecType.UUID:
        from dh2o.frame.exchange.decode import uuid_texts

        return uuid_texts(chunk.uuids())
    return chunk.strings().to_pylist()


def _fill_histograms(columns: list[ColV3], frame: Frame) -> None:
    for i, column in enumerate(columns):
        if frame.vecs[i].type in _TEXTS:
            continue
        histogram = frame.histogram(i)
        column.histogram_bins = histogram.bins.tolist()
        column.histogram_base = histogram.base
        column.histogram_stride = histogram.stride
        column.percentiles = list(histogram.percentiles)


def _checksum(rollups: list[Rollups]) -> int:
    facts = [(r.n_na, r.n_zero, r.mean, r.sigma, *r.mins, *r.maxs) for r in rollups]
    digest = hashlib.blake2b(np.array(facts, np.float64).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
