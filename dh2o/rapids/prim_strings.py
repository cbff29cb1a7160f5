"""Primitives: text functions; on categorical columns they change the levels, not the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.arithmetic import as_string
from dh2o.rapids.columns import Column, Const, Local, Op, Table, default_names, local_table, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.levels import recoded, unique_texts
from dh2o.rapids.passes import gather, together
from dh2o.rapids.string_distance import DISTANCES
from dh2o.rapids.table import primitive, register
from dh2o.rapids.tile_strings import split_texts, text_function
from dh2o.rapids.values import Val, ValFrame

__all__: list[str] = []

LONGEST_TEXT = float(2**31 - 1)  # in characters: Arrow's positions in a text


def _check(symbol: str, table: Table) -> None:
    for name, column in zip(table.names, table.columns, strict=True):
        if not (column.is_string or column.is_enum):
            raise RapidsError(
                f"{symbol}() requires a string or categorical column. Received {column.type} "
                f"(column {name!r}). Please convert column to a string or categorical first."
            )


def _call(
    symbol: str, function: str, arguments: Sequence[object], texts: list[str]
) -> list[object]:
    try:
        array = pa.array(texts, pa.large_string())
        return text_function(function, list(arguments))(array).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RapidsError(
            f"{symbol}: the pattern cannot be used ({error}). Look-around and back references "
            "are not supported."
        ) from None


def _text_column(symbol: str, column: Column, function: str, *arguments: object) -> Column:
    """Return the column of changed texts: new levels for an enum, new strings for strings."""
    _call(symbol, function, arguments, [""])  # a bad pattern fails here, not in a task
    if column.is_enum:
        texts = _call(symbol, function, arguments, list(column.domain or ()))
        return _merged(column, [str(t) for t in texts])
    return column.then("strings", function, *arguments, type=VecType.STRING)


def _merged(column: Column, texts: list[str]) -> Column:
    """Return the enum with level i renamed to texts[i]; equal texts become one level."""
    if len(set(texts)) == len(texts):
        return column.with_domain(texts)
    domain = sorted(set(texts))  # in H2O in the order of a hash table
    return recoded(column, [float(domain.index(t)) for t in texts], domain)


def _number_column(symbol: str, column: Column, function: str, *arguments: object) -> Column:
    """Return the column of numbers that a function of the text gives."""
    _call(symbol, function, arguments, [""])
    if column.is_enum:
        values = _call(symbol, function, arguments, list(column.domain or ()))
        table = np.array([float(v) for v in values], dtype=np.float64)  # type: ignore[arg-type]
        return column.then("lookup", table)
    return column.then("strings", function, *arguments)


def _texts(symbol: str, table: Table, function: str, *arguments: object) -> Val:
    _check(symbol, table)
    columns = [_text_column(symbol, c, function, *arguments) for c in table.columns]
    return ValFrame(table.like(default_names(table.n_cols), columns))


def _numbers(symbol: str, table: Table, function: str, *arguments: object) -> Val:
    _check(symbol, table)
    columns = [_number_column(symbol, c, function, *arguments) for c in table.columns]
    return ValFrame(table.like(default_names(table.n_cols), columns))


def _register_simple() -> None:
    docs = {
        "tolower": "The texts in lower case.",
        "toupper": "The texts in upper case.",
        "trim": "The texts without white space at both ends.",
    }
    for symbol, doc in docs.items():

        def function(_env: Env, table: Table, _s: str = symbol) -> Val:
            return _texts(_s, table, _s)

        function.__module__ = __name__
        register(symbol, "ary:frame", doc, function)


_register_simple()


@primitive("lstrip", "ary:frame set:str?", "The texts without these characters at the start.")
def lstrip(_env: Env, table: Table, chars: str | None) -> Val:
    return _texts("lstrip", table, "lstrip", chars or " ")


@primitive("rstrip", "ary:frame set:str?", "The texts without these characters at the end.")
def rstrip(_env: Env, table: Table, chars: str | None) -> Val:
    return _texts("rstrip", table, "rstrip", chars or " ")


@primitive("strlen", "ary:frame", "The number of characters.")
def strlen(_env: Env, table: Table) -> Val:
    return _numbers("strlen", table, "strlen")


@primitive(
    "substring", "ary:frame start:num end:num?", "Characters start (from 0) to end (excluded)."
)
def substring(_env: Env, table: Table, start: float, end: float | None) -> Val:
    first = int(min(max(0.0, start), LONGEST_TEXT))
    if end is not None and not math.isnan(end) and end <= first:
        _check("substring", table)
        columns = [
            Column(VecType.ENUM, Const(0.0), ("",))
            if c.is_enum
            else c.then("strings", "substring", 0, 0, type=VecType.STRING)
            for c in table.columns
        ]
        return ValFrame(table.like(default_names(table.n_cols), columns))
    last = None if end is None or math.isnan(end) else int(min(end, LONGEST_TEXT))
    return _texts("substring", table, "substring", first, last)


@primitive(
    "replaceall",
    "ary:frame pattern:str replacement:str ignore_case:num?",
    "The texts with every match replaced; ignore_case lowers the text first.",
)
def replace_all(_env: Env, table: Table, pattern: str, new: str, ignore: float | None) -> Val:
    return _texts("replaceall", table, "replace", pattern, new, ignore == 1, None)


@primitive(
    "replacefirst",
    "ary:frame pattern:str replacement:str ignore_case:num?",
    "The texts with the first match replaced; ignore_case lowers the text first.",
)
def replace_first(_env: Env, table: Table, pattern: str, new: str, ignore: float | None) -> Val:
    value = _texts("replacefirst", table, "replace", pattern, new, ignore == 1, 1)
    if isinstance(value, ValFrame):
        return ValFrame(value.table.like(table.names, value.table.columns))
    return value


@primitive("countmatches", "ary:frame patterns:strs", "How often the texts contain the patterns.")
def count_matches(_env: Env, table: Table, patterns: tuple[str, ...]) -> Val:
    if not patterns:
        raise RapidsError("countmatches needs at least one pattern.")
    return _numbers("countmatches", table, "countmatches", list(patterns))


@primitive("entropy", "ary:frame", "Shannon's entropy of the characters in bits.")
def entropy(_env: Env, table: Table) -> Val:
    return _numbers("entropy", table, "entropy")


@primitive("num_valid_substrings", "ary:frame path:str", "How many substrings are words of a file.")
def num_valid_substrings(env: Env, table: Table, path: str) -> Val:
    words = frozenset(line.strip() for line in env.session.read_lines(path))
    return _numbers("num_valid_substrings", table, "words", words)


@primitive(
    "grep",
    "ary:frame regex:str ignore_case:num invert:num output_logical:num",
    "The numbers of the rows that match a pattern, or with output_logical 1 where a row matches.",
)
def grep(
    _env: Env, table: Table, pattern: str, ignore: float, invert: float, logical: float
) -> Val:
    from dh2o.rapids.prim_search import rows_where

    _check("grep", table)
    hits = _number_column("grep", table.only("grep"), "grep", pattern, ignore == 1)
    found = numeric(Op("!=" if invert else "==", (hits.expr, Const(1.0))))
    if logical:
        return ValFrame(table.like(["C1"], [found]))
    return ValFrame(rows_where(table, found))


@primitive("strsplit", "ary:frame regex:str", "The parts of the texts between matches, by column.")
def strsplit(_env: Env, table: Table, pattern: str) -> Val:
    _check("strsplit", table)
    _call("strsplit", "part", [pattern, 0], ["a b"])
    columns: list[Column] = []
    for column in table.columns:
        columns += (
            _split_enum(column, pattern) if column.is_enum else _split(table, column, pattern)
        )
    return ValFrame(table.like(default_names(len(columns)), columns))


def _split_enum(column: Column, pattern: str) -> list[Column]:
    parts = split_texts(pa.array(column.domain or (), pa.large_string()), pattern)
    out = []
    for k in range(max((len(p) for p in parts), default=0)):
        texts = [p[k] if k < len(p) else None for p in parts]
        domain = sorted({t for t in texts if t is not None})
        codes = [math.nan if t is None else float(domain.index(t)) for t in texts]
        out.append(recoded(column, codes, domain))
    return out


def _split(table: Table, column: Column, pattern: str) -> list[Column]:
    texts = pa.array(unique_texts(table, column), pa.large_string())
    n_parts = max(map(len, split_texts(texts, pattern)), default=0)
    return [column.then("strings", "part", pattern, k, type=VecType.STRING) for k in range(n_parts)]


@primitive(
    "tokenize", "ary:frame regex:str", "One column of all parts of the texts, NA after each row."
)
def tokenize(_env: Env, table: Table, pattern: str) -> Val:
    for column in table.columns:
        if not column.is_string:
            raise RapidsError(
                "tokenize() requires all input columns to be of a String type. "
                f"Received {column.type}. Please convert column to a string column first."
            )
    _call("tokenize", "part", [pattern, 0], ["a b"])
    held = gather(table, "tokenize")
    rows = [split_texts(c.expr.values, pattern) for c in held.columns if isinstance(c.expr, Local)]
    tokens: list[str | None] = []
    for row in zip(*rows, strict=True):
        tokens += (token for parts in row for token in parts)
        tokens.append(None)
    return ValFrame(local_table(["C1"], [pa.array(tokens, pa.large_string())], [VecType.STRING]))


@primitive(
    "strDistance",
    "x:frame y:frame measure:str compare_empty:num?",
    "Similarity of texts, 1 for equal ones: lv, lcs, qgram, jaccard, jw or soundex.",
)
def str_distance(_env: Env, x: Table, y: Table, measure: str, compare_empty: float | None) -> Val:
    if (x.n_rows, x.n_cols) != (y.n_rows, y.n_cols):
        raise RapidsError(
            "strDistance() requires the frames to have the same number of columns and rows."
        )
    for table in (x, y):
        for column in table.columns:
            if not (column.is_string or column.is_enum):
                raise RapidsError("Types of columns of both frames need to be String/Factor")
    if measure.lower() not in DISTANCES:
        raise RapidsError(
            f"Unknown measure {measure!r}. Expected one of: {', '.join(sorted(DISTANCES))}."
        )
    x, y = together([x, y])
    columns = []
    for a, b in zip(x.columns, y.columns, strict=True):
        pair = (as_string(a).expr, as_string(b).expr)
        columns.append(
            numeric(Op("distance", pair, (measure.lower(), compare_empty in (None, 1.0))))
        )
    return ValFrame(x.like(default_names(x.n_cols), columns))
