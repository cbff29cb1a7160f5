"""Any table that lies in the memory of one process, as an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dh2o.frame.exchange.python_data import table_of_numpy, table_of_python
from dh2o.frame.vec import Source


def library_of(data: Any) -> str:
    """Return the name of the package that made `data`: what decides how it is read."""
    return type(data).__module__.partition(".")[0]


def table_of(data: Any, *, header: bool = False) -> tuple[Any, list[Source] | None]:
    """Return an Arrow table of pandas, Polars, Arrow, NumPy or Python data, and its own types.

    Raises
    ------
    FrameError
        The data have columns that no frame holds; the message names the column.
    """
    import pyarrow as pa

    library = library_of(data)
    if library == "pandas":
        from dh2o.frame.exchange.pandas_io import table_of_pandas

        return table_of_pandas(data)
    if library == "polars":
        from dh2o.frame.exchange.polars_io import table_of_polars

        return table_of_polars(data)
    if library == "scipy":
        data = data.toarray()
    if hasattr(data, "dtype") and getattr(data, "ndim", 0) > 0:
        return table_of_numpy(data), None
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return pa.table({"C1": data}), None
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return pa.table(data), None
    return table_of_python(data, header=header), None


def named(table: Any, names: Sequence[str] | None) -> Any:
    """Return the table with other column names."""
    from dh2o.errors import FrameError

    if names is None:
        return table
    if len(names) != table.num_columns:
        raise FrameError(f"{len(names)} names were given for {table.num_columns} columns.")
    return table.rename_columns([str(name) for name in names])
