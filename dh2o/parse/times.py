"""Times from text: H2O's formats and ISO 8601, as milliseconds since 1970.

Every reader returns (milliseconds, is absolute) with `NOT_A_TIME` for failure. A time is absolute
when the text itself says where it is on the UTC line (``Z`` or an offset), so that the zone of the
parse does not apply to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.compiled import njit
from dh2o.parse import numbers
from dh2o.parse.tokenise import CellArray, U8Array
from dh2o.parse.words import digits_of, is_digits, load_word

I64Array = NDArray[np.int64]

NOT_A_TIME = np.iinfo(np.int64).min
_NO = -1
_MS_PER_DAY = 86_400_000
_TEN = np.uint64(10)
_FIRST_MS = np.uint64(62_135_596_800_000)  # before 1970, and so many after: the years 1 to 9999
_LAST_MS = np.uint64(253_402_300_799_999)

# Of the words yyyy-MM- and ddTHH:mm, their lowest byte first: which bytes are no digits.
_ZEROS = np.uint64(0x3030303030303030)
_DATE_MARKS, _DATE_DASHES = np.uint64(0xFF0000FF00000000), np.uint64(0x2D00002D00000000)
_CLOCK_MARKS = np.uint64(0x0000FF0000FF0000)
_COLON_MARK, _COLON = np.uint64(0x0000FF0000000000), np.uint64(0x00003A0000000000)
_MIDNIGHT = np.uint64(0x30303A3030200000)  # " 00:00" after a day

_MONTHS = (
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
)
_MONTH_LETTERS = np.zeros((12, 9), np.uint8)
for _i, _name in enumerate(_MONTHS):
    _MONTH_LETTERS[_i, : len(_name)] = np.frombuffer(_name, np.uint8)
_MONTH_LENGTHS = np.array([len(name) for name in _MONTHS], np.int64)
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@njit(cache=True, nogil=True)
def _digits(buf: U8Array, p: int, stop: int, at_most: int) -> tuple[int, int]:
    """Return (number, offset after it) for up to `at_most` digits; (-1, p) when there is none."""
    first = p
    number: Any = 0
    while p < stop and p - first < at_most and 48 <= buf[p] <= 57:
        number = number * 10 + np.int64(buf[p]) - 48
        p += 1
    return (number if p > first else _NO), p


@njit(cache=True, nogil=True)
def _midnight(year: int, month: int, day: int) -> int:
    """Return the milliseconds of a date's start, NOT_A_TIME for a date that does not exist."""
    if month < 1 or month > 12 or day < 1:
        return NOT_A_TIME
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
        return NOT_A_TIME
    y = year - 1 if month <= 2 else year
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
    return (era * 146097 + doe - 719468) * _MS_PER_DAY


@njit(cache=True, nogil=True)
def _month_name(buf: U8Array, p: int, stop: int) -> tuple[int, int]:
    """Return (month, offset after its name), short or long, any case; (-1, p) when none."""
    end = p
    while end < stop and 97 <= (buf[end] | 32) <= 122:
        end += 1
    n = end - p
    for month in range(12):
        if n == 3 or n == _MONTH_LENGTHS[month]:
            same = True
            for j in range(n):
                if (buf[p + j] | 32) != _MONTH_LETTERS[month, j]:
                    same = False
                    break
            if same:
                return month + 1, end
    return _NO, p


@njit(cache=True, nogil=True)
def _year(buf: U8Array, p: int, stop: int) -> tuple[int, int]:
    """Return (year, offset after it) for two or four digits; 69-99 are 19xx, 00-68 are 20xx."""
    year, end = _digits(buf, p, stop, 4)
    if end - p == 2:
        return (year + 1900 if year >= 69 else year + 2000), end
    return (year if end - p == 4 else _NO), end


@njit(cache=True, nogil=True)
def _offset(buf: U8Array, p: int, stop: int) -> tuple[int, int]:
    """Return (offset from UTC in ms, offset after it) for ``+HH``, ``+HHMM``, ``+HH:MM``."""
    sign = -1 if buf[p] == 45 else 1
    hours, q = _digits(buf, p + 1, stop, 2)
    if q - p != 3 or hours > 18:
        return 0, _NO
    minutes = 0
    if q < stop:
        if buf[q] == 58:
            q += 1
        minutes, end = _digits(buf, q, stop, 2)
        if end - q != 2 or minutes > 59:
            return 0, _NO
        q = end
    return sign * (hours * 60 + minutes) * 60_000, q


@njit(cache=True, nogil=True)
def _clock(  # noqa: C901 - the grammar of a time of day, read once
    buf: U8Array, p: int, stop: int, dated: bool
) -> tuple[int, bool]:
    """Return (ms since midnight, is absolute) for ``H:m:s[.fraction][ AM|PM][Z|offset]``."""
    failed = NOT_A_TIME, False
    hour, p = _digits(buf, p, stop, 2)
    if hour < 0 or hour > 23 or p >= stop or (buf[p] != 58 and buf[p] != 46):
        return failed
    n_dots = 1 if buf[p] == 46 else 0
    minute, p = _digits(buf, p + 1, stop, 2)
    if minute < 0 or minute > 59:
        return failed
    second = 0
    ms = 0
    if p < stop and (buf[p] == 58 or buf[p] == 46):
        n_dots += 1 if buf[p] == 46 else 0
        second, p = _digits(buf, p + 1, stop, 2)
        if second < 0 or second > 59:
            return failed
        if p < stop and (buf[p] == 58 or buf[p] == 46):
            n_dots += 1 if buf[p] == 46 else 0
            first = p + 1
            ms, p = _digits(buf, first, stop, 3)
            if ms < 0:
                return failed
            for _ in range(3 - (p - first)):
                ms *= 10
            while p < stop and 48 <= buf[p] <= 57:
                p += 1
    elif not dated or n_dots > 0:
        return failed
    if p < stop and buf[p] == 32:
        p += 1
    if p + 2 <= stop and (buf[p] == 65 or buf[p] == 80) and buf[p + 1] == 77:
        if hour < 1 or hour > 12:
            return failed
        hour = hour % 12 + (12 if buf[p] == 80 else 0)
        p += 2
        n_dots = 0  # with AM or PM it is no address such as 1.2.3.4
    shift = 0
    absolute = False
    if dated and p < stop:
        absolute = True
        if buf[p] == 90 or buf[p] == 122:
            p += 1
        elif buf[p] == 43 or buf[p] == 45:
            shift, p = _offset(buf, p, stop)
            if p < 0:
                return failed
    if p < stop or (not dated and n_dots == 3):
        return failed
    return ((hour * 60 + minute) * 60 + second) * 1000 + ms - shift, absolute


@njit(cache=True, nogil=True)
def _year_first(buf: U8Array, p: int, stop: int) -> tuple[int, int, int, int]:
    """Read the date of ``yyyy-MM[-dd][ |T time]`` and ``yyyyMMdd-time``; where the time starts."""
    failed = 0, 0, 0, _NO
    year, q = _digits(buf, p, stop, 4)
    if q - p != 4 or q == stop:
        return failed
    dashed = buf[q] == 45
    month, end = _digits(buf, q + 1 if dashed else q, stop, 2)
    if month < 0:
        return failed
    if not dashed:
        day, q = _digits(buf, end, stop, 2)
        if q - end != 2 or q + 1 >= stop or buf[q] != 45:
            return failed
        return year, month, day, q + 1
    day = 1
    if end < stop and buf[end] == 45:
        day, end = _digits(buf, end + 1, stop, 2)
    elif end < stop:
        return failed
    if end < stop:
        if buf[end] != 32 and ((buf[end] | 32) != 116 or end + 1 == stop):
            return failed
        end += 1
        while end < stop and buf[end] == 32:
            end += 1
    return year, month, day, end


@njit(cache=True, nogil=True)
def _named_month(buf: U8Array, p: int, stop: int) -> tuple[int, int, int, int]:
    """Read the date of ``[dd[-]]MMM[-]yy[yy][:| time]`` and ``yy-MMM``."""
    failed = 0, 0, 0, _NO
    number, q = _digits(buf, p, stop, 2)
    dashed = q < stop and buf[q] == 45
    month, end = _month_name(buf, q + 1 if dashed else q, stop)
    if month < 0:
        return failed
    if end == stop:
        if dashed and q - p == 2:
            return number + (1900 if number >= 69 else 2000), month, 1, stop
        return failed
    if buf[end] == 45:
        end += 1
    year, end = _year(buf, end, stop)
    if year < 0:
        return failed
    return year, month, number if number >= 0 else 1, end


@njit(cache=True, nogil=True)
def _month_first(buf: U8Array, p: int, stop: int) -> tuple[int, int, int, int]:
    """Read the date of ``MM/dd/yy[yy]`` and ``MM-dd-yy[yy]``: the American order."""
    failed = 0, 0, 0, _NO
    month, q = _digits(buf, p, stop, 2)
    if month < 0 or q >= stop or (buf[q] != 47 and buf[q] != 45):
        return failed
    mark = buf[q]
    day, end = _digits(buf, q + 1, stop, 2)
    if day < 0 or end >= stop or buf[end] != mark:
        return failed
    year, end = _year(buf, end + 1, stop)
    if year < 0:
        return failed
    return year, month, day, end


@njit(cache=True, nogil=True)
def _iso_time(buf: U8Array, start: int, stop: int) -> tuple[int, bool]:
    """Return (ms, is absolute) of ``yyyy-MM-dd`` or ``yyyy-MM-dd[T ]HH:mm:ss[Z]``, by words.

    NOT_A_TIME says that the whole grammar has to look.
    """
    failed = NOT_A_TIME, False
    n = stop - start
    if n != 10 and n != 19 and n != 20:  # noqa: PLR1714 - faster
        return failed
    date = load_word(buf, start)
    if date & _DATE_MARKS != _DATE_DASHES:
        return failed
    date = (date & ~_DATE_MARKS) | (_DATE_MARKS & _ZEROS)
    if not is_digits(date):
        return failed
    number = np.int64(digits_of(date))  # yyyy0MM0
    year, month = number // 10_000, number % 10_000 // 10
    clock = load_word(buf, start + min(8, n - 8))  # of a date alone, its last eight bytes
    if n == 10:
        clock = (clock >> np.uint64(48)) | _MIDNIGHT
    mark = np.int64(clock >> np.uint64(16)) & 0xFF
    if clock & _COLON_MARK != _COLON or (mark != 32 and (mark | 32) != 116):
        return failed
    clock = (clock & ~_CLOCK_MARKS) | (_CLOCK_MARKS & _ZEROS)
    if not is_digits(clock):
        return failed
    number = np.int64(digits_of(clock))  # dd0HH0mm
    hour, minute = number // 1000 % 1000, number % 1000
    second: Any = 0
    if n > 10:
        tens, ones = np.int64(buf[start + 17]) - 48, np.int64(buf[start + 18]) - 48
        if buf[start + 16] != 58 or tens < 0 or tens > 5 or ones < 0 or ones > 9:
            return failed
        second = tens * 10 + ones
    midnight = _midnight(year, month, number // 1_000_000)
    is_zoned = n == 20
    odd = hour > 23 or minute > 59 or midnight == NOT_A_TIME
    if odd or (is_zoned and (buf[start + 19] | 32) != 122):
        return failed
    return midnight + ((hour * 60 + minute) * 60 + second) * 1000, is_zoned


@njit(cache=True, nogil=True)
def time_at(buf: U8Array, start: int, stop: int) -> tuple[int, bool]:
    """Return (milliseconds, is absolute) of a cell in the format that fits."""
    ms, absolute = _iso_time(buf, start, stop)
    if ms != NOT_A_TIME:
        return ms, absolute
    return any_time_at(buf, start, stop)


@njit(cache=True, nogil=True)
def any_time_at(buf: U8Array, start: int, stop: int) -> tuple[int, bool]:
    """Return what `time_at` does, by the whole grammar."""
    failed = NOT_A_TIME, False
    while stop > start and buf[stop - 1] == 32:
        stop -= 1
    while start < stop and buf[start] == 32:
        start += 1
    n = stop - start
    if n < 5 or n > 40:
        return failed
    dated = True
    year, month, day, p = _year_first(buf, start, stop)
    if p < 0:
        year, month, day, p = _named_month(buf, start, stop)
        if p < 0:
            year, month, day, p = _month_first(buf, start, stop)
        if p >= 0:
            while p < stop and buf[p] == 32:
                p += 1
            if p < stop and buf[p] == 58:
                p += 1
        else:
            dated = False
            year, month, day, p = 1970, 1, 1, start
    midnight = _midnight(year, month, day)
    if midnight == NOT_A_TIME:
        return failed
    if p == stop:
        return midnight, False
    ms, absolute = _clock(buf, p, stop, dated)
    if ms == NOT_A_TIME:
        return failed
    return midnight + ms, absolute or not dated


@njit(cache=True, nogil=True)
def _milliseconds_at(buf: U8Array, start: int, stop: int) -> int:
    """Return the number in a cell, cut to whole milliseconds; NOT_A_TIME where there is none."""
    kind, w, q, negative, _ = numbers.parts(buf, start, stop)
    if kind == numbers.ZERO:
        return 0
    if kind != numbers.NONZERO and kind != numbers.HARD:  # noqa: PLR1714 - faster
        return NOT_A_TIME
    while q < 0 and w > 0:
        w, q = w // _TEN, q + 1
    while q > 0 and w <= _LAST_MS:
        w, q = w * _TEN, q - 1
    if w > (_FIRST_MS if negative else _LAST_MS):
        return NOT_A_TIME
    ms: Any = np.int64(w)
    return -ms if negative else ms


@njit(cache=True, nogil=True)
def read_times(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays one by one
    buf: U8Array,
    cells: CellArray,
    n_rows: int,
    slot: int,
    out: I64Array,
    absolute: NDArray[np.bool_],
    at: int,
    tally: I64Array,
    takes_numbers: bool,
) -> None:
    """out[at + r] = the time in cell (r, slot) in ms, NOT_A_TIME where there is none.

    A number is the time itself if `takes_numbers`.
    IN: all but out, absolute, tally.   OUT: tally[0] counts texts that are no time, tally[1] is
    the row of the first.
    """
    for r in range(n_rows):
        start = cells[r, slot, 0]
        stop = cells[r, slot, 1]
        ms, fixed = NOT_A_TIME, False
        if stop >= 0:
            ms, fixed = time_at(buf, start, stop)
            if takes_numbers and ms == NOT_A_TIME:
                ms, fixed = _milliseconds_at(buf, start, stop), True
        out[at + r] = ms
        absolute[at + r] = fixed
        if ms == NOT_A_TIME and stop != start:
            if tally[0] == 0:
                tally[1] = at + r
            tally[0] += 1


def to_utc(ms: I64Array, absolute: NDArray[np.bool_], timezone: str) -> I64Array:
    """Return local times as UTC; those that a jump of the clock skipped become NOT_A_TIME."""
    if timezone in {"UTC", "Etc/UTC", "GMT"}:
        return ms
    import pyarrow as pa
    import pyarrow.compute as pc

    fixed = absolute | (ms == NOT_A_TIME)
    local = pa.array(ms, pa.timestamp("ms"), mask=fixed)
    early = pc.assume_timezone(local, timezone, ambiguous="earliest", nonexistent="earliest")
    back = pc.local_timestamp(early)
    skipped = np.asarray(pc.fill_null(pc.not_equal(back, local), False))
    utc = np.asarray(pc.fill_null(early.cast(pa.int64()), 0))
    return np.where(fixed, ms, np.where(skipped, NOT_A_TIME, utc))
