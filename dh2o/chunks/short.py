"""Many chunks of few rows: rows of all of them are taken, or put together, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dh2o.chunks.bank import Each, bank_of
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import F64
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.integer import EXACT, GridCodec
from dh2o.chunks.many import FEW_ROWS, floats_of_chunks, tiles_of, worth_batching
from dh2o.chunks.real import Float64Codec
from dh2o.chunks.sparse import SparseCodec
from dh2o.chunks.wide import encode_float_columns

__all__ = ["concat_each", "gather_each", "take_each"]


def take_each(chunks: Sequence[Chunk], n_rows: int, rows: Any) -> list[Chunk]:
    """Return ``[chunk.take(rows) for chunk in chunks]`` of chunks of `n_rows` rows."""
    rows = np.asarray(rows)
    if len(rows) > FEW_ROWS or not worth_batching(len(chunks), n_rows):
        return [chunk.take(rows) for chunk in chunks]

    def taken(some: Sequence[int]) -> F64:
        values = np.empty((len(some), n_rows))
        floats_of_chunks([chunks[k] for k in some], values)
        return values[:, rows]

    together = [k for k, chunk in enumerate(chunks) if _as_doubles(chunk) and not _is_one(chunk)]
    made = _encoded(chunks, together, max(n_rows, len(rows)), taken)
    return [made.get(k) or chunk.take(rows) for k, chunk in enumerate(chunks)]


def concat_each(parts: Sequence[Sequence[Chunk]]) -> list[Chunk]:
    """Return ``[Chunk.concat(c) for c in zip(*parts)]``; each part is the chunks of some rows."""
    columns = list(zip(*parts, strict=True))
    filled = [part for part in parts if part and part[0].n_rows]
    n_rows = sum(part[0].n_rows for part in filled)
    if len(filled) < 2 or not worth_batching(len(columns), n_rows):
        return [Chunk.concat(column) for column in columns]

    def joined(some: Sequence[int]) -> F64:
        pieces = []
        for part in filled:
            values = np.empty((len(some), part[0].n_rows))
            floats_of_chunks([part[k] for k in some], values)
            pieces.append(values)
        return np.concatenate(pieces, axis=1)

    together = [k for k, column in enumerate(columns) if _alike(column)]
    made = _encoded(parts[0], together, n_rows, joined)
    return [made.get(k) or Chunk.concat(column) for k, column in enumerate(columns)]


def gather_each(
    columns: Sequence[Sequence[Chunk]], rows: Sequence[Any], each: Each
) -> list[list[Chunk]]:
    """Return of each column, given as its chunks one below the other, a chunk for each of `rows`.

    These are arrays of numbers of rows; -1 is NA. `each` may use threads.
    """
    together = [k for k, column in enumerate(columns) if _alike(column)]
    n_rows = [chunk.n_rows for chunk in columns[0]] if columns else []

    def gathered(some: Sequence[int]) -> list[list[Chunk]]:
        values = np.full((len(some), sum(n_rows) + 1), np.nan)  # the last one is row -1
        stop = 0
        for i, n in enumerate(n_rows):
            floats_of_chunks([columns[k][i] for k in some], values[:, stop : stop + n])
            stop += n
        made = [encode_float_columns(values[:, wanted]) for wanted in rows]
        kinds = (columns[k][0].kind for k in some)
        by_column = zip(kinds, zip(*made, strict=True), strict=True)
        return [[Chunk.retype(chunk, kind) for chunk in chunks] for kind, chunks in by_column]

    tiles = [together[tile] for tile in tiles_of(len(together), sum(n_rows))]
    made: dict[int, list[Chunk]] = {}
    for some, found in zip(tiles, each(gathered, tiles), strict=True):
        made.update(zip(some, found, strict=True))
    rest = [k for k in range(len(columns)) if k not in made]
    banks = each(lambda k: bank_of(columns[k]), rest)
    made.update({k: [bank.take(w) for w in rows] for k, bank in zip(rest, banks, strict=True)})
    return [made[k] for k in range(len(columns))]


def _alike(column: Sequence[Chunk]) -> bool:
    """Return whether doubles give all numbers of a column back."""
    return all(c.kind == column[0].kind and _as_doubles(c) for c in column)


def _encoded(
    like: Sequence[Chunk], columns: Sequence[int], n_rows: int, values: Callable[..., F64]
) -> dict[int, Chunk]:
    """Return the chunks, of the kinds of `like`, of the rows that `values` gives for columns."""
    made: dict[int, Chunk] = {}
    for tile in tiles_of(len(columns), n_rows):
        some = columns[tile]
        for k, chunk in zip(some, encode_float_columns(values(some)), strict=True):
            made[k] = Chunk.retype(chunk, like[k].kind)
    return made


def _is_one(chunk: Chunk) -> bool:
    return isinstance(chunk.codec, ConstantCodec)


def _as_doubles(chunk: Chunk) -> bool:
    """Return whether it is sure that doubles give every number of a chunk back."""
    codec = chunk.codec
    if chunk.kind not in ("number", "code"):
        return False
    if isinstance(codec, GridCodec):
        return abs(codec.bias) + (codec.step << codec.width) < EXACT
    if isinstance(codec, SparseCodec):
        fill = codec.fill
        return (fill is None or abs(fill) < EXACT) and _as_doubles(chunk.stored.children[0])
    if isinstance(codec, ConstantCodec):
        return codec.value is None or isinstance(codec.value, float) or abs(codec.value) < EXACT
    return isinstance(codec, Float64Codec)  # Float32Codec is one
