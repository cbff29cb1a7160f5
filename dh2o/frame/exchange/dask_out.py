"""Frames as lazy Dask collections: one partition a block, decoded when and where it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks import Block
from dh2o.errors import MissingExtraError
from dh2o.frame.exchange.arrow_io import arrow_schema, leaving_columns, table_of_block
from dh2o.frame.exchange.decode import ArrowColumn
from dh2o.frame.exchange.pandas_io import pandas_of_table
from dh2o.frame.layout import row_starts
from dh2o.frame.physical import engine_for, physical
from dh2o.frame.vec import Source
from dh2o.mrtask.blocks import Recipe, assemble
from dh2o.mrtask.graph import block_input

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame


def require_dask(module: str, what: str) -> Any:
    """Return a part of Dask, or raise the error that says how to install what it needs."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError.of(module, "dask", f"Exchange with Dask {what}") from error


def to_dask(frame: Frame) -> Any:
    """Return a lazy Dask DataFrame, one partition per block, the row numbers as its index."""
    dd = require_dask("dask.dataframe", "DataFrame")
    columns = leaving_columns(frame)
    sources = [vec.source for vec in frame.vecs]
    meta = pandas_of_table(arrow_schema(columns).empty_table(), sources)
    parts = _delayed_blocks(frame, _ToPandas(columns, sources))
    if not parts:
        return dd.from_pandas(meta, npartitions=1)
    starts = row_starts(frame.layout)
    divisions = (*starts[:-1], starts[-1] - 1) if all(frame.layout) else None
    return dd.from_delayed(parts, meta=meta, divisions=divisions, verify_meta=False)


def to_dask_array(frame: Frame) -> Any:
    """Return a lazy Dask Array of float64 with known chunks: numbers, codes and times, NA as NaN.

    Raises
    ------
    FrameError
        A column holds text.
    """
    from dh2o.frame.exchange import matrix_of, require_numbers

    da = require_dask("dask.array", "Array")
    require_numbers(frame)
    parts = _delayed_blocks(frame, matrix_of) if frame.n_cols else []
    made = [
        da.from_delayed(part, shape=(n_rows, frame.n_cols), dtype=np.float64)
        for part, n_rows in zip(parts, frame.layout, strict=False)
    ]
    return da.concatenate(made) if made else da.zeros((frame.n_rows, frame.n_cols))


def to_dask_bag(frame: Frame) -> Any:
    """Return a lazy Dask Bag of one dict a row, NA as None."""
    db = require_dask("dask.bag", "Bag")
    parts = _delayed_blocks(frame, _ToRecords(leaving_columns(frame)))
    return db.from_delayed(parts) if parts else db.from_sequence([], npartitions=1)


def to_delayed(frame: Frame) -> list[Any]:
    """Return one Delayed a block, each giving a pandas DataFrame."""
    return list(to_dask(frame).to_delayed())


def _delayed_blocks(frame: Frame, leave: Callable[[Block], Any]) -> list[Any]:
    """Return ``leave(block)`` of every block as Delayed; they hold on to the blocks."""
    import dask

    engine = engine_for(frame)
    recipe = Recipe.of(physical(frame))
    make = dask.delayed(_left, pure=False, traverse=False)
    function = dask.delayed(leave, traverse=False)
    parts = []
    for i, n_rows in enumerate(frame.layout):
        place = (i, recipe.row_starts[i], n_rows)
        inputs = block_input(engine, recipe, i).futures
        parts.append(make(function, (recipe.picks, recipe.names, place), *inputs))
    return parts


def _left(leave: Callable[[Block], Any], shape: Any, *blocks: Block) -> Any:
    picks, names, place = shape
    return leave(assemble(blocks, picks, names, place))


class _ToTable:
    """Gives a block as an Arrow table."""

    def __init__(self, columns: Sequence[ArrowColumn]) -> None:
        self.columns = list(columns)

    def __call__(self, block: Block) -> Any:
        return table_of_block(block, self.columns)


class _ToPandas(_ToTable):
    """Gives a block as a DataFrame whose index is the row number in the frame."""

    def __init__(self, columns: Sequence[ArrowColumn], sources: Sequence[Source | None]) -> None:
        super().__init__(columns)
        self.sources = list(sources)

    def __call__(self, block: Block) -> Any:
        import pandas as pd

        made = pandas_of_table(super().__call__(block), self.sources)
        made.index = pd.RangeIndex(block.row_start, block.row_start + block.n_rows)
        return made


class _ToRecords(_ToTable):
    """Gives a block as one dict a row."""

    def __call__(self, block: Block) -> Any:
        return super().__call__(block).to_pylist()
