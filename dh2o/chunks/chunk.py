"""Chunk: one column's rows of one block, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dh2o.chunks.codec import F64, I32, I64, Buffer, Codec, Mask, NumberCodec, Stored
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.stats import ChunkStats, stats_of
from dh2o.errors import FrameError

Kind = Literal["number", "code", "string", "uuid"]
#: What the Python objects of a chunk take beside its buffers.
OBJECTS_NBYTES = 400


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Chunk:
    """Rows of one column in the form that `codec` describes. Immutable.

    Parameters
    ----------
    codec : Codec
        How the rows are encoded.
    n_rows : int
        How many there are.
    kind : {"number", "code", "string", "uuid"}
        What they mean; codes are those of levels.
    stored : Stored
        The bytes, as the codec lays them out.
    """

    codec: Codec
    n_rows: int
    kind: Kind
    stored: Stored

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take."""
        return self.stored.nbytes

    def __sizeof__(self) -> int:
        """Return all bytes of the chunk; Dask asks for them by ``sys.getsizeof``."""
        return self.nbytes + OBJECTS_NBYTES

    @property
    def is_integer(self) -> bool:
        """True when `ints` is exact: every number is an integer of 64 bits or NA."""
        return self.kind in ("number", "code") and self.codec.is_integer

    @property
    def is_all_na(self) -> bool:
        """True when the chunk has rows and knows, without looking at them, that all are NA."""
        return isinstance(self.codec, ConstantCodec) and self.codec.value is None

    @property
    def has_na(self) -> bool:
        """True when at least one row is NA."""
        return bool(self.na_mask().any())

    def floats(self, out: F64 | None = None, start: int = 0, stop: int | None = None) -> F64:
        """Return rows `start` to `stop` as doubles, NA as NaN; codes come as numbers.

        Parameters
        ----------
        out : array of float64, optional
            Where they are written; default: a new array.
        start, stop : int
            The first row, and the one after the last; default: all.
        """
        return self._decode(out, np.float64, start, stop)

    def plain_floats(self) -> F64 | None:
        """Return all rows as they lie, read-only, if they are plain doubles; else None."""
        return self.codec.view(self.stored) if isinstance(self.codec, NumberCodec) else None

    def lying_floats(self) -> F64:
        """Return all rows as `floats` does; plain doubles are not copied but read-only."""
        view = self.plain_floats()
        return self.floats() if view is None else view

    def ints(self, out: I64 | None = None, start: int = 0, stop: int | None = None) -> I64:
        """Return rows `start` to `stop` as exact integers, NA as `NA_INT`.

        Parameters
        ----------
        out : array of int64, optional
            Where they are written; default: a new array.
        start, stop : int
            The first row, and the one after the last; default: all.

        Raises
        ------
        FrameError
            The chunk holds values that are no integers.
        """
        if not self.is_integer:
            raise FrameError(f"A chunk of {self.codec.name} holds values that are no integers.")
        return self._decode(out, np.int64, start, stop)

    def codes(self, out: I32 | None = None, start: int = 0, stop: int | None = None) -> I32:
        """Return rows `start` to `stop` of a categorical as level codes, NA as -1.

        Parameters
        ----------
        out : array of int32, optional
            Where they are written; default: a new array.
        start, stop : int
            The first row, and the one after the last; default: all.

        Raises
        ------
        FrameError
            The chunk is not categorical.
        """
        if self.kind != "code":
            raise FrameError(f"A {self.kind} chunk has no level codes.")
        return self._decode(out, np.int32, start, stop)

    def _decode(self, out: Any, dtype: type, start: int, stop: int | None) -> Any:
        if self.kind in ("string", "uuid") or not isinstance(self.codec, NumberCodec):
            raise FrameError(f"A {self.kind} chunk holds no numbers.")
        start, stop = self._range(start, stop)
        if out is None:
            out = np.empty(stop - start, dtype=dtype)
        elif out.dtype != dtype or len(out) != stop - start:
            raise ValueError(
                f"out must be {np.dtype(dtype)} of length {stop - start}, "
                f"got {out.dtype} of length {len(out)}"
            )
        self.codec.decode(self.stored, start, out)
        return out

    def _range(self, start: int, stop: int | None) -> tuple[int, int]:
        stop = self.n_rows if stop is None else stop
        if not 0 <= start <= stop <= self.n_rows:
            raise IndexError(f"rows {start} to {stop} of a chunk of {self.n_rows} rows")
        return start, stop

    def strings(self, start: int = 0, stop: int | None = None) -> Any:
        """Return rows `start` to `stop` as an Arrow large_string array.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last; default: all.

        Raises
        ------
        FrameError
            The chunk holds no strings.
        """
        if self.kind != "string":
            raise FrameError(f"A {self.kind} chunk holds no strings.")
        start, stop = self._range(start, stop)
        if self.is_all_na:
            import pyarrow as pa

            return pa.nulls(stop - start, pa.large_string())
        return self.codec.strings(self.stored, start, stop)  # type: ignore[attr-defined]

    def uuids(self, start: int = 0, stop: int | None = None) -> Any:
        """Return rows `start` to `stop` as an Arrow fixed_size_binary(16) array.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last; default: all.

        Raises
        ------
        FrameError
            The chunk holds no ids.
        """
        if self.kind != "uuid":
            raise FrameError(f"A {self.kind} chunk holds no ids.")
        start, stop = self._range(start, stop)
        if self.is_all_na:
            import pyarrow as pa

            return pa.nulls(stop - start, pa.binary(16))
        return self.codec.uuids(self.stored, start, stop)  # type: ignore[attr-defined]

    def na_mask(self, start: int = 0, stop: int | None = None) -> Mask:
        """Return True where rows `start` to `stop` are NA.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last; default: all.
        """
        start, stop = self._range(start, stop)
        out = np.empty(stop - start, dtype=np.bool_)
        self.codec.na_mask(self.stored, start, out)
        return out

    def values(self, start: int = 0, stop: int | None = None) -> Any:
        """Return the rows in the natural form of the kind: doubles, codes, strings or ids.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last; default: all.
        """
        if self.kind == "number":
            return self.floats(start=start, stop=stop)
        if self.kind == "code":
            return self.codes(start=start, stop=stop)
        return self.strings(start, stop) if self.kind == "string" else self.uuids(start, stop)

    def slice(self, start: int, stop: int) -> Chunk:
        """Return rows `start` to `stop`; the copy does not hold on to the rest.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last.
        """
        start, stop = self._range(start, stop)
        if (start, stop) == (0, self.n_rows):
            return self
        codec, stored = self.codec.slice(self.stored, start, stop)
        return Chunk(codec, stop - start, self.kind, stored)

    def take(self, rows: Any) -> Chunk:
        """Return the rows of these numbers, in this order, in the smallest form.

        Parameters
        ----------
        rows : array of int
            Row numbers in the chunk; they may repeat.
        """
        rows = np.asarray(rows)
        if isinstance(self.codec, ConstantCodec):
            return Chunk(self.codec, len(rows), self.kind, self.stored)
        return _encode_as(self, [self._natural(rows)])

    def _natural(self, rows: Any = None) -> Any:
        """Return what `_encode_as` takes for the kind: exact, of the chosen rows or all."""
        if self.kind == "string":
            return self.strings() if rows is None else self.strings().take(_arrow_rows(rows))
        if self.kind == "uuid":
            return self.uuids() if rows is None else self.uuids().take(_arrow_rows(rows))
        values = self.ints() if self.is_integer else self.floats()
        return values if rows is None else values[rows]

    @staticmethod
    def concat(chunks: Sequence[Chunk]) -> Chunk:
        """Return the rows of all `chunks`, one after the other, in the smallest form.

        Integers beyond 2**53 become the nearest doubles when they meet fractions.

        Parameters
        ----------
        chunks : list of Chunk
            Chunks of the same kind; those of NA only go with any.

        Raises
        ------
        FrameError
            The chunks are of several kinds.
        """
        if not chunks:
            raise ValueError("no chunks to put together")
        like = next((c for c in chunks if not c.is_all_na), chunks[0])
        filled = [c for c in chunks if c.n_rows]
        if len(filled) <= 1:
            return Chunk.retype(filled[0] if filled else chunks[0], like.kind)
        if any(c.kind != like.kind and not c.is_all_na for c in filled):
            raise FrameError(
                f"Chunks of {sorted({c.kind for c in filled})} cannot be put together."
            )
        parts = [Chunk.retype(c, like.kind) for c in filled]
        if like.kind in ("number", "code") and not all(c.is_integer for c in parts):
            return _encode_as(like, [c.floats() for c in parts])
        return _encode_as(like, [c._natural() for c in parts])

    @staticmethod
    def retype(chunk: Chunk, kind: Kind) -> Chunk:
        """Return the same stored rows read as another kind: codes as numbers, all NA as any.

        Parameters
        ----------
        chunk : Chunk
            The rows.
        kind : {"number", "code", "string", "uuid"}
            The kind wanted.

        Raises
        ------
        FrameError
            The rows cannot be read so.
        """
        if kind == chunk.kind:
            return chunk
        if not chunk.is_all_na and {kind, chunk.kind} != {"number", "code"}:
            raise FrameError(f"A {chunk.kind} chunk cannot be read as {kind}.")
        return Chunk(chunk.codec, chunk.n_rows, kind, chunk.stored)

    def stats(self) -> ChunkStats:
        """Return counts, extremes, mean and spread, from the codes where that is possible."""
        return stats_of(self)

    def __repr__(self) -> str:
        return f"Chunk({self.kind}, n_rows={self.n_rows}, {self.codec}, nbytes={self.nbytes})"


def _arrow_rows(rows: Any) -> Any:
    import pyarrow as pa

    return pa.array(np.asarray(rows, dtype=np.int64))


def _encode_as(like: Chunk, parts: Sequence[Any]) -> Chunk:
    """Return the `parts` of natural values, one after the other, as a chunk of the same kind."""
    from dh2o.chunks import encode

    if like.kind in ("string", "uuid"):
        import pyarrow as pa

        joined = pa.concat_arrays(parts)
        make = encode.encode_strings if like.kind == "string" else encode.encode_uuids
        return make(joined)
    values: Buffer = parts[0] if len(parts) == 1 else np.concatenate(parts)
    made = encode.encode_ints(values) if values.dtype == np.int64 else encode.encode_floats(values)
    return Chunk(made.codec, made.n_rows, like.kind, made.stored)
