"""Operations along the rows of the whole frame: running totals, differences.

What a block needs of the blocks before it is one number a column (or one row), which a short pass
fetches; then every block is computed by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dh2o.chunks import Block
from dh2o.frame import Frame, Vec, VecType
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Local, Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import encode_columns, gather, store

__all__ = ["difference", "running"]

_ACCUMULATE: dict[str, Any] = {
    "cumsum": np.add,
    "cumprod": np.multiply,
    "cummin": np.minimum,
    "cummax": np.maximum,
}


def _accumulated(values: F64, symbol: str) -> F64:
    return _ACCUMULATE[symbol].accumulate(values) if len(values) else values


def running(table: Table, symbol: str, names: Sequence[str]) -> Table:
    """Return the running sums, products, minima or maxima of every column."""
    if table.is_local:
        held = gather(table)
        columns = [_local(_accumulated(_values(c), symbol)) for c in held.columns]
        return held.like(names, columns)
    frame = _stored(table)
    lasts = np.array(current_engine().collect(frame, _Last(symbol)), dtype=np.float64)
    starts = _starts(lasts, symbol, frame.n_cols)
    return _new_columns(frame, names, _Run(symbol, starts))


def _values(column: Column) -> Any:
    return column.expr.values if isinstance(column.expr, Local) else np.empty(0)


def _local(values: F64) -> Column:
    return Column(VecType.NUMERIC, Local(values))


def _stored(table: Table) -> Frame:
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return frame


def _starts(lasts: F64, symbol: str, n_cols: int) -> F64:
    """Return what each block starts from: the total of all blocks before it."""
    identity = {"cumsum": 0.0, "cumprod": 1.0, "cummin": np.inf, "cummax": -np.inf}[symbol]
    starts = np.full((len(lasts) + 1, n_cols), identity)
    with np.errstate(all="ignore"):
        for i, last in enumerate(lasts):
            starts[i + 1] = _ACCUMULATE[symbol](starts[i], last)
    return starts


class _Last:
    """The total of every column of a block."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    def __call__(self, block: Block) -> list[float]:
        with np.errstate(all="ignore"):
            how = _ACCUMULATE[self.symbol]
            if not block.n_rows:
                return [float(_starts(np.empty((0, 1)), self.symbol, 1)[0, 0])] * block.n_cols
            return [float(how.accumulate(block.floats(j))[-1]) for j in range(block.n_cols)]


class _Run:
    """A block's running totals, from what came before it."""

    def __init__(self, symbol: str, starts: F64) -> None:
        self.symbol = symbol
        self.starts = starts

    def __call__(self, block: Block) -> Block:
        how = _ACCUMULATE[self.symbol]
        with np.errstate(all="ignore"):
            columns = [
                how(self.starts[block.index, j], _accumulated(block.floats(j), self.symbol))
                for j in range(block.n_cols)
            ]
        return _numbers(columns, block.n_rows)


def _new_columns(frame: Frame, names: Sequence[str], fn: Any) -> Table:
    blocks = current_engine().map_blocks(fn, [frame], layout=frame.layout)
    vecs = tuple(Vec(VecType.NUMERIC, (blocks, i)) for i in range(len(names)))
    return Table.of(Frame(tuple(names), vecs, frame.layout))


# ---- difference to the row before


def difference(table: Table, names: Sequence[str]) -> Table:
    """Return each value minus the one in the row before; the first is NA."""
    if table.is_local:
        held = gather(table)
        columns = [_local(_diff(_values(c), np.nan)) for c in held.columns]
        return held.like(names, columns)
    frame = _stored(table)
    edges = current_engine().collect(frame, _last_row)
    before = np.full((len(edges), frame.n_cols), np.nan)
    last = np.full(frame.n_cols, np.nan)
    for i, edge in enumerate(edges):
        before[i] = last
        if edge is not None:
            last = edge
    return _new_columns(frame, names, _Difference(before))


def _diff(values: F64, before: float) -> F64:
    with np.errstate(invalid="ignore"):  # infinity less infinity is NA
        return np.diff(values, prepend=before)


def _last_row(block: Block) -> F64 | None:
    if not block.n_rows:
        return None
    last = block.n_rows - 1
    return np.array([block.chunks[j].floats(None, last, last + 1)[0] for j in range(block.n_cols)])


class _Difference:
    """A block's differences, given the row before it."""

    def __init__(self, before: F64) -> None:
        self.before = before

    def __call__(self, block: Block) -> Block:
        columns = [_diff(block.floats(j), self.before[block.index, j]) for j in range(block.n_cols)]
        return _numbers(columns, block.n_rows)


def _numbers(columns: Sequence[F64], n_rows: int) -> Block:
    """Return the block of columns of numbers."""
    types = [VecType.NUMERIC] * len(columns)
    return Block(n_rows, tuple(encode_columns(types, columns, n_rows)))
