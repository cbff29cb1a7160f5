"""A Python function of a block of rows, run on the workers, whose results become a frame.

The function sees a block as arrays or as a table of its liking; what it returns is compressed on
the worker at once, and types and categories are unified over all blocks, as for Dask's partitions.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dh2o.chunks import Block
from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_io import leaving_columns, table_of_block
from dh2o.frame.exchange.dask_in import Compress, frame_of_pieces
from dh2o.frame.exchange.decode import ArrowColumn
from dh2o.frame.layout import row_starts
from dh2o.frame.physical import engine_for, physical

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

__all__ = [
    "Form",
    "RowFailedError",
    "UserFunctionError",
    "failure",
    "is_numba",
    "map_blocks",
    "without_gil",
]

Form = Literal["arrays", "arrow", "pandas", "polars"]
FORMS: tuple[Form, ...] = ("arrays", "arrow", "pandas", "polars")


class UserFunctionError(FrameError):
    """A function given by the user failed; the message says where in the data and in its text."""


class RowFailedError(Exception):
    """The function that is its cause failed on a row of a block."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def failure(what: str, where: str, error: Exception) -> UserFunctionError:
    """Return the error that says where a function failed, without needing its objects here."""
    frames = traceback.extract_tb(error.__traceback__)
    line = f" (line {frames[-1].lineno} of {frames[-1].name})" if len(frames) > 1 else ""
    return UserFunctionError(
        f"{what}: the function failed on {where}: {type(error).__name__}: {error}{line}"
    )


def is_numba(fn: Any) -> bool:
    """Return whether a function was compiled by ``numba.jit`` or ``njit``."""
    return hasattr(fn, "py_func") and hasattr(fn, "targetoptions")


def without_gil(fn: Any) -> Any:
    """Return a numba function that lets go of the interpreter's lock while it runs."""
    if fn.targetoptions.get("nogil"):
        return fn
    import numba

    return numba.jit(**{**fn.targetoptions, "nogil": True})(fn.py_func)


def map_blocks(
    frame: Frame,
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    form: Form = "arrays",
    names: Sequence[str] | None = None,
) -> Frame:
    """Return the frame of what `fn` gives for every block, in the order of the blocks.

    Parameters
    ----------
    fn
        Called as ``fn(columns..., *args, **kwargs)`` with `form` "arrays", one float64 array for
        each column (codes of categories, milliseconds of times, NA as NaN), else as
        ``fn(table, *args, **kwargs)``. It may give fewer or more rows than it got: an array, a
        tuple or dict of arrays, a matrix, a list, a table, or a number for one row.
    form
        "arrays", "arrow", "pandas" or "polars": what the function sees.
    names
        Names of the result's columns; default: those it has, else the frame's when there are as
        many, else C1, C2, C3.

    Raises
    ------
    FrameError
        The function failed, or its results do not go together; the message names block and rows.
    """
    if form not in FORMS:
        raise FrameError(f"form is {form!r}; it must be one of {', '.join(map(repr, FORMS))}.")
    if not frame.n_cols:
        raise FrameError("A frame without columns has no blocks to give to a function.")
    if form == "arrays":
        from dh2o.frame.exchange import require_numbers

        require_numbers(frame)
    call = BlockCall(
        without_gil(fn) if is_numba(fn) else fn,
        tuple(args),
        dict(kwargs or {}),
        form,
        frame.names,
        () if form == "arrays" else tuple(map(_seen, leaving_columns(frame))),
        tuple(None if vec.domain is not None else vec.source for vec in frame.vecs),
    )
    blocks = physical(frame)
    starts = row_starts(frame.layout)
    numbers = range(max(1, frame.n_blocks))
    pieces = engine_for(frame).submit(
        call,
        [(i, starts[i] if i < len(starts) else 0) for i in numbers],
        deps=[[(blocks, i)] if frame.n_blocks else [] for i in numbers],
        name="map_blocks",
    )
    made = frame_of_pieces(pieces, "string")
    return made if names is None else made.rename([str(name) for name in names])


def _seen(column: ArrowColumn) -> ArrowColumn:
    """Return how a function sees a column: categories as such, so that they come back as such."""
    if column.domain is None:
        return column
    return replace(column, arrow="dictionary<values=string, indices=int32, ordered=0>")


@dataclass(frozen=True)
class BlockCall:
    """The task: gives a block to the function and compresses what comes back."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    form: Form
    names: tuple[str, ...]
    columns: tuple[ArrowColumn, ...]
    sources: tuple[Any, ...] = ()

    def __call__(self, number: int, start: int, inputs: list[Any]) -> Any:
        block: Block = inputs[0]
        where = f"block {number} (rows {start} to {start + max(0, block.n_rows - 1)})"
        operands = self._operands(block)
        try:
            made = self.fn(*operands, *self.args, **self.kwargs)
        except RowFailedError as failed:
            cause = failed.__cause__ if isinstance(failed.__cause__, Exception) else failed
            place = f"row {start + failed.row} (block {number})"
            raise failure("apply", place, cause) from None
        except Exception as error:  # noqa: BLE001 - it is the user's function
            raise failure("map_blocks", where, error) from None
        try:
            return Compress(self._table, "string")(made)
        except (FrameError, ValueError, TypeError) as error:
            raise UserFunctionError(
                f"map_blocks: what the function gave for {where} is no table: {error} "
                "It may give an array, several in a tuple or dict, a matrix, a table, or a number."
            ) from None

    def _operands(self, block: Block) -> list[Any]:
        if self.form == "arrays":
            return [block.chunks[i].floats() for i in range(len(self.names))]
        table = table_of_block(block, self.columns)
        if self.form == "pandas":
            from dh2o.frame.exchange.pandas_io import pandas_of_table

            return [pandas_of_table(table, list(self.sources))]
        if self.form == "polars":
            from dh2o.frame.exchange.polars_io import polars_of_table

            return [polars_of_table(table, list(self.sources))]
        return [table]

    def _table(self, made: Any) -> Any:
        """Return what the function gave as something that has named columns."""
        if isinstance(made, tuple):
            made = dict(zip(self._names_for(len(made)), made, strict=True))
        if isinstance(made, dict):
            columns = {name: _column(values) for name, values in made.items()}
            lengths = {name: len(values) for name, values in columns.items()}
            if len(set(lengths.values())) > 1:
                raise ValueError(f"the columns have different lengths: {lengths}.")
            return columns
        if isinstance(made, np.ndarray) and made.ndim == 2:
            names = self._names_for(made.shape[1])
            return {name: made[:, i] for i, name in enumerate(names)}
        if isinstance(made, np.ndarray) and made.ndim == 1:
            return {self._names_for(1)[0]: made}
        if made is None:
            raise TypeError("it gave None.")
        return made if hasattr(made, "__len__") and not isinstance(made, str) else [made]

    def _names_for(self, n_columns: int) -> list[str]:
        if n_columns == len(self.names):
            return list(self.names)
        return [f"C{i + 1}" for i in range(n_columns)]


def _column(values: Any) -> Any:
    return values if hasattr(values, "__len__") and not isinstance(values, str) else [values]
