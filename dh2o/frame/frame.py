"""Frame: ordered named Vecs of one layout. Immutable metadata; the work is done elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dh2o.errors import FrameError
from dh2o.frame.layout import Layout
from dh2o.frame.vec import Source, Vec, VecType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dh2o.chunks import Block
    from dh2o.frame.describe import Description
    from dh2o.frame.histogram import Histogram
    from dh2o.frame.rollups import Rollups
    from dh2o.frame.summary import ChunkSummary
    from dh2o.mrtask import Blocks, ColumnRef

Column = str | int


def new_frame_key(prefix: str = "Key_Frame") -> str:
    """Return a key that no other frame has, as ``Key_Frame__7f3a….hex``."""
    return f"{prefix}__{uuid.uuid4().hex}.hex"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """Ordered named columns of one layout. Small and picklable: values stay in the workers' blocks.

    Columns may come from several ``Blocks`` of equal layout, so that choosing, renaming and
    appending columns start no task. Every method returns a new Frame and changes nothing.

    Parameters
    ----------
    names : tuple of str
        Names of the columns, no two alike.
    vecs : tuple of Vec
        The columns, in the same order.
    layout : tuple of int
        Number of rows of each block.
    key : str, optional
        The key under which the frame is stored.

    Raises
    ------
    FrameError
        Names are doubled, or columns have other layouts.
    """

    names: tuple[str, ...]
    vecs: tuple[Vec, ...]
    layout: Layout
    key: str | None = None
    _places: dict[str, int] | None = field(default=None, init=False)  # made when first needed

    def __post_init__(self) -> None:
        if len(self.names) != len(self.vecs):
            raise FrameError(f"{len(self.names)} names for {len(self.vecs)} columns.")
        if len(set(self.names)) != len(self.names):
            twice = sorted({n for n in self.names if self.names.count(n) > 1})
            raise FrameError(f"Found duplicate column name {twice[0]!r}. Rename one of them.")
        fitting = None
        for name, vec in zip(self.names, self.vecs, strict=True):
            blocks = vec.ref[0]
            if blocks is not fitting and tuple(blocks.layout) != tuple(self.layout):
                raise FrameError(
                    f"Column {name!r} has another layout than its frame; rebalance it."
                )
            fitting = blocks  # most columns share their blocks with the one before

    def __getstate__(self) -> tuple[Any, ...]:
        return self.names, self.vecs, self.layout, self.key

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(("names", "vecs", "layout", "key"), state, strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_places", None)

    # ---- making

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        blocks: Blocks,
        types: Sequence[VecType | str],
        domains: Sequence[Sequence[str] | None] | None = None,
        sources: Sequence[Source | None] | None = None,
        key: str | None = None,
    ) -> Frame:
        """Return the frame whose i-th column is column i of `blocks`.

        Parameters
        ----------
        names : list of str
            Names of the columns.
        blocks : Blocks
            Where the values lie.
        types : list of VecType or str
            The type of each column.
        domains : list, optional
            The levels of each enum, None for the others.
        sources : list, optional
            The type that each column had where it came from, None if it was made here.
        key : str, optional
            The key of the frame.
        """
        all_domains = domains if domains is not None else [None] * len(names)
        all_sources = sources if sources is not None else [None] * len(names)
        vecs = tuple(
            Vec(VecType(kind), (blocks, i), tuple(d) if d is not None else None, source)
            for i, (kind, d, source) in enumerate(zip(types, all_domains, all_sources, strict=True))
        )
        return cls(tuple(names), vecs, tuple(blocks.layout), key)

    @classmethod
    def _from_blocks(
        cls,
        names: Sequence[str],
        blocks: Blocks,
        types: Sequence[VecType | str],
        domains: Sequence[Sequence[str] | None] | None = None,
        sources: Sequence[Source | None] | None = None,
    ) -> Frame:
        return cls.of(names, blocks, types, domains, sources)

    # ---- shape

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(self.layout)

    @property
    def n_cols(self) -> int:
        """Number of columns."""
        return len(self.names)

    @property
    def n_blocks(self) -> int:
        """Number of blocks, empty ones included."""
        return len(self.layout)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n_rows, self.n_cols

    @property
    def columns(self) -> tuple[ColumnRef, ...]:
        """Where the values of each column lie: what passes read."""
        return tuple(vec.ref for vec in self.vecs)

    @property
    def types(self) -> dict[str, str]:
        """H2O's type of each column: int, real, enum, string, time or uuid. May take one pass."""
        from dh2o.frame.rollups import h2o_type

        rolled = self.rollups()
        return {
            name: h2o_type(vec, roll)
            for name, vec, roll in zip(self.names, self.vecs, rolled, strict=True)
        }

    @property
    def domains(self) -> dict[str, tuple[str, ...] | None]:
        """The levels of each enum column, None for the others."""
        return {name: vec.domain for name, vec in zip(self.names, self.vecs, strict=True)}

    def __len__(self) -> int:
        return self.n_rows

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    # ---- columns: no tasks

    @property
    def places(self) -> dict[str, int]:
        """The position of each column by its name; not to be changed."""
        if self._places is None:
            object.__setattr__(self, "_places", {name: i for i, name in enumerate(self.names)})
        return self._places or {}

    def index_of(self, column: Column) -> int:
        """Return the position of a column given by name or (possibly negative) position.

        Parameters
        ----------
        column : str or int
            The column.

        Raises
        ------
        FrameError
            There is no such column.
        """
        if isinstance(column, str):
            if column in self.places:
                return self.places[column]
            raise FrameError(f"Column {column!r} not in frame. Columns: {_some(self.names)}.")
        if -self.n_cols <= column < self.n_cols:
            return int(column) % self.n_cols
        raise FrameError(f"Column {column} is out of range: the frame has {self.n_cols} columns.")

    def indices_of(self, columns: Column | Iterable[Column]) -> list[int]:
        """Return the positions of several columns.

        Parameters
        ----------
        columns : str, int or list of them
            The columns, by name or position.
        """
        some = [columns] if isinstance(columns, str | int) else list(columns)
        return [self.index_of(column) for column in some]

    def vec(self, column: Column) -> Vec:
        """Return one column's metadata.

        Parameters
        ----------
        column : str or int
            The column, by name or position.
        """
        return self.vecs[self.index_of(column)]

    def select(self, columns: Column | Iterable[Column]) -> Frame:
        """Return the frame of these columns, in this order.

        Parameters
        ----------
        columns : str, int or list of them
            The columns, by name or position.

        Raises
        ------
        FrameError
            There is no such column, or one comes twice.
        """
        idx = self.indices_of(columns)
        return Frame(
            tuple(self.names[i] for i in idx), tuple(self.vecs[i] for i in idx), self.layout
        )

    def __getitem__(self, columns: Column | Iterable[Column]) -> Frame:
        return self.select(columns)

    def drop(self, columns: Column | Iterable[Column]) -> Frame:
        """Return the frame without these columns.

        Parameters
        ----------
        columns : str, int or list of them
            The columns, by name or position.
        """
        gone = set(self.indices_of(columns))
        return self.select([i for i in range(self.n_cols) if i not in gone])

    def rename(self, names: Mapping[str, str] | Sequence[str]) -> Frame:
        """Return the frame with other column names: a mapping old to new, or all the new names.

        Parameters
        ----------
        names : dict or list of str
            Old name to new, or one name for each column.

        Raises
        ------
        FrameError
            An old name is unknown, a new one is there already, or there are more or fewer names.
        """
        if isinstance(names, Mapping):
            self.indices_of(names)  # unknown names are an error
            renamed = tuple(names.get(name, name) for name in self.names)
        else:
            renamed = tuple(names)
        return Frame(renamed, self.vecs, self.layout)

    def with_vec(self, column: Column, vec: Vec) -> Frame:
        """Return the frame with one column's metadata replaced; the layout stays.

        Parameters
        ----------
        column : str or int
            The column, by name or position.
        vec : Vec
            What takes its place, of the same layout.
        """
        i = self.index_of(column)
        return Frame(self.names, (*self.vecs[:i], vec, *self.vecs[i + 1 :]), self.layout)

    def with_columns(self, columns: Mapping[str, Frame | Vec] | Frame) -> Frame:
        """Return the frame with these columns replaced or, if the name is new, appended.

        Parameters
        ----------
        columns : Frame, or dict of name to Vec or one-column Frame
            The columns; frames of another layout are realigned to this one.
        """
        from dh2o.frame.bind import with_columns

        return with_columns(self, columns)

    def cbind(self, *others: Frame) -> Frame:
        """Return the columns of all frames side by side; equal names get numbers, as H2O's do.

        Parameters
        ----------
        *others : Frame
            What stands on the right, of as many rows.
        """
        from dh2o.frame.bind import cbind

        return cbind([self, *others])

    def rbind(self, *others: Frame) -> Frame:
        """Return the rows of all frames, one frame after the other; domains are merged by text.

        Parameters
        ----------
        *others : Frame
            What follows, of the same columns.
        """
        from dh2o.frame.bind import rbind

        return rbind([self, *others])

    def compact(self) -> Frame:
        """Return the frame in Blocks of its own, so that columns it does not use can be freed."""
        from dh2o.frame.align import compact

        return compact(self)

    # ---- rows

    def rebalance(self, layout: Sequence[int] | None = None) -> Frame:
        """Return the same rows in another layout; without one, in the layout its data ask for.

        Parameters
        ----------
        layout : list of int, optional
            Number of rows of each block; they add up to the rows of this frame.
        """
        from dh2o.frame.align import rebalance

        return rebalance(self, None if layout is None else tuple(layout))

    def slice_rows(self, start: int, stop: int) -> Frame:
        """Return rows start..stop as a frame.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last.
        """
        from dh2o.frame.rows import slice_rows

        return slice_rows(self, start, stop)

    def filter(self, keep: Frame | Callable[[Block], npt.NDArray[np.bool_]]) -> Frame:
        """Return the rows where `keep` holds: a column of 0 and 1 (NA is 0), or a function.

        Parameters
        ----------
        keep : Frame or function
            A frame of one column, or what is called with each `Block` on the workers and returns a
            mask of its rows.
        """
        from dh2o.frame.rows import filter_rows

        return filter_rows(self, keep)

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> Frame:
        """Return the rows of these numbers, in the order given; numbers may repeat.

        Parameters
        ----------
        rows : list of int or array of int64
            Row numbers, from 0.
        """
        from dh2o.frame.rows import take_rows

        return take_rows(self, rows)

    def rows(self, start: int, stop: int) -> Block:
        """Fetch rows start..stop into this process; only the blocks that hold them are read.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last.
        """
        from dh2o.frame.rows import fetch_rows

        return fetch_rows(self, start, stop)

    def head(self, n: int = 10) -> Block:
        """Fetch the first `n` rows.

        Parameters
        ----------
        n : int
            How many, at most.
        """
        return self.rows(0, n)

    def tail(self, n: int = 10) -> Block:
        """Fetch the last `n` rows.

        Parameters
        ----------
        n : int
            How many, at most.
        """
        return self.rows(max(0, self.n_rows - n), self.n_rows)

    # ---- statistics

    def rollups(self) -> list[Rollups]:
        """Return the statistics of each column; one pass for all that have none yet."""
        from dh2o.frame.rollups import rollups_of

        return rollups_of(self)

    def histogram(self, column: Column) -> Histogram:
        """Return the counts by bin of one column and its percentiles, as H2O bins them.

        Parameters
        ----------
        column : str or int
            The column, by name or position.
        """
        from dh2o.frame.histogram import histograms_of

        return histograms_of(self.select(column))[0]

    def describe(self, n_rows: int = 10) -> Description:
        """Return what H2O's describe shows: type, statistics and first rows of each column.

        Parameters
        ----------
        n_rows : int
            How many first rows.
        """
        from dh2o.frame.describe import describe

        return describe(self, n_rows)

    def chunk_summary(self) -> ChunkSummary:
        """Return counts and bytes by codec and by worker."""
        from dh2o.frame.summary import chunk_summary

        return chunk_summary(self)

    @property
    def nbytes(self) -> int:
        """Bytes of the compressed columns of this frame in the workers' memory."""
        from dh2o.frame.summary import frame_nbytes

        return frame_nbytes(self)

    # ---- storing

    def put(self, key: str | None = None) -> Frame:
        """Store the frame in the DKV, where every client sees it, and return it with its key.

        Parameters
        ----------
        key : str, optional
            The key; default: the one it has, else a new one.
        """
        from dh2o.frame.store import put

        return put(self, key or self.key or new_frame_key())

    @classmethod
    def get(cls, key: str) -> Frame:
        """Return the frame stored under `key`.

        Parameters
        ----------
        key : str
            The key.

        Raises
        ------
        KeyNotFoundError
            There is none; the message names some that there are.
        """
        from dh2o.frame.store import get

        return get(key)

    @staticmethod
    def delete(key: str) -> None:
        """Remove the frame stored under `key`; its memory is freed when nobody else uses it.

        Parameters
        ----------
        key : str
            The key.
        """
        from dh2o.frame.store import delete

        delete(key)

    # ---- exchange

    @classmethod
    def from_arrow(cls, data: Any, **options: Any) -> Frame:
        """Return a frame of an Arrow table, reader, array or any ``__arrow_c_stream__``.

        Parameters
        ----------
        data
            The rows; a reader is read piece by piece.
        **options
            ``names``: of the columns. ``strings``: what texts become, "string" (default), "enum",
            or "guess" by H2O's rule.
        """
        from dh2o.frame.exchange import from_arrow

        return from_arrow(data, **options)

    @classmethod
    def from_pandas(cls, data: Any, **options: Any) -> Frame:
        """Return a frame of a pandas DataFrame or Series.

        Parameters
        ----------
        data : pandas.DataFrame or pandas.Series
            The rows; the index is left out.
        **options
            ``names`` and ``strings``, as of `from_arrow`.
        """
        from dh2o.frame.exchange import from_pandas

        return from_pandas(data, **options)

    @classmethod
    def from_polars(cls, data: Any, **options: Any) -> Frame:
        """Return a frame of a Polars DataFrame, LazyFrame or Series.

        Parameters
        ----------
        data : polars.DataFrame, polars.LazyFrame or polars.Series
            The rows; a LazyFrame is collected.
        **options
            ``names`` and ``strings``, as of `from_arrow`.
        """
        from dh2o.frame.exchange import from_polars

        return from_polars(data, **options)

    @classmethod
    def from_numpy(cls, data: Any, names: Sequence[str] | None = None, **options: Any) -> Frame:
        """Return a frame of a one- or two-dimensional or structured NumPy array.

        Parameters
        ----------
        data : numpy.ndarray
            Shape (n_rows,) or (n_rows, n_columns), or with named fields.
        names : list of str, optional
            Names of the columns; default: those of the fields, else C1, C2, ….
        **options
            ``strings``, as of `from_arrow`.
        """
        from dh2o.frame.exchange import from_numpy

        return from_numpy(data, names, **options)

    @classmethod
    def from_python(cls, data: Any, names: Sequence[str] | None = None, **options: Any) -> Frame:
        """Return a frame of a dict of columns, a list of rows, or a list of values (one column).

        Parameters
        ----------
        data : dict or list
            The values; None is NA, and so is what a short row or column lacks.
        names : list of str, optional
            Names of the columns; default: those of the dict, else C1, C2, ….
        **options
            ``header``: True when the first row holds the names. ``strings``, as of `from_arrow`.
        """
        from dh2o.frame.exchange import from_python

        return from_python(data, names, **options)

    @classmethod
    def from_dask(cls, data: Any, **options: Any) -> Frame:
        """Return a frame of a Dask collection or Delayed tables; partitions stay where they are.

        Parameters
        ----------
        data : Dask DataFrame, Series, Array, Bag, Delayed, Future, or a list of the last two
            The rows, a block from each partition.
        **options
            ``names`` and ``strings``, as of `from_arrow`.
        """
        from dh2o.frame.exchange import from_dask

        return from_dask(data, **options)

    @classmethod
    def from_any(cls, data: Any, names: Sequence[str] | None = None, **options: Any) -> Frame:
        """Return a frame of whatever kind of table `data` is.

        Parameters
        ----------
        data
            What one of the other ``from_`` methods takes, a sparse matrix of SciPy, or a Frame.
        names : list of str, optional
            Names of the columns.
        **options
            ``header`` (of Python rows) and ``strings``, as of the other methods.
        """
        from dh2o.frame.exchange import from_any

        return from_any(data, names, **options)

    def to_arrow(self) -> Any:
        """Return the frame as a pyarrow Table, in the types it came with."""
        from dh2o.frame.exchange import to_arrow

        return to_arrow(self)

    def to_pandas(self) -> Any:
        """Return the frame as a pandas DataFrame, in the types it came with."""
        from dh2o.frame.exchange import to_pandas

        return to_pandas(self)

    def to_polars(self) -> Any:
        """Return the frame as a Polars DataFrame."""
        from dh2o.frame.exchange import to_polars

        return to_polars(self)

    def to_numpy(self) -> Any:
        """Return the numbers (enums by code, NA as NaN) as a float64 matrix."""
        from dh2o.frame.exchange import to_numpy

        return to_numpy(self)

    def to_dask(self) -> Any:
        """Return a lazy Dask DataFrame with one partition per block."""
        from dh2o.frame.exchange import dask_out

        return dask_out.to_dask(self)

    def to_dask_array(self) -> Any:
        """Return a lazy Dask Array of float64, known chunks; enums by code, NA as NaN."""
        from dh2o.frame.exchange import dask_out

        return dask_out.to_dask_array(self)

    def to_dask_bag(self) -> Any:
        """Return a lazy Dask Bag of one dict a row, NA as None."""
        from dh2o.frame.exchange import dask_out

        return dask_out.to_dask_bag(self)

    def to_delayed(self) -> list[Any]:
        """Return one Delayed a block, each giving a pandas DataFrame."""
        from dh2o.frame.exchange import dask_out

        return dask_out.to_delayed(self)

    def to_csv_stream(self, **options: Any) -> Iterator[bytes]:
        """Yield the frame as CSV text, block by block, in the form H2O downloads have.

        Parameters
        ----------
        **options
            ``separator``, ``header`` (a line of names), ``quote_header``, ``escape`` (before a
            quote in a text), ``hex_floats`` and ``packing`` ("gzip", …), all of them as of
            `dh2o.export_file`.
        """
        from dh2o.frame.exchange import csv_stream

        return csv_stream(self, **options)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    # ---- looks

    def __repr__(self) -> str:
        key = f"{self.key!r}, " if self.key else ""
        return f"Frame({key}{self.n_rows} rows x {self.n_cols} columns, {self.n_blocks} blocks)"

    def to_text(self, n_rows: int = 10, width: int | None = None) -> str:
        """Return the first rows as text, cut to the width of the terminal.

        Parameters
        ----------
        n_rows : int
            How many rows.
        width : int, optional
            Characters of a line; default: those of the terminal.
        """
        from dh2o.frame.describe import to_text

        return to_text(self, n_rows, width)

    def to_html(self, n_rows: int = 10) -> str:
        """Return the first rows as an HTML table.

        Parameters
        ----------
        n_rows : int
            How many rows.
        """
        from dh2o.frame.describe import to_html

        return to_html(self, n_rows)

    def _repr_html_(self) -> str:
        return self.to_html()

    def with_key(self, key: str | None) -> Frame:
        """Return the same frame under another key, not stored.

        Parameters
        ----------
        key : str or None
            The key, or None for none.
        """
        return replace(self, key=key)


def _some(names: Sequence[str], n: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:n])
    return shown + (f", … ({len(names)} in all)" if len(names) > n else "") if names else "none"
