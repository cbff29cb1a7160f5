"""Python and numba functions of rows or columns, run on the workers.

A function that only combines and reduces its argument becomes an expression (see `lambdas`); any
other comes here. It travels to the workers, never through a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.frame.exchange.dask_in import Compress, frame_of_pieces
from dh2o.frame.mapped import RowFailedError, failure, is_numba, map_blocks, without_gil
from dh2o.frame.physical import engine_for, physical

__all__ = ["Row", "apply_to_columns", "apply_to_rows"]


class Row(Sequence[Any]):
    """One row as a function sees it: values by position or by the name of the column.

    Categories are their texts, times ``datetime``, NA is None in them and in strings, NaN among
    numbers.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: dict[str, int]) -> None:
        self._values = values
        self._places = places

    def __getitem__(self, column: Any) -> Any:
        if isinstance(column, str):
            if column not in self._places:
                raise KeyError(f"{column!r}; the columns are {', '.join(self._places)}")
            return self._values[self._places[column]]
        return self._values[column]

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._values, dtype=dtype)

    def __repr__(self) -> str:
        pairs = zip(self._places, self._values, strict=True)
        return "Row(" + ", ".join(f"{name}={value!r}" for name, value in pairs) + ")"


def apply_to_rows(frame: Frame, fn: Callable[..., Any]) -> Frame:
    """Return the frame of what `fn` gives for every row: a value, or several as columns.

    A numba function is given an array of the row's numbers, any other a `Row`.
    """
    if is_numba(fn):
        return map_blocks(frame, _CompiledRows(without_gil(fn)), form="arrays")
    return map_blocks(frame, _PythonRows(fn), form="arrow")


@dataclass(frozen=True)
class _CompiledRows:
    """Gives the rows of a block to a numba function, in a compiled loop."""

    fn: Any

    def __call__(self, *columns: Any) -> Any:
        matrix = np.stack(columns, axis=1)
        if not len(matrix):
            return np.empty(0)
        first = self.fn(matrix[0])
        width = np.size(first) if np.ndim(first) or isinstance(first, tuple) else 0
        out = np.empty((len(matrix), max(1, width)))
        (_several_each if width else _one_each)()(self.fn, matrix, out)
        return {f"C{i + 1}": out[:, i] for i in range(out.shape[1])}


@cache
def _one_each() -> Any:
    """Return the compiled loop for a function that gives a number."""
    import numba

    @numba.njit(nogil=True)
    def loop(fn: Any, matrix: Any, out: Any) -> None:
        for i in range(matrix.shape[0]):
            out[i, 0] = fn(matrix[i])

    return loop


@cache
def _several_each() -> Any:
    """Return the compiled loop for a function that gives an array or several numbers."""
    import numba

    @numba.njit(nogil=True)
    def loop(fn: Any, matrix: Any, out: Any) -> None:
        for i in range(matrix.shape[0]):
            found = fn(matrix[i])
            for j in range(out.shape[1]):
                out[i, j] = found[j]

    return loop


@dataclass(frozen=True)
class _PythonRows:
    """Gives the rows of a block to a Python function, one by one."""

    fn: Any

    def __call__(self, table: Any) -> Any:
        places = {name: i for i, name in enumerate(table.column_names)}
        columns = [_python_values(column) for column in table.columns]
        made = []
        for number, values in enumerate(zip(*columns, strict=True)):
            try:
                made.append(self.fn(Row(values, places)))
            except Exception as error:
                raise RowFailedError(number) from error
        return _columns_of(made)


def _python_values(column: Any) -> list[Any]:
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return [np.nan if v is None else v for v in values]
    return values


def _columns_of(made: list[Any]) -> Any:
    """Return the values of the rows as columns: C1, or as many as a row gave, or by its names."""
    first = next((m for m in made if m is not None), None)
    if isinstance(first, dict):
        return {str(name): [m[name] for m in made] for name in first}
    if isinstance(first, tuple | list | np.ndarray | Row):
        widths = {len(m) for m in made}
        if len(widths) > 1:
            raise ValueError(f"rows gave different numbers of values: {sorted(widths)}")
        return {f"C{i + 1}": [m[i] for m in made] for i in range(widths.pop())}
    return {"C1": made}


def apply_to_columns(frame: Frame, fn: Callable[..., Any]) -> Frame:
    """Return the frame of what `fn` gives for every column: one value, or one for each row.

    The function is given a whole column: an array of numbers, or of texts and times with None for
    NA. Each column is put together on one worker.
    """
    engine = engine_for(frame)
    call = _ColumnCall(without_gil(fn) if is_numba(fn) else fn)
    made = []
    for name in frame.names:
        own = frame.select(name)
        blocks = physical(own)
        deps = [(blocks, i) for i in range(frame.n_blocks)]
        column = (name, own.vecs[0].type.value, own.vecs[0].domain)
        pieces = engine.submit(call, [column], deps=[deps], name="apply")
        made.append(frame_of_pieces(pieces, "string"))
    lengths = {part.n_rows for part in made}
    if len(lengths) > 1:
        raise RapidsError(
            "apply: the function gave columns of different lengths: "
            + ", ".join(f"{part.names[0]} {part.n_rows}" for part in made)
        )
    whole = made[0].cbind(*made[1:])
    return whole.rebalance(frame.layout) if whole.n_rows == frame.n_rows > 1 else whole


@dataclass(frozen=True)
class _ColumnCall:
    """The task: puts a column together and gives it to the function."""

    fn: Any

    def __call__(
        self, name: str, kind: str, domain: tuple[str, ...] | None, inputs: list[Any]
    ) -> Any:
        column = _whole_column(inputs, kind, domain)
        try:
            made = self.fn(column)
        except Exception as error:  # noqa: BLE001 - it is the user's function
            raise failure("apply", f"column {name!r}", error) from None
        values = made if np.ndim(made) else [made]
        return Compress(_itself, "string")({name: values})


def _itself(table: Any) -> Any:
    return table


def _whole_column(blocks: list[Any], kind: str, domain: tuple[str, ...] | None) -> Any:
    parts = [block.chunks[0] for block in blocks]
    if kind == "string":
        return np.array([t for p in parts for t in p.strings().to_pylist()], dtype=object)
    values = np.concatenate([p.floats() for p in parts]) if parts else np.empty(0)
    if domain is None:
        return values
    levels = np.array([*domain, None], dtype=object)
    return levels[np.where(np.isnan(values), len(domain), values).astype(np.int64)]
