"""H2OFrame: strings and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase

__all__ = ["FrameText"]


def _date_parts(
    date: Any, days: list[Any], clock: list[Any], time: Any
) -> tuple[list[Any], list[Any]]:
    """Return year, month, day, and the time of day where `date` has one (datetime, Timestamp)."""
    if hasattr(date, "astype"):  # numpy.datetime64
        date = date.astype("M8[ms]").astype("O")
    if any(part is not None for part in days):
        raise RapidsError("year, month and day cannot be used with `date`.")
    days = [date.year, date.month, date.day]
    if hasattr(date, "hour"):
        if time is not None or any(part is not None for part in clock):
            raise RapidsError("A `date` with a time of day cannot be used with another time.")
        clock = [date.hour, date.minute, date.second, date.microsecond // 1000]
    return days, clock


def _names_of(frame: FrameBase) -> tuple[range, list[str]]:
    names = list(frame._table().names)
    return range(len(names)), names


def _simple(symbol: str, what: str) -> Callable[..., Any]:
    def method(self: FrameBase) -> Any:
        return self._apply(symbol)._apply("colnames=", *_names_of(self))

    method.__doc__ = f"Return {what}."
    return method


class FrameText(FrameBase):
    """Text functions (on strings and on levels) and the parts of times."""

    __slots__ = ()

    def _named_like(self, other: FrameBase) -> Self:
        """Return this frame under the column names of another."""
        return self._apply("colnames=", *_names_of(other))

    trim = _simple("trim", "the texts without white space at both ends")
    tolower = _simple("tolower", "the texts in lower case")
    toupper = _simple("toupper", "the texts in upper case")
    nchar = _simple("strlen", "the number of characters")
    entropy = _simple("entropy", "Shannon's entropy of the characters in bits")
    year = _simple("year", "the year")
    month = _simple("month", "the month, 1 to 12")
    week = _simple("week", "the week of the year")
    day = _simple("day", "the day of the month")
    dayOfWeek = _simple("dayOfWeek", "the day of the week, Mon to Sun")  # noqa: N815 - H2O's name
    hour = _simple("hour", "the hour, 0 to 23")
    minute = _simple("minute", "the minute")
    second = _simple("second", "the second")

    def lstrip(self, set: str = " ") -> Self:  # noqa: A002 - H2O's name
        """Return the texts without these characters at the start."""
        return self._apply("lstrip", set)._named_like(self)

    def rstrip(self, set: str = " ") -> Self:  # noqa: A002 - H2O's name
        """Return the texts without these characters at the end."""
        return self._apply("rstrip", set)._named_like(self)

    def substring(self, start_index: int, end_index: int | None = None) -> Self:
        """Return characters start_index (from 0) to end_index (excluded)."""
        args = (start_index,) if end_index is None else (start_index, end_index)
        return self._apply("substring", *args)._named_like(self)

    def sub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """Return the texts with the first match replaced."""
        made = self._apply("replacefirst", pattern, replacement, ignore_case)
        return made._named_like(self)

    def gsub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """Return the texts with every match replaced."""
        return self._apply("replaceall", pattern, replacement, ignore_case)._named_like(self)

    def strsplit(self, pattern: str) -> Self:
        """Return the parts of the texts between matches, one column each."""
        return self._apply("strsplit", pattern)

    def tokenize(self, split: str) -> Self:
        """Return one column of all parts, NA after each row."""
        return self._apply("tokenize", split)

    def countmatches(self, pattern: str | list[str]) -> Self:
        """Return how often the texts contain the patterns."""
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        return self._apply("countmatches", patterns)._named_like(self)

    def num_valid_substrings(self, path_to_words: str) -> Self:
        """Return how many substrings are words of a file."""
        return self._apply("num_valid_substrings", path_to_words)._named_like(self)

    def grep(
        self,
        pattern: str,
        ignore_case: bool = False,
        invert: bool = False,
        output_logical: bool = False,
    ) -> Self:
        """Return the numbers of the rows that match, or 1 where a row matches."""
        return self._apply("grep", pattern, ignore_case, invert, output_logical)

    def strdistance(self, y: FrameBase, measure: str = "lv", compare_empty: bool = True) -> Self:
        """Return the similarity of the texts of two frames, 1 for equal ones."""
        return self._apply("strDistance", y, measure, compare_empty)

    def as_date(self, format: str) -> Self:  # noqa: A002 - H2O's name
        """Return the times of texts in a pattern such as yyyy-MM-dd or %Y-%m-%d."""
        return self._apply("as.Date", format)

    @classmethod
    def moment(
        cls,
        year: Any = None,
        month: Any = None,
        day: Any = None,
        hour: Any = None,
        minute: Any = None,
        second: Any = None,
        msec: Any = None,
        date: Any = None,
        time: Any = None,
    ) -> Self:
        """Return the time column of years, months and days (from 1), numbers or columns.

        A ``datetime.date`` or ``datetime`` as `date` stands for the first three (or all), a
        ``datetime.time`` as `time` for the others.
        """
        days, clock = [year, month, day], [hour, minute, second, msec]
        if date is not None:
            days, clock = _date_parts(date, days, clock, time)
        if time is not None:
            if any(part is not None for part in clock):
                raise RapidsError("hour, minute, second and msec cannot be used with `time`.")
            clock = [time.hour, time.minute, time.second, time.microsecond // 1000]
        if any(part is None for part in days):
            raise RapidsError("Give `year`, `month` and `day`, or `date`.")
        return cls._call("moment", *days, *(0 if part is None else part for part in clock))

    @classmethod
    def mktime(
        cls,
        year: Any = 1970,
        month: Any = 0,
        day: Any = 0,
        hour: Any = 0,
        minute: Any = 0,
        second: Any = 0,
        msec: Any = 0,
    ) -> Any:
        """Return milliseconds since 1970; month and day count from 0."""
        parts = (year, month, day, hour, minute, second, msec)
        made = cls._call("mktime", *parts)
        if any(isinstance(part, FrameBase) for part in parts):
            return made
        from dh2o.rapids.h2oframe_base import python_session

        return cls._plain(python_session().execute(made._node))
