"""H2OFrame: a lazy frame with H2O's own Python names."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TextIO

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.frame.mapped import map_blocks
from dh2o.rapids.columns import Table
from dh2o.rapids.h2oframe_base import FrameBase, python_session
from dh2o.rapids.h2oframe_math import FrameMath
from dh2o.rapids.h2oframe_munge import FrameMunging
from dh2o.rapids.h2oframe_rows import FrameRows
from dh2o.rapids.h2oframe_stats import FrameStats
from dh2o.rapids.h2oframe_text import FrameText
from dh2o.rapids.tree import Apply, Literal, NumList

__all__ = ["H2OFrame"]


class H2OFrame(FrameMath, FrameStats, FrameMunging, FrameRows, FrameText):
    """Rows and columns in the cluster's memory, changed and looked at under H2O's names.

    Operations wait in a tree until somebody needs names, numbers or blocks; element-wise runs are
    then computed in one pass.

    Parameters
    ----------
    python_obj : list, dict, numpy array, pandas, Polars, Arrow or Dask table, Frame, H2OFrame
        The data. Lists of lists are rows; a dict is columns by name.
    destination_frame : str, optional
        The key to store the frame under.
    header : {-1, 0, 1}
        1 when the first row of a list of rows holds the names.
    separator : str
        Only there for H2O's signature: Python data have none.
    column_names : list of str, optional
        Names of the columns.
    column_types : list or dict, optional
        H2O's types ("enum", "numeric", "string", "time", "int", "real") of all or, by name, of
        some columns.
    na_strings : list of str, optional
        Texts that mean NA.
    skipped_columns : list of int or str, optional
        Columns to leave out.

    Raises
    ------
    FrameError
        A value has a type that no column holds, or there are more or fewer names than columns.
    RapidsError
        A type is unknown, or its column, or the number of types is another.

    Notes
    -----
    Texts become categories or strings by H2O's rule: strings where more than 95 of 100 differ.
    A type "time" reads texts as the parser of files does; what is no time is NA.

    Examples
    --------
    >>> fr = dh2o.H2OFrame({"k": ["a", "b", "a"], "x": [1, 2, None]})
    >>> fr.types
    {'k': 'enum', 'x': 'int'}
    >>> dh2o.H2OFrame([["x", "y"], [1, 2.5], [3, 4]], header=1)
    x    y
    -  ---
    1  2.5
    3    4
    """

    __slots__ = ()

    def __init__(
        self,
        python_obj: Any = None,
        destination_frame: str | None = None,
        header: int = 0,
        separator: str = ",",
        column_names: Sequence[str] | None = None,
        column_types: Sequence[str] | Mapping[str, str] | None = None,
        na_strings: Sequence[str] | None = None,
        skipped_columns: Sequence[int | str] | None = None,
    ) -> None:
        del separator
        self._start(Literal(_table_of(python_obj, column_names, header)))
        if skipped_columns:
            self._node = self.drop(list(skipped_columns))._node
        if na_strings:
            self._set_na(na_strings)
        if column_types:
            self._convert(column_types)
        if destination_frame is not None:
            self.frame_id = destination_frame

    @classmethod
    def get_frame(cls, frame_id: str, **options: Any) -> Self:
        """Return the frame stored under a key.

        Parameters
        ----------
        frame_id : str
            The key.
        **options
            H2O's ``rows``, ``rows_offset``, ``cols``, ``full_cols``, ``cols_offset`` and ``light``;
            a frame here fetches rows when they are looked at, so they have no effect.

        Raises
        ------
        KeyNotFoundError
            There is none; the message names some that there are.
        """
        _only("get_frame", options, _FETCHED)
        return cls._of_table(Table.of(Frame.get(frame_id)))

    @classmethod
    def from_python(cls, python_obj: Any, **options: Any) -> Self:
        """Return a frame of Python data; the same as calling the class.

        Parameters
        ----------
        python_obj
            The data, as the class takes it.
        **options
            The other parameters of the class.
        """
        return cls(python_obj, **options)

    def _set_na(self, texts: Sequence[str]) -> None:
        for i, column in enumerate(self._table().columns):
            if not (column.is_enum or column.is_string):
                continue
            for text in texts:
                mark = self[i].__eq__(text)
                self._node = Apply.call(":=", self._node, math.nan, i, mark._node)

    def _convert(self, types: Sequence[str] | Mapping[str, str]) -> None:
        if not isinstance(types, Mapping):
            if len(types) != self.ncols:
                raise RapidsError(
                    f"{len(types)} column types for {self.ncols} columns. Give one for each, or a "
                    "dict by name for some."
                )
            types = dict(zip(self.names, types, strict=True))
        for name, kind in types.items():
            column = self[name]
            symbol = _CONVERSIONS.get(kind.lower())
            if symbol is None:
                raise RapidsError(
                    f"Unknown column type {kind!r} for {name!r}. Expected one of: "
                    f"{', '.join(_CONVERSIONS)}."
                )
            holds = self._table().columns[self._position(name)]
            if kind.lower() == "time" and (holds.is_enum or holds.is_string):
                zone = python_session().time_zone
                read = map_blocks(column.frame, _read_times, (zone,), form="arrow")
                self[name] = self._of_table(Table.of(read))
            elif symbol:
                changed = column._apply(symbol)
                self._node = Apply.call(":=", self._node, changed._node, self._position(name), None)
        self._table()

    # ---- choosing

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, tuple):
            if len(item) != 2:
                raise RapidsError("A frame has two dimensions: frame[rows, columns].")
            return self._rectangle(*item)
        if isinstance(item, FrameBase):
            return self._apply("rows", item)
        return self._of_table(self._table().select(self._chosen(item)))

    def _rectangle(self, rows: Any, cols: Any) -> Any:
        part = self if _is_all(cols) else self._of_table(self._table().select(self._chosen(cols)))
        if _is_all(rows):
            return part
        picked = part._apply("rows", self._row_arg(rows))
        if isinstance(rows, int) and isinstance(cols, str | int):
            return picked.flatten()
        return picked

    def _chosen(self, item: Any) -> list[int]:
        """Return the column positions that names, numbers, a slice or a list of them mean."""
        if isinstance(item, slice):
            return list(range(*item.indices(self.ncols)))
        if isinstance(item, str | int):
            return [self._position(item)]
        if isinstance(item, Sequence) or hasattr(item, "tolist"):
            return self._positions(item)
        raise RapidsError(f"Columns are chosen by name, number, slice or list, got {item!r}.")

    def _row_arg(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.nrows)
            if step < 1:
                raise RapidsError("Rows cannot be reversed; sort the frame instead.")
            return NumList.range(start, stop, step)
        if isinstance(rows, FrameBase):
            return rows
        if isinstance(rows, int):
            row = rows + self.nrows if rows < 0 else rows
            return NumList.of([row])
        numbers = [int(r) for r in rows]
        if numbers and min(numbers) < 0 <= max(numbers):
            raise RapidsError("Cannot mix negative and positive row selection")
        return NumList.of(sorted(numbers))

    def __setitem__(self, item: Any, value: Any) -> None:
        rows: Any = None
        cols: Any = item
        if isinstance(item, tuple):
            rows, cols = item
        elif isinstance(item, FrameBase):
            rows, cols = item, None
        if isinstance(rows, slice):
            rows = None if _is_all(rows) else self._row_arg(rows)
        elif isinstance(rows, int | list):
            rows = self._row_arg(rows)
        given = math.nan if value is None else value
        if not isinstance(given, FrameBase | str | int | float | np.number | np.bool_):
            raise RapidsError(
                f"A frame's values are set to a number, a text, None or another frame, got a "
                f"{type(value).__name__}; make a frame of it first: H2OFrame(...)."
            )
        if isinstance(cols, str) and cols not in self.names:
            if rows is not None:
                raise RapidsError(f"Column {cols!r} not found; a new column needs all rows.")
            node = Apply.call("append", self._node, self._arg(given), cols)
        else:
            at = None if cols is None or _is_all(cols) else self._chosen(cols)
            node = Apply.call(":=", self._node, self._arg(given), at, self._arg(rows))
        self._become(node)

    def __len__(self) -> int:
        return self.nrows

    def __iter__(self) -> Any:
        return (self[i] for i in range(self.ncols))

    # ---- looking

    def head(self, rows: int = 10, cols: int = 200) -> Self:
        """Return the first rows.

        Parameters
        ----------
        rows, cols : int
            How many, at most.
        """
        return self._top(0, min(rows, self.nrows), cols)

    def tail(self, rows: int = 10, cols: int = 200) -> Self:
        """Return the last rows.

        Parameters
        ----------
        rows, cols : int
            How many, at most; columns from the left.
        """
        return self._top(max(0, self.nrows - rows), self.nrows, cols)

    def _top(self, start: int, stop: int, cols: int) -> Self:
        part = self._table().select(range(min(cols, self.ncols)))
        return self._of_table(part)._apply("rows", NumList.range(start, stop))

    def describe(self, chunk_summary: bool = False, out: TextIO | None = None) -> None:
        """Print types, statistics and first rows of each column.

        Parameters
        ----------
        chunk_summary : bool
            Print first how many chunks of which codec there are, and their bytes by worker.
        out : file, optional
            Where it is written; default: standard output.
        """
        stream = out or sys.stdout
        if chunk_summary:
            for table in self.frame.chunk_summary().tables():
                stream.write(f"{table}\n\n")
        stream.write(f"{self.frame.describe()}\n")

    def get_summary(self) -> Any:
        """Return the statistics and first rows of each column."""
        return self.frame.describe()

    def show_summary(self) -> None:
        """Print the statistics and first rows of each column."""
        sys.stdout.write(f"{self.get_summary()}\n")

    def summary(self, return_data: bool = False) -> Any:
        """Print the statistics of each column, or return them.

        Parameters
        ----------
        return_data : bool
            Return them, as `get_summary` does, and print nothing.
        """
        return self.get_summary() if return_data else self.show_summary()

    def show(
        self,
        use_pandas: bool | None = None,
        rows: int = 10,
        cols: int = 200,
        verbosity: str | None = None,
        fmt: str | None = None,
    ) -> None:
        """Print the first rows and columns; the other parameters are for H2O's signature.

        Parameters
        ----------
        rows, cols : int
            How many, at most.
        use_pandas, verbosity, fmt
            Not looked at.
        """
        from dh2o.frame.describe import to_text

        del use_pandas, verbosity, fmt
        shown = self if cols >= self.ncols else self._of_table(self._table().select(range(cols)))
        sys.stdout.write(to_text(shown.frame, rows) + "\n")

    def structure(self) -> None:
        """Print the type and the first values of each column."""
        head = self.head().frame.to_arrow()
        sys.stdout.write(
            f"H2OFrame: '{self.key}'\nDimensions: {self.nrows} obs. of {self.ncols} variables\n"
        )
        for name, kind in self.types.items():
            values = ", ".join("NA" if v is None else str(v) for v in head[name].to_pylist())
            sys.stdout.write(f"$ {name} {kind}: {values}\n")

    def __repr__(self) -> str:
        from dh2o.frame.describe import to_text

        return to_text(self.frame)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from dh2o.frame.describe import to_html

        return to_html(self.frame)

    # ---- exchange

    def as_data_frame(self, use_pandas: bool = True, header: bool = True, **options: Any) -> Any:
        """Return a pandas DataFrame, or a list of rows of texts.

        Parameters
        ----------
        use_pandas : bool
            False gives the list.
        header : bool
            Whether the list starts with the names.
        **options
            H2O's ``use_multi_thread``, without effect: all threads that help are used.

        Returns
        -------
        pandas.DataFrame or list of list of str
            In the list NA are empty texts.
        """
        _only("as_data_frame", options, ("use_multi_thread",))
        if use_pandas:
            return self.to_pandas()
        columns = [self.frame.to_arrow().column(i).to_pylist() for i in range(self.ncols)]
        rows = [["" if v is None else str(v) for v in row] for row in zip(*columns, strict=True)]
        return [self.names, *rows] if header else rows

    def to_pandas(self) -> Any:
        """Return the frame as a pandas DataFrame."""
        return self.frame.to_pandas()

    def to_polars(self) -> Any:
        """Return the frame as a Polars DataFrame."""
        return self.frame.to_polars()

    def to_arrow(self) -> Any:
        """Return the frame as a pyarrow Table."""
        return self.frame.to_arrow()

    def to_numpy(self) -> Any:
        """Return the numbers (enums by code, NA as NaN) as a matrix."""
        return self.frame.to_numpy()

    def to_dask(self) -> Any:
        """Return a lazy Dask DataFrame."""
        return self.frame.to_dask()

    def to_dask_array(self) -> Any:
        """Return a lazy Dask Array of float64, known chunks; enums by code, NA as NaN."""
        return self.frame.to_dask_array()

    def to_dask_bag(self) -> Any:
        """Return a lazy Dask Bag of one dict a row, NA as None."""
        return self.frame.to_dask_bag()

    def to_delayed(self) -> list[Any]:
        """Return one Delayed a block, each giving a pandas DataFrame."""
        return self.frame.to_delayed()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.frame.__arrow_c_stream__(requested_schema)

    def get_frame_data(self) -> str:
        """Return the frame as CSV text."""
        return b"".join(self.frame.to_csv_stream()).decode()


def _only(name: str, options: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise TypeError for an option that H2O does not have either."""
    unknown = [option for option in options if option not in known]
    if unknown:
        raise TypeError(
            f"{name}() got an unexpected keyword argument {unknown[0]!r}. H2O has "
            f"{', '.join(known)}."
        )


_FETCHED = ("rows", "rows_offset", "cols", "full_cols", "cols_offset", "light")
_CONVERSIONS = {
    "enum": "as.factor",
    "factor": "as.factor",
    "categorical": "as.factor",
    "string": "as.character",
    "numeric": "as.numeric",
    "int": "as.numeric",
    "real": "as.numeric",
    "long": "as.numeric",
    "float": "as.numeric",
    "double": "as.numeric",
    "time": "",
    "uuid": "",
    "unknown": "",
}


def _read_times(table: Any, zone: str) -> Any:
    """Return the times that a column of texts spells, as the parser reads them; others are NA."""
    import pyarrow as pa

    from dh2o.chunks import NA_INT
    from dh2o.parse.columns import reader_for
    from dh2o.parse.tables.columns import read_texts_into, text_dialect

    name = table.column_names[0]
    reader: Any = reader_for("Time", name, None, text_dialect(), zone)
    at = 0
    for array in table.column(0).cast(pa.large_string()).chunks:
        read_texts_into(reader, array, at, empty_is_na=True)
        at += len(array)
    ms = reader.finish(at).ints()
    return pa.table({name: pa.array(ms, pa.timestamp("ms"), mask=ms == NA_INT)})


def _is_all(item: Any) -> bool:
    return isinstance(item, slice) and item == slice(None)


def _table_of(data: Any, names: Sequence[str] | None, header: int) -> Table:
    if isinstance(data, H2OFrame):
        table = data._table()
        return replace(table, key=None) if names is None else table.like(names, table.columns)
    if data is None:
        return Table((), (), 0, None)
    given = None if names is None else list(names)
    if isinstance(data, Frame):
        return Table.of(data if given is None else data.rename(given))
    frame = Frame.from_any(data, given, header=header == 1, strings="guess")
    return Table.of(frame)
