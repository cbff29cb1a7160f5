"""SciPy's sparse matrices, block by block, without a dense copy of the whole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.errors import FrameError
from dh2o.frame.exchange.python_data import default_names
from dh2o.frame.frame import Frame
from dh2o.frame.layout import layout_for, row_starts
from dh2o.frame.vec import VecType
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.mrtask import SpoolRef

TEXT_NBYTES_PER_VALUE = 8
TEXT_NBYTES_PER_ZERO = 2


def from_sparse(matrix: Any, names: Sequence[str] | None = None) -> Frame:
    """Return a frame of a sparse matrix or array; what it does not store is 0."""
    rows = matrix.tocsr()
    if rows.ndim != 2:
        raise FrameError(f"A frame has two dimensions; the matrix has {rows.ndim}.")
    n_rows, n_cols = rows.shape
    given = list(names) if names is not None else default_names(n_cols)
    if len(given) != n_cols:
        raise FrameError(f"{len(given)} names were given for {n_cols} columns.")
    if not n_cols:
        return Frame((), (), ())
    text = TEXT_NBYTES_PER_VALUE * rows.nnz + TEXT_NBYTES_PER_ZERO * n_rows * n_cols
    layout = layout_for(n_rows, text, n_cols)
    starts = row_starts(layout)
    refs = [_spooled(rows[starts[i] : starts[i + 1]]) for i in range(len(layout))]
    blocks = current_engine().submit_blocks(
        _read_rows, [(ref,) for ref in refs], layout=layout, name="from_sparse"
    )
    return Frame.of(given, blocks, [VecType.NUMERIC] * n_cols)


def _spooled(rows: Any) -> SpoolRef:
    from scipy import sparse

    buffer = io.BytesIO()
    sparse.save_npz(buffer, rows, compressed=False)
    return current_engine().spool.write_bytes(buffer.getbuffer(), ".npz")


def _read_rows(ref: SpoolRef) -> Block:
    from scipy import sparse

    with ref.open() as file:
        columns = sparse.load_npz(file).tocsc()
    columns.sum_duplicates()
    n_rows, n_cols = columns.shape
    return Block(n_rows, tuple(_column(columns, j) for j in range(n_cols)))


def _column(columns: Any, j: int) -> Chunk:
    stored = slice(columns.indptr[j], columns.indptr[j + 1])
    values = np.zeros(columns.shape[0])
    values[columns.indices[stored]] = columns.data[stored]
    return encode_floats(values)
