"""Tile operations on times: milliseconds since 1970 in UTC, read in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dh2o.errors import RapidsError
from dh2o.rapids.kernels import F64
from dh2o.rapids.program import tile_op

__all__ = ["strptime_pattern"]

_PARTS = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "hour": pc.hour,
    "minute": pc.minute,
    "second": pc.second,
    "millis": pc.millisecond,
    "week": pc.iso_week,
    "dayOfWeek": pc.day_of_week,
}
_MIN_MS, _MAX_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


def _timestamps(values: F64, zone: str | None) -> Any:
    missing = np.isnan(values) | (values < _MIN_MS) | (values > _MAX_MS)
    whole = np.where(missing, 0, np.floor(values)).astype(np.int64)
    return pa.array(whole, mask=missing).cast(pa.timestamp("ms", tz=zone))


@tile_op("time_part")
def _time_part(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Year, month, ... of a time in the zone params[1]."""
    part, zone = params
    # Arrow looks for a change of the clock in every row, in UTC as well
    local = None if zone == "UTC" else zone
    stamps = _timestamps(np.broadcast_to(operands[0], (n_rows,)), local)
    return np.array(_PARTS[part](stamps).cast(pa.float64()).to_numpy(zero_copy_only=False))


_DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_IN = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@tile_op("moment", may_fail=True)
def _moment(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Milliseconds of year, month, day (from 1), hour, minute, second, ms; NA for no such time."""
    zone, lenient = params
    parts = [np.broadcast_to(np.asarray(o, np.float64), (n_rows,)) for o in operands]
    missing = np.any([np.isnan(p) for p in parts], axis=0)
    year, month, day, hour, minute, second, ms = (
        np.where(missing, 1, np.trunc(p)).astype(np.int64) for p in parts
    )
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    bad_month = (month < 1) | (month > 12)
    m = np.where(bad_month, 1, month)
    last = _DAYS_IN[m - 1] + ((m == 2) & leap)
    bad = bad_month | (day < 1) | (day > last) | (year < 1) | (year > 9999)
    limits = ((hour, 23), (minute, 59), (second, 59), (ms, 999))
    for value, most in limits:
        bad |= (value < 0) | (value > most)
    if lenient and (bad & ~missing).any():
        row = int(np.flatnonzero(bad & ~missing)[0])
        raise RapidsError(
            f"Row {row} of the block gives no date: {[int(p[row]) for p in parts[:3]]}."
        )
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    days = days + _DAYS_BEFORE[m - 1] + ((m > 2) & leap) + day - 1
    out = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000.0 + ms
    out = np.where(bad | missing, np.nan, out)
    return out if zone == "UTC" else _from_local(out, zone)


def _from_local(values: F64, zone: str) -> F64:
    missing = np.isnan(values)
    wall = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing).cast(
        pa.timestamp("ms")
    )
    utc = pc.assume_timezone(wall, zone, ambiguous="earliest", nonexistent="earliest")
    return np.array(utc.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False))


@tile_op("parse_date", may_fail=True)
def _parse_date(operands: list[Any], params: Any, _n_rows: int) -> F64:
    """Milliseconds of texts in a strptime pattern; a text of another form is an error."""
    pattern, zone = params
    encoded = operands[0].dictionary_encode()
    parsed = [parse_date(text, pattern, zone) for text in encoded.dictionary.to_pylist()]
    table = np.append(np.array(parsed, dtype=np.float64), np.nan)
    idx = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
    return table[np.asarray(idx, dtype=np.int64)]


def parse_date(text: str, pattern: str, zone: str) -> float:
    """Return the milliseconds of one text."""
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise RapidsError(f'Invalid format: "{text}" does not fit the pattern {pattern}.') from None
    moment = moment.replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return float((since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000)


_JODA = {
    "yyyy": "%Y",
    "y": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "m": "%M",
    "ss": "%S",
    "s": "%S",
    "SSS": "%f",
    "SS": "%f",
    "S": "%f",
    "EEEE": "%A",
    "EEE": "%a",
    "E": "%a",
    "a": "%p",
    "DDD": "%j",
    "Z": "%z",
}


def strptime_pattern(pattern: str) -> str:
    """Return a pattern of Python's strptime for a Joda pattern (yyyy-MM-dd) or a strptime one."""
    if not pattern:
        raise RapidsError("as.Date requires a non-empty format string")
    if "%" in pattern:
        return pattern
    out = []
    for match in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        quoted, word, _, other = match.groups()
        if word is not None:
            if word not in _JODA:
                raise RapidsError(
                    f"Illegal pattern component: {word} in the date format {pattern!r}."
                )
            out.append(_JODA[word])
        elif other is not None:
            out.append("%%" if other == "%" else other)
        else:
            out.append((quoted or "'").replace("%", "%%"))
    return "".join(out)
