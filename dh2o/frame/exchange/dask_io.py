"""Dask collections in and out: each partition becomes a block on the worker where it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dh2o.chunks import Block
from dh2o.errors import FrameError, MissingExtraError
from dh2o.frame.exchange.arrow_io import (
    LeaveAsArrow,
    arrow_schema,
    frame_of_plans,
    leaving_columns,
)
from dh2o.frame.exchange.decode import ArrowColumn, with_levels
from dh2o.frame.exchange.encode import encode_columns
from dh2o.frame.exchange.pandas_io import pandas_of_table, table_of_pandas
from dh2o.frame.exchange.plan import (
    ColumnPlan,
    ColumnScan,
    Strings,
    merge_scans,
    plan_column,
    scan_pieces,
)
from dh2o.frame.exchange.python_data import default_names, table_of_numpy
from dh2o.frame.frame import Frame
from dh2o.frame.layout import row_starts
from dh2o.frame.physical import engine_for, physical
from dh2o.frame.vec import Source, VecType
from dh2o.mrtask import current_engine
from dh2o.mrtask.blocks import Recipe
from dh2o.mrtask.graph import block_input

ToTable = Callable[[Any], tuple[Any, list[Source]]]


def require_dask_dataframe() -> Any:
    """Return ``dask.dataframe``, or raise the error that says how to install it."""
    try:
        import dask.dataframe as dd
    except ImportError as error:
        raise MissingExtraError.of(
            "dask.dataframe", "dask", "Exchange with Dask DataFrame"
        ) from error
    return dd


def from_dask(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame with one block per partition, made where the partition lies.

    Lengths and categories need not be known: they are found in a first pass over the partitions.
    """
    if hasattr(data, "dask") and hasattr(data, "chunks"):
        return _from_array(data, names, strings)
    if not hasattr(data, "to_delayed"):
        raise FrameError(f"{type(data).__name__} is no Dask DataFrame, Series or Array.")
    if hasattr(data, "to_frame") and not hasattr(data, "columns"):
        data = data.to_frame()
    if names is not None:
        data = data.rename(columns=dict(zip(data.columns, names, strict=True)))
    return _from_partitions(data.to_delayed(), table_of_pandas, strings)


def _from_array(data: Any, names: Sequence[str] | None, strings: Strings) -> Frame:
    if data.ndim > 2:
        raise FrameError(
            f"A frame has two dimensions; the array has {data.ndim}. Reshape it first."
        )
    if data.ndim == 2:
        data = data.rechunk({1: -1})
    n_cols = 1 if data.ndim == 1 else data.shape[1]
    to_table = _NumpyToTable(list(names) if names is not None else default_names(int(n_cols)))
    return _from_partitions(list(data.to_delayed().ravel()), to_table, strings)


class _NumpyToTable:
    """Makes a table of one chunk of a Dask array."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __call__(self, chunk: Any) -> tuple[Any, list[Source]]:
        return table_of_numpy(chunk, self.names), [Source()] * len(self.names)


def _from_partitions(partitions: Sequence[Any], to_table: ToTable, strings: Strings) -> Frame:
    engine = current_engine()
    futures = engine.client.compute(list(partitions))
    deps = [[future] for future in futures]
    found = engine.gather(
        engine.submit(_scan_partition, [(to_table, strings)] * len(deps), deps=deps)
    )
    if not found:
        return Frame((), (), ())
    names = found[0].names
    plans = [
        plan_column(name, merge_scans([f.scans[i] for f in found]), _origin(found, i), strings)
        for i, name in enumerate(names)
    ]
    for number, partition in enumerate(found):
        if partition.names != names:
            raise FrameError(f"Partition {number} has other columns than the first partition.")
    layout = [partition.n_rows for partition in found]
    blocks = engine.submit_blocks(
        _EncodePartition(to_table, plans),
        [()] * len(deps),
        deps=deps,
        layout=layout,
        name="from_dask",
    )
    engine.wait(blocks)
    return frame_of_plans(plans, blocks)


class _Found:
    """What the first pass tells about one partition."""

    def __init__(
        self, names: list[str], n_rows: int, scans: list[ColumnScan], sources: list[Source]
    ) -> None:
        self.names = names
        self.n_rows = n_rows
        self.scans = scans
        self.sources = sources


def _scan_partition(to_table: ToTable, strings: Strings, inputs: list[Any]) -> _Found:
    table, sources = to_table(inputs[0])
    scans = [
        scan_pieces(name, column, strings)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return _Found(table.column_names, table.num_rows, scans, sources)


def _origin(found: Sequence[_Found], column: int) -> Source:
    """Return what pandas called the type: as in the first partition that has rows."""
    return next((f for f in found if f.n_rows), found[0]).sources[column]


class _EncodePartition:
    """Makes the block of one partition."""

    def __init__(self, to_table: ToTable, plans: Sequence[ColumnPlan]) -> None:
        self.to_table = to_table
        self.plans = tuple(plans)

    def __call__(self, inputs: list[Any]) -> Block:
        table, _ = self.to_table(inputs[0])
        return Block(table.num_rows, encode_columns(table.columns, self.plans))


def to_dask(frame: Frame) -> Any:
    """Return a lazy Dask DataFrame, one partition per block, the row numbers as its index."""
    import dask

    dd = require_dask_dataframe()
    engine = engine_for(frame)
    columns = leaving_columns(frame)
    sources = [vec.source for vec in frame.vecs]
    meta = pandas_of_table(arrow_schema(columns).empty_table(), sources)
    recipe = Recipe.of(physical(frame))
    make = dask.delayed(_partition, pure=False)
    starts = row_starts(frame.layout)
    leave = dask.delayed(_Leaving(columns, sources), traverse=False)
    parts = []
    for i in range(frame.n_blocks):
        block = block_input(engine, recipe, i)
        parts.append(make(leave, recipe.picks, starts[i], *block.futures))
    if not parts:
        return dd.from_pandas(meta, npartitions=1)
    known = all(frame.layout)
    divisions = (*starts[:-1], starts[-1] - 1) if known else None
    return dd.from_delayed(parts, meta=meta, divisions=divisions, verify_meta=False)


class _Leaving:
    """What a partition needs to know of all columns; travels once."""

    def __init__(self, columns: Sequence[ArrowColumn], sources: Sequence[Source | None]) -> None:
        self.columns = list(columns)
        self.sources = list(sources)


def _partition(leaving: _Leaving, picks: Any, row_start: int, *blocks: Block) -> Any:
    """Return the pandas partition of one block."""
    import pandas as pd
    import pyarrow as pa

    block = assemble_picks(picks, blocks)
    arrays = LeaveAsArrow(leaving.columns)(block)
    arrays = [
        with_levels(column, [array])[0] if column.type is VecType.ENUM else array
        for column, array in zip(leaving.columns, arrays, strict=True)
    ]
    table = pa.Table.from_arrays(arrays, schema=arrow_schema(leaving.columns))
    made = pandas_of_table(table, leaving.sources)
    made.index = pd.RangeIndex(row_start, row_start + block.n_rows)
    return made


def assemble_picks(picks: Sequence[tuple[int, int]], blocks: Sequence[Block]) -> Block:
    """Return the block of the picked (part, column) chunks."""
    chunks = tuple(blocks[part].chunks[column] for part, column in picks)
    return Block(blocks[0].n_rows, chunks)
