"""Block: the chunks of one row range, what a pass sees and what a Dask task makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dh2o.chunks.chunk import OBJECTS_NBYTES, Chunk
from dh2o.chunks.codec import F64, I32, I64
from dh2o.errors import FrameError


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Chunks of equal length. Stored blocks have no names; a pass gives it names and its place.

    Parameters
    ----------
    n_rows : int
        Rows of each chunk.
    chunks : tuple of Chunk
        The columns.
    names : tuple of str
        Their names, or none.
    index : int
        The number of the block in its frame.
    row_start : int
        The number of its first row.

    Raises
    ------
    FrameError
        A chunk has another number of rows, or there are more or fewer names than chunks.
    """

    n_rows: int
    chunks: tuple[Chunk, ...]
    names: tuple[str, ...] = ()
    index: int = 0
    row_start: int = 0
    _nbytes: int = field(default=-1, init=False, repr=False)  # -1: not added up yet
    _places: dict[str, int] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        wrong = {chunk.n_rows for chunk in self.chunks} - {self.n_rows}
        if wrong:
            raise FrameError(f"A block of {self.n_rows} rows got a chunk of {wrong.pop()} rows.")
        if self.names and len(self.names) != len(self.chunks):
            raise FrameError(f"{len(self.chunks)} chunks got {len(self.names)} names.")

    @classmethod
    def of(cls, chunks: Sequence[Chunk], names: Sequence[str] = ()) -> Block:
        """Return the block of `chunks`; there must be at least one.

        Parameters
        ----------
        chunks : list of Chunk
            The columns.
        names : list of str
            Their names, or none.
        """
        if not chunks:
            raise FrameError("A block without chunks needs its row count: use Block(n_rows, ()).")
        return cls(chunks[0].n_rows, tuple(chunks), tuple(names))

    @property
    def n_cols(self) -> int:
        """How many chunks the block has."""
        return len(self.chunks)

    @property
    def nbytes(self) -> int:
        """Bytes that the chunks take."""
        if self._nbytes < 0:  # Dask asks three times for each block that it is given
            object.__setattr__(self, "_nbytes", sum(chunk.nbytes for chunk in self.chunks))
        return self._nbytes

    def __sizeof__(self) -> int:
        """Return all bytes of the block; Dask asks for them by ``sys.getsizeof``."""
        return self.nbytes + OBJECTS_NBYTES * (1 + self.n_cols)

    def chunk(self, column: str | int) -> Chunk:
        """Return the chunk of a column, by name or by number.

        Parameters
        ----------
        column : str or int
            The column.

        Raises
        ------
        FrameError
            There is no column of that name.
        """
        if isinstance(column, str):
            column = self._place(column)
        return self.chunks[column]

    def _place(self, name: str) -> int:
        if self._places is None:  # passes may ask for each of 100,000 columns
            object.__setattr__(self, "_places", {name: i for i, name in enumerate(self.names)})
        place = (self._places or {}).get(name)
        if place is None:
            raise FrameError(f"Column {name!r} not found. Columns: {list(self.names)[:8]}.")
        return place

    def __getitem__(self, column: str | int) -> Any:
        """Return a column as doubles, level codes, strings or ids, as its kind says."""
        return self.chunk(column).values()

    def floats(self, column: str | int, out: F64 | None = None) -> F64:
        """Return a column as doubles, NA as NaN.

        Parameters
        ----------
        column : str or int
            The column; codes of levels come as numbers.
        out : array of float64, optional
            Where they are written; default: a new array.
        """
        return self.chunk(column).floats(out)

    def ints(self, column: str | int, out: I64 | None = None) -> I64:
        """Return a column as exact integers, NA as `NA_INT`.

        Parameters
        ----------
        column : str or int
            The column.
        out : array of int64, optional
            Where they are written; default: a new array.

        Raises
        ------
        FrameError
            The column holds values that are no integers.
        """
        return self.chunk(column).ints(out)

    def codes(self, column: str | int, out: I32 | None = None) -> I32:
        """Return a categorical column as level codes, NA as -1.

        Parameters
        ----------
        column : str or int
            The column.
        out : array of int32, optional
            Where they are written; default: a new array.

        Raises
        ------
        FrameError
            The column is not categorical.
        """
        return self.chunk(column).codes(out)

    def strings(self, column: str | int) -> Any:
        """Return a column of strings as an Arrow array.

        Parameters
        ----------
        column : str or int
            The column.

        Raises
        ------
        FrameError
            The column holds no strings.
        """
        return self.chunk(column).strings()

    def placed(self, index: int, row_start: int, names: Sequence[str] | None = None) -> Block:
        """Return the same chunks, told where they lie in a frame and what they are called.

        Parameters
        ----------
        index : int
            The number of the block in the frame.
        row_start : int
            The number of its first row.
        names : list of str, optional
            Names of the columns; default: those it has.
        """
        names = self.names if names is None else tuple(names)
        return replace(self, index=index, row_start=row_start, names=names)

    def select(self, columns: Sequence[str | int]) -> Block:
        """Return the block of these columns; chunks are shared.

        Parameters
        ----------
        columns : list of str or int
            The columns, in the order wanted.
        """
        where = [self._place(c) if isinstance(c, str) else c for c in columns]
        chunks = tuple(self.chunks[i] for i in where)
        names = tuple(self.names[i] for i in where) if self.names else ()
        return replace(self, chunks=chunks, names=names)

    def slice(self, start: int, stop: int) -> Block:
        """Return rows `start` to `stop`.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last.
        """
        chunks = tuple(chunk.slice(start, stop) for chunk in self.chunks)
        return Block(stop - start, chunks, self.names)

    def take(self, rows: Any) -> Block:
        """Return the rows of these numbers, in this order.

        Parameters
        ----------
        rows : array of int
            Row numbers in the block; they may repeat.
        """
        from dh2o.chunks.short import take_each

        return Block(len(rows), tuple(take_each(self.chunks, self.n_rows, rows)), self.names)

    @staticmethod
    def concat(blocks: Sequence[Block]) -> Block:
        """Return the rows of all `blocks`, one after the other.

        Parameters
        ----------
        blocks : list of Block
            Blocks of the same columns; the names are those of the first.

        Raises
        ------
        FrameError
            The blocks have different numbers of columns, or kinds that do not go together.
        """
        if len({block.n_cols for block in blocks}) != 1:
            raise FrameError("Blocks to put together must have the same number of columns.")
        from dh2o.chunks.short import concat_each

        chunks = tuple(concat_each([block.chunks for block in blocks]))
        return Block(sum(block.n_rows for block in blocks), chunks, blocks[0].names)

    def to_frames(self, *, compress: bool = True) -> tuple[dict[str, Any], list[Any]]:
        """Return a header of plain values and the buffers, packed where that pays.

        Parameters
        ----------
        compress : bool
            False packs nothing.
        """
        from dh2o.chunks.wire import block_to_frames

        return block_to_frames(self, compress=compress)

    @staticmethod
    def from_frames(header: dict[str, Any], frames: Sequence[Any]) -> Block:
        """Return the block that `to_frames` took apart; buffers are shared, not copied.

        Parameters
        ----------
        header : dict
            The header.
        frames : list of buffers
            The buffers.
        """
        from dh2o.chunks.wire import block_from_frames

        return block_from_frames(header, frames)

    def __repr__(self) -> str:
        shape = f"n_rows={self.n_rows}, n_cols={self.n_cols}"
        return (
            f"Block({shape}, index={self.index}, row_start={self.row_start}, nbytes={self.nbytes})"
        )
