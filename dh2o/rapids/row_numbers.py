"""Columns that depend on the number of a row only: the number itself, and random numbers.

Random numbers are a function of (seed, row): no generator has a state, so that the same seed gives
the same numbers on any cluster and in any layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.frame.random_folds import random_folds
from dh2o.rapids.columns import Column, Local, Op, Stored, Table, numeric
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import any_stored_ref
from dh2o.rapids.program import tile_op

__all__ = ["row_number_column", "uniform_column"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def row_number_column(table: Table) -> Column:
    """Return the column 0, 1, 2, ... of a table's rows."""
    if table.layout is None:
        return numeric(Local(np.arange(table.n_rows, dtype=np.float64)))
    return numeric(Stored(any_stored_ref(table), "row"))


def uniform_column(table: Table, seed: int, stream: int = 0) -> Column:
    """Return one number of [0, 1) for each row, by (seed, stream, row)."""
    return numeric(Op("uniform", (row_number_column(table).expr,), (seed, stream)))


@tile_op("uniform")
def _uniform(operands: list[Any], params: Any, n_rows: int) -> F64:
    return uniform(np.broadcast_to(operands[0], (n_rows,)).astype(np.uint64), *params)


@tile_op("random_fold")
def _random_fold(operands: list[Any], params: Any, n_rows: int) -> F64:
    rows = np.broadcast_to(operands[0], (n_rows,)).astype(np.int64)
    return random_folds(rows, *params).astype(np.float64)


def uniform(rows: Any, seed: int, stream: int = 0) -> F64:
    """Return splitmix64 of (seed, stream, row) as 53 random bits over 2**53."""
    with np.errstate(over="ignore"):
        start = _mix(np.uint64(seed & 0xFFFFFFFFFFFFFFFF) + np.uint64(stream) * _MIX_2 + _GOLDEN)
        bits = _mix(start + (rows + np.uint64(1)) * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
