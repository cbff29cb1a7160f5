"""Primitives: arithmetic, comparison, logic, elementary functions, ifelse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import binary, unary, wrap
from dh2o.rapids.columns import Column, Const, Expr, Op, Table, default_names, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.kernels import UNARY
from dh2o.rapids.levels import keep_used_levels
from dh2o.rapids.passes import together
from dh2o.rapids.table import primitive, register
from dh2o.rapids.tree import Node
from dh2o.rapids.values import Val, ValFrame, ValNum, ValRow, ValStr

__all__: list[str] = []

_BINARY_DOCS = {
    "+": "Sum.",
    "-": "Difference.",
    "*": "Product.",
    "/": "Quotient; x/0 is infinite.",
    "^": "Power.",
    "%": "Remainder with the sign of the dividend.",
    "%%": "Remainder with the sign of the dividend.",
    "intDiv": "Quotient of the integer parts, towards zero; NA for a zero divisor.",
    "%/%": "Quotient, cut towards zero.",
    "==": "1 where equal (within one unit in the last place) or both NA, else 0.",
    "!=": "0 where equal or both NA, else 1.",
    "<": "1 where less, else 0; NA compares as 0.",
    "<=": "1 where less or equal, else 0; NA compares as 0.",
    ">": "1 where greater, else 0; NA compares as 0.",
    ">=": "1 where greater or equal, else 0; NA compares as 0.",
    "&": "And: 0 beats NA, NA beats 1.",
    "|": "Or: 1 beats NA, NA beats 0; only exactly 1 is true.",
    "round": "Rounded to a number of digits; without digits half to even.",
    "signif": "Rounded to a number of significant digits.",
}


def _binary_function(op: str) -> Callable[[Env, Val, Val], Val]:
    def function(_env: Env, left: Val, right: Val) -> Val:
        return binary(op, left, right)

    return function


def _unary_function(op: str) -> Callable[[Env, Val], Val]:
    def function(_env: Env, value: Val) -> Val:
        return unary(op, value)

    return function


def _register_operators() -> None:
    for op, doc in _BINARY_DOCS.items():
        function = _binary_function(op)
        function.__module__ = __name__
        register(op, "left:any right:any", doc, function)
    for op in UNARY:
        if op != "isna":
            register(op, "ary:any", f"{op} of every value; NA stays NA.", _unary_function(op))


_register_operators()


@primitive("&&", "left:any right:node", "And; the right side is not evaluated when the left is 0.")
def _and(env: Env, left: Val, right: Node) -> Val:
    if isinstance(left, ValNum) and left.value == 0:
        return left
    return binary("&&", left, env.evaluate(right))


@primitive("||", "left:any right:node", "Or; the right side is not evaluated when the left is 1.")
def _or(env: Env, left: Val, right: Node) -> Val:
    if isinstance(left, ValNum) and left.value == 1:
        return left
    return binary("||", left, env.evaluate(right))


@primitive(
    "ifelse",
    "test:any yes:node no:node",
    "yes where test is not 0, no where it is 0, NA where it is NA; strings give an enum.",
)
def ifelse(env: Env, test: Val, yes: Node, no: Node) -> Val:
    if isinstance(test, ValNum):
        if math.isnan(test.value):
            return ValNum(math.nan)
        return env.evaluate(no if test.value == 0 else yes)
    if not isinstance(test, ValFrame | ValRow):
        raise RapidsError(f"ifelse needs a number or a frame to test, found a {test.kind}.")
    return _choose(test, env.evaluate(yes), env.evaluate(no))


def _choose(test: ValFrame | ValRow, yes: Val, no: Val) -> Val:
    sides = [v.table for v in (yes, no) if isinstance(v, ValFrame | ValRow)]
    for side in sides:
        if side.n_rows != test.table.n_rows or side.n_cols not in (1, test.table.n_cols):
            raise RapidsError(
                "ifelse test frame and other frames must match dimensions, found "
                f"{test.table.n_rows} x {test.table.n_cols} and {side.n_rows} x {side.n_cols}."
            )
    tables = together([test.table, *sides])
    table = tables.pop(0)
    rest = iter(tables)
    yes_columns = _side(yes, rest, table.n_cols)
    no_columns = _side(no, rest, table.n_cols)
    columns = [
        _choose_column(table, t, y, n)
        for t, y, n in zip(table.columns, yes_columns, no_columns, strict=True)
    ]
    return wrap(test, table.like(default_names(table.n_cols), columns))


def _side(value: Val, tables: Iterator[Table], n_cols: int) -> Sequence[Column | str]:
    if isinstance(value, ValFrame | ValRow):
        columns = next(tables).columns
        return columns * n_cols if len(columns) == 1 else columns
    if isinstance(value, ValNum):
        return [numeric(Const(value.value))] * n_cols
    if isinstance(value, ValStr):
        return [value.value] * n_cols
    raise RapidsError(f"ifelse cannot choose a {value.kind}; give a frame, number or string.")


def _choose_column(table: Table, test: Column, yes: Column | str, no: Column | str) -> Column:
    if not (test.is_numberlike or test.is_enum):
        raise RapidsError(f"ifelse tests numbers or categories, found a {test.type} column.")
    texts = [s for s in (no, yes) if isinstance(s, str)]
    columns = [s for s in (no, yes) if isinstance(s, Column)]
    if any(c.type is VecType.UUID for c in columns):
        raise RapidsError("ifelse on UUID columns is not supported.")
    if not texts and not any(c.is_enum or c.is_string for c in columns):
        both_time = all(c.type is VecType.TIME for c in columns)
        kind = VecType.TIME if both_time else VecType.NUMERIC
        return Column(kind, Op("ifelse", (test.expr, _expr(yes), _expr(no))))
    if any(c.is_string for c in columns):
        raise RapidsError(
            "ifelse on string columns is not supported; use ascharacter().asfactor()."
        )
    domain = _merged_domain(texts, columns)
    place = {level: i for i, level in enumerate(domain)}
    chosen = Op("ifelse", (test.expr, _coded(yes, place), _coded(no, place)))
    return keep_used_levels(table, Column(VecType.ENUM, chosen, domain))


def _merged_domain(texts: list[str], columns: list[Column]) -> tuple[str, ...]:
    if not columns:
        return tuple(dict.fromkeys(texts))
    levels: dict[str, None] = {}
    for column in columns:
        if not column.is_enum and not (isinstance(column.expr, Const)):
            raise RapidsError("ifelse cannot mix a number column with strings or categories.")
        levels.update(dict.fromkeys(column.domain or ()))
    levels.update(dict.fromkeys(texts))
    return tuple(sorted(levels)) if texts else tuple(levels)


def _coded(side: Column | str, place: dict[str, int]) -> Expr:
    if isinstance(side, str):
        return Const(float(place[side]))
    if side.domain is None:
        return Const(math.nan)  # a number beside categories can only stand for NA
    table = np.array([place[level] for level in side.domain], dtype=np.float64)
    return Op("lookup", (side.expr,), (table,))


def _expr(side: Column | str) -> Expr:
    return side.expr if isinstance(side, Column) else Const(math.nan)
