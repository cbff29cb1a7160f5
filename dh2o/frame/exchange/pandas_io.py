"""pandas tables in and out, in exactly the dtypes they came with."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.errors import FrameError, MissingExtraError
from dh2o.frame.exchange.arrow_types import empty_array
from dh2o.frame.exchange.python_data import arrow_array
from dh2o.frame.vec import Source

MAX_EXACT_FLOAT = 2**53


def require_pandas() -> Any:
    """Return pandas, or raise the error that says how to install it."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError.of("pandas", "pandas", "Exchange with pandas") from error
    return pd


def table_of_pandas(data: Any) -> tuple[Any, list[Source]]:
    """Return an Arrow table of a DataFrame (index left out) and what pandas called its types."""
    import pyarrow as pa

    pd = require_pandas()
    if isinstance(data, pd.Series):
        data = data.to_frame("C1" if data.name is None else data.name)
    names = [str(name) for name in data.columns]
    arrays, sources = [], []
    for i, name in enumerate(names):
        series = data.iloc[:, i]
        arrays.append(_array_of_series(name, series))
        sources.append(Source(pandas=_dtype_name(series.dtype)))
    schema = pa.schema([(name, array.type) for name, array in zip(names, arrays, strict=True)])
    if not arrays:
        return pa.table({}), []
    return pa.Table.from_arrays(arrays, schema=schema), sources


def _array_of_series(name: str, series: Any) -> Any:
    import pyarrow as pa

    pd = require_pandas()
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _array_of_objects(name, series)
        return arrow_array(name, series.to_numpy())
    if isinstance(dtype, pd.SparseDtype):
        return _array_of_series(name, series.sparse.to_dense())
    if isinstance(dtype, pd.CategoricalDtype):
        return _array_of_categories(series.array)
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        raise FrameError(
            f"Column {name!r} has pandas dtype {dtype}. Convert it to times, numbers or text first."
        )
    array = pa.array(series, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _array_of_objects(name: str, series: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        items = series.tolist()
        hidden = series.isna().to_numpy()
        return arrow_array(name, [None if na else v for v, na in zip(items, hidden, strict=True)])


def _array_of_categories(values: Any) -> Any:
    import pyarrow as pa

    codes = np.asarray(values.codes)
    indices = pa.array(codes, mask=codes < 0) if (codes < 0).any() else pa.array(codes)
    levels = values.categories
    if levels.dtype.kind in "biuf" and isinstance(levels.dtype, np.dtype):
        texts = pa.array(levels.to_numpy())
    elif _is_text(levels):
        texts = pa.array(levels.astype(object), pa.string())
    else:  # intervals of pd.cut, mixed objects: their text is what one wants to see as a level
        texts = pa.array([str(level) for level in levels], pa.string())
    return pa.DictionaryArray.from_arrays(indices, texts, ordered=bool(values.ordered))


def _is_text(levels: Any) -> bool:
    return all(isinstance(level, str) for level in levels)


def _dtype_name(dtype: Any) -> str:
    """Return a name from which `_restored` makes the dtype again."""
    pd = require_pandas()
    if isinstance(dtype, pd.CategoricalDtype):
        levels = dtype.categories.dtype
        if not (isinstance(levels, np.dtype) and levels.kind in "biuf") and not _is_text(
            dtype.categories
        ):
            return "category"
        return f"category[{levels}]"
    if isinstance(dtype, pd.StringDtype) and str(dtype) == "string":
        return f"string[{dtype.storage}]"
    return str(dtype)


def pandas_of_table(table: Any, sources: list[Source | None]) -> Any:
    """Return an Arrow table as a DataFrame, in the dtypes its columns came with."""
    pd = require_pandas()
    columns = {}
    for i, (name, source) in enumerate(zip(table.column_names, sources, strict=True)):
        columns[name] = _series(table.column(i), source.pandas if source else None)
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _series(column: Any, dtype_name: str | None) -> Any:
    """Return one column in its dtype, or in the natural one when it no longer fits."""
    if dtype_name is not None:
        restored = _restored(column, dtype_name)
        if restored is not None:
            return restored
    return _natural(column)


def _restored(column: Any, dtype_name: str) -> Any:
    import pyarrow as pa

    pd = require_pandas()
    if dtype_name.startswith("category"):
        return _restored_categories(column, dtype_name[9:-1])
    if dtype_name.endswith("[pyarrow]") and not dtype_name.startswith("string"):
        return pd.arrays.ArrowExtensionArray(column)
    if dtype_name.startswith("Sparse"):
        return pd.arrays.SparseArray(_natural(column), dtype=_sparse_dtype(dtype_name))
    try:
        dtype = pd.api.types.pandas_dtype(dtype_name)
    except TypeError:
        return None
    if isinstance(dtype, np.dtype):
        return _restored_numpy(column, dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        values = column.to_pandas() if pa.types.is_timestamp(column.type) else None
        return None if values is None else values.astype(dtype).array
    return dtype.__from_arrow__(column)


def _sparse_dtype(name: str) -> Any:
    """Return the dtype whose name is like ``Sparse[float64, 0.0]``; pandas reads no fill value."""
    subtype, fill = name[len("Sparse[") : -1].split(", ", 1)
    dtype = np.dtype(subtype)
    value = fill == "True" if dtype.kind == "b" else dtype.type(fill)
    return require_pandas().SparseDtype(dtype, value)


def _restored_numpy(column: Any, dtype: np.dtype[Any]) -> Any:
    import pyarrow as pa

    if dtype.kind == "O":
        return _objects(column)
    if dtype.kind in "biu":
        return None if column.null_count else column.to_numpy().astype(dtype, copy=False)
    if dtype.kind == "f":
        return column.to_numpy().astype(dtype, copy=False)
    if dtype.kind in "mM":
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("ms"))
        values = column.to_numpy()
        return values.astype(dtype, copy=False) if values.dtype.kind == dtype.kind else None
    return None


def _objects(column: Any) -> Any:
    """Return Python objects, None for NA."""
    values = np.empty(len(column), object)
    values[:] = column.to_pylist()
    return require_pandas().Series(values, dtype=object)  # a bare array would be read as text


def _restored_categories(column: Any, level_dtype: str) -> Any:
    import pyarrow as pa

    pd = require_pandas()
    if not pa.types.is_dictionary(column.type):
        return None
    one = column.unify_dictionaries().combine_chunks()
    if isinstance(one, pa.ChunkedArray):
        one = one.chunk(0) if one.num_chunks else empty_array(column.type)
    levels = pd.Index(one.dictionary.to_pylist(), dtype=level_dtype or None)
    codes = one.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, levels, ordered=one.type.ordered)


def _natural(column: Any) -> Any:
    """Return a column that did not come from pandas in the dtype pandas users expect."""
    import pyarrow as pa

    pd = require_pandas()
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _restored_categories(column, "")
    if pa.types.is_boolean(kind) and column.null_count:
        return pd.BooleanDtype().__from_arrow__(column)
    if pa.types.is_integer(kind) and column.null_count:
        low, high = _extremes(column)
        if max(-low, high) <= MAX_EXACT_FLOAT:
            return column.cast(pa.float64()).to_numpy()
        return pd.api.types.pandas_dtype(_nullable_name(kind)).__from_arrow__(column)
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_fixed_size_binary(kind):
        return _objects(column)
    return column.to_pandas()


def _extremes(column: Any) -> tuple[int, int]:
    import pyarrow.compute as pc

    found = pc.min_max(column).as_py()
    return found["min"] or 0, found["max"] or 0


def _nullable_name(kind: Any) -> str:
    return "UInt64" if str(kind).startswith("u") else "Int64"
