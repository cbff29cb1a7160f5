"""Exchange: tables of other libraries become frames and come back, values and types unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_io import from_arrow, from_table, to_arrow
from dh2o.frame.exchange.csv_out import csv_stream
from dh2o.frame.exchange.plan import Strings

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
    from dh2o.frame.frame import Frame

    if isinstance(data, Frame):
        return data if names is None else data.rename(list(names))
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return from_pandas(data, names, strings=strings)
    if library == "polars":
        return from_polars(data, names, strings=strings)
    if library in {"dask", "dask_expr"}:
        return from_dask(data, names, strings=strings)
    if library == "scipy":
        from dh2o.frame.exchange.sparse_io import from_sparse

        return from_sparse(data, names)
    if library == "numpy" and hasattr(data, "dtype") and getattr(data, "ndim", 0) > 0:
        return from_numpy(data, names, strings=strings)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return from_arrow(data, names, strings=strings)
    return from_python(data, names, header=header, strings=strings)


def from_pandas(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a pandas DataFrame or Series. The index is left out."""
    from dh2o.frame.exchange.pandas_io import table_of_pandas

    table, origins = table_of_pandas(data)
    return _renamed(from_table(table, origins, strings=strings), names)


def from_polars(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a Polars DataFrame, LazyFrame or Series."""
    from dh2o.frame.exchange.polars_io import table_of_polars

    table, origins = table_of_polars(data)
    return _renamed(from_table(table, origins, strings=strings), names)


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
    """Return a frame of a Dask DataFrame, Series or Array; partitions stay where they are."""
    from dh2o.frame.exchange import dask_io

    return dask_io.from_dask(data, names, strings=strings)


def _renamed(frame: Frame, names: Sequence[str] | None) -> Frame:
    return frame if names is None else frame.rename(list(names))


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
    from dh2o.frame.vec import VecType

    texts = [
        name
        for name, vec in zip(frame.names, frame.vecs, strict=True)
        if vec.type in (VecType.STRING, VecType.UUID)
    ]
    if texts:
        raise FrameError(f"Column {texts[0]!r} holds text, no numbers. Drop it first.")
    matrix = np.empty((frame.n_rows, frame.n_cols), np.float64, order="F")
    if not frame.n_cols:
        return matrix
    row = 0
    for part in engine_for(frame).collect(frame, _matrix_of):
        matrix[row : row + len(part)] = part
        row += len(part)
    return matrix


def _matrix_of(block: Any) -> Any:
    import numpy as np

    matrix = np.empty((block.n_rows, block.n_cols), np.float64, order="F")
    for i, chunk in enumerate(block.chunks):
        chunk.floats(matrix[:, i])
    return matrix


def to_dask(frame: Frame) -> Any:
    """Return a lazy Dask DataFrame with one partition per block."""
    from dh2o.frame.exchange import dask_io

    return dask_io.to_dask(frame)


__all__ = [
    "csv_stream",
    "from_any",
    "from_arrow",
    "from_dask",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "from_python",
    "to_arrow",
    "to_dask",
    "to_numpy",
    "to_pandas",
    "to_polars",
]
