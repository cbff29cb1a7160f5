"""Binary and unary operations: how numbers, strings, frames and rows widen to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import MAX_OPS, Column, Const, Local, Op, Table, default_names, numeric
from dh2o.rapids.kernels import BINARY, UNARY, apply_scalar
from dh2o.rapids.passes import gather, store, together
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValRow, ValStr, ValStrs

__all__ = ["binary", "column_binary", "is_truth", "java_double", "unary", "wrap"]

EQUALITY = ("==", "!=")
COMPARISON = ("==", "!=", "<", "<=", ">", ">=")
TRUTHS = {*COMPARISON, "&", "&&", "|", "||", "not", "isna", "string_equal", "strings_equal"}


def java_double(value: float) -> str:
    """Return a number as Java writes it: 1.0, 1.0E10, NaN."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value))
    mantissa, _, exponent = f"{value:e}".partition("e")
    digits = repr(float(value))
    if "e" in digits:
        mantissa, _, exponent = digits.partition("e")
    else:
        exponent = str(math.floor(math.log10(abs(value))))
        mantissa = repr(float(f"{value / 10.0 ** int(exponent):.17g}"))
        for n_digits in range(1, 18):  # the shortest mantissa that gives the value back
            short = f"{value:.{n_digits}e}"
            if float(short) == value:
                mantissa, _, exponent = short.partition("e")
                break
    mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa + ".0"
    return (mantissa + "0" if mantissa.endswith(".") else mantissa) + f"E{int(exponent)}"


def wrap(like: Val, table: Table) -> Val:
    """Return `table` as a frame, or as a row where `like` is a row; a long formula is computed."""
    if table.n_ops > MAX_OPS:
        table = store(table)
    return ValRow(table) if isinstance(like, ValRow) else ValFrame(table)


def is_truth(column: Column) -> bool:
    """Whether a column can hold nothing but 0, 1 and NA, seen from its formula."""
    return isinstance(column.expr, Op) and column.expr.name in TRUTHS


def _scalar(value: Val) -> float | str | None:
    if isinstance(value, ValNum):
        return value.value
    if isinstance(value, ValNums) and len(value):
        return float(value.values[0])
    if isinstance(value, ValStr):
        return value.value
    if isinstance(value, ValStrs) and value.values:
        return value.values[0]
    return None


def binary(op: str, left: Val, right: Val) -> Val:
    """Return `left op right`."""
    lf = left.table if isinstance(left, ValFrame | ValRow) else None
    rf = right.table if isinstance(right, ValFrame | ValRow) else None
    if lf is not None and rf is not None:
        row = left if isinstance(left, ValRow) else right
        return wrap(row, _frames(op, lf, rf))
    scalar = _scalar(right if lf is not None else left)
    if lf is not None and scalar is not None:
        columns = [_with_scalar(op, c, scalar, flipped=False) for c in lf.columns]
        names = lf.names
        if op in EQUALITY and not isinstance(scalar, str):
            names = tuple(default_names(lf.n_cols))
        return wrap(left, lf.like(names, columns))
    if rf is not None and scalar is not None:
        columns = [_with_scalar(op, c, scalar, flipped=True) for c in rf.columns]
        return wrap(right, rf.like(rf.names, columns))
    a, b = _scalar(left), _scalar(right)
    if isinstance(a, float) and isinstance(b, float):
        return ValNum(apply_scalar(BINARY[op], a, b))
    raise RapidsError(f"Cannot apply '{op}' to a {left.kind} and a {right.kind}.")


def _with_scalar(op: str, column: Column, scalar: float | str, *, flipped: bool) -> Column:
    if isinstance(scalar, str):
        return _with_string(op, column, scalar, flipped=flipped)
    if column.is_string:
        if op not in EQUALITY:
            raise _no_strings(op)
        text = None if math.isnan(scalar) else java_double(scalar)
        return column.then("string_equal", text, op == "!=")
    if column.is_enum:
        return numeric(Const(0.0 if op in EQUALITY else math.nan))
    if column.type is VecType.UUID:
        raise RapidsError(f"Binary operation '{op}' is not supported on UUID columns.")
    constant = Const(scalar)
    return numeric(Op(op, (constant, column.expr) if flipped else (column.expr, constant)))


def _no_strings(op: str) -> RapidsError:
    return RapidsError(f"Binary operation '{op}' is not supported on String columns.")


def _with_string(op: str, column: Column, text: str, *, flipped: bool) -> Column:
    if op not in COMPARISON:
        raise _no_strings(op)
    if column.is_string:
        if op not in EQUALITY:
            raise _no_strings(op)
        return column.then("string_equal", text, op == "!=")
    if column.is_enum:
        domain = column.domain or ()
        code = Const(float(domain.index(text)) if text in domain else -1.0)
        return numeric(Op(op, (code, column.expr) if flipped else (column.expr, code)))
    return numeric(Const(apply_scalar(BINARY[op], 1.0, 2.0)))


def _frames(op: str, left: Table, right: Table) -> Table:
    if left.n_rows != right.n_rows:
        return _one_row(op, left, right)
    if not left.n_cols or not right.n_cols:
        return left if not left.n_cols else right
    n_cols = max(left.n_cols, right.n_cols)
    if left.n_cols != right.n_cols and 1 not in (left.n_cols, right.n_cols):
        raise RapidsError(
            f"Frames must have same columns, found {left.n_cols} columns "
            f"and {right.n_cols} columns."
        )
    left, right = together([left, right])
    lefts, rights = _widen(left.columns, n_cols), _widen(right.columns, n_cols)
    columns = [column_binary(op, a, b) for a, b in zip(lefts, rights, strict=True)]
    return left.like((left if left.n_cols == n_cols else right).names, columns)


def _widen(columns: Sequence[Column], n_cols: int) -> Sequence[Column]:
    return list(columns) * n_cols if len(columns) == 1 else columns


def _one_row(op: str, left: Table, right: Table) -> Table:
    if 1 not in (left.n_rows, right.n_rows):
        raise RapidsError(
            f"Frames must have same rows, found {left.n_rows} rows and {right.n_rows} rows."
        )
    if left.n_cols != right.n_cols:
        raise RapidsError(
            f"Frames must have same columns, found {left.n_cols} columns "
            f"and {right.n_cols} columns."
        )
    tall, row = (left, right) if right.n_rows == 1 else (right, left)
    values = row_values(row)
    columns = [
        _with_scalar(op, c, v, flipped=tall is right)
        if not c.is_string
        else numeric(Const(math.nan))
        for c, v in zip(tall.columns, values, strict=True)
    ]
    return tall.like(tall.names, columns)


def row_values(table: Table) -> list[float]:
    """Return the numbers of a one-row table; NaN for what is no number or time."""
    held = gather(table)
    values = []
    for column in held.columns:
        if column.is_numberlike and isinstance(column.expr, Local):
            values.append(float(column.expr.values[0]))
        else:
            values.append(math.nan)
    return values


def column_binary(op: str, left: Column, right: Column) -> Column:
    """Return ``left op right`` for two columns of the same rows."""
    if VecType.UUID in (left.type, right.type):
        raise RapidsError(f"Binary operation '{op}' is not supported on UUID columns.")
    if left.is_string or right.is_string:
        if op not in EQUALITY:
            raise _no_strings(op)
        return numeric(
            Op("strings_equal", (as_string(left).expr, as_string(right).expr), (op == "!=",))
        )
    if left.is_enum or right.is_enum:
        if op not in EQUALITY:
            return numeric(Const(math.nan))
        if left.is_enum and right.is_enum:
            right = _recode(right, left.domain or ())
    return numeric(Op(op, (left.expr, right.expr)))


def _recode(column: Column, domain: Sequence[str]) -> Column:
    """Return the codes of a column's levels in another domain; -1 for a level that is not in it."""
    if column.domain == tuple(domain):
        return column
    place = {level: float(i) for i, level in enumerate(domain)}
    table = np.array([place.get(level, -1.0) for level in column.domain or ()], dtype=np.float64)
    return replace(column, expr=Op("lookup", (column.expr,), (table,)), vec=None)


def as_string(column: Column) -> Column:
    """Return the column as text: levels of an enum, numbers as H2O writes them."""
    if column.is_string:
        return column
    if column.is_enum:
        return column.then("level_text", column.domain or (), type=VecType.STRING)
    if column.type is VecType.UUID:
        return column.then("uuid_text", type=VecType.STRING)
    if column.type is VecType.TIME:
        return column.then("time_text", type=VecType.STRING)
    return column.then("number_text", type=VecType.STRING)


def unary(op: str, value: Val) -> Val:
    """Return ``op(value)``; columns are named ``op(name)``."""
    if isinstance(value, ValNum):
        return ValNum(apply_scalar(UNARY[op], value.value))
    if not isinstance(value, ValFrame | ValRow):
        raise RapidsError(f"Operator {op}() cannot be applied to a {value.kind}.")
    table = value.table
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_number:
            raise RapidsError(f"Operator {op}() cannot be applied to non-numeric column {name}")
    written = "not" if op == "!!" else op
    names = [f"{written}({name})" for name in table.names]
    if isinstance(value, ValRow):
        names = list(table.names)
    return wrap(value, table.like(names, [c.then(op) for c in table.columns]))
