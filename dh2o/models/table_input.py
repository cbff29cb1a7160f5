"""Local tables of any kind as columns on offer to a model: pandas, Polars, Arrow, NumPy, dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.adapt import ColumnInfo, TileSource
from dh2o.models.columns import F64

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False)
class LocalTable:
    """An Arrow table that knows what its columns offer to a model."""

    table: pa.Table
    infos: tuple[ColumnInfo, ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def source(self) -> TileSource:
        """Return access to all rows, by column position."""
        return TileSource(self._floats, lambda idx: self.table.column(idx).combine_chunks())

    def _floats(self, idx: int) -> F64:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.table.column(idx).combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.indices
        elif pa.types.is_temporal(column.type):
            column = column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        elif pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan)
        return np.asarray(values, dtype=np.float64)


def local_table(data: Any, names: Sequence[str] = ()) -> LocalTable:
    """Return `data` as a table on offer. `names` name the columns of a bare NumPy array.

    Texts are levels, numbers numbers, booleans 0 and 1, times milliseconds.
    """
    table = _arrow(data, names)
    infos = [
        ColumnInfo(name, *_type_of(table.column(i))) for i, name in enumerate(table.column_names)
    ]
    return LocalTable(table, tuple(infos))


def _type_of(column: pa.ChunkedArray) -> tuple[str, tuple[str, ...] | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if column.null_count == len(column):
        return "na", None
    if pa.types.is_floating(kind) and pc.all(pc.is_nan(column), min_count=0).as_py():
        return "na", None
    if pa.types.is_dictionary(kind):
        if not column.num_chunks:
            return "enum", ()
        dictionary = column.unify_dictionaries().chunk(0).dictionary
        return "enum", tuple(map(str, dictionary.to_pylist()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string", None
    if pa.types.is_temporal(kind):
        return "time", None
    return "numeric", None


def _arrow(data: Any, names: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data.unify_dictionaries()
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, Mapping):
        one_row = all(np.ndim(value) == 0 for value in data.values())
        return pa.table({k: pa.array([v] if one_row else v) for k, v in data.items()})
    if isinstance(data, list) and data and isinstance(data[0], Mapping):
        return pa.Table.from_pylist(data)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data).unify_dictionaries()
    if hasattr(data, "to_arrow"):
        return pa.table(data.to_arrow())
    return _of_array(np.asarray(data), names)


def _of_array(array: Any, names: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    if array.ndim == 1:
        array = array.reshape(1, -1)
    if array.ndim != 2:
        raise ModelError(f"A table has two dimensions, this array has {array.ndim}.")
    if array.shape[1] != len(names):
        raise ModelError(
            f"The model reads {len(names)} columns, the array has {array.shape[1]}. Give a table "
            f"with column names, or the columns in this order: {', '.join(names)}."
        )
    columns = [pa.array(array[:, i].tolist() if array.dtype == object else array[:, i])
               for i in range(array.shape[1])]  # fmt: skip
    return pa.table(columns, names=list(names))
