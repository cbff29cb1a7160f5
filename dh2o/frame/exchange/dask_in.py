"""Dask collections to frames: each partition becomes a block on the worker where it was made.

A partition is compressed as soon as it is there, by what it tells of itself, and is let go; only
then are types and categories unified over all of them.  So at any time a worker holds the
partitions that it is computing, and no second full copy of the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk, encode_codes, encode_ints
from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_io import check_names, frame_of_plans, table_of_block
from dh2o.frame.exchange.decode import ArrowColumn
from dh2o.frame.exchange.encode import encode_columns
from dh2o.frame.exchange.plan import (
    ColumnPlan,
    ColumnScan,
    Strings,
    merge_scans,
    plan_column,
    scan_pieces,
)
from dh2o.frame.exchange.tables import library_of, table_of
from dh2o.frame.frame import Frame
from dh2o.frame.vec import Source, VecType
from dh2o.mrtask import current_engine

Prepare = Callable[[Any], Any]


def is_dask(data: Any) -> bool:
    """Return whether `data` is a collection, Delayed or Future, or a list of the last two."""
    if isinstance(data, list | tuple):
        return bool(data) and all(_is_one_partition(part) for part in data)
    return library_of(data) in {"dask", "dask_expr"} or _is_one_partition(data)


def _is_one_partition(data: Any) -> bool:
    """Return whether `data` is a Delayed or a Future: a table that is not there yet."""
    library = library_of(data)
    if library == "dask":
        from dask.delayed import Delayed

        return isinstance(data, Delayed)
    return library == "distributed" and type(data).__name__ == "Future"


def from_dask(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame with one block per partition, made where the partition is made.

    Parameters
    ----------
    data
        A Dask DataFrame, Series, Array (one or two dimensions) or Bag, a Delayed or Future, or a
        list of these.  A Delayed, a Future or an element of a list gives one table each: pandas,
        Polars, Arrow, NumPy or Python rows. Lengths and categories need not be known.
    names
        Names of the columns; default: the data's own, else C1, C2, C3.
    strings
        Whether texts become strings, enums, or, by H2O's rule, whichever fits ("guess").

    Raises
    ------
    FrameError
        Partitions differ in their columns, or a column has a type that no frame holds.
    """
    partitions, prepare, union = _partitions_of(data)
    frame = _from_partitions(partitions, Compress(prepare, strings), strings, union=union)
    return frame if names is None else frame.rename(list(names))


def _partitions_of(data: Any) -> tuple[list[Any], Prepare, bool]:
    """Return the partitions, what makes a table of one, and whether they may lack columns."""
    if isinstance(data, list | tuple):
        return list(data), _as_it_is, False
    if _is_one_partition(data):
        return [data], _as_it_is, False
    if hasattr(data, "dask") and hasattr(data, "chunks"):
        return _chunks_of_array(data), _as_it_is, False
    if not hasattr(data, "to_delayed"):
        raise FrameError(f"{type(data).__name__} is no Dask collection, Delayed or Future.")
    if type(data).__module__.startswith("dask.bag"):
        return list(data.to_delayed()), list, True
    return list(data.to_delayed()), _as_it_is, False


def _as_it_is(value: Any) -> Any:
    return value


def _chunks_of_array(data: Any) -> list[Any]:
    if not 1 <= data.ndim <= 2:
        raise FrameError(
            f"A frame has two dimensions; the array has {data.ndim}. Reshape it first."
        )
    if data.ndim == 2:
        if np.isnan(data.shape[1]):
            raise FrameError(
                "The array does not know how many columns it has. Call its compute_chunk_sizes()."
            )
        data = data.rechunk({1: -1})
    return list(data.to_delayed().ravel())


@dataclass(slots=True)
class _Found:
    """What one partition tells about the columns of the whole."""

    names: list[str]
    n_rows: int
    scans: list[ColumnScan]
    sources: list[Source]


@dataclass(slots=True)
class _Piece:
    """One partition, compressed by what it tells of itself."""

    found: _Found
    plans: list[ColumnPlan]
    block: Block

    def __sizeof__(self) -> int:
        return self.block.nbytes + 1000 * len(self.plans)


class Compress:
    """Makes a piece of a partition; what a partition is, `prepare` says."""

    def __init__(self, prepare: Prepare, strings: Strings) -> None:
        self.prepare = prepare
        self.strings = strings

    def __call__(self, partition: Any) -> _Piece:
        table, origins = table_of(self.prepare(partition))
        check_names(table.column_names)
        sources = list(origins or [Source()] * table.num_columns)
        scans = [
            scan_pieces(name, column, self.strings)
            for name, column in zip(table.column_names, table.columns, strict=True)
        ]
        plans = [
            plan_column(name, scan, source, "string" if scan.levels is None else "enum")
            for name, scan, source in zip(table.column_names, scans, sources, strict=True)
        ]
        block = Block(table.num_rows, encode_columns(table.columns, plans))
        return _Piece(_Found(table.column_names, table.num_rows, scans, sources), plans, block)


def _found(inputs: list[Any]) -> _Found:
    found: _Found = inputs[0].found
    return found


def _from_partitions(
    partitions: Sequence[Any], compress: Compress, strings: Strings, *, union: bool
) -> Frame:
    import dask

    if not partitions:
        return Frame((), (), ())
    engine = current_engine()
    make = dask.delayed(compress, pure=False, traverse=False)
    pieces = engine.client.compute([make(partition) for partition in partitions])
    return frame_of_pieces(pieces, strings, union=union)


def frame_of_pieces(pieces: Sequence[Any], strings: Strings, *, union: bool = False) -> Frame:
    """Return the frame of tables that tasks have compressed, a block each, on their workers.

    `pieces` are futures of what `Compress` gives.
    """
    engine = current_engine()
    deps = [[piece] for piece in pieces]
    found = engine.gather(engine.submit(_found, [()] * len(deps), deps=deps, name="scan"))
    names = _common_names(found, union=union)
    plans = [_plan(name, found, strings) for name in names]
    if not plans:
        n_rows = sum(f.n_rows for f in found)
        return Frame((), (), (n_rows,) if n_rows else ())
    blocks = engine.submit_blocks(
        _Conform(plans),
        [()] * len(deps),
        deps=deps,
        layout=[f.n_rows for f in found],
        name="from_dask",
    )
    engine.wait(blocks)
    return frame_of_plans(plans, blocks)


def _common_names(found: Sequence[_Found], *, union: bool) -> list[str]:
    """Return the columns of the frame; records of a Bag need not all have all of them."""
    if union:
        return list(dict.fromkeys(name for f in found if f.n_rows for name in f.names))
    with_columns = [f for f in found if f.names or f.n_rows]
    names = with_columns[0].names if with_columns else []
    for number, f in enumerate(found):
        if f.names != names and (f.names or f.n_rows):
            lacking = [name for name in names if name not in f.names]
            extra = [name for name in f.names if name not in names]
            raise FrameError(
                f"Partition {number} has other columns than the first: it lacks {lacking}, has "
                f"{extra} besides, or has them in another order. Make them alike first."
            )
    return names


def _plan(name: str, found: Sequence[_Found], strings: Strings) -> ColumnPlan:
    places = [(f, f.names.index(name)) for f in found if name in f.names]
    scan = merge_scans([f.scans[i] for f, i in places])
    # What pandas called the type: as in the first partition that has rows.
    source = next((f.sources[i] for f, i in places if f.n_rows), places[0][0].sources[places[0][1]])
    return plan_column(name, scan, source, strings)


class _Conform:
    """Makes the block of a piece in the types and categories of the whole; shares what fits."""

    def __init__(self, plans: Sequence[ColumnPlan]) -> None:
        self.plans = tuple(plans)

    def __call__(self, inputs: list[Any]) -> Block:
        piece: _Piece = inputs[0]
        chunks: list[Chunk] = []
        sub_ms: list[Chunk] = []
        own = {plan.name: i for i, plan in enumerate(piece.plans)}
        for plan in self.plans:
            at = own.get(plan.name)
            chunks.append(_conformed(piece, at, plan))
            if plan.type is VecType.TIME and plan.has_sub_ms:
                sub_ms.append(_sub_ms(piece, at))
        return Block(piece.block.n_rows, (*chunks, *sub_ms))


def _conformed(piece: _Piece, at: int | None, plan: ColumnPlan) -> Chunk:
    """Return column `at` of the piece (None: it has no such column) as `plan` says."""
    import pyarrow as pa

    n_rows = piece.block.n_rows
    if at is None:
        return encode_columns([pa.nulls(n_rows)], [plan])[0]
    own = piece.plans[at]
    chunk = piece.block.chunks[at]
    if own.source.arrow == "null":
        return encode_columns([pa.nulls(n_rows)], [plan])[0]
    if own.type is plan.type:
        return chunk if own.domain == plan.domain else _recoded(chunk, own, plan)
    natural = "string" if own.type is VecType.ENUM else str(own.source.arrow)
    column = ArrowColumn(plan.name, own.type, natural, own.domain)
    table = table_of_block(Block(n_rows, (chunk,)), [column])
    return encode_columns(table.columns, [plan])[0]


def _recoded(chunk: Chunk, own: ColumnPlan, plan: ColumnPlan) -> Chunk:
    position = {level: code for code, level in enumerate(plan.domain or ())}
    # The last entry is what -1, the code of NA, finds.
    codes = np.array([*(position[level] for level in own.domain or ()), -1], np.int32)
    return encode_codes(codes[chunk.codes()])


def _sub_ms(piece: _Piece, at: int | None) -> Chunk:
    """Return the parts of a millisecond of time column `at`: 0 where the piece has none."""
    with_parts = [
        i for i, plan in enumerate(piece.plans) if plan.type is VecType.TIME and plan.has_sub_ms
    ]
    if at in with_parts:
        return piece.block.chunks[len(piece.plans) + with_parts.index(at)]
    return encode_ints(np.zeros(piece.block.n_rows, np.int64), None)
