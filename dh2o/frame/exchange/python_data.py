"""Python's own containers, and NumPy arrays, as Arrow tables."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from dh2o.errors import FrameError


def default_names(n_cols: int) -> list[str]:
    """Return H2O's names for columns without one: C1, C2, C3."""
    return [f"C{i}" for i in range(1, n_cols + 1)]


def table_of_python(data: Any, names: Sequence[str] | None = None, *, header: bool = False) -> Any:
    """Return an Arrow table of a dict of columns, a list of rows, records, values, or one value.

    As H2O reads them: a list of lists is a list of rows, a flat list is one column, short rows and
    short columns end in NA. `header` says that the first row holds the names.
    """
    own: list[str] | None
    if isinstance(data, Mapping):
        own, columns = _columns_of_dict(data)
    elif isinstance(data, list | tuple | range):
        own, columns = _columns_of_list(data, header=header)
    else:
        own, columns = None, [[data]]
    return _table(columns, names if names is not None else own)


def table_of_numpy(data: Any, names: Sequence[str] | None = None) -> Any:
    """Return an Arrow table of a one- or two-dimensional or structured array."""
    array = np.asanyarray(data)
    if array.dtype.names is not None:
        own: list[str] | None = list(array.dtype.names)
        columns = [array[name] for name in array.dtype.names]
    elif array.ndim <= 1:
        own, columns = None, [np.atleast_1d(array)]
    elif array.ndim == 2:
        own, columns = None, [array[:, i] for i in range(array.shape[1])]
    else:
        raise FrameError(
            f"A frame has two dimensions; the array has {array.ndim}. Reshape it first."
        )
    return _table(columns, names if names is not None else own)


def _table(columns: Sequence[Any], names: Sequence[str] | None) -> Any:
    import pyarrow as pa

    given = [str(n) for n in names] if names is not None else default_names(len(columns))
    if len(given) != len(columns):
        raise FrameError(f"{len(given)} names were given for {len(columns)} columns.")
    arrays = [arrow_array(name, column) for name, column in zip(given, columns, strict=True)]
    return pa.table(arrays, names=given)


def _columns_of_dict(data: Mapping[Any, Any]) -> tuple[list[str], list[Any]]:
    columns = [_column(name, value) for name, value in data.items()]
    longest = max((len(column) for column in columns), default=0)
    padded = [
        column if len(column) == longest else [*column, *[None] * (longest - len(column))]
        for column in columns
    ]
    return [str(name) for name in data], padded


def _column(name: Any, value: Any) -> Any:
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return [value]
    if isinstance(value, Mapping) or any(isinstance(v, list | tuple | dict) for v in value):
        raise FrameError(f"Column {str(name)!r} must be a flat sequence; it holds sequences.")
    return value


def _columns_of_list(data: Sequence[Any], *, header: bool) -> tuple[list[str] | None, list[Any]]:
    if data and all(isinstance(row, Mapping) for row in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return [str(name) for name in names], [[row.get(name) for row in data] for name in names]
    nested = [isinstance(row, list | tuple | range | np.ndarray) for row in data]
    if not any(nested):
        if header and data:
            return [str(data[0])], [list(data[1:])]
        return None, [list(data)]
    if not all(nested):
        row = nested.index(False)
        raise FrameError(f"Row {row} is {data[row]!r}, other rows are lists. Make all rows lists.")
    for i, row in enumerate(data):
        if any(isinstance(value, list | tuple | dict) for value in row):
            raise FrameError(f"Row {i} holds a list; rows must be flat.")
    columns = [list(column) for column in zip_longest(*data)]
    if header and data:
        return [str(column[0]) for column in columns], [column[1:] for column in columns]
    return None, columns


def arrow_array(name: str, values: Any) -> Any:
    """Return one column of Python or NumPy values as an Arrow array; mixed values become text."""
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        return _array_of_numpy(name, values)
    if hasattr(values, "__arrow_array__") or isinstance(values, pa.Array | pa.ChunkedArray):
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return _array_of_values(name, list(values))


def _array_of_values(name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    if any(isinstance(value, uuid.UUID) for value in values):
        return _array_of_uuids(name, values)
    for from_pandas in (False, True):  # the second reads a float NaN among other things as NA
        try:
            return pa.array(values, from_pandas=from_pandas)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            continue
        except pa.ArrowNotImplementedError:
            break
    present = [value for value in values if not _is_na(value)]
    if all(isinstance(value, int | float | np.number) for value in present):
        return pa.array([None if _is_na(value) else float(value) for value in values])
    if all(isinstance(value, str | int | float | np.number | bool) for value in present):
        return pa.array([None if _is_na(value) else str(value) for value in values])
    kinds = sorted({type(value).__name__ for value in present})
    raise FrameError(
        f"Column {name!r} holds {', '.join(kinds)}. A column holds numbers, texts, "
        "truth values, times or UUIDs; convert it first."
    )


def _array_of_uuids(name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    wrong = [v for v in values if not (v is None or isinstance(v, uuid.UUID))]
    if wrong:
        raise FrameError(f"Column {name!r} mixes UUIDs with {type(wrong[0]).__name__}.")
    raw = pa.array([None if v is None else v.bytes for v in values], pa.binary(16))
    return pa.ExtensionArray.from_storage(pa.uuid(), raw) if hasattr(pa, "uuid") else raw


def _is_na(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _array_of_numpy(name: str, values: np.ndarray[Any, Any]) -> Any:
    import pyarrow as pa

    mask = None
    if isinstance(values, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(values), values.data
    kind = values.dtype.kind
    if kind == "O":
        items = values.tolist()
        if mask is not None:
            items = [None if hidden else item for item, hidden in zip(items, mask, strict=True)]
        return _array_of_values(name, items)
    if kind in "cV":
        raise FrameError(
            f"Column {name!r} is {values.dtype}, which no column holds. Split it first."
        )
    if kind == "S":
        values = np.char.decode(values, "utf-8")
    if kind in "mM" and _unit(values) in {"Y", "M", "W", "h", "m"}:
        values = values.astype(f"{kind}8[s]" if kind == "m" else "M8[s]")
    if kind == "f" and values.dtype.itemsize > 8:
        raise FrameError(f"Column {name!r} is {values.dtype}; convert it to float64 first.")
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))
    return pa.array(values, mask=mask)


def _unit(values: Any) -> str:
    return str(np.datetime_data(values.dtype)[0])
