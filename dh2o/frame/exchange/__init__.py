"""Exchange: tables of other libraries become frames and come back, values and types unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_io import from_arrow, from_table, to_arrow
from dh2o.frame.exchange.csv_out import csv_stream
from dh2o.frame.exchange.plan import Strings
from dh2o.frame.exchange.tables import library_of, named, table_of

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame


def from_any(
    data: Any,
    names: Sequence[str] | None = None,
    *,
    header: bool = False,
    strings: Strings = "string",
) -> Frame:
    """Return a frame of pandas, Polars, Dask, Arrow, NumPy or Python data."""
    from dh2o.frame.exchange.dask_in import is_dask
    from dh2o.frame.frame import Frame

    if isinstance(data, Frame):
        return data if names is None else data.rename(list(names))
    if is_dask(data):
        return from_dask(data, names, strings=strings)
    library = library_of(data)
    if library == "scipy":
        from dh2o.frame.exchange.sparse_io import from_sparse

        return from_sparse(data, names)
    if hasattr(data, "__arrow_c_stream__") and library not in {"pandas", "polars"}:
        return from_arrow(data, names, strings=strings)  # perhaps larger than this memory
    return _from_memory(data, names, strings=strings, header=header)


def _from_memory(
    data: Any, names: Sequence[str] | None, *, strings: Strings, header: bool = False
) -> Frame:
    table, origins = table_of(data, header=header)
    return from_table(named(table, names), origins, strings=strings)


def from_pandas(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a pandas DataFrame or Series. The index is left out."""
    return _from_memory(data, names, strings=strings)


def from_polars(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a Polars DataFrame, LazyFrame or Series."""
    return _from_memory(data, names, strings=strings)


def from_numpy(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a NumPy array; columns without a name are called C1, C2, C3."""
    from dh2o.frame.exchange.python_data import table_of_numpy

    return from_table(table_of_numpy(data, names), strings=strings)


def from_python(
    data: Any,
    names: Sequence[str] | None = None,
    *,
    header: bool = False,
    strings: Strings = "string",
) -> Frame:
    """Return a frame of a dict of columns, a list of rows, a list of values, or one value."""
    from dh2o.frame.exchange.python_data import table_of_python

    return from_table(table_of_python(data, names, header=header), strings=strings)


def from_dask(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a Dask collection, or of Delayed tables; partitions stay where they are."""
    from dh2o.frame.exchange import dask_in

    return dask_in.from_dask(data, names, strings=strings)


def to_pandas(frame: Frame) -> Any:
    """Return the frame as a pandas DataFrame, in the dtypes it came with."""
    from dh2o.frame.exchange.pandas_io import pandas_of_table, require_pandas

    require_pandas()
    return pandas_of_table(to_arrow(frame), [vec.source for vec in frame.vecs])


def to_polars(frame: Frame) -> Any:
    """Return the frame as a Polars DataFrame, in the dtypes it came with."""
    from dh2o.frame.exchange.polars_io import polars_of_table, require_polars

    require_polars()
    return polars_of_table(to_arrow(frame), [vec.source for vec in frame.vecs])


def to_numpy(frame: Frame) -> Any:
    """Return numbers, codes of enums and times (NA as NaN) as a float64 matrix of rows."""
    import numpy as np

    from dh2o.frame.physical import engine_for

    require_numbers(frame)
    matrix = np.empty((frame.n_rows, frame.n_cols), np.float64, order="F")
    if not frame.n_cols:
        return matrix
    row = 0
    for part in engine_for(frame).collect(frame, matrix_of):
        matrix[row : row + len(part)] = part
        row += len(part)
    return matrix


def require_numbers(frame: Frame) -> None:
    """Raise unless all columns are numbers, codes or times."""
    from dh2o.frame.vec import VecType

    for name, vec in zip(frame.names, frame.vecs, strict=True):
        if vec.type in (VecType.STRING, VecType.UUID):
            raise FrameError(f"Column {name!r} holds text, no numbers. Drop it first.")


def matrix_of(block: Any) -> Any:
    """Return the rows of a block as a float64 matrix; one plain column is shared, not copied."""
    import numpy as np

    from dh2o.chunks.many import floats_of_chunks

    if block.n_cols == 1:
        return block.chunks[0].lying_floats()[:, None]
    matrix = np.empty((block.n_rows, block.n_cols), np.float64, order="F")
    floats_of_chunks(block.chunks, matrix.T)
    return matrix


__all__ = [
    "csv_stream",
    "from_any",
    "from_arrow",
    "from_dask",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "from_python",
    "matrix_of",
    "require_numbers",
    "to_arrow",
    "to_numpy",
    "to_pandas",
    "to_polars",
]
