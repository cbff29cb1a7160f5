"""Many chunks of few rows decoded in one go: a call for each would take longer than its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks.codec import F64, I64, NA_INT, Buffer, read_only
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.integer import GridCodec, Int64Codec
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.scan import POWERS_OF_10
from dh2o.chunks.sparse import SparseCodec

if TYPE_CHECKING:
    from dh2o.chunks.chunk import Chunk

__all__ = ["FEW_ROWS", "floats_of_chunks", "tiles_of", "worth_batching"]

#: Up to here a chunk takes less time to decode than to be asked for.
FEW_ROWS = 1 << 10
#: For fewer chunks than this the compiled kernels are not loaded.
MANY = 256
_TILE_CELLS = 1 << 17


def worth_batching(n_chunks: int, n_rows: int) -> bool:
    """Return whether so many chunks of so many rows are worked on together, not one by one."""
    return n_chunks >= MANY and n_rows <= FEW_ROWS


def tiles_of(n_chunks: int, n_rows: int) -> list[slice]:
    """Return which of so many chunks of so many rows are worked on at a time: 1 MB of doubles."""
    step = max(1, _TILE_CELLS // max(1, n_rows))
    return [slice(first, first + step) for first in range(0, n_chunks, step)]


def floats_of_chunks(chunks: Sequence[Chunk], out: F64, start: int = 0) -> None:
    """out[k] = the rows of chunks[k] from `start` on, as doubles.   Numbers or codes only."""
    n_rows = chunks[0].n_rows if chunks else 0
    if not worth_batching(len(chunks), n_rows):
        for k, chunk in enumerate(chunks):
            chunk.floats(out[k], start, start + out.shape[1])
        return
    if out.shape[1] < n_rows or not out.flags.c_contiguous:
        for some in tiles_of(len(chunks), n_rows):
            whole = np.empty((len(chunks[some]), n_rows))
            _decode_matrix(chunks[some], whole)
            out[some] = whole[:, start : start + out.shape[1]]
        return
    _decode_matrix(chunks, out)


def _decode_matrix(chunks: Sequence[Chunk], out: F64) -> None:
    n_rows = out.shape[1]
    starts = np.arange(len(chunks), dtype=np.int64) * n_rows
    _decode(chunks, starts, out.reshape(-1))


def _decode(chunks: Sequence[Chunk], starts: I64, out: F64) -> None:
    """out[starts[k]:][:chunks[k].n_rows] = chunks[k].floats()."""
    by_form: dict[Any, list[int]] = {}
    for k, chunk in enumerate(chunks):
        by_form.setdefault(_form(chunk), []).append(k)
    for form, places in by_form.items():
        some = chunks if len(places) == len(chunks) else [chunks[k] for k in places]
        n_rows = np.array([chunk.n_rows for chunk in some], dtype=np.int64)
        _DECODERS.get(form, _one_by_one)(some, n_rows, starts[places], out)


def _form(chunk: Chunk) -> Any:
    """Return what tells chunks that are decoded together from others."""
    codec = chunk.codec
    return max(8, codec.width) if isinstance(codec, GridCodec) else type(codec)


def _one_by_one(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    for chunk, n, start in zip(chunks, n_rows.tolist(), starts.tolist(), strict=True):
        chunk.floats(out[start : start + n])


def _grids(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    from dh2o.chunks.kernels import grids_kernel

    grids = np.array([_numbers_of(chunk.codec) for chunk in chunks], dtype=np.int64)
    codes = [chunk.stored.buffers[0] for chunk in chunks]
    firsts = np.cumsum([0, *map(len, codes)])
    joined = np.concatenate(codes)
    grids_kernel(read_only(joined), firsts, grids, POWERS_OF_10, n_rows, starts, out)


def _numbers_of(grid: Any) -> tuple[int, ...]:
    return grid.width, grid.bias, grid.step, grid.decimals, *grid.special_codes


def _plain(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    values = np.concatenate([chunk.stored.buffers[0] for chunk in chunks])
    _place(values.astype(np.float64, copy=False), n_rows, starts, out)


def _integers(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    ints = np.concatenate([chunk.stored.buffers[0] for chunk in chunks])
    values = ints.astype(np.float64)
    values[ints == NA_INT] = np.nan
    _place(values, n_rows, starts, out)


def _constants(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    values = [_number(chunk.codec.value) for chunk in chunks]  # type: ignore[attr-defined]
    _place(np.repeat(values, n_rows), n_rows, starts, out)


def _sparse(chunks: Sequence[Chunk], n_rows: I64, starts: I64, out: F64) -> None:
    fills = [_number(chunk.codec.fill) for chunk in chunks]  # type: ignore[attr-defined]
    _place(np.repeat(fills, n_rows), n_rows, starts, out)
    children = [chunk.stored.children[0] for chunk in chunks]
    ends = np.cumsum([child.n_rows for child in children])
    n_listed = np.diff(ends, prepend=0)
    listed = np.empty(int(ends[-1]))
    _decode(children, ends - n_listed, listed)
    rows = np.concatenate([chunk.stored.buffers[0] for chunk in chunks])
    out[np.repeat(starts, n_listed) + rows] = listed


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _place(values: Buffer, n_rows: I64, starts: I64, out: F64) -> None:
    """out[starts[k]:][:n_rows[k]] = the next n_rows[k] of `values`."""
    from dh2o.chunks.kernels import place_kernel

    place_kernel(read_only(values), n_rows, starts, out)


_DECODERS: dict[Any, Callable[[Sequence[Chunk], I64, I64, F64], None]] = {
    8: _grids,
    16: _grids,
    32: _grids,
    ConstantCodec: _constants,
    Float32Codec: _plain,
    Float64Codec: _plain,
    Int64Codec: _integers,
    SparseCodec: _sparse,
}
