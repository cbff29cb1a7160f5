"""Primitives: parts of times, times from parts and from texts, the time zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zoneinfo import available_timezones

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Column, Const, Expr, Op, Table, local_table, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.levels import keep_used_levels
from dh2o.rapids.passes import gather, together
from dh2o.rapids.table import primitive, register
from dh2o.rapids.tile_times import parse_date, strptime_pattern
from dh2o.rapids.time_zones import time_zone_lines
from dh2o.rapids.values import Val, ValFrame, ValNum, ValStr

__all__: list[str] = []

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DOCS = {
    "year": "The year.",
    "month": "The month, 1 to 12.",
    "day": "The day of the month.",
    "hour": "The hour, 0 to 23.",
    "minute": "The minute.",
    "second": "The second.",
    "millis": "The milliseconds within the second.",
    "week": "The week of the year (ISO 8601).",
    "dayOfWeek": "The day of the week, Mon to Sun.",
}


def _part(env: Env, part: str, value: Val) -> Val:
    if isinstance(value, ValNum):
        one = local_table(["t"], [np.array([value.value])], [VecType.TIME])
        done = gather(_parts_of(env, part, one))
        return ValNum(float(done.columns[0].expr.values[0]))  # type: ignore[union-attr]
    if not isinstance(value, ValFrame):
        raise RapidsError(f"{part} needs a column of times, found a {value.kind}.")
    return ValFrame(_parts_of(env, part, value.table))


def _parts_of(env: Env, part: str, table: Table) -> Table:
    columns = []
    for name, column in zip(table.names, table.columns, strict=True):
        if not column.is_numberlike:
            raise RapidsError(f"{part} needs a column of times; {name!r} is {column.type}.")
        expr = Op("time_part", (column.expr,), (part, env.session.time_zone))
        is_day = part == "dayOfWeek"
        columns.append(Column(VecType.ENUM, expr, DAYS) if is_day else numeric(expr))
    return table.like(table.names, columns)


def _register_parts() -> None:
    for part, doc in _DOCS.items():

        def function(env: Env, value: Val, _p: str = part) -> Val:
            return _part(env, _p, value)

        function.__module__ = __name__
        register(part, "time:any", doc, function)


_register_parts()


def _from_parts(env: Env, values: Sequence[Val], shape: tuple[str, bool, VecType]) -> Val:
    name, from_zero, kind = shape
    tables = [v.table for v in values if isinstance(v, ValFrame)]
    for table in tables:
        if table.n_cols != 1:
            raise RapidsError("Expect single column")
    n_rows = {table.n_rows for table in tables if table.n_rows != 1} or {1}
    if len(n_rows) > 1:
        raise RapidsError(f"The columns have different numbers of rows: {sorted(n_rows)}.")
    tall = [t for t in tables if t.n_rows == max(n_rows)]
    aligned = iter(together(tall))
    base: Table | None = None
    exprs: list[Expr] = []
    for i, value in enumerate(values):
        shift = 1.0 if from_zero and i in (1, 2) else 0.0
        expr, found = _operand(value, aligned, max(n_rows))
        base = base or found
        exprs.append(Op("+", (expr, Const(shift))) if shift else expr)
    target = base if base is not None else Table((), (), 1, None)
    made = Column(kind, Op("moment", tuple(exprs), (env.session.time_zone, from_zero)))
    return ValFrame(target.like([name], [made]))


def _operand(value: Val, aligned: Iterator[Table], n_rows: int) -> tuple[Expr, Table | None]:
    if isinstance(value, ValNum):
        return Const(value.value), None
    if not isinstance(value, ValFrame):
        raise RapidsError(f"Expected a number or a column, found a {value.kind}.")
    column = value.table.columns[0]
    if not (column.is_number or column.is_enum):
        raise RapidsError(f"Expected a column of numbers, found {column.type}.")
    if value.n_rows == n_rows:
        table = next(aligned)
        return table.columns[0].expr, table
    held = gather(value.table).columns[0].expr
    return Const(float(held.values[0])), None  # type: ignore[union-attr]


_SEVEN = "year:any month:any day:any hour:any minute:any second:any msec:any"


@primitive(
    "mktime",
    _SEVEN,
    "Milliseconds since 1970 of a time; month and day count from 0. Numbers or columns.",
)
def mktime(env: Env, *values: Val) -> Val:
    made = _from_parts(env, values, ("msec", True, VecType.NUMERIC))
    if any(isinstance(v, ValFrame) for v in values) or not isinstance(made, ValFrame):
        return made
    return ValNum(float(gather(made.table).columns[0].expr.values[0]))  # type: ignore[union-attr]


@primitive("moment", _SEVEN, "A time column; month and day count from 1; NA for no such time.")
def moment(env: Env, *values: Val) -> Val:
    return _from_parts(env, values, ("time", False, VecType.TIME))


@primitive(
    "as.Date",
    "time:frame format:str",
    "Times of texts in a pattern such as yyyy-MM-dd or %Y-%m-%d.",
)
def as_date(env: Env, table: Table, pattern: str) -> Val:
    column = table.columns[0] if table.n_cols == 1 else None
    if column is None or not (column.is_enum or column.is_string):
        raise RapidsError("as.Date requires a single column of factors or strings")
    format_ = strptime_pattern(pattern)
    zone = env.session.time_zone
    if column.is_enum:
        column = keep_used_levels(table, column)  # a text that no row has may be no time
        values = [parse_date(level, format_, zone) for level in column.domain or ()]
        expr = Op("lookup", (column.expr,), (np.array(values, dtype=np.float64),))
    else:
        expr = Op("parse_date", (column.expr,), (format_, zone))
    return ValFrame(table.like(table.names, [Column(VecType.TIME, expr)]))


@primitive("getTimeZone", "", "The time zone of the session.")
def get_time_zone(env: Env) -> Val:
    return ValStr(env.session.time_zone)


@primitive("setTimeZone", "tz:str", "Sets the time zone in which times are read and written.")
def set_time_zone(env: Env, zone: str) -> Val:
    if zone not in available_timezones():
        raise RapidsError(
            f"Unacceptable timezone {zone} given.  For a list of acceptable names, "
            "use listTimezone()."
        )
    env.session.time_zone = zone
    return ValStr(zone)


@primitive(
    "listTimeZones",
    "",
    "The time zones with their offsets and other names; the first row is a heading.",
)
def list_time_zones(_env: Env) -> Val:
    lines = ["StandardOffset CanonicalID, Aliases", *time_zone_lines()]
    codes = np.arange(len(lines), dtype=np.float64)
    return ValFrame(local_table(["Timezones"], [codes], [VecType.ENUM], [lines]))
