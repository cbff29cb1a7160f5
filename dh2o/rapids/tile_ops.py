"""Tile operations on numbers and codes that are no plain arithmetic.

Each takes (operands, params, n_rows) and returns an array of its own; see `program.tile_op`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.rapids.kernels import F64
from dh2o.rapids.program import tile_op

__all__: list[str] = []


@tile_op("ifelse")
def _ifelse(operands: list[Any], _params: Any, n_rows: int) -> F64:
    """Yes where test is not 0, no where it is 0, NA where it is NA."""
    test, yes, no = operands
    out = np.where(np.equal(test, 0.0), no, yes)
    if out.shape != (n_rows,) or out.dtype != np.float64:  # else it is an array of its own already
        out = np.array(np.broadcast_to(out, (n_rows,)), dtype=np.float64)
    missing = np.isnan(test)
    if missing.any():
        np.copyto(out, np.nan, where=missing)
    return out


@tile_op("lookup")
def _lookup(operands: list[Any], params: Any, n_rows: int) -> F64:
    """table[code]; NA for NA codes and codes outside the table."""
    codes = np.broadcast_to(operands[0], (n_rows,))
    table = params[0]
    padded = np.append(table, np.nan)
    inside = (codes >= 0) & (codes < len(table))
    idx = np.where(inside, codes, len(table)).astype(np.int64)
    return padded[idx]


@tile_op("code_of")
def _code_of(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Position of the value in the sorted values of params[0]; NA where it is not among them."""
    values = np.broadcast_to(operands[0], (n_rows,))
    table = params[0]
    if len(table) == 0:
        return np.full(n_rows, np.nan)
    span = table[-1] - table[0]
    if span <= 2 * n_rows and np.array_equal(table, np.rint(table)):
        return _place_of_integers(values, table, int(span))
    idx = np.searchsorted(table, values)
    idx = np.minimum(idx, len(table) - 1)
    return np.where(table[idx] == values, idx.astype(np.float64), np.nan)


def _place_of_integers(values: F64, table: F64, span: int) -> F64:
    """Return what `_code_of` does, if the sorted values are integers from a short stretch."""
    places = np.full(span + 2, np.nan)
    places[(table - table[0]).astype(np.int64)] = np.arange(len(table))
    inside = (values >= table[0]) & (values <= table[-1])  # NA is not
    at = np.where(inside, values - table[0], span + 1)
    whole = at.astype(np.int64)
    out = places[whole]
    out[whole != at] = np.nan
    return out


@tile_op("is_na")
def _is_na(operands: list[Any], _params: Any, n_rows: int) -> F64:
    values = operands[0]
    if hasattr(values, "is_null"):
        return np.asarray(values.is_null(), dtype=np.float64)
    if isinstance(values, tuple):  # ids: (words, NA mask)
        return values[1].astype(np.float64)
    return np.isnan(np.broadcast_to(values, (n_rows,))).astype(np.float64)


@tile_op("where_set")
def _where_set(operands: list[Any], _params: Any, n_rows: int) -> F64:
    """Set new where the condition is exactly 1 ... else old; an NA condition keeps old."""
    old, condition, new = operands
    return np.where(np.equal(condition, 1.0), new, np.broadcast_to(old, (n_rows,)))


@tile_op("affine")
def _affine(operands: list[Any], params: Any, n_rows: int) -> F64:
    """(x - center) * factor."""
    center, factor = params
    return (np.broadcast_to(operands[0], (n_rows,)) - center) * factor


@tile_op("fill_na")
def _fill_na(operands: list[Any], params: Any, n_rows: int) -> F64:
    values = np.broadcast_to(operands[0], (n_rows,))
    return np.where(np.isnan(values), params[0], values)


@tile_op("cut")
def _cut(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Interval of each value among ascending cuts; NA outside, the ends as H2O has them."""
    cuts, right, include_lowest = params
    values = np.broadcast_to(operands[0], (n_rows,))
    idx = np.searchsorted(cuts, values, side="left" if right else "right") - 1
    low, high = cuts[0], cuts[-1]
    outside = (values < low) if include_lowest else (values <= low)
    outside |= (values > high) if right else (values >= high)
    idx = np.maximum(idx, 0)
    return np.where(outside | np.isnan(values), np.nan, idx.astype(np.float64))


@tile_op("none_of")
def _none_of(operands: list[Any], _params: Any, n_rows: int) -> F64:
    """1 where all flags are 0."""
    found = np.zeros(n_rows)
    for flags in operands:
        found += flags
    return (found == 0.0).astype(np.float64)


@tile_op("row_fold")
def _row_fold(operands: list[Any], params: Any, n_rows: int) -> F64:
    """One number a row from several columns: how to fold, and whether NA are skipped."""
    how, skip_na = params
    wide = np.stack([np.broadcast_to(v, (n_rows,)) for v in operands])
    na = np.isnan(wide)
    count = (~na).sum(axis=0)
    if how == "nacnt":
        return na.sum(axis=0).astype(np.float64)
    if how == "median":
        return _row_median(wide, na, skip_na)
    neutral = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "min": np.inf, "max": -np.inf, "sd": 0.0}[how]
    filled = np.where(na, neutral, wide)
    if how in ("sum", "mean", "sd"):
        out = np.add.reduce(filled, axis=0)
        if how != "sum":
            out = out / np.where(count == 0, np.nan, count)
        if how == "sd":
            spread = np.add.reduce(np.where(na, 0.0, (wide - out) ** 2), axis=0)
            out = np.sqrt(spread / np.where(count > 1, count - 1, np.nan))
    else:
        out = {"prod": np.multiply, "min": np.minimum, "max": np.maximum}[how].reduce(
            filled, axis=0
        )
        out = np.where(count == 0, np.nan, out) if how != "prod" else out
    return out if skip_na else np.where(na.any(axis=0), np.nan, out)


def _row_median(wide: F64, na: Any, skip_na: bool) -> F64:
    whole = na.all(axis=0)
    out = np.nanmedian(np.where(whole, 0.0, wide), axis=0)
    blank = whole if skip_na else na.any(axis=0)
    return np.where(blank, np.nan, out)


@tile_op("row_extreme")
def _row_extreme(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Position of the smallest or largest value of each row."""
    largest, skip_na = params
    wide = np.stack([np.broadcast_to(v, (n_rows,)) for v in operands])
    na = np.isnan(wide)
    filled = np.where(na, -np.inf if largest else np.inf, wide)
    out = (filled.argmax(axis=0) if largest else filled.argmin(axis=0)).astype(np.float64)
    blank = na.all(axis=0) if skip_na else na.any(axis=0)
    return np.where(blank, np.nan, out)


@tile_op("put")
def _put(operands: list[Any], params: Any, n_rows: int) -> F64:
    """old, but params[0][pick] where pick is a row number of it."""
    old, pick = operands
    out = np.array(np.broadcast_to(old, (n_rows,)))
    chosen = ~np.isnan(pick)
    out[chosen] = params[0][pick[chosen].astype(np.int64)]
    return out


@tile_op("group_number")
def _group_number(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Find the number of the group whose keys a row has (params: its places); else NA."""
    return params[0].numbers(operands, n_rows)
