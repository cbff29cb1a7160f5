"""Primitives: one type of column into another, levels of categorical columns."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import as_string, java_double
from dh2o.rapids.columns import Column, Const, Op, Table, default_names, local_table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.levels import level_counts, recoded, unique_numbers, unique_texts
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStrs

__all__ = ["to_enum"]

MAX_LEVELS = 10_000_000


def to_enum(table: Table, name: str, column: Column) -> Column:
    """Return the column as categorical: numbers in their order, texts in byte order."""
    if column.is_enum:
        return column
    if column.is_string:
        texts = unique_texts(table, column)
        _check_levels(name, len(texts))
        return Column(VecType.ENUM, Op("text_code", (column.expr,), (tuple(texts),)), tuple(texts))
    if not column.is_number:
        raise RapidsError(
            "asfactor() requires a string, categorical, numeric or empty column. "
            f"Received {column.type} (column {name!r}). "
            "Please convert column to a string or categorical first."
        )
    values = unique_numbers(table, column)
    _check_levels(name, len(values))
    whole = bool((values == np.floor(values)).all()) and bool((np.abs(values) < 2**63).all())
    levels = [str(int(v)) if whole else java_double(float(v)) for v in values]
    if levels == [str(i) for i in range(len(levels))]:
        return Column(VecType.ENUM, column.expr, tuple(levels))
    return Column(VecType.ENUM, Op("code_of", (column.expr,), (values,)), tuple(levels))


def _check_levels(name: str, n_levels: int) -> None:
    if n_levels > MAX_LEVELS:
        raise RapidsError(
            f"Column {name!r} has {n_levels} distinct values, more than the {MAX_LEVELS} levels "
            "that a categorical column may have. Keep it as it is."
        )


@primitive("as.factor", "ary:frame", "The columns as categorical.")
def as_factor(_env: Env, table: Table) -> Val:
    columns = [to_enum(table, n, c) for n, c in zip(table.names, table.columns, strict=True)]
    return ValFrame(table.like(table.names, columns))


def to_number(column: Column) -> Column:
    """Return the column as numbers; levels that are all integers by their text, else the codes."""
    if column.is_number:
        return column
    if column.is_string:
        return column.then("text_number")
    if column.is_enum:
        values = [_integer_or_none(level) for level in column.domain or ()]
        if values and all(v is not None for v in values):
            return column.then("lookup", np.array(values, dtype=np.float64))
        return Column(VecType.NUMERIC, column.expr)
    if column.type is VecType.TIME:
        return Column(VecType.NUMERIC, column.expr)
    raise RapidsError(f"Cannot convert a {column.type} column to numbers.")


def _integer_or_none(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?\d+", text) else None


@primitive("as.numeric", "ary:frame", "The columns as numbers; text that is no number is NA.")
def as_numeric(_env: Env, table: Table) -> Val:
    return ValFrame(table.like(table.names, [to_number(c) for c in table.columns]))


@primitive("as.character", "ary:frame", "The columns as strings.")
def as_character(_env: Env, table: Table) -> Val:
    return ValFrame(table.like(table.names, [as_string(c) for c in table.columns]))


@primitive(
    "levels", "ary:frame", "The levels of each categorical column, NA below the shorter ones."
)
def levels(_env: Env, table: Table) -> Val:
    n_rows = max((len(c.domain or ()) for c in table.columns), default=0)
    codes = []
    for column in table.columns:
        n_levels = len(column.domain or ())
        codes.append(
            np.append(np.arange(n_levels, dtype=np.float64), [np.nan] * (n_rows - n_levels))
        )
    kinds = [VecType.ENUM if c.is_enum else VecType.NUMERIC for c in table.columns]
    domains = [c.domain for c in table.columns]
    return ValFrame(local_table(default_names(table.n_cols), codes, kinds, domains))


def _enum(table: Table, symbol: str) -> Column:
    column = table.only(symbol)
    if not column.is_enum:
        raise RapidsError(
            f"{symbol} works on a categorical column; {table.names[0]!r} is {column.type}. "
            "Use as.factor first."
        )
    return column


@primitive("nlevels", "ary:frame", "The number of levels of a categorical column, 0 for others.")
def nlevels(_env: Env, table: Table) -> Val:
    return ValNum(float(len(table.only("nlevels").domain or ())))


@primitive("setLevel", "ary:frame level:str", "A constant column of one of the levels.")
def set_level(_env: Env, table: Table, level: str) -> Val:
    column = _enum(table, "setLevel")
    domain = column.domain or ()
    if level not in domain:
        raise RapidsError(
            f"Did not find level `{level}` in the column. Levels: {list(domain)[:8]}."
        )
    fixed = Column(VecType.ENUM, Const(float(domain.index(level))), domain)
    return ValFrame(table.like(table.names, [fixed]))


def _maybe_in_place(env: Env, before: Table, after: Table, in_place: float) -> Val:
    if in_place and before.key is not None:
        return ValFrame(env.session.replace(before.key, after))
    return ValFrame(after)


@primitive("setDomain", "ary:frame in_place:num levels:any", "The codes under other levels.")
def set_domain(env: Env, table: Table, in_place: float, new: Val) -> Val:
    column = _enum(table, "setDomain")
    old = column.domain or ()
    if isinstance(new, ValNums) and not len(new):
        used = np.flatnonzero(level_counts(table, column)[:-1])
        codes = np.full(len(old), np.nan)
        codes[used] = np.arange(len(used))
        changed = recoded(column, codes.tolist(), [old[i] for i in used])
    elif isinstance(new, ValStrs):
        if len(new.values) != len(old):
            raise RapidsError(
                "Number of replacement factors must equal current number of levels. "
                f"Current number of levels: {len(old)} != {len(new.values)}"
            )
        place = {level: i for i, level in enumerate(dict.fromkeys(new.values))}
        changed = column.with_domain(new.values)
        if len(place) < len(old):  # levels of the same text become one
            changed = recoded(column, [float(place[level]) for level in new.values], tuple(place))
    else:
        raise RapidsError("setDomain needs a list of strings.")
    return _maybe_in_place(env, table, table.like(table.names, [changed]), in_place)


@primitive("appendLevels", "ary:frame in_place:num levels:strs", "The column with more levels.")
def append_levels(env: Env, table: Table, in_place: float, new: tuple[str, ...]) -> Val:
    column = _enum(table, "appendLevels")
    domain = tuple(dict.fromkeys((*(column.domain or ()), *new)))
    changed = column.with_domain(domain)
    return _maybe_in_place(env, table, table.like(table.names, [changed]), in_place)


@primitive("relevel", "ary:frame level:str", "The column with one level moved to the front.")
def relevel(_env: Env, table: Table, level: str) -> Val:
    column = _enum(table, "relevel")
    domain = column.domain or ()
    if level not in domain:
        raise RapidsError(
            f"Did not find level `{level}` in the column. Levels: {list(domain)[:8]}."
        )
    at = domain.index(level)
    order = [at, *(i for i in range(len(domain)) if i != at)]
    return ValFrame(table.like(table.names, [_reordered(column, order)]))


def _reordered(column: Column, order: list[int]) -> Column:
    domain = column.domain or ()
    codes = np.empty(len(domain))
    codes[order] = np.arange(len(domain))
    return recoded(column, codes.tolist(), [domain[i] for i in order])


@primitive(
    "relevel.by.freq",
    "ary:frame weights:str? topn:int?",
    "The levels by falling (weighted) frequency; with topn only that many move to the front.",
)
def relevel_by_freq(_env: Env, table: Table, weights: str | None, topn: int | None) -> Val:
    weight = None
    if weights is not None:
        weight = table.columns[table.index(weights)]
        if not weight.is_number:
            raise RapidsError(
                f"relevel.by.freq: weights are numbers; {weights!r} is {weight.type}."
            )
    columns = []
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_enum or name == weights:
            columns.append(column)
            continue
        counts = level_counts(table, column, weight)[:-1]
        order = np.argsort(-counts, kind="stable").tolist()
        if topn is not None and topn >= 0:
            front = order[:topn]
            order = front + [i for i in range(len(counts)) if i not in set(front)]
        columns.append(_reordered(column, order))
    return ValFrame(table.like(table.names, columns))


def renamed_levels(column: Column, texts: list[str | None]) -> Column:
    """Return the enum whose level i is now called `texts[i]`; equal texts become one level."""
    domain = sorted({t for t in texts if t is not None})
    place = {text: float(i) for i, text in enumerate(domain)}
    codes = [math.nan if t is None else place[t] for t in texts]
    return recoded(replace(column), codes, domain)
